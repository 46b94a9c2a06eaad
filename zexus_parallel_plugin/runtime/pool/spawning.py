"""Start method ``spawn``: every worker is a fresh interpreter and a child of this process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from . import launch
from .channel import Channel, ConnectionChannel, SocketChannel
from .errors import LaunchError, NoRoomError
from .interpreter import close_lifeline, start_interpreter
from .launch import KILL, Launched, LaunchEvents, crash_pipe, socket_pair

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping

    from .waiter import Waiter

_CHECK_SECONDS = 0.05


class SpawnLauncher:
    """Every worker is a fresh interpreter and a child of this process."""

    method = "spawn"

    def __init__(self, env: Mapping[str, str], waiter: Waiter, events: LaunchEvents) -> None:
        self._env = env
        self._waiter = waiter
        self._events = events
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._sentinels: dict[int, int] = {}

    def launch(self, worker: int) -> Launched:
        """Start an interpreter; raises :class:`LaunchError`."""
        crash_read, crash_write = None, subprocess.DEVNULL
        if sys.platform != "win32":
            crash_read, crash_write = crash_pipe()
        try:
            channel, number, close_theirs = _make_pipe()
        except NoRoomError:
            if crash_read is not None:
                os.close(crash_read)
                os.close(crash_write)
            raise
        try:
            process = start_interpreter("worker", number, launch.TRANSPORT, self._env, crash_write)
        except OSError as error:
            channel.close()
            if crash_read is not None:
                os.close(crash_read)
            raise LaunchError(f"cannot start {sys.executable}: {error.strerror}") from error
        finally:
            close_theirs()
            if crash_read is not None:
                os.close(crash_write)
        self._processes[worker] = process
        self._watch(worker, process)
        return Launched(channel, crash_read, process.pid)

    def _watch(self, worker: int, process: subprocess.Popen[bytes]) -> None:
        if sys.platform == "win32":
            self._waiter.add(int(process._handle), partial(self._on_exit, worker))
        elif hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # an old kernel: check() does it
                sentinel = os.pidfd_open(process.pid)
                self._sentinels[worker] = sentinel
                self._waiter.add(sentinel, partial(self._on_exit, worker))

    def _on_exit(self, worker: int, mask: int = 0) -> None:
        del mask
        process = self._processes.get(worker)
        if process is not None and process.poll() is not None:
            self._forget(worker)
            self._events.exited(worker, process.returncode)

    def _forget(self, worker: int) -> None:
        process = self._processes.pop(worker)
        if sys.platform == "win32":
            self._waiter.remove(int(process._handle))
        sentinel = self._sentinels.pop(worker, None)
        if sentinel is not None:
            self._waiter.remove(sentinel)
            os.close(sentinel)
        close_lifeline(process)

    def signal(self, worker: int, number: signal.Signals) -> None:
        """Send a signal; on Windows any of them ends the process."""
        process = self._processes.get(worker)
        if process is not None:
            with contextlib.suppress(OSError):
                process.send_signal(number)

    def check(self, worker: int) -> None:
        """Without a sentinel: the pipe has ended, so the process is about to."""
        process = self._processes.get(worker)
        if process is not None and worker not in self._sentinels:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_CHECK_SECONDS)
            self._on_exit(worker)

    def abandon(self) -> None:
        """Kill all workers."""
        for worker in list(self._processes):
            self.signal(worker, KILL)

    def close(self) -> None:
        """Kill and collect what is left."""
        self.abandon()
        for worker, process in list(self._processes.items()):
            process.wait()
            self._forget(worker)


def _make_pipe() -> tuple[Channel, int, Callable[[], None]]:
    """Our end, the number of their end for the child, and how to close that here."""
    if launch.TRANSPORT == "socket":
        ours, theirs = socket_pair()
        return SocketChannel(ours), theirs.fileno(), theirs.close
    from multiprocessing.connection import Pipe

    here, there = Pipe(duplex=True)
    if sys.platform == "win32":
        os.set_handle_inheritable(there.fileno(), True)
    return ConnectionChannel(here), there.fileno(), there.close
