"""One worker as the main process knows it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from typing import TYPE_CHECKING

from .memory import EXIT_MEMORY
from .states import WorkerEvent, WorkerState, next_worker_state
from .task import Failure

if TYPE_CHECKING:
    from .launch import Launched, Launcher
    from .task import TaskHandle

NEVER = float("inf")
_CRASH_TEXT = 4096  # bytes of the begin: a crash dump has the innermost call first


class Member:
    """A worker process with the tasks in its pipe."""

    __slots__ = (
        "begun",
        "blameless",
        "blobs",
        "channel",
        "crash",
        "id",
        "inflight",
        "launcher",
        "peak_rss",
        "pid",
        "refusal",
        "retiring",
        "served",
        "started_at",
        "state",
        "timer",
    )

    def __init__(self, ident: int, launcher: Launcher, launched: Launched) -> None:
        self.id = ident
        self.launcher = launcher
        self.channel = launched.channel
        self.crash = launched.crash
        self.pid = launched.pid
        self.state = WorkerState.STARTING
        self.inflight: deque[TaskHandle] = deque()  # the head first
        self.blobs: set[int] = set()  # that it has been sent
        self.timer = NEVER  # time.monotonic() at which something must be done about it; the state says what
        self.begun = False  # has had a task at its head while it was ready
        self.served = 0
        self.peak_rss = 0
        self.retiring = False  # gets no more tasks
        self.blameless = False  # its end is not the fault of its task
        self.refusal = ""  # why it could not start
        self.started_at = time.monotonic()

    def move(self, event: WorkerEvent) -> None:
        """Take a transition of the table."""
        self.state = next_worker_state(self.state, event)

    def last_words(self) -> str:
        """What the worker left on its error output (a crash dump, words of a C library); closes it."""
        if self.crash is None:
            return ""
        text = b""
        with contextlib.suppress(OSError):
            while piece := os.read(self.crash, 65536):
                text += piece
        os.close(self.crash)
        self.crash = None
        return text[:_CRASH_TEXT].decode("utf-8", "replace").strip()

    def obituary(self, code: int | None) -> Failure:
        """The failure of the task that the worker was running when it ended with exit code ``code``."""
        name, what = "", "ended, its exit code is not known"
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-code).name
            what = f"was ended by {name or 'signal'} ({-code})"
            if name == "SIGKILL":
                what += ", which is also what the system does to a process when memory runs out"
        elif code is not None:
            what = f"left with exit code {code}"
        words = self.last_words()
        if code == EXIT_MEMORY:
            return Failure("memory", f"worker {self.pid} was ended: {words}", exit_code=code)
        detail = f"worker {self.pid} {what}" + (f"\n{words}" if words else "")
        return Failure("died", detail, exit_code=code, signal=name)
