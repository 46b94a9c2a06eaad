"""The pool: tasks in, outcomes out. One thread of the main process owns it; only :meth:`wake` is for others."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .backlog import Backlog, Blobs
from .backoff import delay
from .crew import Crew, Emit, Member
from .errors import FrameError, PoolClosedError, PoolError, PoolFullError, PoolNestedError
from .frames import MAX_BODY, Bytes, Frame, Kind, encode, pack_numbers, unpack_failure, unpack_timing
from .hygiene import in_worker
from .launch import make_waiter
from .settings import PoolSettings
from .states import TaskEvent, TaskState, WorkerEvent, WorkerState
from .task import Failure, Outcome, TaskHandle, TaskTiming

_NEVER = float("inf")
_CLOSE_SECONDS = 6.0  # beyond the grace period; only a process that the system cannot end takes so long
_SMOOTHING = 0.2  # weight of the latest task in the average duration


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker at the time of :meth:`WorkerSupervisor.stats`."""

    id: int
    pid: int | None
    state: WorkerState
    method: str
    served: int
    peak_rss: int
    task: int | None  # number of the running task


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Counts since the pool was made, and its workers now."""

    method: str
    workers: tuple[WorkerInfo, ...]
    submitted: int
    done: int
    failed: dict[str, int]  # by cause, cancelled ones included
    retried: int
    queued: int
    open: int  # submitted and without an outcome
    launches: int
    deaths: int
    kills: int
    broken: str  # why the pool has given up; empty: it has not


class WorkerSupervisor:
    """A pool of worker processes.

    Every submitted task gets exactly one :class:`Outcome`, which :meth:`poll` or :meth:`wait` delivers once. ``emit(kind,
    **fields)`` hears of everything that happens to workers and tasks; it must be quick and must not use the pool.
    Raises :class:`PoolNestedError` in a worker process.
    """

    def __init__(self, settings: PoolSettings, emit: Emit | None = None) -> None:
        if in_worker():
            raise PoolNestedError("a worker process cannot have workers of its own: run the work in place")
        self.settings = settings
        self._emit = emit
        self._waiter = make_waiter()
        self._crew = Crew(settings, self._waiter, self, emit or _ignore)
        self._backlog = Backlog()
        self._blobs = Blobs()
        self._open: dict[int, TaskHandle] = {}
        self._finished: dict[TaskHandle, None] = {}  # not delivered yet; a dict keeps the order
        self._average: float | None = None  # seconds of a task, lately
        self._numbers = self._done = self._retried = 0
        self._failed: Counter[str] = Counter()
        self._owner_pid = os.getpid()
        self._hungry = False  # something has changed that may let a task be sent
        self._closed = False
        self.broken = ""

    def __enter__(self) -> WorkerSupervisor:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close(kill=kind is not None)

    # -- starting

    def prepare(self) -> str:
        """Fork the template, from which workers come in about 5 ms each.

        Must be called while this process has a single thread, and after the imports that workers should inherit.
        Returns an empty string, or the reason why there is no template; the pool then takes another start method.
        """
        self._check_open()
        return self._crew.prepare()

    def start(self, warm: int = 1) -> None:
        """Start ``warm`` workers without waiting for them. Submitting starts workers too; this only saves time."""
        self._check_open()
        self._crew.want(warm, time.monotonic())

    # -- tasks

    @property
    def room(self) -> int:
        """How many more tasks can be submitted now."""
        return max(0, self.settings.max_queue_size - len(self._backlog))

    def publish(self, key: bytes, blob: bytes) -> None:
        """Make a blob available to tasks: it is sent to each worker once, before its first task which needs it.

        ``key`` is the hash of the contents. Raises :class:`BlobError` for a key with other contents.
        """
        self._blobs.publish(key, blob)

    def submit(
        self, payload: Bytes, needs: Sequence[bytes] = (), timeout: float | None = None, weight: float | None = None
    ) -> TaskHandle:
        """Queue a task. ``timeout`` (seconds) replaces the setting; ``weight`` is its expected duration in seconds.

        ``payload`` must not change until the outcome is there. Raises :class:`PoolFullError` (see :attr:`room`),
        :class:`PoolClosedError`, :class:`BlobError`; in a broken pool the task fails at once, with the cause ``broken``.
        """
        self._check_open()
        if len(self._backlog) >= self.settings.max_queue_size:
            raise PoolFullError(f"{len(self._backlog)} tasks are waiting already: collect results first")
        numbers = self._blobs.numbers(needs) if needs else ()
        self._numbers += 1
        limit = self.settings.task_timeout if timeout is None else timeout
        task = TaskHandle(self._numbers, payload, numbers, limit, weight, time.monotonic_ns())
        self._open[task.id] = task
        if len(payload) > MAX_BODY:
            self._fail(task, Failure("unsendable", f"the payload has {len(payload)} bytes, the limit is {MAX_BODY}"))
        elif self.broken:
            self._fail(task, Failure("broken", self.broken))
        else:
            self._backlog.push(task)
            self._feed()
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
        self._cancelled(task, "cancelled by the caller")
        if kill and state is TaskState.RUNNING:
            member = self._crew.members[task.worker_id or 0]
            self.member_failed(member, None)
            self._crew.kill(member, "cancel")
            self._crew.hire(time.monotonic())
            self._feed()

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
        """Block until one of ``tasks`` (None: any) is finished, ``time.monotonic()`` is ``deadline``, or a wake-up comes.

        Returns those of ``tasks`` that are finished, maybe none after a deadline or a wake-up; :meth:`poll` does not
        deliver them again. Time-outs, deaths and retries of all tasks are taken care of meanwhile. Raises
        :class:`PoolError` for a task of another pool.
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

        Waiting tasks are cancelled. Running ones have the grace period to finish, with ``kill`` none. Takes at most a few
        seconds, whatever the workers do.
        """
        if self._closed or os.getpid() != self._owner_pid:
            return
        self._closed = True
        try:
            self._backlog.clear()
            for task in list(self._open.values()):
                if kill or task.state in {TaskState.QUEUED, TaskState.DELAYED}:
                    self._cancelled(task, "the pool was closed")
            self._crew.dismiss(kill)
            limit = time.monotonic() + self.settings.grace + _CLOSE_SECONDS
            while self._crew.members and (left := limit - time.monotonic()) > 0:
                self._turn(left)
            for task in list(self._open.values()):
                self._cancelled(task, "the pool was closed")
        finally:
            self._crew.close()
            self._waiter.close()

    def stats(self) -> PoolStats:
        """Counts and workers, now."""
        workers = tuple(
            WorkerInfo(
                member.id, member.pid, member.state, member.method, member.served, member.peak_rss,
                member.inflight[0].id if member.inflight else None,
            )
            for member in self._crew.members.values()
        )  # fmt: skip
        crew = self._crew
        return PoolStats(
            crew.method, workers, self._numbers, self._done, dict(self._failed), self._retried, len(self._backlog),
            len(self._open), crew.launches, crew.deaths, crew.kills, self.broken,
        )  # fmt: skip

    # -- the turn: look, act, feed

    def _turn(self, timeout: float | None) -> bool:
        """Handle what is ready, waiting up to ``timeout`` for something; whether there was a wake-up."""
        if timeout != 0:
            until = min(self._crew.earliest, self._backlog.next_due)
            if until < _NEVER:
                until = max(0.0, until - time.monotonic())
                timeout = until if timeout is None else min(timeout, until)
        woken = self._waiter.wait(timeout)
        now = time.monotonic()
        if now >= self._crew.earliest:
            self._crew.tick(now)
        if now >= self._backlog.next_due:
            self._backlog.release(now)
            self._hungry = True
        if self._hungry:
            self._feed()
        return woken

    def _feed(self) -> None:
        """Send waiting tasks to workers that can take them, and start workers for the rest."""
        self._hungry = False
        backlog, crew, settings = self._backlog, self._crew, self.settings
        if backlog.peek() is None:
            return
        fed: dict[int, Member] = {}
        for member in crew.members.values():
            if member.state is WorkerState.IDLE and backlog.peek() is not None:
                self._send(member, fed)
        if crew.can_grow and backlog.peek() is not None:
            usable = crew.usable
            unfed = sum(member.state is WorkerState.STARTING and not member.inflight for member in usable)
            crew.want(len(usable) + max(0, backlog.ready - unfed), time.monotonic())
        for level in range(1, settings.depth):
            for member in list(crew.members.values()):
                if member.state is WorkerState.BUSY and len(member.inflight) == level and not member.retiring:
                    task = backlog.peek()
                    if task is None or not self._may_prefetch(member, task):
                        break
                    self._send(member, fed)
        if backlog.peek() is not None:
            self._send_to_starting(fed)
        for member in fed.values():
            crew.flush(member)

    def _send_to_starting(self, fed: dict[int, Member]) -> None:
        """While no worker is ready at all, let those to come find a task in their pipe."""
        usable = self._crew.usable
        if all(member.state is WorkerState.STARTING for member in usable):
            for member in usable:
                if not member.inflight and self._backlog.peek() is not None:
                    self._send(member, fed)

    def _may_prefetch(self, member: Member, task: TaskHandle) -> bool:
        """Whether ``task`` may be sent behind what ``member`` is doing.

        A task in a pipe cannot go to another worker any more: near the end of the work it would wait there while others
        are idle. So only behind a short one, or while there is plenty.
        """
        size = len(task.payload) + sum(len(self._blobs[n][1]) for n in task.needs if n not in member.blobs)
        if size > self.settings.prefetch_bytes:
            return False
        if self._backlog.ready > 2 * self.settings.size:
            return True
        expected = member.inflight[0].expected
        if expected is None:
            expected = self._average
        return expected is not None and expected <= self.settings.prefetch_seconds

    def _send(self, member: Member, fed: dict[int, Member]) -> None:
        task = self._backlog.pop()
        buffers: list[Bytes] = []
        for number in task.needs:
            if number not in member.blobs:
                member.blobs.add(number)
                key, blob = self._blobs[number]
                buffers += encode(Kind.BLOB, number, blob, key)
        buffers += encode(Kind.TASK, task.id, task.payload, pack_numbers(task.needs))
        self._crew.send(member, buffers)
        task.move(TaskEvent.SEND)
        task.attempts += 1
        task.worker_id, task.pid = member.id, member.pid
        task.sent_ns = time.monotonic_ns()
        member.inflight.append(task)
        fed[member.id] = member
        if member.state is WorkerState.IDLE:
            member.move(WorkerEvent.FEED)
            self._begin_head(member)

    def _begin_head(self, member: Member) -> None:
        """The first task of a ready worker begins now; its time runs."""
        task = member.inflight[0]
        task.head_ns = time.monotonic_ns()
        task.pid = member.pid
        if not task.done:  # a cancelled one keeps the worker busy all the same
            task.move(TaskEvent.HEAD)
            if self._emit is not None:
                self._emit("task.start", task=task.id, worker=member.id, pid=member.pid, attempt=task.attempts)
        if member.state is WorkerState.BUSY:
            self._crew.set_timer(member, _NEVER if task.timeout is None else task.head_ns / 1e9 + task.timeout)

    # -- what the crew tells

    def member_ready(self, member: Member) -> None:
        """A worker can take tasks; it may have found one already."""
        self._hungry = True
        if member.inflight:
            member.move(WorkerEvent.FEED)
            self._begin_head(member)

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
        seconds = (timing.finished_ns - timing.started_ns) / 1e9
        self._average = seconds if self._average is None else self._average + _SMOOTHING * (seconds - self._average)
        self._crew.succeeded()
        if not task.done:
            if failure is None:
                self._finish(task, TaskEvent.SUCCEED, Outcome(frame.body, None, timing))
            else:
                self._attempt_failed(task, failure, timing)
        self._hungry = True
        self._next_head(member)

    def _next_head(self, member: Member) -> None:
        recycle, above = self.settings.recycle_after_tasks, self.settings.recycle_above_rss
        if (recycle is not None and member.served >= recycle) or (above is not None and member.peak_rss > above):
            member.retiring = True
        if member.inflight:
            self._begin_head(member)
        elif member.state is WorkerState.BUSY:
            member.move(WorkerEvent.DRAIN)
            self._crew.set_timer(member, _NEVER)
            if member.retiring:
                self._crew.retire(member)

    def member_failed(self, member: Member, failure: Failure | None) -> None:
        """A worker is of no use any more: its head task takes the blame if there is one, the others are sent again."""
        tasks = list(member.inflight)
        member.inflight.clear()
        if tasks and failure is not None and tasks[0].state is TaskState.RUNNING:
            self._attempt_failed(tasks.pop(0), failure, None)
        returned = [task for task in tasks if not task.done]
        for task in returned:
            task.move(TaskEvent.GIVE_BACK)
        self._backlog.give_back(returned)
        self._hungry = True

    def crew_broken(self, reason: str) -> None:
        """No worker is left and none will come: every task fails at once, now and later."""
        if self._closed:
            return
        if not self.broken:
            self.broken = reason
            if self._emit is not None:
                self._emit("pool.broken", reason=reason)
        for task in self._backlog.clear():
            self._fail(task, Failure("broken", reason))

    # -- outcomes

    def _attempt_failed(self, task: TaskHandle, failure: Failure, timing: TaskTiming | None) -> None:
        task.failures.append(failure)
        retries = self.settings.retries
        used = sum(earlier.cause == failure.cause for earlier in task.failures)
        budget: int = getattr(retries, failure.cause)
        if self._closed or self.broken or used > budget or len(task.failures) >= retries.poison_limit:
            self._finish(task, TaskEvent.FAIL, Outcome(None, failure, timing))
            return
        pause = delay(len(task.failures), self.settings.retry_delay, self.settings.retry_delay_cap)
        task.move(TaskEvent.DELAY)
        self._backlog.delay(task, time.monotonic() + pause)
        self._retried += 1
        if self._emit is not None:
            self._emit("task.retry", task=task.id, cause=failure.cause, detail=failure.detail, delay=pause)

    def _fail(self, task: TaskHandle, failure: Failure) -> None:
        self._finish(task, TaskEvent.FAIL, Outcome(None, failure, None))

    def _cancelled(self, task: TaskHandle, detail: str) -> None:
        self._finish(task, TaskEvent.CANCEL, Outcome(None, Failure("cancelled", detail), None))

    def _finish(self, task: TaskHandle, event: TaskEvent, outcome: Outcome) -> None:
        task.finish(event, outcome, time.monotonic_ns())
        del self._open[task.id]
        self._finished[task] = None
        failure = outcome.failure
        if failure is None:
            self._done += 1
        else:
            self._failed[failure.cause] += 1
        if self._emit is not None:
            self._emit(
                "task.end", task=task.id, worker=task.worker_id, pid=task.pid, ok=failure is None,
                cause="" if failure is None else failure.cause, detail="" if failure is None else failure.detail,
                attempts=task.attempts, timing=outcome.timing,
            )  # fmt: skip

    def _check_open(self) -> None:
        if self._closed:
            raise PoolClosedError("the pool is closed; make a new one")


def _ignore(kind: str, **fields: Any) -> None:
    """Nobody listens."""
