"""Start methods: how a worker process comes to be, is signalled, and how its end is noticed.

``template``: forked from a template that was forked from this process while it had one thread (about 5 ms).
``forkserver``: forked from a template that is a fresh interpreter (slow once, then as above).
``spawn``: every worker is a fresh interpreter; works everywhere.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .errors import NoRoomError
from .waiter import ConnectionWaiter, SelectorWaiter, Waiter

if TYPE_CHECKING:
    from .channel import Channel

TRANSPORT = "connection" if sys.platform == "win32" else "socket"
TERM = signal.SIGTERM
_SPARE = 12  # descriptors that are left to the program, for its own files and for what it imports
_STANDARD = 2  # the last of the numbers of standard streams
KILL: signal.Signals = getattr(signal, "SIGKILL", signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Launched:
    """A worker that was asked for."""

    channel: Channel
    crash: int | None  # read end of what it leaves on its error output
    pid: int | None  # None: will be reported


class LaunchEvents(Protocol):
    """What launchers report. Workers are known by their number."""

    def started(self, worker: int, pid: int) -> None:
        """The process exists."""

    def exited(self, worker: int, code: int | None, reason: str = "") -> None:
        """The process is gone; ``code`` as in ``subprocess`` (negative: signal), None: unknown."""

    def launcher_lost(self, reason: str) -> None:
        """The launcher can start nothing any more, and its workers are not to be trusted."""


class Launcher(Protocol):
    """A start method at work."""

    method: str

    def launch(self, worker: int) -> Launched:
        """Start a worker; raises :class:`LaunchError`."""

    def signal(self, worker: int, number: signal.Signals) -> None:
        """Send a signal; harmless if the worker is gone."""

    def check(self, worker: int) -> None:
        """The pipe of the worker has ended: report its exit where the system does not do so by itself."""

    def abandon(self) -> None:
        """Kill all workers of this launcher without waiting for them."""

    def close(self) -> None:
        """Let go of everything; kills what is left."""


def check_room() -> None:
    """See that the program keeps some descriptors for itself. Raises :class:`NoRoomError`.

    Where standard streams are closed, the null device takes their numbers: a pipe must not get them, since
    workers have their own standard streams there.
    """
    spare: list[int] = []
    try:
        while len(spare) < _SPARE:
            spare.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        raise NoRoomError(f"no descriptors left for workers: {error.strerror}") from error
    finally:
        for descriptor in spare:
            if descriptor > _STANDARD:
                os.close(descriptor)


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two connected sockets. Raises :class:`NoRoomError`."""
    check_room()
    try:
        return socket.socketpair()
    except OSError as error:
        raise NoRoomError(f"no socket for a worker: {error.strerror}") from error


def make_waiter() -> Waiter:
    """The waiter that fits the transport. Raises :class:`NoRoomError`."""
    check_room()
    return SelectorWaiter() if TRANSPORT == "socket" else ConnectionWaiter()


def methods(wanted: str | None, prepared: bool) -> list[str]:
    """Start methods to try, best first. macOS forks only on request: its system libraries do not survive
    forks.
    """
    usable = ["spawn"]
    if TRANSPORT == "socket" and hasattr(os, "fork"):
        if sys.platform != "darwin" or wanted in {"forkserver", "template"}:
            usable.insert(0, "forkserver")
        if prepared:
            usable.insert(0, "template")
    if wanted in usable:
        return usable[usable.index(wanted) :]
    return usable


def crash_pipe() -> tuple[int, int]:
    """A pipe for last words: non-blocking, so that a chatty worker loses text instead of stopping.

    Raises :class:`NoRoomError`.
    """
    try:
        read, write = os.pipe()
    except OSError as error:
        raise NoRoomError(f"no pipe for a worker: {error.strerror}") from error
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    return read, write
