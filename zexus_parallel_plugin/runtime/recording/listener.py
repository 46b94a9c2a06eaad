"""Listening to a pool of workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.journal.processes import mark_of
from zexus_parallel_plugin.runtime.recording.entries import TaskEntry, WorkerEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.runtime.recording.chunks import ChunkEntry
    from zexus_parallel_plugin.runtime.recording.live import LiveRecorder
    from zexus_parallel_plugin.runtime.task import Batch

__all__ = ["PoolListener"]

_LONGEST_TEXT = 2000


class PoolListener:
    """What a pool tells of its tasks and workers, as lines of the journal. Call it like a function.

    ``workers`` are those that are there, by the pool's number; ``tasks`` those that have more lines to come.
    """

    def __init__(
        self, recorder: LiveRecorder, slots_taken: Callable[[], set[int]], what: str = "", name: str = ""
    ) -> None:
        self._recorder = recorder
        self._slots_taken = slots_taken
        self._what = what
        self._name = name
        self._handlers: dict[str, Callable[..., None]] = {
            "task.start": self._task_start,
            "task.end": self._task_end,
            "task.retry": self._task_retry,
            "worker.start": self._worker_start,
            "worker.ready": self._worker_ready,
            "worker.kill": self._worker_kill,
            "worker.recycle": self._worker_recycle,
            "worker.exit": self._worker_exit,
            "worker.start_failed": self._start_failed,
            "pool.fallback": self._fallback,
            "pool.broken": self._broken,
            "barrier": self._barrier,
        }
        self._waiting = 0  # at a barrier
        self.workers: dict[int, WorkerEntry] = {}
        self.tasks: dict[int, TaskEntry] = {}

    def __call__(self, kind: str, **fields: Any) -> None:
        """Take what the pool tells."""
        self._recorder.heard(self._handlers.get(kind), fields)

    # -- tasks

    def entry_of(self, batch: Batch | None) -> TaskEntry | None:
        """The task of a batch, None if nothing more is to be written of it."""
        return None if batch is None else self.tasks.get(batch.handle.id)

    def _entry(self, task: int) -> TaskEntry:
        entry = self.tasks.get(task)
        if entry is None:
            recorder = self._recorder
            entry = self.tasks[task] = TaskEntry(recorder.next_task(), recorder.now())
            entry.what, entry.name = self._what, self._name
        return entry

    def describe(
        self, handle: Any, chunk: ChunkEntry, what: str, calls: int, expected: float | None = None
    ) -> None:
        """Tell what a task is that was given to the pool; it may have begun already."""
        entry = self._entry(handle.id)
        entry.handle = handle
        entry.queued = self._recorder.at_ns(handle.submitted_ns)
        entry.name = chunk.name
        entry.what = what
        entry.chunk, entry.line = chunk.id, chunk.line
        entry.calls = calls
        entry.bytes = len(handle.payload)
        entry.expected = handle.expected if expected is None else expected

    def _task_start(self, task: int, worker: int, attempt: int, **_rest: Any) -> None:
        entry = self._entry(task)
        entry.state = "running"
        entry.begun = self._recorder.now()
        entry.attempt = attempt
        self._at(entry, worker)

    def _at(self, entry: TaskEntry, worker: int | None) -> None:
        known = self.workers.get(worker or 0)
        if known is not None:
            entry.worker = known.id

    def _task_end(
        self, task: int, worker: int | None, ok: bool, cause: str, detail: str, attempts: int, timing: Any,
        **_rest: Any,
    ) -> None:  # fmt: skip
        entry = self._entry(task)
        recorder = self._recorder
        entry.ok, entry.cause, entry.detail = ok, cause, detail[:_LONGEST_TEXT]
        entry.ended = recorder.now()
        entry.attempt = attempts
        self._at(entry, worker)
        if timing is not None:
            entry.begun = recorder.at_ns(timing.started_ns)
            entry.ended = recorder.at_ns(timing.finished_ns)
            entry.cpu = timing.cpu_ns / 1e9
            entry.rss = timing.peak_rss
        elif not attempts:
            entry.begun = None
        if not ok and cause != "cancelled":
            self._attempt(entry, cause, detail, again=False)

    def _task_retry(self, task: int, cause: str, detail: str, **_rest: Any) -> None:
        entry = self._entry(task)
        entry.state = "delayed"
        self._attempt(entry, cause, detail, again=True)
        entry.begun = None

    def _attempt(self, entry: TaskEntry, cause: str, detail: str, *, again: bool) -> None:
        recorder = self._recorder
        self._write(entry, recorder.now())  # a reader must know the task before its attempts
        fields: dict[str, Any] = {"task": entry.id, "attempt": entry.attempt, "cause": cause}
        fields["detail"] = detail[:_LONGEST_TEXT]
        if entry.worker is not None:
            fields["worker"] = entry.worker
        if entry.begun is not None:
            fields["begun"] = round(entry.begun, 6)
        failures = getattr(entry.handle, "failures", None)
        if failures:
            fields["error"] = failures[-1].error_type
            fields["traceback"] = failures[-1].traceback
        if again:
            fields["again"] = True
        recorder.add("attempt", fields)

    def write(self, t: float) -> tuple[int, int]:
        """Write the tasks that have changed; how many are running, and waiting."""
        running = waiting = 0
        over = []
        for number, entry in list(self.tasks.items()):  # a signal handler may add some
            state = entry.state_now()
            if entry.ended is None:
                running += state == "running"
                waiting += state != "running"
            if state != entry.shown and entry.told and (entry.written or not self._recorder.full):
                self._write(entry, t)
            if entry.final:
                over.append(number)
        for number in over:
            self.tasks.pop(number, None)
        return running, waiting

    def _write(self, entry: TaskEntry, t: float) -> None:
        entry.state = entry.state_now()
        sent_ns = getattr(entry.handle, "sent_ns", 0)
        sent = self._recorder.at_ns(sent_ns) if sent_ns else None
        self._recorder.add("task", entry.fields(sent), t)

    def settle_all(self, *, used: bool) -> None:
        """The program has come to all tasks: their results are used, or not."""
        t = self._recorder.now()
        for entry in list(self.tasks.values()):
            if used and entry.ok:
                entry.committed = entry.calls
            else:
                entry.throw("raised", entry.calls)
            entry.settle(t)
            entry.shown = ""

    def _barrier(self, name: str, releases: list[Any], of: int) -> None:
        waiting = self._waiting = 0 if releases else self._waiting + 1
        state = "waiting" if waiting else "broken" if any(release.error for release in releases) else "open"
        self._recorder.add("barrier", {"name": name, "state": state, "waiting": waiting, "of": of})

    # -- workers

    def _worker_start(self, worker: int, method: str, pid: int | None) -> None:
        taken = self._slots_taken()
        slot = next(number for number in range(len(taken) + 1) if number not in taken)
        entry = self.workers[worker] = WorkerEntry(self._recorder.next_worker(), slot)
        fields: dict[str, Any] = {"id": entry.id, "state": "starting", "slot": slot, "method": method}
        if pid:
            entry.pid = fields["pid"] = pid
        self._recorder.add("worker", fields)

    def _worker_ready(self, worker: int, pid: int, seconds: float) -> None:
        entry = self.workers.get(worker)
        if entry is None:
            return
        entry.pid = pid
        self._recorder.add(
            "worker",
            {
                "id": entry.id,
                "state": "ready",
                "pid": pid,
                "started": mark_of(pid),
                "ready": round(seconds, 6),
            },
        )

    def _worker_kill(self, worker: int, signal: str, reason: str, **_rest: Any) -> None:
        entry = self.workers.get(worker)
        if entry is not None:
            self._recorder.add(
                "worker", {"id": entry.id, "state": "killed", "signal": signal, "reason": reason}
            )

    def _worker_recycle(self, worker: int, **_rest: Any) -> None:
        entry = self.workers.get(worker)
        if entry is not None:
            self._recorder.add("worker", {"id": entry.id, "state": "stopping", "reason": "recycled"})

    def _worker_exit(
        self, worker: int, pid: int | None, code: int | None, signal: str, expected: bool, detail: str
    ) -> None:
        entry = self.workers.pop(worker, None)
        if entry is None:
            return
        fields: dict[str, Any] = {"id": entry.id, "state": "dead", "expected": expected}
        if code is not None:
            fields["code"] = code
        if signal:
            fields["signal"] = signal
        if pid:
            fields["pid"] = pid
        if not expected:
            fields["reason"] = detail[:_LONGEST_TEXT]
        self._recorder.add("worker", fields)

    # -- the pool

    def _start_failed(self, failures: int, reason: str) -> None:
        self._recorder.warn(f"a worker could not start ({failures} in a row): {reason[:_LONGEST_TEXT]}")

    def _fallback(self, method: str, reason: str) -> None:
        self._recorder.warn(f"workers are started by {method}: {reason[:_LONGEST_TEXT]}")

    def _broken(self, reason: str) -> None:
        self._recorder.warn(f"there are no more workers: {reason[:_LONGEST_TEXT]}", "pool-failed")
