"""Batches on their way: the pool, which is made when it is first needed, sending, waiting, giving up."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

from zexus_parallel_plugin.runtime.recorder import OFF
from zexus_parallel_plugin.runtime.snapshot import Library, NotPlainError
from zexus_parallel_plugin.runtime.task import Batch, PlannedCall, decode_records, encode_task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zexus_parallel_plugin.metrics import RunMetrics
    from zexus_parallel_plugin.runtime.recorder import Recorder

_LOG = logging.getLogger(__name__)

_KILL_SECONDS = 0.05
"""Expected work of a running task from which on it is worth a new worker to stop it."""
_AHEAD_PER_WORKER = 4
"""Batches that wait for each worker. With more than two the pool sends them ahead, so that no worker waits
for this process to be scheduled."""


class Handle(Protocol):
    """A task in a pool, as far as this module looks at it."""

    @property
    def done(self) -> bool:
        """Whether there is an outcome."""

    outcome: Any
    state: Any


class Pool(Protocol):
    """What is needed of a worker pool (`runtime.pool.WorkerSupervisor`)."""

    @property
    def room(self) -> int:
        """How many more tasks can be submitted."""

    def publish(self, key: bytes, blob: bytes) -> None:
        """Make a blob available."""

    def submit(
        self,
        payload: bytes,
        needs: Sequence[bytes] = ...,
        timeout: float | None = ...,
        weight: float | None = ...,
    ) -> Any:
        """Queue a task."""

    def cancel(self, task: Any, kill: bool = ...) -> None:
        """Give a task up."""

    def withdraw(self, key: bytes) -> None:
        """Forget a blob."""

    def poll(self) -> list[Any]:
        """Look after the workers without waiting."""

    def wait(self, tasks: Any = ..., deadline: float | None = ...) -> list[Any]:
        """Wait for tasks."""


class _Guard:
    """See `Dispatch.guarded`."""

    __slots__ = ("_dispatch",)

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _where: object) -> bool:
        if not isinstance(error, Exception) or isinstance(error, NotPlainError):
            return False
        self._dispatch.broken()
        return True


class Dispatch:
    """Sends batches to a pool and waits for them.

    :param open_pool: makes the pool at the first batch; whatever it raises means that there is none.
    :param main: the program's code object; workers compile its actions only if they have all of it.
    """

    def __init__(
        self, open_pool: Callable[[], Pool], workers: int, library: Library, main: Any, metrics: RunMetrics,
        recorder: Recorder = OFF,
    ) -> None:  # fmt: skip
        self._open_pool = open_pool
        self._pool: Pool | None = None
        self._library = library
        self._main = main if library.has(main) else None
        self._metrics = metrics
        self._waiting: list[Batch] = []
        self._open: list[Batch] = []
        self.workers = workers
        self.failed = ""
        self.recorder = recorder

    @property
    def opened(self) -> bool:
        """Whether there is a pool, whose workers are running or being started."""
        return self._pool is not None

    @property
    def unfinished(self) -> int:
        """Batches that are on their way or being worked at."""
        self._open = [batch for batch in self._open if not batch.handle.done]
        return len(self._open)

    @property
    def hungry(self) -> bool:
        """Whether more batches should be sent: few are waiting for a worker."""
        if self.failed:
            return False
        if self._pool is None:
            return True
        self._waiting = [batch for batch in self._waiting if batch.handle.state.name in {"QUEUED", "DELAYED"}]
        return len(self._waiting) < _AHEAD_PER_WORKER * self.workers and self._pool.room > 0

    def send(
        self, calls: list[PlannedCall], depth: int, used: tuple[int, int], seconds: float | None
    ) -> Batch | None:
        """Send a batch; None if that is not possible.

        :param depth: depth of the calling frame.
        :param used: gas and operations that the program has used.
        :param seconds: what one call is expected to take.
        """
        try:
            payload, blobs = encode_task(calls, self._main, depth, used, self._library)
        except NotPlainError as error:
            self._metrics.reasons[error.reason] += len(calls)
            return None
        weight = None if seconds is None else seconds * len(calls)
        handle = self.submit(payload, blobs, weight)
        if handle is None:
            return None
        batch = Batch(calls, weight, handle)
        self._waiting.append(batch)
        # Without those that are done: a long map must not keep all of its tasks.
        self._open = [*(other for other in self._open if not other.handle.done), batch]
        self._metrics.calls_sent += len(calls)
        return batch

    def submit(self, payload: bytes, blobs: dict[bytes, bytes], seconds: float | None) -> Any:
        """Give a task to the pool; None if there is none, or no room in it.

        :param blobs: what the task needs, by key.
        :param seconds: what the task is expected to take.
        """
        if self._pool is None:
            try:
                self._pool = self._open_pool()
            except Exception as error:  # noqa: BLE001 - without workers everything is executed in place
                _LOG.warning("no workers: %s", error)
                self.failed = "pool-failed"
                self._metrics.reasons[self.failed] += 1
                return None
            self._metrics.worker_count = self.workers
        if self._pool.room <= 0:
            return None  # the queue is as short as the setting says; later there may be room again
        for key, blob in blobs.items():
            self._pool.publish(key, blob)
        self._metrics.tasks_sent += 1
        return self._pool.submit(payload, tuple(blobs), weight=seconds)

    def guarded(self) -> _Guard:
        """A mistake in looking ahead must not become an error of the program: with the first one in this
        context, all is executed in place from then on. `NotPlainError` is no mistake.
        """
        return _Guard(self)

    def broken(self) -> None:
        """Something went wrong that must not; called while the exception is handled."""
        _LOG.exception("looking ahead failed, everything is executed in place from now on")
        self._metrics.reasons["internal-error"] += 1
        self.failed = "internal-error"

    def look(self) -> None:
        """Look after the workers, without waiting."""
        if self._pool is not None:
            self._pool.poll()
        self.recorder.tick()

    def started(self, batch: Batch) -> bool:
        """Whether a worker has begun with the batch (or has finished it)."""
        return self.begun(batch.handle)

    def begun(self, handle: Any) -> bool:
        """Whether a worker has begun with a task (or has finished it)."""
        return bool(handle.done or handle.state.name == "RUNNING")

    def wait(self, batch: Batch, *, wake_for_any: bool) -> bool:
        """Wait for the results of a batch, or with ``wake_for_any`` of any one; whether they are there."""
        if not batch.handle.done:
            self.wait_for(batch.handle, wake_for_any=wake_for_any)
        if not batch.handle.done:
            return False
        self.collect(batch)
        return True

    def wait_for(self, handle: Any, *, wake_for_any: bool) -> None:
        """Wait for a task, or with ``wake_for_any`` until any one is done."""
        assert self._pool is not None
        begun = time.perf_counter()
        self._pool.wait(None if wake_for_any else handle, self.recorder.due())
        self.recorder.tick()
        self._metrics.waited_seconds += time.perf_counter() - begun

    def note_failure(self, failure: Any) -> str:
        """Count that a task has failed on its worker; what there is to say about it."""
        text = f"{failure.cause}: {failure.detail}"
        self._metrics.reasons[f"worker-{failure.cause}"] += 1
        if failure.cause == "broken":
            self.failed = "pool-failed"
        _LOG.info("a task failed on its worker, it is executed in place: %s", text)
        return text

    def collect(self, batch: Batch) -> None:
        """Read the results of a batch that is done, or why there are none; once."""
        if batch.records is not None or batch.failure:
            return
        outcome = batch.handle.outcome
        if not outcome.ok:
            batch.failure = self.note_failure(outcome.failure)
            return
        try:
            records = decode_records(outcome.result)
        except ValueError as error:
            records = []
            _LOG.warning("%s", error)
        if len(records) != len(batch.calls):
            batch.failure = "undecodable: not an answer to this task"
            self._metrics.reasons["worker-undecodable"] += 1
            return
        batch.records = records
        self.recorder.results(batch)
        self._metrics.worker_seconds += sum(record.seconds for record in records)

    def give_up(self, batch: Batch) -> None:
        """Nobody needs the rest of this batch."""
        self.cancel(batch.handle, batch.weight)

    def cancel(self, handle: Any, seconds: float | None) -> None:
        """Give a task up; a worker that would go on with it for long is stopped."""
        if self._pool is not None and not handle.done:
            self._metrics.tasks_cancelled += 1
            self._pool.cancel(handle, kill=seconds is None or seconds > _KILL_SECONDS)

    def withdraw(self, key: bytes) -> None:
        """No task will need this blob any more."""
        if self._pool is not None:
            self._pool.withdraw(key)
