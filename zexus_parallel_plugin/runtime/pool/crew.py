"""The workers of a pool: starting, watching, killing, burying and replacing them."""

from __future__ import annotations

import json
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

from .backoff import delay
from .errors import FrameError, LaunchError, NoRoomError
from .frames import Bytes, Frame, Kind, encode, unpack_failure
from .launch import KILL, TERM
from .member import NEVER, Member
from .starter import Emit, Starter
from .states import WORKER_USABLE, WorkerEvent, WorkerState
from .task import Failure
from .waiter import WRITE, Waiter

if TYPE_CHECKING:
    import signal

    from .settings import PoolSettings

_LOG = logging.getLogger(__name__)
_GIVE_UP_SECONDS = 5.0  # after SIGKILL: a process that the system cannot end is left alone
_NO_ROOM_SECONDS = 1.0  # until the next attempt to start a worker for which the system had no room
_EVERYTHING = 1 << 62


class CrewOwner(Protocol):
    """What the crew tells the supervisor."""

    def member_ready(self, member: Member) -> None:
        """It has said that it can take tasks."""

    def member_answered(self, member: Member, frame: Frame) -> None:
        """A result or a failure of a task has come."""

    def member_failed(self, member: Member, failure: Failure | None) -> None:
        """Take its tasks back: ``failure`` is the head's; None: nobody's."""

    def crew_broken(self, reason: str) -> None:
        """There is no worker, and there will not be one."""


