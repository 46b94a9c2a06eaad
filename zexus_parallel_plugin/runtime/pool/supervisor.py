"""The pool: tasks in, outcomes out. One thread of the main process owns it; only ``wake`` is for others."""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from .backoff import delay
from .crew import Crew
from .errors import FrameError, PoolClosedError, PoolError, PoolFullError, PoolNestedError
from .feeder import Feeder
from .frames import MAX_BODY, Bytes, Frame, Kind, unpack_failure, unpack_timing
from .hygiene import in_worker
from .launch import make_waiter
from .member import NEVER, Member
from .states import TaskEvent, TaskState, WorkerEvent, WorkerState
from .stats import PoolStats, WorkerInfo
from .task import Failure, Outcome, TaskHandle, TaskTiming

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .settings import PoolSettings
    from .starter import Emit

_CLOSE_SECONDS = 6.0  # beyond the grace period; only a process that the system cannot end takes so long


class WorkerSupervisor:
    """A pool of worker processes.

    Every submitted task gets exactly one :class:`Outcome`, which :meth:`poll` or :meth:`wait` delivers once.
    ``emit(kind, **fields)`` hears of everything that happens to workers and tasks; it must be quick, must not
    raise and must not use the pool. Raises :class:`PoolNestedError` in a worker process.
    """

    def __init__(self, settings: PoolSettings, emit: Emit | None = None) -> None:
        if in_worker():
            raise PoolNestedError("a worker process cannot have workers of its own: run the work in place")
        self.settings = settings
        self._emit = emit
        self._waiter = make_waiter()
        self._crew = Crew(settings, self._waiter, self, emit or _ignore)
        self._feeder = Feeder(settings, self._crew, self._head_begins)
        self._backlog = self._feeder.backlog
        self._open: dict[int, TaskHandle] = {}
        self._finished: dict[TaskHandle, None] = {}  # not delivered yet; a dict keeps the order
        self._numbers = self._done = self._retried = 0
        self._failed: Counter[str] = Counter()
        self._owner_pid = os.getpid()
        self._closed = False
        self.broken = ""  # why the pool has given up

    def __enter__(self) -> WorkerSupervisor:  # noqa: PYI034 - typing.Self came with Python 3.11
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close(kill=kind is not None)

    # -- starting

    def prepare(self) -> str:
        """Fork the template, from which workers come in about 5 ms each.

        Must be called while this process has a single thread, and after the imports that workers should
        inherit. Returns an empty string, or the reason why there is no template; the pool then takes another
        start method.
        """
        self._check_open()
        return self._crew.starter.prepare()

    def start(self, warm: int = 1) -> None:
        """Start ``warm`` workers without waiting for them. Submitting starts workers too; this only saves
        time.
        """
        self._check_open()
        self._crew.want(warm, time.monotonic())

    # -- tasks

    @property
    def room(self) -> int:
        """How many more tasks can be submitted now."""
        return max(0, self.settings.max_queue_size - len(self._backlog))

    def publish(self, key: bytes, blob: bytes) -> None:
        """Make a blob available to tasks: it is sent to each worker once, before its first task which needs
        it.

        ``key`` is the hash of the contents. Raises :class:`BlobError` for a key with other contents.
        """
        self._feeder.blobs.publish(key, blob)

    def withdraw(self, key: bytes) -> None:
        """Let go of a blob that no task needs any more: one that is submitted later cannot name it."""
        self._feeder.blobs.withdraw(key)

    def submit(
        self,
        payload: Bytes,
        needs: Sequence[bytes] = (),
        timeout: float | None = None,
        weight: float | None = None,
    ) -> TaskHandle:
        """Queue a task. ``timeout`` (seconds) replaces the setting; ``weight`` is its expected duration in
        seconds.

        ``payload`` must not change until the outcome is there. Raises :class:`PoolFullError` (see
        :attr:`room`), :class:`PoolClosedError`, :class:`BlobError`. In a broken pool the task fails at once,
        with the cause ``broken``.
        """
        self._check_open()
        if len(self._backlog) >= self.settings.max_queue_size:
            raise PoolFullError(f"{len(self._backlog)} tasks are waiting already: collect results first")
        numbers = self._feeder.blobs.numbers(needs) if needs else ()
        self._numbers += 1
        limit = self.settings.task_timeout if timeout is None else timeout
        task = TaskHandle(self._numbers, payload, numbers, limit, weight)
        self._open[task.id] = task
        if len(payload) > MAX_BODY:
            detail = f"the payload has {len(payload)} bytes, the limit is {MAX_BODY}"
            self._finish(task, TaskEvent.FAIL, Failure("unsendable", detail))
        elif self.broken:
            self._finish(task, TaskEvent.FAIL, Failure("broken", self.broken))
        else:
            self._feeder.push(task)
        return task

    def cancel(self, task: TaskHandle, kill: bool = False) -> None:
        """Have a task finished now, with the cause ``cancelled``; harmless if it is finished.

        If it is running its worker goes on and the result is ignored; ``kill`` kills and replaces the worker.
        """
        if task.done or task.id not in self._open:
            return
        state = task.state
        if state in {TaskState.QUEUED, TaskState.DELAYED}:
            self._backlog.forget()
        self._finish(task, TaskEvent.CANCEL, Failure("cancelled", "cancelled by the caller"))
        if kill and state is TaskState.RUNNING:
            member = self._crew.members[task.worker_id or 0]
            self.member_failed(member, None)
            self._crew.kill(member, "cancel")
            self._crew.hire(time.monotonic())
            self._feeder.feed()

    def poll(self) -> list[TaskHandle]:
        """Tasks that have finished and were not delivered yet, oldest first. Never blocks."""
        if self._open or self._crew.members:
            self._turn(0)
        if not self._finished:
            return []
        finished = list(self._finished)
        self._finished.clear()
        return finished

    def wait(
        self, tasks: TaskHandle | Iterable[TaskHandle] | None = None, deadline: float | None = None
    ) -> list[TaskHandle]:
        """Block until one of ``tasks`` (None: any) is finished, ``deadline`` (``time.monotonic()``), or a
        wake-up.

        Returns those of ``tasks`` that are finished, maybe none after a deadline or a wake-up; :meth:`poll`
        does not deliver them again. Time-outs, deaths and retries of all tasks are taken care of meanwhile.
        Raises :class:`PoolError` for a task of another pool.
        """
        wanted = [tasks] if isinstance(tasks, TaskHandle) else None if tasks is None else list(tasks)
        for task in wanted or ():
            if not task.done and task.id not in self._open:
                raise PoolError(f"task {task.id} does not belong to this pool")
        last = False
        while True:
            done = list(self._finished) if wanted is None else [task for task in wanted if task.done]
            if done or last or not (self._open if wanted is None else wanted):
                for task in done:
                    self._finished.pop(task, None)
                return done
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            last = self._turn(left) or left == 0

    def wake(self) -> None:
        """Make :meth:`wait` return. The one method for other threads and for signal handlers."""
        self._waiter.wake()

    def close(self, kill: bool = False) -> None:
        """End all workers and wait for their ends; harmless when repeated.

        Waiting tasks are cancelled. Running ones have the grace period to finish, with ``kill`` none. Takes
        at most a few seconds, whatever the workers do.
        """
        if self._closed or os.getpid() != self._owner_pid:
            return
        self._closed = True
        closed = Failure("cancelled", "the pool was closed")
        try:
            self._backlog.clear()
            for task in list(self._open.values()):
                if kill or task.state in {TaskState.QUEUED, TaskState.DELAYED}:
                    self._finish(task, TaskEvent.CANCEL, closed)
            self._crew.dismiss(kill)
            limit = time.monotonic() + self.settings.grace + _CLOSE_SECONDS
            while self._crew.members and (left := limit - time.monotonic()) > 0:
                self._turn(left)
            for task in list(self._open.values()):
                self._finish(task, TaskEvent.CANCEL, closed)
        finally:
            self._crew.close()
            self._waiter.close()

    def stats(self) -> PoolStats:
        """Counts and workers, now."""
        crew, launcher = self._crew, self._crew.starter.launcher
        workers = tuple(
            WorkerInfo(
                id=member.id,
                pid=member.pid,
                state=member.state,
                method=member.launcher.method,
                served=member.served,
                peak_rss=member.peak_rss,
                task=member.inflight[0].id if member.inflight else None,
            )
            for member in crew.members.values()
        )
        return PoolStats(
            method="" if launcher is None else launcher.method,
            workers=workers,
            submitted=self._numbers,
            done=self._done,
            failed=dict(self._failed),
            retried=self._retried,
            queued=len(self._backlog),
            open=len(self._open),
            launches=crew.launches,
            deaths=crew.deaths,
            kills=crew.kills,
            broken=self.broken,
        )

    def _turn(self, timeout: float | None) -> bool:
        """Handle what is ready, waiting up to ``timeout`` for something; whether there was a wake-up."""
        crew, backlog = self._crew, self._backlog
        if timeout != 0:
            until = min(crew.earliest, backlog.next_due)
            if until < NEVER:
                until = max(0.0, until - time.monotonic())
                timeout = until if timeout is None else min(timeout, until)
        woken = self._waiter.wait(timeout)
        now = time.monotonic()
        if now >= crew.earliest:
            crew.tick(now)
        if now >= backlog.next_due:
            backlog.release(now)
            self._feeder.hungry = True
        if self._feeder.hungry:
            self._feeder.feed()
        return woken

    # -- what the crew tells

    def member_ready(self, member: Member) -> None:
        """A worker can take tasks; it may have found one already."""
        self._feeder.hungry = True
        if member.inflight:
            member.move(WorkerEvent.FEED)
            self._feeder.begin_head(member)

    def member_answered(self, member: Member, frame: Frame) -> None:
        """The head task of a worker is finished, one way or the other."""
        inflight = member.inflight
        if not inflight or inflight[0].id != frame.number or member.state is WorkerState.STARTING:
            raise FrameError(f"an answer to task {frame.number}, which was not asked")
        timing = unpack_timing(frame.extra)
        failure = unpack_failure(frame.body) if frame.kind == Kind.FAILURE else None
        task = inflight.popleft()
        member.served += 1
        member.peak_rss = timing.peak_rss
        self._feeder.learn((timing.finished_ns - timing.started_ns) / 1e9)
        if not task.done:
            if failure is None:
                self._finish(task, TaskEvent.SUCCEED, None, timing, frame.body)
            else:
                self._attempt_failed(task, failure, timing)
        self._feeder.hungry = True
        self._next_head(member)

    def _next_head(self, member: Member) -> None:
        tasks, rss = self.settings.recycle_after_tasks, self.settings.recycle_above_rss
        if (tasks is not None and member.served >= tasks) or (rss is not None and member.peak_rss > rss):
            member.retiring = True
        if member.inflight:
            self._feeder.begin_head(member)
        elif member.state is WorkerState.BUSY:
            member.move(WorkerEvent.DRAIN)
            self._crew.set_timer(member, NEVER)
            if member.retiring:
                self._crew.retire(member)

    def member_failed(self, member: Member, failure: Failure | None) -> None:
        """Its head task takes the blame if there is one; its other tasks are sent again."""
        tasks = list(member.inflight)
        member.inflight.clear()
        if tasks and failure is not None and tasks[0].state is TaskState.RUNNING:
            self._attempt_failed(tasks.pop(0), failure, None)
        returned = [task for task in tasks if not task.done]
        for task in returned:
            task.move(TaskEvent.GIVE_BACK)
        self._backlog.give_back(returned)
        self._feeder.hungry = True

    def crew_broken(self, reason: str) -> None:
        """No worker is left and none will come: every task fails at once, now and later."""
        if self._closed:
            return
        if not self.broken:
            self.broken = reason
            if self._emit is not None:
                self._emit("pool.broken", reason=reason)
        for task in self._backlog.clear():
            self._finish(task, TaskEvent.FAIL, Failure("broken", reason))

    # -- outcomes

    def _head_begins(self, member: Member, task: TaskHandle) -> None:
        if self._emit is not None:
            self._emit("task.start", task=task.id, worker=member.id, pid=member.pid, attempt=task.attempts)

    def _attempt_failed(self, task: TaskHandle, failure: Failure, timing: TaskTiming | None) -> None:
        task.failures.append(failure)
        retries = self.settings.retries
        used = sum(earlier.cause == failure.cause for earlier in task.failures)
        budget: int = getattr(retries, failure.cause)
        if self._closed or self.broken or used > budget or len(task.failures) >= retries.poison_limit:
            self._finish(task, TaskEvent.FAIL, failure, timing)
            return
        pause = delay(len(task.failures), self.settings.retry_delay, self.settings.retry_delay_cap)
        task.move(TaskEvent.DELAY)
        self._backlog.delay(task, time.monotonic() + pause)
        self._retried += 1
        if self._emit is not None:
            self._emit("task.retry", task=task.id, cause=failure.cause, detail=failure.detail, delay=pause)

    def _finish(
        self,
        task: TaskHandle,
        event: TaskEvent,
        failure: Failure | None,
        timing: TaskTiming | None = None,
        result: Bytes | None = None,
    ) -> None:
        task.finish(event, Outcome(result, failure, timing))
        del self._open[task.id]
        self._finished[task] = None
        if failure is None:
            self._done += 1
        else:
            self._failed[failure.cause] += 1
        if self._emit is not None:
            self._emit(
                "task.end",
                task=task.id,
                worker=task.worker_id,
                pid=task.pid,
                ok=failure is None,
                cause="" if failure is None else failure.cause,
                detail="" if failure is None else failure.detail,
                attempts=task.attempts,
                timing=timing,
            )

    def _check_open(self) -> None:
        if self._closed:
            raise PoolClosedError("the pool is closed; make a new one")


def _ignore(kind: str, **fields: Any) -> None:
    """Nobody listens."""
