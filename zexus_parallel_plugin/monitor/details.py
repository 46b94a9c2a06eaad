"""The detail pane: everything about one thing, with its place in the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zexus_parallel_plugin.monitor.figures import count, duration, percent, size
from zexus_parallel_plugin.monitor.pane import LABEL, Pane
from zexus_parallel_plugin.monitor.summary import STATE_TONES
from zexus_parallel_plugin.monitor.tables import VERDICT_TONES, Failure, dependences, failures, task_time
from zexus_parallel_plugin.monitor.watch import CLOSED, LogLine, Watch, level_tone
from zexus_parallel_plugin.reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from zexus_parallel_plugin.journal.pieces import ChunkInfo
    from zexus_parallel_plugin.journal.tasks import Group, TaskInfo
    from zexus_parallel_plugin.journal.workers import WorkerInfo
    from zexus_parallel_plugin.monitor.ink import Line, Look, Tone

__all__ = ["Selection", "details"]

_SETTING = 18


class Selection(NamedTuple):
    """What is selected: ``kind`` is task, worker, chunk, function, failure, log or run."""

    kind: str
    key: Hashable = None


def details(watch: Watch, chosen: Selection, look: Look, room: int) -> tuple[str, list[Line]]:
    """A title and lines of at most ``room`` cells."""
    state, key = watch.state, chosen.key
    pane = _Details(watch, look, max(20, room))
    if chosen.kind == "task" and isinstance(key, int) and key in state.tasks:
        pane.task(state.tasks[key])
        return f"task {key}", pane.lines
    if chosen.kind == "worker" and isinstance(key, int) and key in state.workers:
        pane.worker(state.workers[key])
        return f"worker {key}", pane.lines
    if chosen.kind == "chunk" and isinstance(key, int) and key in state.chunks:
        pane.chunk(state.chunks[key])
        return f"chunk {key}", pane.lines
    if chosen.kind == "function" and isinstance(key, str) and key in state.groups:
        pane.function(state.groups[key])
        return "action", pane.lines
    if chosen.kind == "failure":
        found = next((item for item in failures(watch) if item.number == key), None)
        if found is not None:
            pane.failure(found)
            return f"failure {found.number}", pane.lines
    if chosen.kind == "log":
        line = next((item for item in watch.log if item.number == key), None)
        if line is not None:
            pane.log(line)
            return "log", pane.lines
    pane.run()
    return "run", pane.lines


class _Details(Pane):
    """Tells about one thing."""

    def task(self, task: TaskInfo) -> None:
        """A task."""
        watch = self.watch
        slow = watch.state.is_slow(task, watch.now)
        self.field("action", task.name or task.what or "-", "strong")
        self.field(
            "state", task.state + (" (slow)" if slow else ""), "warn" if slow else STATE_TONES[task.state]
        )
        taken = task_time(task, watch.now)
        expected = f", expected {duration(task.expected)}" if task.expected is not None else ""
        self.field("time", f"{duration(taken)}{expected}")
        used = f"{task.committed} used" + (f", {sum(task.thrown.values())} not" if task.thrown else "")
        self.field("calls", f"{task.calls}: {used}")
        if task.worker is not None:
            again = f", attempt {task.attempt}" if task.attempt > 1 else ""
            self.field("worker", f"{task.worker}{again}")
        if task.chunk is not None:
            self.field("chunk", f"#{task.chunk}")
        stages = [
            (name, value)
            for name, value in (
                ("queued", task.queued), ("sent", task.sent), ("begun", task.begun), ("ended", task.ended),
                ("settled", task.settled),
            )
            if value is not None
        ]  # fmt: skip
        if stages:
            arrow = f" {self.look.arrow} "
            self.field("life", arrow.join(f"{name} {value:.3f}" for name, value in stages))
        if task.cpu is not None or task.rss:
            self.field("used", f"{duration(task.cpu)} cpu, {size(task.rss)} memory, {size(task.bytes)} sent")
        if len(task.seconds) > 1:
            self.field("per call", self._spread(task.seconds))
        if task.cause:
            self.field("cause", f"{task.cause}{': ' if task.detail else ''}{task.detail}", "bad")
        for code, number in task.thrown.items():
            self.reason(code, f"{self.look.times}{number}")
        for event in self.watch.state.failures:
            if event.task == task.id:
                self.field(f"try {event.attempt}", f"{event.cause}: {event.detail or event.error}", "bad")
        self.source(task.line)

    def _spread(self, seconds: Iterable[float]) -> str:
        ordered = sorted(seconds)
        middle = ordered[len(ordered) // 2]
        return f"{duration(ordered[0])} to {duration(ordered[-1])}, median {duration(middle)}"

    def worker(self, worker: WorkerInfo) -> None:
        """A worker process."""
        watch = self.watch
        task = watch.state.tasks.get(worker.task) if worker.task is not None else None
        self.field(
            "process", f"{worker.pid or '-'} in slot {worker.slot}, by {worker.method or '-'}", "strong"
        )
        if worker.alive:
            tone: Tone = "run" if task is not None else "ok"
            self.field(
                "state",
                ("busy" if task is not None else "idle") if worker.state == "ready" else worker.state,
                tone,
            )
        else:
            how = worker.signal or f"exit code {worker.code}"
            if worker.reason == CLOSED:
                how = "nothing was left for it to do"
            self.field(
                "state",
                f"gone {duration(worker.ended)} into the run, {how}",
                "bad" if worker.expected is False else "dim",
            )
        if worker.reason and worker.reason != CLOSED:
            self.field("reason", worker.reason, "warn")
        self.field("started", f"{duration(worker.since)} into the run, ready in {duration(worker.ready)}")
        self.field("tasks", f"{count(worker.finished)} done, {worker.failed} failed", "text")
        self.field("busy", duration(worker.busy_until(watch.now, task)))
        self.field("memory", size(worker.rss))
        self.field("cpu", f"{duration(worker.cpu)}, now {percent(worker.cpu_share)}")
        room = max(8, self.room - LABEL)
        if worker.cpu_history:
            self.field("cpu", self.look.spark(list(worker.cpu_history), min(room, 48)), "run")
        if worker.rss_history:
            self.field("memory", self.look.spark(list(worker.rss_history), min(room, 48)), "ok")
        if task is not None:
            self.heading(f"at task {task.id}")
            self.field("action", task.name or task.what or "-", "strong")
            self.field("for", duration(task.running_for(watch.now)), "run")
            self.source(task.line)

    def chunk(self, chunk: ChunkInfo) -> None:
        """A piece of code."""
        self.field(chunk.what or "about", chunk.name or "-", "strong")
        self.field("inside", chunk.inside or "top level")
        self.field("verdict", chunk.verdict, VERDICT_TONES.get(chunk.verdict, "text"))
        self.reason(chunk.reason)
        expected = f" of {count(chunk.expected)} expected" if chunk.expected else ""
        self.field("calls", f"{count(chunk.committed)} used{expected}, {count(chunk.thrown)} thrown away")
        self.field(
            "tasks",
            f"{count(chunk.tasks)}, {duration(chunk.busy)} on workers, {duration(chunk.seconds)} a call",
        )
        if chunk.reads:
            self.field("reads", ", ".join(chunk.reads))
        if chunk.writes:
            self.field("writes", ", ".join(chunk.writes))
        for item in dependences(chunk):
            sure = "" if item.get("proven") is not False else ", assumed"
            self.field("needs", f"#{item.get('on')} by {item.get('name', '')} ({item.get('type', '')}{sure})")
        self.source(chunk.line, chunk.end_line)

    def function(self, group: Group) -> None:
        """All tasks of an action."""
        total = self.watch.state.work
        self.field("action", group.name or "(no name)", "strong")
        share = percent(group.seconds / total) if total else "-"
        self.field("time", f"{duration(group.seconds)} on workers, {share} of all")
        if group.finished:
            self.field("a task", f"{duration(group.mean)} on average, {duration(group.longest)} the longest")
        self.field("tasks", f"{count(group.tasks)}, {group.running} running, {group.failed} failed")
        used = f"{count(group.committed)} used, {count(group.thrown)} thrown away"
        self.field("calls", f"{count(group.calls)}: {used}")
        lines = sorted({chunk.line for chunk in self.watch.state.chunks.values() if chunk.name == group.name})
        if lines:
            self.field("called in", "line " + ", ".join(str(line) for line in lines[:12]))
        where = self._definition(group.name)
        if where:
            self.source(where, context=8)
        elif lines:
            self.source(lines[0])

    def _definition(self, name: str) -> int:
        source = self.watch.state.source
        if source is None or not name:
            return 0
        for number, line in enumerate(source.lines, 1):
            words = line.replace("(", " ").split()
            if name in words[1:3] and words[0] in {"action", "function", "async", "native"}:
                return number
        return 0

    def failure(self, failure: Failure) -> None:
        """An attempt that failed."""
        event = failure.event
        task = self.watch.state.tasks.get(event.task)
        self.field("task", f"{event.task} {task.name if task is not None else ''}".strip(), "strong")
        self.field("cause", event.cause, "bad")
        if event.detail:
            self.field("what", event.detail)
        self.field(
            "attempt", f"{event.attempt}, on worker {event.worker if event.worker is not None else '-'}"
        )
        self.field("then", "tried again" if event.again else "executed in place by the main process")
        self.field("when", f"{event.t:.3f} s, begun {duration(event.begun)} into the run")
        self.reason(f"worker-{event.cause}" if f"worker-{event.cause}" in REASONS else "")
        if event.error or event.traceback:
            self.heading("traceback")
            if event.traceback:
                self.text(event.traceback)
            else:
                self.text(event.error, "bad")
        if task is not None:
            self.source(task.line)

    def log(self, line: LogLine) -> None:
        """A line of the log."""
        self.field("at", f"{line.t:.3f} s")
        self.field("level", line.level, level_tone(line.level))
        self.text(line.text)

    def run(self) -> None:
        """The whole run."""
        state, start = self.watch.state, self.watch.state.start
        if start is None:
            self.text("waiting for a run", "dim")
            return
        self.field("program", start.path or start.program or "-", "strong")
        self.field("run", start.run)
        self.field("state", self.watch.status)
        if state.end is not None and state.end.error:
            self.field("error", state.end.error, "bad")
        if state.end is not None and state.end.left_to_host:
            self.reason(state.end.left_to_host)
        limit = "unlimited" if start.gas_limit is None else count(int(start.gas_limit))
        self.field("gas", f"{count(state.gas)} of {limit}, {count(state.operations)} operations")
        if state.compiled is not None:
            self.field("compiled", state.compiled.words(duration))
        self.field("calls", f"{count(state.committed_calls)} used, {count(state.thrown_calls)} thrown away")
        self.field("workers", f"{start.workers} at most, {start.cores} cores, {state.deaths} died")
        retries = f"{state.retries} of {state.failed_attempts} failed attempts were tried again"
        self.field("retries", retries if state.failed_attempts else "none, no attempt has failed")
        # A run that is too short for a sample is not known to have used anything.
        used = f", {size(state.rss)}, {duration(state.cpu)} cpu" if state.rss else ""
        self.field("main", f"pid {start.pid}{used}")
        self.field("versions", ", ".join(f"{name} {value}" for name, value in start.versions.items()) or "-")
        if state.reasons:
            self.heading("decisions")
            for code, number in sorted(state.reasons.items(), key=lambda pair: -pair[1]):
                known = REASONS.get(code)
                text = f"{code}: {known.sentence}" if known is not None else code
                self.field(f"{self.look.times}{count(number)}", text)
        if state.shared or state.barriers:
            self.heading("shared by copies")
            for shared in state.shared.values():
                self.field(shared.name, f"{shared.value} ({shared.reads} reads, {shared.writes} writes)")
            for barrier in state.barriers.values():
                self.field(barrier.name, f"barrier, {barrier.state}, {barrier.waiting} of {barrier.of} wait")
        if start.config:
            self.heading("settings")
            for name, value in start.config.items():
                self.field(name, value, label=_SETTING)
