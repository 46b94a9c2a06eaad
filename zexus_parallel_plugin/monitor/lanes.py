"""The timeline: what each worker did when, added up per cell of the screen."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

__all__ = ["IDLE", "RUNNING", "Cell", "Lane", "Lanes", "Span", "steps"]

KINDS = ("committed", "done", "thrown-away", "failed", "cancelled", "running")
"""What a worker's time can have been used for, by number."""
RUNNING = KINDS.index("running")
_WEIGHTS = (1, 1, 3, 50, 1, 1)
"""What is rare and matters is shown even where it takes little of a cell."""
IDLE = -1


@dataclass(slots=True, eq=False)
class Span:
    """A worker's time from ``start`` to ``end``, in seconds from the start of the run, at the task ``key``.

    ``end`` is None while it goes on.
    """

    start: float
    end: float | None
    kind: int
    key: Hashable


class Cell(NamedTuple):
    """One cell: the share of its time that was used, and what for mostly (``IDLE``: for nothing)."""

    share: float
    kind: int


def steps(above: float) -> float:
    """The least of …, 0.1, 0.2, 0.5, 1, 2, 5, … seconds that is at least ``above``."""
    step = 1e-6
    while True:
        for factor in (1, 2, 5):
            if step * factor >= above * (1 - 1e-9):
                return round(step * factor, 6)
        step *= 10


@dataclass(slots=True)
class Lane:
    """One worker's row: spans in the order of their starts, and their sums per cell."""

    spans: list[Span] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    open: Span | None = None
    bins: dict[int, list[float]] = field(default_factory=dict)
    cell: float = 0.0

    def add(self, span: Span, sign: int) -> None:
        """Keep the sums up to date, if there are any."""
        if self.cell:
            _put(self.bins, self.cell, span, sign, 0, _MOST_BINS)

    def at(self, time: float) -> Hashable | None:
        """What was going on at a time, None if nothing was."""
        if self.open is not None and time >= self.open.start:
            return self.open.key
        index = bisect_right(self.starts, time) - 1
        if index >= 0 and time <= (self.spans[index].end or 0.0):
            return self.spans[index].key
        return None

    def between(self, start: float, end: float) -> Iterator[Span]:
        """The spans that touch a stretch of time, in order."""
        for index in range(max(0, bisect_right(self.starts, start) - 1), len(self.spans)):
            span = self.spans[index]
            if span.start >= end:
                break
            if (span.end or 0.0) > start:
                yield span
        if self.open is not None and self.open.start < end:
            yield self.open


class Lanes:
    """The rows of all workers.

    Adding up is done once per span and size of a cell, so a frame costs what is on the screen, however long
    the run was.
    """

    def __init__(self) -> None:
        self.lanes: dict[Hashable, Lane] = {}
        self._spans: dict[Hashable, tuple[Lane, Span]] = {}

    def record(self, lane_name: Hashable, key: Hashable, start: float, end: float | None, kind: int) -> None:
        """What is known about a span; may be said again when more is known."""
        found = self._spans.get(key)
        if found is not None and found[1].end is not None:
            lane, span = found
            if span.kind != kind:
                lane.add(span, -1)
                span.kind = kind
                lane.add(span, 1)
            return
        lane = self.lanes.get(lane_name) or self.lanes.setdefault(lane_name, Lane())
        span = Span(start, None, RUNNING, key) if found is None else found[1]
        self._spans[key] = (lane, span)
        if end is None:
            lane.open = span
            return
        if lane.open is span:
            lane.open = None
        span.end, span.kind = max(start, end), kind
        index = len(lane.starts)
        if index and lane.starts[-1] > start:
            index = bisect_right(lane.starts, start)
        lane.starts.insert(index, start)
        lane.spans.insert(index, span)
        lane.add(span, 1)

    def cells(self, name: Hashable, cell: float, first: int, count: int, now: float) -> list[Cell]:
        """Cells ``first`` to ``first + count`` of a row, each ``cell`` seconds, drawn at the time ``now``."""
        lane = self.lanes.get(name)
        if lane is None:
            return [Cell(0.0, IDLE)] * count
        used = _binned(lane, cell) if now < cell * _MOST_BINS else _summed(lane, cell, first, count)
        shown = []
        for number in range(first, first + count):
            parts = used.get(number, ())
            total, most = sum(parts), IDLE
            if total > 0:
                most = max(range(len(parts)), key=lambda kind: parts[kind] * _WEIGHTS[kind])
            if lane.open is not None:
                begin, end = max(lane.open.start, number * cell), min(now, (number + 1) * cell)
                if end > begin:
                    most = RUNNING if end - begin >= total else most
                    total += end - begin
            shown.append(Cell(min(1.0, total / cell), most))
        return shown


_Bins = dict[int, list[float]]

_MOST_BINS = 4000
"""A run that is longer than this many cells is zoomed into: the few spans on the screen are added up anew."""


def _binned(lane: Lane, cell: float) -> _Bins:
    if lane.cell != cell:
        lane.cell, lane.bins = cell, {}
        for span in lane.spans:
            _put(lane.bins, cell, span, 1, 0, _MOST_BINS)
    return lane.bins


def _summed(lane: Lane, cell: float, first: int, count: int) -> _Bins:
    bins: _Bins = {}
    for span in lane.between(first * cell, (first + count) * cell):
        _put(bins, cell, span, 1, first, first + count)
    return bins


def _put(bins: _Bins, cell: float, span: Span, sign: int, low: int, high: int) -> None:
    """Add a closed span to the bins from ``low`` to below ``high``."""
    if span.end is None:
        return
    for number in range(max(low, int(span.start / cell)), min(high, int(span.end / cell) + 1)):
        used = min(span.end, (number + 1) * cell) - max(span.start, number * cell)
        if used > 0:
            bins.setdefault(number, [0.0] * len(KINDS))[span.kind] += sign * used
