"""Reading a journal for a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.model import RunState
from zexus_parallel_plugin.journal.places import SUFFIX, is_live
from zexus_parallel_plugin.journal.reader import JournalReader, read_start

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Loaded", "load"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run as far as its journal goes.

    Attributes:
        name: id of the run. path: the journal. start: its first event.
        state: all that follows from the journal. status: finished, failed, interrupted, running or gone.
        samples: memory and CPU time of the processes. corrupt: lines that could not be read.
    """

    name: str
    path: Path
    start: ev.RunStart
    state: RunState
    status: str
    samples: tuple[ev.Sample, ...]
    corrupt: int

    @property
    def seconds(self) -> float:
        """From the start to the latest event."""
        return self.state.now


def load(path: Path) -> Loaded:
    """Read a journal.

    :raises JournalError: it cannot be read, or is none.
    """
    start = read_start(path)
    state = RunState()
    samples: list[ev.Sample] = []
    with JournalReader(path) as reader:
        events = reader.poll()
        state.feed(events)
        samples += [event for event in events if isinstance(event, ev.Sample)]
        corrupt = reader.corrupt
    status = state.end.state if state.end is not None else "running" if is_live(start) else "gone"
    name = path.name.removesuffix(SUFFIX)
    return Loaded(name, path, start, state, status, tuple(samples), corrupt)
