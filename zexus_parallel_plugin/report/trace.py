"""The run as a Chrome trace: opens in Perfetto (ui.perfetto.dev) and in ``chrome://tracing``.

The format: "Trace Event Format" by the Chromium project, and what Perfetto says of it ("External trace
formats"). One track for the main process and one for each slot of workers; slices on a track are nested and
never cross; times are microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zexus_parallel_plugin.journal.tasks import Slice, TaskInfo
    from zexus_parallel_plugin.report.load import Loaded

__all__ = ["trace"]

_PID = 1
_MAIN = 0
_Event = dict[str, Any]


def trace(run: Loaded) -> dict[str, Any]:
    """The trace as plain values, to be written as JSON."""
    events = [*_names(run), *_main(run), *_slots(run), *_arrows(run), *_counters(run)]
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {"run": run.name, "program": run.start.program, "status": run.status},
    }


def _us(seconds: float) -> float:
    return round(max(0.0, seconds) * 1e6, 3)


def _event(phase: str, name: str, tid: int, t: float, **more: Any) -> _Event:
    return {"ph": phase, "name": name, "pid": _PID, "tid": tid, "ts": _us(t), **more}


def _names(run: Loaded) -> Iterator[_Event]:
    program = run.start.program or "a program"
    yield _event("M", "process_name", _MAIN, 0, args={"name": f"zexus {program}"})
    yield _event("M", "thread_name", _MAIN, 0, args={"name": "main process"})
    yield _event("M", "thread_sort_index", _MAIN, 0, args={"sort_index": 0})
    for slot in range(run.state.slots):
        yield _event("M", "thread_name", slot + 1, 0, args={"name": f"worker slot {slot}"})
        yield _event("M", "thread_sort_index", slot + 1, 0, args={"sort_index": slot + 1})


def _main(run: Loaded) -> Iterator[_Event]:
    """The main process: one slice, and what happened as marks in it."""
    args = {"status": run.status, "pid": run.start.pid, "run": run.name}
    yield _event("X", run.start.program or "run", _MAIN, 0, dur=_us(run.seconds), cat="run", args=args)
    for failure in run.state.failures:
        text = f"task {failure.task}: {failure.cause}"
        yield _event("i", text, _MAIN, failure.t, s="p", cat="failure", args={"detail": failure.detail})
    for warning in run.state.warnings:
        yield _event("i", warning.text, _MAIN, warning.t, s="t", cat="warning")


def _slots(run: Loaded) -> Iterator[_Event]:
    for slot in range(run.state.slots):
        for piece, begin, end in placed(run, slot):
            task = run.state.tasks[piece.task]
            name = task.name or f"task {task.id}"
            args = _arguments(run, task, piece)
            yield _event("X", name, slot + 1, begin, dur=_us(end) - _us(begin), cat="task", args=args)
            yield from _calls(task, piece, slot + 1, begin, end)


def placed(run: Loaded, slot: int) -> Iterator[tuple[Slice, float, float]]:
    """The slices of a slot in their order, with begin and end so that none crosses the one before it.

    The main process sees the end of an attempt that failed a little later than it was.
    """
    last = 0.0
    for piece in sorted(run.state.timeline[slot], key=lambda piece: piece.begin):
        begin = max(last, piece.begin)
        end = max(begin, run.seconds if piece.end is None else piece.end)
        last = end
        yield piece, begin, end


def _arguments(run: Loaded, task: TaskInfo, piece: Slice) -> dict[str, Any]:
    worker = run.state.workers.get(piece.worker)
    args: dict[str, Any] = {
        "task": task.id,
        "attempt": piece.attempt,
        "state": piece.cause or task.state,
        "calls": task.calls,
        "line": task.line,
        "bytes": task.bytes,
        "worker": piece.worker,
        "pid": worker.pid if worker is not None else None,
    }
    if task.thrown:
        args["thrown_away"] = task.thrown
    return args


def _calls(task: TaskInfo, piece: Slice, tid: int, begin: float, end: float) -> Iterator[_Event]:
    """The calls in a task, one after the other, inside of its slice."""
    if len(task.seconds) < 2 or piece is not task.slice or piece.cause:
        return
    at = begin
    for number, seconds in enumerate(task.seconds, 1):
        if at >= end:
            return
        until = min(end, at + max(0.0, seconds))
        yield _event("X", f"call {number}", tid, at, dur=_us(until) - _us(at), cat="call")
        at = until


def _arrows(run: Loaded) -> Iterator[_Event]:
    """From where a task was made to where it began, and from its end to where its result was used."""
    places = {
        piece: _Place(slot + 1, begin, end)
        for slot in range(run.state.slots)
        for piece, begin, end in placed(run, slot)
    }
    for task in run.state.tasks.values():
        if task.slice is None or task.ended is None:
            continue
        place = places[task.slice]
        if task.queued is not None and task.queued <= min(place.begin, run.seconds):
            yield from _arrow(f"s{task.id}", "sent", (_MAIN, task.queued), (place.tid, place.begin))
        if task.settled is not None and task.committed and place.last <= task.settled <= run.seconds:
            yield from _arrow(f"c{task.id}", "committed", (place.tid, place.last), (_MAIN, task.settled))
    yield from _dependences(run, places)


class _Place(NamedTuple):
    """Where a slice is drawn."""

    tid: int
    begin: float
    end: float

    @property
    def last(self) -> float:
        """A time that is still in it: its end is not."""
        return self.begin + (self.end - self.begin) * 0.999


def _arrow(ident: str, name: str, start: tuple[int, float], end: tuple[int, float]) -> Iterator[_Event]:
    yield _event("s", name, start[0], start[1], id=ident, cat="flow")
    yield _event("f", name, end[0], end[1], id=ident, cat="flow", bp="e")


def _dependences(run: Loaded, places: dict[Slice, _Place]) -> Iterator[_Event]:
    """From the last task of a chunk to the first one of a chunk that depends on it."""
    of_chunk: dict[int, list[_Place]] = {}
    for task in run.state.tasks.values():
        if task.chunk is not None and task.slice is not None and task.ended is not None:
            of_chunk.setdefault(task.chunk, []).append(places[task.slice])
    for chunk in run.state.chunks.values():
        for number, dependence in enumerate(chunk.depends):
            on = dependence.get("on")
            if type(on) is not int or on not in of_chunk or chunk.id not in of_chunk or on == chunk.id:
                continue
            before = max(of_chunk[on], key=lambda place: place.end)
            after = min(of_chunk[chunk.id], key=lambda place: place.begin)
            if before.last <= after.begin:
                name = f"{dependence.get('type', '')} {dependence.get('name', '')}".strip() or "depends"
                yield from _arrow(
                    f"d{chunk.id}.{number}", name, (before.tid, before.last), (after.tid, after.begin)
                )


def _counters(run: Loaded) -> Iterator[_Event]:
    changes: list[tuple[float, int]] = []
    for slot in range(run.state.slots):
        for _, begin, end in placed(run, slot):
            changes += [(begin, 1), (end, -1)]
    running = 0
    for t, change in sorted(changes):
        running += change
        yield _event("C", "tasks running", _MAIN, t, args={"running": running})
    series = run.state.throughput
    for number, rate in enumerate(series.rates()):
        yield _event("C", "tasks finished per second", _MAIN, number * series.width, args={"rate": rate})
    for sample in run.samples:
        total = sum(row[1] for row in sample.workers if len(row) == 3)
        megabytes = {"workers": round(total / 1e6, 1), "main": round(sample.rss / 1e6, 1)}
        yield _event("C", "memory (MB)", _MAIN, sample.t, args=megabytes)
