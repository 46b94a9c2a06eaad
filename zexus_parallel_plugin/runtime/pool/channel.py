"""The main process's end of a worker's pipe. Neither sending nor reading ever blocks."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from .frames import Bytes, Frame, FrameReader

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable
    from multiprocessing.connection import Connection

    from .errors import FrameError

_CHUNK = 1 << 16
READ_LIMIT = 1 << 22  # bytes per call, so that one huge result cannot hold up everything else
_BUFFERS_PER_CALL = 256  # below IOV_MAX everywhere


class Channel(Protocol):
    """What the pool needs of a pipe."""

    ended: bool  # the other side is gone and everything that it sent has been read

    @property
    def error(self) -> FrameError | None:
        """Set when the other side sends what is not a frame."""

    @property
    def source(self) -> Any:
        """What a waiter watches."""

    def queue(self, buffers: Iterable[Bytes]) -> None:
        """Add to what is to be sent."""

    def flush(self) -> bool:
        """Send what can be sent now; whether nothing is left."""

    def read(self, limit: int = READ_LIMIT) -> list[Frame]:
        """Frames in about ``limit`` bytes at most of what has arrived."""

    def close(self) -> None:
        """Close this end."""


class SocketChannel:
    """One end of a Unix socket pair, non-blocking, with a buffer for what the socket does not take yet."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._out: deque[Bytes] = deque()
        self._reader = FrameReader()
        self.ended = False

    @property
    def error(self) -> FrameError | None:
        """Set when the other side sends what is not a frame."""
        return self._reader.error

    @property
    def source(self) -> socket.socket:
        """What a waiter watches."""
        return self._socket

    def queue(self, buffers: Iterable[Bytes]) -> None:
        """Add to what is to be sent."""
        self._out.extend(buffers)

    def flush(self) -> bool:
        """Send what can be sent now; whether nothing is left."""
        out = self._out
        try:
            while out:
                if len(out) == 1:
                    sent = self._socket.send(out[0])
                else:
                    sent = self._socket.sendmsg(
                        [out[index] for index in range(min(len(out), _BUFFERS_PER_CALL))]
                    )
                while out and sent >= len(out[0]):
                    sent -= len(out.popleft())
                if sent:
                    out[0] = memoryview(out[0])[sent:]
        except BlockingIOError:
            return False
        except OSError:
            out.clear()  # the worker is gone; reading tells, after what it sent before
        return True

    def read(self, limit: int = READ_LIMIT) -> list[Frame]:
        """Frames in about ``limit`` bytes at most of what has arrived."""
        frames: list[Frame] = []
        total = 0
        reader, receive = self._reader, self._socket.recv
        try:
            while total < limit:
                space = reader.space()
                if space is None:
                    data = receive(_CHUNK)
                    count = len(data)
                    if count:
                        frames += reader.feed(data)
                        if count < _CHUNK and reader.space() is None:
                            break  # it was all there is: no call more just to hear so
                else:
                    count = self._socket.recv_into(space)
                    if count:
                        frames += reader.filled(count)
                if not count:
                    self.ended = True
                    break
                total += count
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True
        return frames

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
        self._out.clear()


class ConnectionChannel:
    """A ``multiprocessing`` connection, for Windows. A thread sends, because a send there blocks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._reader = FrameReader()
        self._queue: queue.SimpleQueue[Bytes | None] = queue.SimpleQueue()
        self._sender: threading.Thread | None = None
        self.ended = False

    @property
    def error(self) -> FrameError | None:
        """Set when the other side sends what is not a frame."""
        return self._reader.error

    @property
    def source(self) -> Connection:
        """What a waiter watches."""
        return self._connection

    def queue(self, buffers: Iterable[Bytes]) -> None:
        """Hand over to the sending thread."""
        if self._sender is None:
            self._sender = threading.Thread(target=self._send, name="zexus-parallel-sender", daemon=True)
            self._sender.start()
        for buffer in buffers:
            self._queue.put(buffer)

    def _send(self) -> None:
        while (buffer := self._queue.get()) is not None:
            try:
                self._connection.send_bytes(buffer)
            except (OSError, ValueError):
                return  # the worker is gone, or this end was closed

    def flush(self) -> bool:
        """Nothing to do: the thread sends."""
        return True

    def read(self, limit: int = READ_LIMIT) -> list[Frame]:
        """Frames in about ``limit`` bytes at most of what has arrived."""
        frames: list[Frame] = []
        total = 0
        try:
            while total < limit and self._connection.poll(0):
                data = self._connection.recv_bytes()
                total += len(data)
                frames += self._reader.feed(data)
        except (EOFError, OSError):
            self.ended = True
        return frames

    def close(self) -> None:
        """Close this end; the worker is gone, so the thread cannot be stuck in a send for long."""
        self._queue.put(None)
        if self._sender is not None:
            self._sender.join(1.0)
        with contextlib.suppress(OSError):
            self._connection.close()
