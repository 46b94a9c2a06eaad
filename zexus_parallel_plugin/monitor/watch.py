"""A run as the monitor sees it: its state, and what is derived from it for the screen."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.model import RunState
from zexus_parallel_plugin.monitor.lanes import KINDS, RUNNING, Lanes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.journal.tasks import TaskInfo
    from zexus_parallel_plugin.monitor.ink import Tone

__all__ = ["CLOSED", "LogLine", "Progress", "Watch", "level_tone", "told"]

_LOG_LINES = 5000
_RATE_SECONDS = 10.0
"""The time left is told by the pace of the last seconds."""
CLOSED = "close"
"""Why a worker is killed that is not needed any more."""
_DONE = KINDS.index("done")
_FAILED = KINDS.index("failed")


class LogLine(NamedTuple):
    """One line of the log: what the run, its workers and the plugin had to say."""

    number: int
    t: float
    level: str
    text: str


class Progress(NamedTuple):
    """How far a run is: ``done`` of ``total`` units, an estimate; no total if the program does not tell.

    ``left`` is the time that it will still take, in seconds.
    """

    done: int
    total: int | None
    unit: str
    left: float | None

    @property
    def share(self) -> float | None:
        """From 0 to 1."""
        return None if not self.total else min(1.0, self.done / self.total)


class Watch:
    """Takes the events of a run.

    Attributes:
        state: what follows from the events. lanes: the timeline. log: the latest lines. touched: tasks that
            have changed since somebody cleared it. version: goes up with every event.
        alive: whether the main process is there; None if that is not known. now: the time on the screen.
        largest_worker: bytes of the largest worker, at the latest sample.
    """

    def __init__(self) -> None:
        self.state = RunState()
        self.lanes = Lanes()
        self.log: deque[LogLine] = deque(maxlen=_LOG_LINES)
        self.touched: set[int] = set()
        self.alive: bool | None = None
        self.now = 0.0
        self.largest_worker = 0
        self._log_lines = 0
        self._pace: deque[tuple[float, int]] = deque(maxlen=64)

    @property
    def version(self) -> int:
        """Goes up with every event."""
        return self.state.changes

    @property
    def status(self) -> str:
        """How the run is: waiting, running, finished, failed, interrupted, or gone (ended without a word)."""
        if self.state.end is not None:
            return self.state.end.state
        if self.state.start is None:
            return "waiting"
        return "gone" if self.alive is False else "running"

    def feed(self, events: Iterable[ev.Event]) -> None:
        """Take events, in the order of the journal."""
        take = self.state.take
        for event in events:
            take(event)
            if isinstance(event, ev.Task):
                self._on_task(event.id)
            elif isinstance(event, ev.Attempt):
                self._on_attempt(event)
            else:
                self._note(event)
        self.now = max(self.now, self.state.now)
        done = self._done()
        if not self._pace or self._pace[-1][1] != done:
            self._pace.append((self.state.now, done))

    def _on_task(self, ident: int) -> None:
        self.touched.add(ident)
        task = self.state.tasks[ident]
        piece = task.slice
        if piece is not None:
            self.lanes.record(
                piece.slot, (task.id, piece.attempt), piece.begin, piece.end, kind_of(task, cause=piece.cause)
            )

    def _on_attempt(self, event: ev.Attempt) -> None:
        self.touched.add(event.task)
        worker = self.state.workers.get(event.worker) if event.worker is not None else None
        if worker is not None and event.begun is not None:
            key = (event.task, event.attempt)
            self.lanes.record(worker.slot, key, event.begun, max(event.begun, event.t), _FAILED)
        again = "; it is tried again" if event.again else ""
        where = "" if event.worker is None else f" on worker {event.worker}"
        why = told(self, event.worker, event.detail) or event.error or event.cause
        self._say(
            event.t, "warning", f"task {event.task}, attempt {event.attempt}{where} failed: {why}{again}"
        )

    def _note(self, event: ev.Event) -> None:
        """The log line of an event, if it has one."""
        if isinstance(event, ev.RunStart):
            self._say(event.t, "info", f"run {event.run} of {event.program or 'a code object'} started")
        elif isinstance(event, ev.RunEnd):
            level = "info" if event.state == "finished" else "error"
            why = f": {event.error}" if event.error else ""
            self._say(event.t, level, f"run {event.state}, exit code {event.code}{why}")
        elif isinstance(event, ev.Sample):
            alive = (worker.rss for worker in self.state.workers.values() if worker.alive)
            self.largest_worker = max(alive, default=0)
        elif isinstance(event, ev.Worker):
            self._on_worker(event)
        elif isinstance(event, ev.Decision):
            about = self.state.chunks.get(event.chunk) if event.chunk is not None else None
            at = f"{about.name or about.what or 'chunk'} in line {about.line}: " if about is not None else ""
            self._say(event.t, "info", f"{at}{event.reason}{': ' if event.detail else ''}{event.detail}")
        elif isinstance(event, ev.Warn):
            self._say(event.t, "warning", f"{event.text}{f' ({event.reason})' if event.reason else ''}")
        elif isinstance(event, ev.Log):
            self._say(event.t, event.level, f"{event.logger + ': ' if event.logger else ''}{event.text}")
        elif isinstance(event, ev.Barrier) and event.state != "waiting":
            self._say(
                event.t, "info", f"barrier {event.name} is {event.state} ({event.waiting} of {event.of})"
            )

    def _on_worker(self, event: ev.Worker) -> None:
        worker = self.state.workers[event.id]
        name = f"worker {event.id} (slot {worker.slot}, pid {worker.pid or '?'})"
        if event.state == "dead":
            how = worker.signal or (f"exit code {worker.code}" if worker.code is not None else "")
            what = told(self, event.id, worker.reason)
            if worker.reason == CLOSED:
                what = "is gone, nothing is left for it to do"
            elif what == worker.reason:
                what = f"is gone{f', {how}' if how else ''}{f': {what}' if what else ''}"
            self._say(event.t, "error" if worker.expected is False else "info", f"{name} {what}")
        elif event.state == "killed" and worker.reason != CLOSED:
            self._say(event.t, "warning", f"{name} is killed{f': {worker.reason}' if worker.reason else ''}")
        elif event.state == "ready":
            self._say(event.t, "info", f"{name} is ready")

    def _say(self, t: float, level: str, text: str) -> None:
        self._log_lines += 1
        self.log.append(LogLine(self._log_lines, t, level, text))

    # Derived figures

    def _done(self) -> int:
        state = self.state
        return state.expected_done if state.expected_calls else state.committed_calls + state.thrown_calls

    def progress(self) -> Progress:
        """How far the run is, by calls if the program tells how many there will be, else by known tasks."""
        state = self.state
        total = state.expected_calls
        if total:
            done, unit = self._done(), "calls"
        else:
            done, unit, total = state.finished, "tasks", None
        if state.end is not None:
            return Progress(done, done if state.end.state == "finished" else total, unit, None)
        left = None
        if total and self.status == "running":
            left = self._time_left(done, max(total, done))
        return Progress(done, total, unit, left)

    def _time_left(self, done: int, total: int) -> float | None:
        if total <= done or not self._pace:
            return None
        oldest = next((pair for pair in self._pace if pair[0] >= self.now - _RATE_SECONDS), self._pace[-1])
        if oldest[1] >= done:
            oldest = self._pace[0]
        seconds = self.now - oldest[0]
        if seconds <= 0 or done <= oldest[1]:
            return None
        return (total - done) * seconds / (done - oldest[1])

    def rates(self, columns: int) -> list[float]:
        """Finished tasks per second over the whole run so far, in at most as many values as columns."""
        rates = self.state.throughput.rates(max(self.now, 0.0))
        if len(rates) <= columns or columns <= 0:
            return rates
        step = -(-len(rates) // columns)
        return [sum(rates[i : i + step]) / len(rates[i : i + step]) for i in range(0, len(rates), step)]

    def recent_rate(self) -> float | None:
        """Finished tasks per second lately; over the whole run once it is over."""
        series = self.state.throughput
        if not series.values:
            return None
        if self.state.end is not None:
            return sum(series.values) * 1.0 / self.now if self.now > 0 else None
        span = max(2.0, series.width * 4)
        last = series.values[max(0, int((self.now - span) / series.width)) :]
        return sum(last) / min(span, max(self.now, series.width))

    def slow_tasks(self) -> list[TaskInfo]:
        """Running tasks that take much longer than their like."""
        running = (worker.task for worker in self.state.workers.values() if worker.task is not None)
        tasks = (self.state.tasks[ident] for ident in running if ident in self.state.tasks)
        return [task for task in tasks if self.state.is_slow(task, self.now)]


def kind_of(task: TaskInfo, *, cause: str = "") -> int:
    """What became of a task's time, as a number of :data:`lanes.KINDS`."""
    if task.state in KINDS:
        return KINDS.index(task.state)
    return _FAILED if cause else (RUNNING if task.ended is None else _DONE)


def told(watch: Watch, worker: int | None, detail: str) -> str:
    """What happened to a worker, without the worker, where that is said beside it."""
    known = watch.state.workers.get(worker) if worker is not None else None
    return detail if known is None else detail.removeprefix(f"worker {known.pid} ")


def level_tone(level: str) -> Tone:
    """The tone of a line of the log."""
    return {"warning": "warn", "error": "bad", "critical": "bad", "debug": "dim"}.get(level, "text")  # type: ignore[return-value]
