"""Waiting for many things at once: pipes, ends of processes, a wake-up. Nothing here polls."""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import os
import selectors
import threading
from collections.abc import Callable
from typing import Any, Protocol

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE
Callback = Callable[[int], None]


class Waiter(Protocol):
    """Calls back when a source is ready: a file descriptor, an object with one, a handle on Windows."""

    def add(self, source: Any, callback: Callback) -> None:
        """Watch ``source`` for reading."""

    def remove(self, source: Any) -> None:
        """Stop watching; unknown sources are ignored."""

    def watch_writing(self, source: Any, wanted: bool) -> None:
        """Also watch for writing, or no longer."""

    def wait(self, timeout: float | None) -> bool:
        """Wait up to ``timeout`` seconds (None: for ever) and call back; whether it was woken up."""

    def wake(self) -> None:
        """Make a wait in another thread (or the next one) return. Safe in signal handlers."""

    def close(self) -> None:
        """Release the descriptors."""


class SelectorWaiter:
    """For systems whose pipes are file descriptors."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._callbacks: dict[Any, Callback] = {}
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._woken = False
        self.add(self._wake_read, self._on_wake)

    def add(self, source: Any, callback: Callback) -> None:
        """Watch ``source`` for reading."""
        self._selector.register(source, READ, callback)
        self._callbacks[source] = callback

    def remove(self, source: Any) -> None:
        """Stop watching; unknown sources are ignored."""
        if self._callbacks.pop(source, None) is not None:
            self._selector.unregister(source)

    def watch_writing(self, source: Any, wanted: bool) -> None:
        """Also watch for writing, or no longer."""
        callback = self._callbacks.get(source)
        if callback is not None:
            self._selector.modify(source, READ | WRITE if wanted else READ, callback)

    def wait(self, timeout: float | None) -> bool:
        """Wait up to ``timeout`` seconds (None: for ever) and call back; whether it was woken up."""
        self._woken = False
        for key, mask in self._selector.select(timeout):
            callback = self._callbacks.get(key.fileobj)
            if callback is not None and callback is key.data:  # an earlier callback may have removed it
                callback(mask)
        return self._woken

    def wake(self) -> None:
        """Make a wait in another thread (or the next one) return. Safe in signal handlers."""
        with contextlib.suppress(OSError):  # full: it will wake up anyway; closed: nobody is waiting
            os.write(self._wake_write, b"\0")

    def _on_wake(self, mask: int) -> None:
        del mask
        self._woken = True
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_read, 4096):
                pass

    def close(self) -> None:
        """Release the descriptors."""
        self._selector.close()
        self._callbacks.clear()
        for descriptor in (self._wake_read, self._wake_write):
            with contextlib.suppress(OSError):
                os.close(descriptor)


class ConnectionWaiter:
    """For Windows, whose pipes are not file descriptors; works everywhere."""

    def __init__(self) -> None:
        self._callbacks: dict[Any, Callback] = {}
        self._wake_read, self._wake_write = multiprocessing.connection.Pipe(duplex=False)
        self._wake_lock = threading.Lock()
        self._wake_pending = False
        self._woken = False
        self.add(self._wake_read, self._on_wake)

    def add(self, source: Any, callback: Callback) -> None:
        """Watch ``source`` for reading."""
        self._callbacks[source] = callback

    def remove(self, source: Any) -> None:
        """Stop watching; unknown sources are ignored."""
        self._callbacks.pop(source, None)

    def watch_writing(self, source: Any, wanted: bool) -> None:
        """Nothing to do: channels of this kind write from a thread of their own."""

    def wait(self, timeout: float | None) -> bool:
        """Wait up to ``timeout`` seconds (None: for ever) and call back; whether it was woken up."""
        self._woken = False
        for source in multiprocessing.connection.wait(list(self._callbacks), timeout):
            callback = self._callbacks.get(source)
            if callback is not None:
                callback(READ)
        return self._woken

    def wake(self) -> None:
        """Make a wait in another thread (or the next one) return."""
        if self._wake_lock.acquire(blocking=False):
            try:
                if not self._wake_pending:
                    self._wake_pending = True
                    with contextlib.suppress(OSError):
                        self._wake_write.send_bytes(b"\0")
            finally:
                self._wake_lock.release()

    def _on_wake(self, mask: int) -> None:
        del mask
        self._wake_read.recv_bytes()
        self._wake_pending = False
        self._woken = True

    def close(self) -> None:
        """Release the pipes."""
        self._callbacks.clear()
        self._wake_read.close()
        self._wake_write.close()
