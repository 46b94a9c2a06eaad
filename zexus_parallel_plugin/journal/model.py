"""The state of a run: what follows from its events. One event is taken in constant time.

Nothing in here knows of files, clocks or screens: the monitor, the reports and the list of runs all show a
:class:`RunState`. All times are seconds since the start of the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.facts import RunFacts
from zexus_parallel_plugin.journal.fields import Fields
from zexus_parallel_plugin.journal.pieces import ChunkInfo, SharedInfo
from zexus_parallel_plugin.journal.tasks import Group, Slice, TaskFacts, TaskInfo
from zexus_parallel_plugin.journal.workers import WorkerInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["RunState"]


class RunState(RunFacts):
    """What is known of a run after some of its events, which it takes one by one."""

    def __init__(self) -> None:
        super().__init__()
        self._take: dict[type[ev.Event], Callable[[Any], None]] = {
            ev.RunStart: self._on_start,
            ev.Source: self._on_source,
            ev.Chunk: self._on_chunk,
            ev.Task: self._on_task,
            ev.Attempt: self._on_attempt,
            ev.Worker: self._on_worker,
            ev.Sample: self._on_sample,
            ev.Shared: self._on_shared,
            ev.Barrier: self._on_barrier,
            ev.Metrics: self._on_metrics,
            ev.Decision: self.decisions.append,
            ev.Warn: self.warnings.append,
            ev.Output: self._on_output,
            ev.Log: self.log.append,
            ev.RunEnd: self._on_end,
        }

    def feed(self, events: Iterable[ev.Event]) -> None:
        """Take events, in the order of the journal."""
        for event in events:
            self.take(event)

    def take(self, event: ev.Event) -> None:
        """Take one event."""
        self.changes += 1
        self.now = max(self.now, event.t)
        self._take[type(event)](event)

    def _on_start(self, event: ev.RunStart) -> None:
        if self.start is None:
            self.start = event

    def _on_source(self, event: ev.Source) -> None:
        self.source = event

    def _on_end(self, event: ev.RunEnd) -> None:
        self.end = event
        for worker in self.workers.values():
            worker.task = None

    def _on_chunk(self, event: ev.Chunk) -> None:
        _CHUNK_FIELDS.update(self._chunk(event.id), event)

    def _chunk(self, ident: int) -> ChunkInfo:
        chunk = self.chunks.get(ident)
        if chunk is None:
            chunk = self.chunks[ident] = ChunkInfo(ident)
        return chunk

    def _group(self, name: str) -> Group:
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Group(name)
        return group

    def _on_task(self, event: ev.Task) -> None:
        task = self.tasks.get(event.id)
        new = task is None
        if task is None:
            task = self.tasks[event.id] = TaskInfo(event.id)
        before, was_committed, was_thrown = task.state, task.committed, sum(task.thrown.values())
        was_ended, was_at = task.ended, task.worker
        _TASK_FIELDS.update(task, event)
        if was_at is not None and was_at != task.worker and self._worker(was_at).task == task.id:
            self._worker(was_at).task = None
        group = self._group(task.name)
        chunk = self._chunk(task.chunk) if task.chunk is not None else None
        if new:
            group.tasks += 1
            group.calls += task.calls
            if chunk is not None:
                chunk.tasks += 1
                chunk.calls += task.calls
        if before != task.state:
            if before:
                self.counts[before] -= 1
            self.counts[task.state] += 1
            group.running += (task.state == "running") - (before == "running")
            group.failed += (task.state == "failed") - (before == "failed")
        self._settle(task, group, chunk, was_committed, was_thrown)
        piece = task.slice
        told = piece is not None and piece.attempt == task.attempt and piece.end is not None
        self._place(task)
        if task.ended is not None and was_ended is None and task.begun is not None:
            self._finished(task, group, chunk, told=told)

    def _settle(
        self, task: TaskInfo, group: Group, chunk: ChunkInfo | None, committed: int, thrown: int
    ) -> None:
        more = task.committed - committed
        if more:
            self.committed_calls += more
            group.committed += more
            if chunk is not None:
                chunk.committed += more
            self.committed_work += sum(task.seconds) * more / max(1, task.calls)
        more = sum(task.thrown.values()) - thrown
        if more:
            self.thrown_calls += more
            group.thrown += more
            if chunk is not None:
                chunk.thrown += more

    def _place(self, task: TaskInfo) -> None:
        """Put the task where it belongs in the timeline, and at its worker."""
        if task.worker is None:
            return
        worker = self._worker(task.worker)
        if task.begun is not None and (task.slice is None or task.slice.attempt != task.attempt):
            piece = Slice(task.id, task.attempt, worker.id, worker.slot, task.begun)
            task.slice = piece
            self._row(worker.slot).append(piece)
        piece_now = task.slice
        if task.state == "running":
            worker.task = task.id
        elif worker.task == task.id:
            worker.task = None
        if piece_now is not None and piece_now.end is None:
            piece_now.begin = task.begun if task.begun is not None else piece_now.begin
            if task.ended is not None:
                piece_now.end = max(piece_now.begin, task.ended)
                piece_now.cause = task.cause

    def _finished(self, task: TaskInfo, group: Group, chunk: ChunkInfo | None, *, told: bool) -> None:
        """A task has ended; with ``told``, its attempt has told so already, and its worker knows."""
        seconds = task.duration or 0.0
        assert task.ended is not None
        self.throughput.add(task.ended, 1)
        self.busy.add(task.ended, seconds)
        self.work += seconds
        group.seconds += seconds
        group.finished += 1
        group.longest = max(group.longest, seconds)
        if chunk is not None:
            chunk.busy += seconds
        if task.worker is not None and not told:
            worker = self._worker(task.worker)
            worker.busy += seconds
            worker.failed += task.state == "failed"
            worker.finished += not task.cause
            if task.rss:
                worker.rss = max(worker.rss, task.rss)

    def _on_attempt(self, event: ev.Attempt) -> None:
        self.failures.append(event)
        self.failed_attempts += 1
        self.retries += event.again
        task = self.tasks.get(event.task)
        worker = self._worker(event.worker) if event.worker is not None else None
        begun = event.begun
        if task is None or worker is None or begun is None:
            return
        end = max(begun, event.t)
        piece = task.slice
        if piece is not None and piece.attempt == event.attempt and piece.end is not None:
            return  # the task has failed for good, and its own line has told so
        if piece is None or piece.attempt != event.attempt:
            piece = Slice(task.id, event.attempt, worker.id, worker.slot, begun)
            task.slice = piece
            self._row(worker.slot).append(piece)
        piece.end = end
        piece.cause = event.cause
        worker.failed += 1
        worker.busy += end - begun
        if worker.task == task.id:
            worker.task = None

    def _worker(self, ident: int) -> WorkerInfo:
        worker = self.workers.get(ident)
        if worker is None:
            worker = self.workers[ident] = WorkerInfo(ident)
            worker.since = self.now
            self._row(worker.slot)
        return worker

    def _row(self, slot: int) -> list[Slice]:
        while len(self.timeline) <= slot:
            self.timeline.append([])
        self.slots = len(self.timeline)
        return self.timeline[slot]

    def _on_worker(self, event: ev.Worker) -> None:
        worker = self._worker(event.id)
        if event.slot is not None and not 0 <= event.slot < 4096:
            return
        _WORKER_FIELDS.update(worker, event)
        self._row(worker.slot)
        if event.state == "dead":
            worker._end = event.t
            worker.task = None
            self.deaths += event.expected is False

    def _on_sample(self, event: ev.Sample) -> None:
        self.rss, self.cpu = event.rss, event.cpu
        for values in event.workers:
            if len(values) != 3 or values[0] not in self.workers:
                continue
            worker = self.workers[int(values[0])]
            worker.rss = int(values[1])
            worker.cpu = values[2]
            worker.rss_history.append(worker.rss)
            before = worker._cpu_at
            if before is not None and event.t > before[0]:
                worker.cpu_share = max(0.0, (worker.cpu - before[1]) / (event.t - before[0]))
                worker.cpu_history.append(worker.cpu_share)
            worker._cpu_at = event.t, worker.cpu

    def _on_shared(self, event: ev.Shared) -> None:
        shared = self.shared.get(event.name)
        if shared is None:
            shared = self.shared[event.name] = SharedInfo(event.name)
        shared.reads, shared.writes, shared.value = event.reads, event.writes, event.value

    def _on_barrier(self, event: ev.Barrier) -> None:
        self.barriers[event.name] = event

    def _on_metrics(self, event: ev.Metrics) -> None:
        self.metrics.update(event.counts)
        self.reasons.update(event.reasons)
        if event.gas is not None:
            self.gas = event.gas
        if event.operations is not None:
            self.operations = event.operations

    def _on_output(self, event: ev.Output) -> None:
        if event.text:
            self.output.append(event.text)
        self.output_chars += len(event.text) + event.dropped
        self.output_dropped += event.dropped


_TASK_FIELDS = Fields(TaskFacts, ev.Task)
_CHUNK_FIELDS = Fields(ChunkInfo, ev.Chunk)
_WORKER_FIELDS = Fields(WorkerInfo, ev.Worker)