class Crew:
    """All workers of one pool."""

    def __init__(self, settings: PoolSettings, waiter: Waiter, owner: CrewOwner, emit: Emit) -> None:
        self._settings = settings
        self._waiter = waiter
        self._owner = owner
        self._emit = emit
        self._numbers = 0
        self._wanted = 0
        self._not_before = 0.0
        self._start_failures = 0  # in a row
        self._no_more = ""  # why no more workers are started
        self.starter = Starter(settings, waiter, self, emit)
        self.members: dict[int, Member] = {}
        self.earliest = NEVER  # lower bound of all timers
        self.deaths = self.kills = self.launches = 0

    # -- size

    @property
    def usable(self) -> list[Member]:
        """Members that take tasks or will."""
        return [member for member in self.members.values() if member.state in WORKER_USABLE]

    @property
    def can_grow(self) -> bool:
        """Whether :meth:`want` can still change anything."""
        return self._wanted < self._settings.size and not self._no_more

    def want(self, count: int, now: float) -> None:
        """Have at least ``count`` members from now on, at most the size of the pool."""
        self._wanted = max(self._wanted, min(count, self._settings.size))
        self.hire(now)

    def hire(self, now: float) -> None:
        """Start the members that are missing."""
        # One whose pipe has ended is about to be buried; only then is it known whether starts are failing.
        present = sum(m.state in WORKER_USABLE or m.state is WorkerState.LOST for m in self.members.values())
        missing = self._wanted - present
        if missing <= 0 or self._no_more:
            return
        if now < self._not_before:
            self.earliest = min(self.earliest, self._not_before)
            return
        while missing > 0 and now >= self._not_before and not self._no_more:
            missing -= self._launch()

    def _launch(self) -> bool:
        launcher = self.starter.choose()
        if launcher is None:
            self._give_up(f"no worker process can be started: {self.starter.reason}")
            return False
        self._numbers += 1
        try:
            launched = launcher.launch(self._numbers)
        except NoRoomError as error:
            if self.usable:  # fewer workers are better than none
                _LOG.info("no more workers for now: %s", error)
                self._not_before = time.monotonic() + _NO_ROOM_SECONDS
                self.earliest = min(self.earliest, self._not_before)
            else:
                self.launcher_lost(str(error))
            return False
        except LaunchError as error:
            self.launcher_lost(str(error))
            return False
        member = Member(self._numbers, launcher, launched)
        self.members[member.id] = member
        self.launches += 1
        init = {"handler": self._settings.handler, "memory_limit": self._settings.memory_limit}
        self.send(
            member, encode(Kind.INIT, member.id, self._settings.handler_args, json.dumps(init).encode())
        )
        self._waiter.add(member.channel.source, partial(self._on_channel, member))
        self.flush(member)
        self.set_timer(member, member.started_at + self._settings.start_timeout)
        self._emit("worker.start", worker=member.id, method=launcher.method, pid=member.pid)
        return True

    def _give_up(self, reason: str) -> None:
        self._no_more = self._no_more or reason
        if not self.usable:
            self._owner.crew_broken(self._no_more)

    # -- sending and reading

    def send(self, member: Member, buffers: list[Bytes]) -> None:
        """Queue buffers for a member; :meth:`flush` sends them."""
        member.channel.queue(buffers)

    def flush(self, member: Member) -> None:
        """Send what the pipe takes; the rest follows when it takes more."""
        if not member.channel.flush():
            self._waiter.watch_writing(member.channel.source, True)

    def _on_channel(self, member: Member, mask: int) -> None:
        if mask & WRITE and member.channel.flush():
            self._waiter.watch_writing(member.channel.source, False)
        if mask & ~WRITE:
            self._read(member)
            if member.channel.ended and member.state is not WorkerState.DEAD:
                self._hang_up(member)

    def _read(self, member: Member, limit: int | None = None) -> None:
        channel = member.channel
        try:
            frames = channel.read() if limit is None else channel.read(limit)
            for frame in frames:
                self._on_frame(member, frame)
            if channel.error is not None:
                raise channel.error
        except FrameError as error:
            channel.ended = True
            if member.state in WORKER_USABLE or member.state in {WorkerState.STOPPING, WorkerState.LOST}:
                self._owner.member_failed(member, Failure("undecodable", f"{error} (worker {member.pid})"))
                self.kill(member, "undecodable")

    def _on_frame(self, member: Member, frame: Frame) -> None:
        if member.state in {WorkerState.TERMINATING, WorkerState.KILLED}:
            return  # too late: its tasks have been taken back
        if frame.kind in {Kind.RESULT, Kind.FAILURE}:
            self._start_failures = 0  # whatever ailed the start of workers is over
            self._owner.member_answered(member, frame)
        elif frame.kind == Kind.READY and member.state is WorkerState.STARTING:
            member.pid = frame.number
            member.move(WorkerEvent.READY)
            self.set_timer(member, NEVER)
            seconds = time.monotonic() - member.started_at
            self._emit("worker.ready", worker=member.id, pid=member.pid, seconds=seconds)
            self._owner.member_ready(member)
        elif frame.kind == Kind.REFUSED and member.state is WorkerState.STARTING:
            failure = unpack_failure(frame.body)
            member.refusal = f"{failure.error_type}: {failure.detail}\n{failure.traceback}".rstrip()
        elif frame.kind != Kind.READY:
            raise FrameError(f"a frame of kind {frame.kind} was not expected")

    # -- ends

    def stop(self, member: Member, deadline: float) -> None:
        """Let a member leave after its last task; terminate it at ``deadline``."""
        member.move(WorkerEvent.STOP)
        self.send(member, encode(Kind.STOP, 0))
        self.flush(member)
        self.set_timer(member, deadline)

    def retire(self, member: Member) -> None:
        """Replace an idle member that has served for long enough."""
        self._emit(
            "worker.recycle",
            worker=member.id,
            pid=member.pid,
            served=member.served,
            peak_rss=member.peak_rss,
        )
        now = time.monotonic()
        self.stop(member, now + self._settings.grace)
        self.hire(now)

    def terminate(self, member: Member, reason: str) -> None:
        """SIGTERM now, SIGKILL after the grace period."""
        member.move(WorkerEvent.TERM)
        self._signal(member, TERM, reason)
        self.set_timer(member, time.monotonic() + self._settings.grace)

    def kill(self, member: Member, reason: str) -> None:
        """SIGKILL."""
        if member.state not in {WorkerState.KILLED, WorkerState.DEAD}:
            member.move(WorkerEvent.KILL)
        self._signal(member, KILL, reason)
        self.set_timer(member, time.monotonic() + _GIVE_UP_SECONDS)

    def _signal(self, member: Member, number: signal.Signals, reason: str) -> None:
        self.kills += 1
        self._emit("worker.kill", worker=member.id, pid=member.pid, signal=number.name, reason=reason)
        member.launcher.signal(member.id, number)

    def _hang_up(self, member: Member) -> None:
        self._waiter.remove(member.channel.source)
        now = time.monotonic()
        if member.state in WORKER_USABLE:
            member.move(WorkerEvent.HANG_UP)
            self.set_timer(member, now + self._settings.grace)
        member.launcher.check(member.id)
        self.hire(now)

    def started(self, worker: int, pid: int) -> None:
        """A launcher reports a process id."""
        member = self.members.get(worker)
        if member is not None:
            member.pid = pid

    def exited(self, worker: int, code: int | None, reason: str = "") -> None:
        """A launcher reports the end of a process."""
        member = self.members.get(worker)
        if member is None:
            return
        member.refusal = reason or member.refusal
        if not member.channel.ended:
            self._read(member, _EVERYTHING)  # a result may have been sent just before the end
        self._bury(member, code)

    def _bury(self, member: Member, code: int | None) -> None:
        was = member.state
        self._waiter.remove(member.channel.source)
        member.move(WorkerEvent.EXIT)
        del self.members[member.id]
        member.channel.close()
        failure = member.obituary(code)
        expected = was in {WorkerState.STOPPING, WorkerState.TERMINATING, WorkerState.KILLED}
        self.deaths += not expected
        self._emit(
            "worker.exit",
            worker=member.id,
            pid=member.pid,
            code=code,
            signal=failure.signal,
            expected=expected,
            detail=failure.detail,
        )
        # Ready, with nothing to blame, and yet gone before it did anything: as bad as a start that failed.
        barren = not member.begun and not expected
        if member.inflight:
            self._owner.member_failed(member, None if member.blameless else failure)
        if not member.blameless and not self._no_more and (member.refusal or barren):
            self._failed_start(member.refusal or failure.detail)
        if self._no_more:
            self._give_up(self._no_more)
        self.hire(time.monotonic())

    def _failed_start(self, reason: str) -> None:
        self._start_failures += 1
        pause = delay(self._start_failures, self._settings.retry_delay, self._settings.retry_delay_cap)
        self._not_before = time.monotonic() + pause
        self._emit("worker.start_failed", failures=self._start_failures, reason=reason)
        if self._start_failures >= self._settings.max_start_failures:
            first_line = reason.partition("\n")[0]
            _LOG.warning("worker processes die at their start, no more are started: %s", first_line)
            self._give_up(f"worker processes die at their start: {reason}")

    def launcher_lost(self, reason: str) -> None:
        """The launcher in use is of no use any more: bury its workers, take the next start method."""
        launcher = self.starter.lose(reason)
        for member in list(self.members.values()):
            if member.launcher is launcher:
                member.blameless = True
                self.exited(member.id, None)

    # -- time

    def set_timer(self, member: Member, when: float) -> None:
        """Have :meth:`tick` look at a member at ``when``."""
        member.timer = when
        self.earliest = min(self.earliest, when)

    def tick(self, now: float) -> None:
        """Do what is due, and find out when the next thing is."""
        for member in list(self.members.values()):
            if member.timer <= now and member.state is not WorkerState.DEAD:
                self._due(member, now)
        self.earliest = min((member.timer for member in self.members.values()), default=NEVER)
        self.hire(now)

    def _due(self, member: Member, now: float) -> None:
        state = member.state
        if state is WorkerState.STARTING:
            member.refusal = f"worker {member.pid} was not ready after {self._settings.start_timeout:g} s"
            self._owner.member_failed(member, None)
            self.kill(member, "start")
        elif state is WorkerState.BUSY:
            self._overdue(member, now)
        elif state is WorkerState.STOPPING:
            self._owner.member_failed(member, None)
            self.terminate(member, "stop")
        elif state in {WorkerState.TERMINATING, WorkerState.LOST}:
            self.kill(member, "grace")
        elif state is WorkerState.KILLED:
            if member.pid is None:  # the template has not even made it
                self.launcher_lost("the template process does not answer")
            else:
                self._bury(member, None)
        else:
            self.set_timer(member, NEVER)

    def _overdue(self, member: Member, now: float) -> None:
        self._read(member)
        if member.timer <= now and member.state is WorkerState.BUSY:  # not finished at the last moment
            seconds = now - member.inflight[0].head_ns / 1e9
            detail = f"not finished after {seconds:.1f} s (worker {member.pid})"
            self._owner.member_failed(member, Failure("timeout", detail))
            self.terminate(member, "timeout")

    # -- closing

    def dismiss(self, kill: bool) -> None:
        """Stop all members, or kill them, and start no more."""
        self._no_more = "the pool is closed"
        self._wanted = 0
        deadline = time.monotonic() + self._settings.grace
        for member in list(self.members.values()):
            if kill:
                self.kill(member, "close")
            elif member.state in WORKER_USABLE:
                self.stop(member, deadline)

    def close(self) -> None:
        """Release what is left, the hard way."""
        for member in self.members.values():
            self._waiter.remove(member.channel.source)
            member.channel.close()
            member.last_words()
        self.members.clear()
        self.starter.close()
