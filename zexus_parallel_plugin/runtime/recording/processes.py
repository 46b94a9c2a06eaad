"""Memory and CPU time of processes, where the system tells them as Linux does."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["usage"]


def usage(pid: int) -> tuple[int, float] | None:
    """Resident bytes and CPU seconds of a process; None if that is not known."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        fields = stat[stat.rindex(b")") + 2 :].split()
        ticks = int(fields[11]) + int(fields[12])
        return int(fields[21]) * os.sysconf("SC_PAGE_SIZE"), ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
