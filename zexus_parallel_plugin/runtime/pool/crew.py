"""The workers of a pool, seen from the main process: starting, watching, killing, burying and replacing them."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from .backoff import delay
from .channel import Channel
from .errors import FrameError, LaunchError
from .forking import ForkedTemplate, FreshTemplate, TemplateLauncher
from .frames import Frame, Kind, encode, unpack_failure
from .launch import KILL, TERM, Launcher, methods
from .settings import PoolSettings
from .spawning import SpawnLauncher
from .states import WORKER_USABLE, WorkerEvent, WorkerState, next_worker_state
from .task import Failure, TaskHandle
from .waiter import WRITE, Waiter

_LOG = logging.getLogger(__name__)
_NEVER = float("inf")
_GIVE_UP_SECONDS = 5.0  # after SIGKILL: a process that the system cannot end is left alone
_CRASH_TEXT = 4096
_DRAIN = 1 << 62

Emit = Callable[..., None]


class Member:
    """One worker process."""

    __slots__ = (
        "blameless", "blobs", "channel", "crash", "id", "inflight", "launcher", "method", "peak_rss", "pid", "refusal",
        "retiring", "served", "started_at", "state", "timer",
    )  # fmt: skip

    def __init__(self, ident: int, launcher: Launcher, channel: Channel, crash: int | None, pid: int | None) -> None:
        self.id = ident
        self.launcher = launcher
        self.method = launcher.method
        self.channel = channel
        self.crash = crash
        self.pid = pid
        self.state = WorkerState.STARTING
        self.inflight: deque[TaskHandle] = deque()  # tasks in its pipe, the head first
        self.blobs: set[int] = set()
        self.timer = _NEVER  # time.monotonic() at which something must be done about it; what, says the state
        self.served = 0
        self.peak_rss = 0
        self.retiring = False  # gets no more tasks
        self.blameless = False  # its end is not the fault of its task
        self.refusal = ""  # why it could not start
        self.started_at = time.monotonic()

    def move(self, event: WorkerEvent) -> None:
        """Take a transition of the table."""
        self.state = next_worker_state(self.state, event)


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
        self._prepared: ForkedTemplate | None = None
        self._methods: list[str] | None = None
        self._launcher: Launcher | None = None
        self._old_launchers: list[Launcher] = []
        self._numbers = 0
        self._wanted = 0
        self._not_before = 0.0
        self._start_failures = 0  # in a row
        self._no_more = ""  # why no more workers are started
        self.members: dict[int, Member] = {}
        self.earliest = _NEVER  # lower bound of all timers
        self.deaths = self.kills = self.launches = 0

    # -- size

    @property
    def method(self) -> str:
        """The start method in use; empty before the first worker."""
        return self._launcher.method if self._launcher is not None else ""

    @property
    def usable(self) -> list[Member]:
        """Members that take tasks or will."""
        return [member for member in self.members.values() if member.state in WORKER_USABLE]

    @property
    def can_grow(self) -> bool:
        """Whether :meth:`want` can still change anything."""
        return self._wanted < self._settings.size and not self._no_more

    def prepare(self) -> str:
        """Fork the template; empty, or why there is none."""
        if self._settings.start_method not in {None, "template"}:
            return f"the start method is {self._settings.start_method}"
        if self._prepared is None:
            try:
                self._prepared = ForkedTemplate(self._preload(), self._settings.env)
            except LaunchError as error:
                return str(error)
        return ""

    def _preload(self) -> tuple[str, ...]:
        return (*self._settings.preload, self._settings.handler.partition(":")[0])

    def want(self, count: int, now: float) -> None:
        """Have at least ``count`` members from now on, at most the size of the pool."""
        self._wanted = max(self._wanted, min(count, self._settings.size))
        self.hire(now)

    def hire(self, now: float) -> None:
        """Start the members that are missing."""
        missing = self._wanted - len(self.usable)
        if missing <= 0 or self._no_more:
            return
        if now < self._not_before:
            self.earliest = min(self.earliest, self._not_before)
            return
        for _ in range(missing):
            if not self._launch():
                return

    def _launch(self) -> bool:
        while not self._no_more:
            if self._launcher is None and not self._choose_launcher():
                break
            assert self._launcher is not None
            self._numbers += 1
            try:
                launched = self._launcher.launch(self._numbers)
            except LaunchError as error:
                self.launcher_lost(str(error))
                continue
            member = Member(self._numbers, self._launcher, launched.channel, launched.crash, launched.pid)
            self.members[member.id] = member
            self.launches += 1
            init = {"handler": self._settings.handler, "memory_limit": self._settings.memory_limit}
            self.send(member, encode(Kind.INIT, member.id, self._settings.handler_args, json.dumps(init).encode()))
            self._waiter.add(member.channel.source, partial(self._on_channel, member))
            self.flush(member)
            self.set_timer(member, member.started_at + self._settings.start_timeout)
            self._emit("worker.start", worker=member.id, method=member.method, pid=member.pid)
            return True
        return False

    def _choose_launcher(self) -> bool:
        if self._methods is None:
            self._methods = methods(self._settings.start_method, self._prepared is not None)
            wanted = self._settings.start_method
            if wanted is not None and wanted != self._methods[0]:
                self._emit("pool.fallback", method=self._methods[0], reason=f"{wanted} is not available")
        reason = "no start method is left"
        while self._methods:
            method = self._methods.pop(0)
            try:
                self._launcher = self._make_launcher(method)
            except LaunchError as error:
                reason = str(error)
                continue
            return True
        self._give_up(reason)
        return False

    def _make_launcher(self, method: str) -> Launcher:
        env = self._settings.env
        if method == "spawn":
            return SpawnLauncher(env, self._waiter, self)
        if method == "template":
            assert self._prepared is not None
            template, self._prepared = self._prepared, None
            return TemplateLauncher(template, method, self._waiter, self)
        return TemplateLauncher(FreshTemplate(self._preload(), env), method, self._waiter, self)

    def _give_up(self, reason: str) -> None:
        if not self._no_more:
            self._no_more = reason
        if not self.usable:
            self._owner.crew_broken(self._no_more)

    # -- sending and reading

    def send(self, member: Member, buffers: list[bytes | bytearray | memoryview]) -> None:
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
        except FrameError as error:
            channel.ended = True
            if member.state in WORKER_USABLE or member.state in {WorkerState.STOPPING, WorkerState.LOST}:
                self._owner.member_failed(member, Failure("undecodable", f"{error} (worker {member.pid})"))
                self.kill(member, "undecodable")

    def _on_frame(self, member: Member, frame: Frame) -> None:
        if member.state in {WorkerState.TERMINATING, WorkerState.KILLED}:
            return  # too late: its tasks have been taken back
        if frame.kind in {Kind.RESULT, Kind.FAILURE}:
            self._owner.member_answered(member, frame)
        elif frame.kind == Kind.READY and member.state is WorkerState.STARTING:
            member.pid = frame.number
            member.move(WorkerEvent.READY)
            self.set_timer(member, _NEVER)
            self._emit("worker.ready", worker=member.id, pid=member.pid, seconds=time.monotonic() - member.started_at)
            self._owner.member_ready(member)
        elif frame.kind == Kind.REFUSED and member.state is WorkerState.STARTING:
            failure = unpack_failure(frame.body)
            member.refusal = f"{failure.error_type}: {failure.detail}\n{failure.traceback}".rstrip()
        elif frame.kind != Kind.READY:
            raise FrameError(f"a frame of kind {frame.kind} was not expected")

    def succeeded(self) -> None:
        """A task has been answered: whatever ailed the start of workers is over."""
        self._start_failures = 0

    # -- ends

    def stop(self, member: Member, deadline: float) -> None:
        """Let a member leave after its last task; terminate it at ``deadline``."""
        member.move(WorkerEvent.STOP)
        self.send(member, encode(Kind.STOP, 0))
        self.flush(member)
        self.set_timer(member, deadline)

    def retire(self, member: Member) -> None:
        """Replace an idle member that has served for long enough."""
        self._emit("worker.recycle", worker=member.id, pid=member.pid, served=member.served, peak_rss=member.peak_rss)
        self.stop(member, time.monotonic() + self._settings.grace)
        self.hire(time.monotonic())

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
        if member.state in WORKER_USABLE:
            member.move(WorkerEvent.HANG_UP)
            self.set_timer(member, time.monotonic() + self._settings.grace)
        member.launcher.check(member.id)
        self.hire(time.monotonic())

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
        if reason:
            member.refusal = reason
        if not member.channel.ended:
            self._read(member, _DRAIN)  # a result may have been sent just before the end
        self._bury(member, code)

    def _bury(self, member: Member, code: int | None) -> None:
        was = member.state
        if was is WorkerState.DEAD:
            return
        self._waiter.remove(member.channel.source)
        member.move(WorkerEvent.EXIT)
        del self.members[member.id]
        member.channel.close()
        failure = self._obituary(member, code)
        expected = was in {WorkerState.STOPPING, WorkerState.TERMINATING, WorkerState.KILLED}
        if not expected:
            self.deaths += 1
        self._emit(
            "worker.exit", worker=member.id, pid=member.pid, code=code, signal=failure.signal, expected=expected,
            detail=failure.detail,
        )  # fmt: skip
        blamed = bool(member.inflight)
        if blamed:
            self._owner.member_failed(member, None if member.blameless else failure)
        if member.blameless or self._no_more:
            pass
        elif not member.served and (member.refusal or (not expected and not blamed)):
            self._failed_start(member.refusal or failure.detail)
        if self._no_more:
            self._give_up(self._no_more)
        self.hire(time.monotonic())

    def _obituary(self, member: Member, code: int | None) -> Failure:
        name, what = "", "ended, its exit code is not known"
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-code).name
            what = f"was ended by {name or 'signal'} ({-code})"
            if name == "SIGKILL":
                what += ", which is also what the system does to a process when memory runs out"
        elif code is not None:
            what = f"left with exit code {code}"
        last_words = _read_crash(member)
        detail = f"worker {member.pid} {what}" + (f"\n{last_words}" if last_words else "")
        return Failure("died", detail, exit_code=code, signal=name)

    def _failed_start(self, reason: str) -> None:
        self._start_failures += 1
        pause = delay(self._start_failures, self._settings.retry_delay, self._settings.retry_delay_cap)
        self._not_before = time.monotonic() + pause
        self._emit("worker.start_failed", failures=self._start_failures, reason=reason)
        if self._start_failures >= self._settings.max_start_failures:
            first_line = reason.splitlines()[0] if reason else ""
            _LOG.warning("worker processes die at their start, no more are started: %s", first_line)
            self._give_up(f"worker processes die at their start: {reason}")

    def launcher_lost(self, reason: str) -> None:
        """The launcher in use is of no use any more: bury its workers, take the next start method."""
        launcher, self._launcher = self._launcher, None
        if launcher is None:
            return
        self._old_launchers.append(launcher)
        lost = [member for member in self.members.values() if member.launcher is launcher]
        launcher.abandon()
        self._emit("pool.fallback", method=(self._methods or ["none"])[0], reason=reason)
        for member in lost:
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
        self.earliest = min((member.timer for member in self.members.values()), default=_NEVER)
        self.hire(now)

    def _due(self, member: Member, now: float) -> None:
        state = member.state
        if state is WorkerState.STARTING:
            member.refusal = f"worker {member.pid} was not ready after {self._settings.start_timeout:g} s"
            self._owner.member_failed(member, None)
            self.kill(member, "start")
        elif state is WorkerState.BUSY:
            self._read(member)
            if member.timer <= now and member.state is WorkerState.BUSY:  # not finished at the last moment
                head = member.inflight[0]
                detail = f"not finished after {now - head.head_ns / 1e9:.1f} s (worker {member.pid})"
                self._owner.member_failed(member, Failure("timeout", detail))
                self.terminate(member, "timeout")
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
            self.set_timer(member, _NEVER)

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
        for member in list(self.members.values()):
            self._waiter.remove(member.channel.source)
            member.channel.close()
            _read_crash(member)
        self.members.clear()
        if self._prepared is not None:
            self._prepared.kill()
            self._prepared.control.close()
            self._prepared = None
        for launcher in (*self._old_launchers, self._launcher):
            if launcher is not None:
                launcher.close()
        self._launcher = None
        self._old_launchers.clear()


def _read_crash(member: Member) -> str:
    """What the worker left on its error output (a crash dump, words of a C library), and close it."""
    if member.crash is None:
        return ""
    text = b""
    with contextlib.suppress(OSError):
        while piece := os.read(member.crash, 65536):
            text += piece
    os.close(member.crash)
    member.crash = None
    return text[-_CRASH_TEXT:].decode("utf-8", "replace").strip()
