"""Which task goes to which worker, and when."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .backlog import Backlog, Blobs
from .frames import Bytes, Kind, encode, pack_numbers
from .member import NEVER, Member
from .states import TaskEvent, WorkerEvent, WorkerState

if TYPE_CHECKING:
    from collections.abc import Callable

    from .crew import Crew
    from .settings import PoolSettings
    from .task import TaskHandle

_BURST = 16  # most tasks in a worker's pipe, however short they are
_BURST_SECONDS = 0.0003  # ... and at most this much work
_SWITCH_SECONDS = 0.00001  # a task costs this at least
_SMOOTHING = 0.2  # weight of the latest task in the average duration
_LOOK_EVERY = 16


class Feeder:
    """Sends waiting tasks to workers, and has workers started for those that find none."""

    def __init__(
        self, settings: PoolSettings, crew: Crew, on_head: Callable[[Member, TaskHandle], None]
    ) -> None:
        self._settings = settings
        self._crew = crew
        self._on_head = on_head
        self._average: float | None = None  # seconds of a task, lately
        self._stuck = False  # the last look left tasks waiting: the workers are full
        self.backlog = Backlog()
        self.blobs = Blobs()
        self.hungry = False  # something has changed that may let a task be sent

    def learn(self, seconds: float) -> None:
        """A task took ``seconds``."""
        average = self._average
        self._average = seconds if average is None else average + _SMOOTHING * (seconds - average)

    def push(self, task: TaskHandle) -> None:
        """Take a new task; while the workers are full, they are looked at only now and then."""
        self.backlog.push(task)
        if not self._stuck or self._crew.can_grow or not self.backlog.ready % _LOOK_EVERY:
            self.feed()

    def feed(self) -> None:
        """Send waiting tasks to workers that can take them, and start workers for the rest."""
        self.hungry = False
        backlog, crew = self.backlog, self._crew
        self._stuck = False
        if backlog.peek() is None:
            return
        fed: dict[int, Member] = {}
        for member in crew.members.values():
            if member.state is WorkerState.IDLE and not member.retiring and backlog.peek() is not None:
                self._send(member, fed)
        if crew.can_grow and backlog.peek() is not None:
            usable = crew.usable
            unfed = sum(member.state is WorkerState.STARTING and not member.inflight for member in usable)
            crew.want(len(usable) + max(0, backlog.ready - unfed), time.monotonic())
        for member in crew.members.values():
            if member.state is WorkerState.BUSY and not member.retiring and backlog.peek() is not None:
                self._prefetch(member, fed)
        if backlog.peek() is not None:
            self._send_to_starting(fed)
        for member in fed.values():
            crew.flush(member)
        self._stuck = backlog.peek() is not None

    def _send_to_starting(self, fed: dict[int, Member]) -> None:
        """While no worker is ready at all, let those to come find a task in their pipe."""
        usable = self._crew.usable
        if all(member.state is WorkerState.STARTING for member in usable):
            for member in usable:
                if not member.inflight and self.backlog.peek() is not None:
                    self._send(member, fed)

    def _prefetch(self, member: Member, fed: dict[int, Member]) -> None:
        """Send tasks behind what ``member`` is doing, as far as that is wise.

        A task in a pipe cannot go to another worker any more: near the end of the work it would wait there
        while others are idle. So only behind a short one, or while there is plenty; and more than ``depth``
        only of tasks so short that the switches between processes cost more than they do.
        """
        settings, backlog, average = self._settings, self.backlog, self._average
        plenty = backlog.ready > 2 * settings.size
        expected = member.inflight[0].expected
        if not plenty:
            seconds = average if expected is None else expected
            if seconds is None or seconds > settings.prefetch_seconds:
                return
        depth = settings.depth
        if plenty and depth > 1 and expected is None and average is not None:
            share = backlog.ready // (2 * settings.size)
            depth = max(depth, min(_BURST, share, int(_BURST_SECONDS / (average + _SWITCH_SECONDS))))
        room = settings.prefetch_bytes
        while len(member.inflight) < depth:
            task = backlog.peek()
            if task is None:
                return
            room -= len(task.payload) + sum(
                len(self.blobs[n][1]) for n in task.needs if n not in member.blobs
            )
            if room < 0:
                return
            self._send(member, fed)

    def _send(self, member: Member, fed: dict[int, Member]) -> None:
        task = self.backlog.pop()
        buffers: list[Bytes] = []
        for number in task.needs:
            if number not in member.blobs:
                member.blobs.add(number)
                key, blob = self.blobs[number]
                buffers += encode(Kind.BLOB, number, blob, key)
        buffers += encode(Kind.TASK, task.id, task.payload, pack_numbers(task.needs))
        self._crew.send(member, buffers)
        task.move(TaskEvent.SEND)
        task.worker_id, task.pid = member.id, member.pid
        task.sent_ns = time.monotonic_ns()
        member.inflight.append(task)
        fed[member.id] = member
        if member.state is WorkerState.IDLE:
            member.move(WorkerEvent.FEED)
            self.begin_head(member)

    def begin_head(self, member: Member) -> None:
        """The first task of a ready worker begins now; its time runs."""
        task = member.inflight[0]
        task.head_ns = time.monotonic_ns()
        task.pid = member.pid
        if not task.done:  # a cancelled one keeps the worker busy all the same
            task.move(TaskEvent.HEAD)
            task.attempts += 1
            self._on_head(member, task)
        if member.state is WorkerState.BUSY:
            member.begun = True
            limit = NEVER if task.timeout is None else task.head_ns / 1e9 + task.timeout
            self._crew.set_timer(member, limit)
