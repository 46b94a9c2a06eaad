"""Where the events come from: a run that goes on, or a journal that is played like a film."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from typing import TYPE_CHECKING

from zexus_parallel_plugin.journal.codec import decode
from zexus_parallel_plugin.journal.places import is_live
from zexus_parallel_plugin.journal.reader import JournalReader
from zexus_parallel_plugin.monitor.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from zexus_parallel_plugin.journal.events import Event

__all__ = ["Feed", "LiveFeed", "ReplayFeed", "journal_end"]

_TAIL = 1 << 16
_LOOK_EVERY = 1.0
"""Seconds between two looks whether the process of the run is there."""


class Feed(ABC):
    """Reads a journal into a watch.

    Attributes:
        path: the journal. watch: what has been read; another object after reading began anew.
        behind: whether more could be read at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.watch = Watch()
        self.behind = False
        self.reader = JournalReader(path)

    @abstractmethod
    def step(self, seconds: float) -> None:
        """Read what is there, for about so many seconds at most.

        Raises:
            JournalError: the file cannot be read.
        """

    def close(self) -> None:
        """Close the file."""
        self.reader.close()

    @property
    def read_share(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return self.reader.offset / self.reader.size if self.reader.size else 1.0


class LiveFeed(Feed):
    """Reads what a run writes, as it writes it. A run that has ended is read to its end."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(path)
        self._clock, self._wall = clock, wall
        self._generation = 0
        self._looked = -1e9

    def step(self, seconds: float) -> None:
        """Read what is there, for about so many seconds at most."""
        until = self._clock() + seconds
        while True:
            events = self.reader.poll(limit=1)
            if self.reader.generation != self._generation:
                self._generation = self.reader.generation
                self.watch = Watch()
            self.watch.feed(events)
            self.behind = self.reader.behind > 0 and bool(events)
            if not self.behind or self._clock() >= until:
                break
        self._tell_time()

    def _tell_time(self) -> None:
        watch, now = self.watch, self._clock()
        start = watch.state.start
        if start is None or watch.state.end is not None:
            watch.now = watch.state.now
            return
        if now - self._looked >= _LOOK_EVERY:
            self._looked = now
            watch.alive = is_live(start)
        watch.now = watch.state.now
        if watch.alive and not self.behind:
            watch.now = max(watch.state.now, self._wall() - start.time)


class ReplayFeed(Feed):
    """Plays a journal from its beginning, at any speed.

    Attributes:
        position: seconds from the start of the run. speed: seconds of the run per second.
        playing: false if paused. duration: the time of the last event.
    """

    def __init__(
        self, path: Path, speed: float = 1.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(path)
        self.speed = speed
        self.position = 0.0
        self.playing = True
        self.duration = journal_end(path)
        self._clock = clock
        self._last: float | None = None
        self._pending: deque[Event] = deque()
        self._times = array("d")

    def step(self, seconds: float) -> None:
        """Go on by the time that has passed, and read up to there, for about so many seconds at most."""
        now = self._clock()
        if self.playing and self._last is not None and not self.behind:
            self.position = min(self.duration, self.position + (now - self._last) * self.speed)
        self._last = now
        self._catch_up(now + seconds)
        self.watch.now = self.position

    def _catch_up(self, until: float) -> None:
        self.behind = False
        while True:
            if not self._pending:
                self._pending.extend(self.reader.poll(limit=1))
                if not self._pending:
                    return
            taken = []
            while self._pending and self._pending[0].t <= self.position:
                event = self._pending.popleft()
                self._times.append(event.t)
                taken.append(event)
            self.watch.feed(taken)
            if self._pending:
                return
            if self._clock() >= until:
                self.behind = True
                return

    def seek(self, position: float) -> None:
        """Go to a time. Going back means reading from the beginning."""
        position = max(0.0, min(self.duration, position))
        if position < self.position:
            self.watch = Watch()
            self._pending.clear()
            del self._times[:]
            self.reader.close()
            self.reader = JournalReader(self.path)
        self.position = position
        self.behind = True
        self._last = None

    def next_event(self) -> None:
        """Pause, and go to the next event."""
        self.playing = False
        if not self._pending:
            self._pending.extend(self.reader.poll(limit=1))
        if self._pending:
            self.seek(max(self.position, self._pending[0].t))

    def previous_event(self) -> None:
        """Pause, and go to the event before the last one."""
        self.playing = False
        last = bisect_right(self._times, self.position) - 1
        if last < 0:
            self.seek(0.0)
            return
        before = bisect_left(self._times, self._times[last]) - 1
        self.seek(self._times[before] if before >= 0 else 0.0)


def journal_end(path: Path) -> float:
    """The time of the last event in a journal, 0 if it has none."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            tail = _TAIL
            while True:
                start = max(0, file.tell() - tail)
                file.seek(start)
                found = _latest(file.read())
                if found is not None or start == 0:
                    return found or 0.0
                tail *= 8
    except OSError:
        return 0.0


def _latest(data: bytes) -> float | None:
    for line in reversed(data.split(b"\n")):
        try:
            event = decode(line)
        except ValueError:
            continue
        if event is not None:
            return event.t
    return None
