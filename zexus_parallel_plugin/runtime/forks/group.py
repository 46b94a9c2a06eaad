"""The processes of one fork, as the main process sees them: start, questions and answers, ends."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import struct
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.runtime.forks.meeting import Meeting, Release
from zexus_parallel_plugin.runtime.forks.messages import Answer, Ask, Outcome, decode_outcome, value_of
from zexus_parallel_plugin.runtime.pool.errors import FrameError, LaunchError
from zexus_parallel_plugin.runtime.pool.frames import Bytes, Frame, Kind, encode, unpack_failure
from zexus_parallel_plugin.runtime.pool.launch import KILL, TERM, make_waiter
from zexus_parallel_plugin.runtime.pool.settings import PoolSettings
from zexus_parallel_plugin.runtime.pool.starter import Starter
from zexus_parallel_plugin.runtime.pool.waiter import WRITE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zexus_parallel_plugin.runtime.forks.desk import Desk
    from zexus_parallel_plugin.runtime.pool.launch import Launched, Launcher
    from zexus_parallel_plugin.runtime.pool.starter import Emit

HANDLER = "zexus_parallel_plugin.runtime.forks.copy:make_handler"
INDEX = struct.Struct("<II")
"""Begins a task: number of the copy, and how many there are."""

_WAVE = 16
"""Copies that may be on their way into life at the same time."""
_START_SECONDS = 30.0
_GRACE_SECONDS = 1.0
"""Between SIGTERM, upon which a copy says what it has printed, and SIGKILL."""
_BURY_SECONDS = 5.0


class Copy:
    """One process: what is known of it."""

    __slots__ = (
        "channel", "crash", "exited", "index", "launcher", "number", "outcome", "pid", "ready", "refusal",
    )  # fmt: skip

    def __init__(self, index: int, number: int, launcher: Launcher, launched: Launched) -> None:
        self.index = index
        self.number = number
        self.launcher = launcher
        self.channel = launched.channel
        self.crash = launched.crash
        self.pid: int | None = None
        self.ready = False
        self.exited = False
        self.refusal = ""
        self.outcome: Outcome | None = None


class ForkGroup:
    """``size`` copies. Starting is all or nothing; afterwards nothing here raises because of a copy.

    ``emit`` hears of processes and of what they do, as that of a pool does.
    """

    def __init__(
        self, size: int, handler_args: bytes, start_method: str | None, desk: Desk, emit: Emit | None = None
    ) -> None:
        self.size = size
        self._emit: Emit = emit or (lambda *_args, **_fields: None)
        self._handler_args = handler_args
        self._desk = desk
        self._meeting = Meeting(size)
        self._waiter = make_waiter()
        settings = PoolSettings(
            size=size,
            handler=HANDLER,
            start_method=start_method,
            preload=("zexus_parallel_plugin.runtime.forks.copy",),
        )
        self._starter = Starter(settings, self._waiter, self, self._emit)
        self._numbers = 0
        self._lost = ""
        self._hung_up = False
        self.copies: dict[int, Copy] = {}
        self.outcomes: dict[int, Outcome] = {}

    # -- starting

    def start(self, blobs: Mapping[bytes, bytes], task: bytes) -> None:
        """Start all copies; they begin together, when the last of them exists.

        :raises LaunchError: one of them could not be started; then none is left.
        """
        self._starter.prepare()
        while True:
            self._lost = ""
            launcher = self._starter.choose()
            if launcher is None:
                raise LaunchError(self._starter.reason or "this system starts no processes")
            try:
                self._launch_all(launcher)
                break
            except LaunchError as error:
                self._forget_all()
                self._starter.lose(self._lost or str(error))
        for index in range(self.size):
            copy = self.copies[index]
            for number, (key, blob) in enumerate(blobs.items()):
                copy.channel.queue(encode(Kind.BLOB, number, blob, key))
            copy.channel.queue(encode(Kind.TASK, index, INDEX.pack(index, self.size) + task))
            self._flush(copy)
            self._emit("task.start", task=index, worker=copy.number, pid=copy.pid, attempt=1)

    def _launch_all(self, launcher: Launcher) -> None:
        deadline = time.monotonic() + _START_SECONDS + 0.1 * self.size
        for index in range(self.size):
            self._numbers += 1
            copy = Copy(index, self._numbers, launcher, launcher.launch(self._numbers))
            self.copies[index] = copy
            self._emit("worker.start", worker=copy.number, method=launcher.method, pid=None)
            init = json.dumps({"handler": HANDLER, "memory_limit": None}).encode()
            copy.channel.queue(encode(Kind.INIT, copy.number, self._handler_args, init))
            self._waiter.add(copy.channel.source, partial(self._on_channel, copy))
            self._flush(copy)
            self._await_ready(_WAVE, deadline)
        self._await_ready(0, deadline)

    def _await_ready(self, most: int, deadline: float) -> None:
        """Wait until at most that many copies are not ready yet."""
        while True:
            unready = [copy for copy in self.copies.values() if not copy.ready]
            failed = [copy for copy in self.copies.values() if copy.outcome is not None]
            if failed:
                copy = failed[0]
                assert copy.outcome is not None
                raise LaunchError(f"copy {copy.index} {copy.outcome.text}")
            if self._lost:
                raise LaunchError(self._lost)
            if len(unready) <= most:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise LaunchError(f"copy {unready[0].index} was not ready in time")
            self._waiter.wait(left)

    def _forget_all(self) -> None:
        for copy in self.copies.values():
            self._waiter.remove(copy.channel.source)
            copy.channel.close()
            _close(copy)
            self._gone(copy, None)
        self.copies.clear()
        self.outcomes.clear()

    # -- what launchers report

    def started(self, worker: int, pid: int) -> None:
        """A process exists."""

    def exited(self, worker: int, code: int | None, reason: str = "") -> None:
        """A process has ended."""
        for copy in self.copies.values():
            if copy.number == worker and not copy.exited:
                copy.exited = True
                copy.refusal = reason or copy.refusal
                if not copy.channel.ended:
                    self._read(copy, 1 << 62)
                self._end(copy, Outcome("died", text=_how_it_died(copy, code)))
                self._gone(copy, code)

    def _gone(self, copy: Copy, code: int | None) -> None:
        expected = copy.outcome is None or copy.outcome.status != "died"
        name = _signal_name(code)
        detail = "" if copy.outcome is None else copy.outcome.text
        self._emit(
            "worker.exit", worker=copy.number, pid=copy.pid, code=code, signal=name, expected=expected,
            detail=detail,
        )  # fmt: skip

    def launcher_lost(self, reason: str) -> None:
        """The template has died; what it has made is killed."""
        self._lost = reason
        launcher = self._starter.launcher
        if launcher is None or not any(copy.ready for copy in self.copies.values()):
            return
        self._starter.lose(reason)
        for copy in self.copies.values():
            copy.exited = True
            self._end(copy, Outcome("died", text=f"died: {reason}"))

    # -- pipes

    def _flush(self, copy: Copy) -> None:
        if not copy.channel.flush():
            self._waiter.watch_writing(copy.channel.source, True)

    def _on_channel(self, copy: Copy, mask: int) -> None:
        if mask & WRITE and copy.channel.flush():
            self._waiter.watch_writing(copy.channel.source, False)
        if mask & ~WRITE:
            self._read(copy)
            if copy.channel.ended:
                self._waiter.remove(copy.channel.source)
                copy.launcher.check(copy.number)
                self._hung_up = True
                # How it died will be reported; that it did matters to the others now.
                self._leave(copy, "has died")

    def _read(self, copy: Copy, limit: int | None = None) -> None:
        try:
            for frame in copy.channel.read() if limit is None else copy.channel.read(limit):
                self._on_frame(copy, frame)
            if copy.channel.error is not None:
                raise copy.channel.error
        except (FrameError, ValueError) as error:
            copy.channel.ended = True
            copy.launcher.signal(copy.number, KILL)
            self._end(copy, Outcome("died", text=f"sent something that cannot be read: {error}"))

    def _on_frame(self, copy: Copy, frame: Frame) -> None:
        if frame.kind == Kind.ASK:
            self._on_question(copy, Ask(frame.number), frame)
        elif frame.kind == Kind.RESULT:
            self._end(copy, decode_outcome(frame.body))
            copy.channel.queue(encode(Kind.STOP, 0))
            self._flush(copy)
        elif frame.kind == Kind.READY:
            copy.ready = True
            copy.pid = frame.number
            self._emit("worker.ready", worker=copy.number, pid=copy.pid, seconds=0.0)
        elif frame.kind == Kind.REFUSED:
            failure = unpack_failure(frame.body)
            copy.refusal = f"{failure.error_type}: {failure.detail}"
        elif frame.kind == Kind.FAILURE:
            failure = unpack_failure(frame.body)
            self._end(copy, Outcome("died", text=f"could not run: {failure.detail}"))
        else:
            raise FrameError(f"a frame of kind {frame.kind} was not expected")

    def _on_question(self, copy: Copy, question: Ask, frame: Frame) -> None:
        if question is Ask.BARRIER:
            key = value_of(frame.body)
            releases = self._meeting.arrive(copy.index, key)
            self._emit("barrier", name=str(key), releases=releases, of=self.size)
            self._release(releases)
        else:
            self._desk.ask(copy.index, question, frame.extra.decode(), frame.body)

    def reply(self, client: int, answer: Answer, body: Bytes) -> None:
        """Answer a copy; nothing happens if it has ended."""
        copy = self.copies.get(client)
        if copy is not None and copy.outcome is None:
            copy.channel.queue(encode(Kind.ANSWER, answer, body))
            self._flush(copy)

    def _release(self, releases: list[Release]) -> None:
        for release in releases:
            answer = Answer.BROKEN if release.broken else Answer.ERROR if release.error else Answer.VALUE
            self.reply(release.copy, answer, release.error.encode())

    def _leave(self, copy: Copy, how: str) -> None:
        if copy.outcome is None:
            self._desk.gone(copy.index)
            self._release(self._meeting.leave(copy.index, how))

    def _end(self, copy: Copy, outcome: Outcome) -> None:
        if copy.outcome is not None:
            return
        how = {"returned": "has returned", "killed": "was killed", "died": "has died"}
        self._leave(copy, how.get(outcome.status, "has failed"))
        copy.outcome = self.outcomes[copy.index] = outcome
        ok = outcome.status == "returned"
        self._emit(
            "task.end", task=copy.index, worker=copy.number, pid=copy.pid, ok=ok, attempts=1, timing=None,
            cause="" if ok else outcome.status, detail="" if ok else outcome.text,
        )  # fmt: skip

    # -- waiting

    @property
    def sources(self) -> list[Any]:
        """What a waiter of somebody else may watch."""
        return [copy.channel.source for copy in self.copies.values()]

    def serve(self, timeout: float | None) -> None:
        """Answer what copies ask now, or wait for it, ``timeout`` seconds at most (None: for ever)."""
        self._waiter.wait(timeout)

    @property
    def running(self) -> list[Copy]:
        """Copies that have not ended."""
        return [copy for copy in self.copies.values() if copy.outcome is None]

    def wait(self, timeout: float | None) -> list[int]:
        """Wait for all copies; the overdue ones, which are killed.

        :param timeout: in seconds, None for no limit.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while len(self.outcomes) < self.size:
            if self._hung_up and all(copy.channel.ended for copy in self.running):
                # All that is missing is how they died.
                deadline = min(deadline, time.monotonic() + _BURY_SECONDS)
                self._hung_up = False
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._waiter.wait(None if deadline == math.inf else left)
        overdue = [copy for copy in self.running if not copy.channel.ended]
        self._kill(overdue)
        for copy in self.running:
            self._end(copy, Outcome("died", text="died, nobody knows how"))
        return [copy.index for copy in overdue]

    def _kill(self, copies: list[Copy]) -> None:
        """End copies: they say what they have printed, if they still can."""
        for number, seconds in ((TERM, _GRACE_SECONDS), (KILL, _BURY_SECONDS)):
            alive = [copy for copy in copies if copy.outcome is None]
            for copy in alive:
                copy.launcher.signal(copy.number, number)
            deadline = time.monotonic() + seconds
            while any(copy.outcome is None for copy in alive):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._waiter.wait(left)
        for copy in copies:
            self._end(copy, Outcome("killed"))
            if copy.outcome is not None and copy.outcome.status == "died":
                self.outcomes[copy.index] = copy.outcome._replace(status="killed")

    def close(self) -> None:
        """End all processes that are left, and release everything; may be repeated."""
        for copy in self.copies.values():
            self._desk.gone(copy.index)
            self._waiter.remove(copy.channel.source)
            if not copy.exited:
                copy.launcher.signal(copy.number, KILL)
                self._gone(copy, None)
            copy.channel.close()
            _close(copy)
        self.copies.clear()
        self._starter.close()
        self._waiter.close()


def _close(copy: Copy) -> None:
    if copy.crash is not None:
        with contextlib.suppress(OSError):
            os.close(copy.crash)
        copy.crash = None


def _how_it_died(copy: Copy, code: int | None) -> str:
    if copy.refusal:
        return f"could not be started: {copy.refusal}"
    if code is None:
        return "died"
    if code < 0:
        return f"died: killed by {_signal_name(code) or f'signal {-code}'}"
    return f"died: its process ended with exit code {code}"


def _signal_name(code: int | None) -> str:
    """Name of the signal that an exit code stands for, empty if it is none."""
    try:
        return signal.Signals(-(code or 0)).name
    except ValueError:
        return ""
