"""Memory and CPU time of processes, where the system tells them as Linux does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from zexus_parallel_plugin.runtime.recording.entries import WorkerEntry

__all__ = ["sample", "usage"]

_SAMPLED = 32
"""Workers that are looked at in one sample; the others have their turn in the next."""


def usage(pid: int) -> tuple[int, float] | None:
    """Resident bytes and CPU seconds of a process; None if that is not known."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        fields = stat[stat.rindex(b")") + 2 :].split()
        ticks = int(fields[11]) + int(fields[12])
        return int(fields[21]) * os.sysconf("SC_PAGE_SIZE"), ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def sample(groups: Sequence[Collection[WorkerEntry]], turn: int) -> dict[str, Any] | None:
    """Fields of an event about the workers of some pools and this process; None if nothing is known.

    :param turn: a number that grows from sample to sample.
    """
    rows = []
    for group in groups:
        workers = list(group)
        first = turn * _SAMPLED % max(1, len(workers))
        for worker in [*workers[first:], *workers[:first]][:_SAMPLED]:
            found = usage(worker.pid) if worker.pid else None
            if found is not None:
                rows.append([worker.id, found[0], round(found[1], 3)])
    fields: dict[str, Any] = {"workers": rows}
    mine = usage(os.getpid())
    if mine is not None:
        fields["rss"], fields["cpu"] = mine[0], round(mine[1], 3)
    return fields if rows or mine is not None else None
