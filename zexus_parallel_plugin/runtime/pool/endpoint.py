"""The worker's end of its pipe: blocking, one frame after the other."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from .frames import Bytes, Frame, FrameReader, encode

if TYPE_CHECKING:
    import socket
    from multiprocessing.connection import Connection

_CHUNK = 1 << 16


class Endpoint(Protocol):
    """What a worker needs of a pipe."""

    def receive(self) -> Frame | None:
        """The next frame; None at the end of the pipe. Raises :class:`FrameError`."""

    def send(self, kind: int, number: int, body: Bytes = b"", extra: bytes = b"") -> None:
        """Send a frame; raises OSError if the main process is gone."""


class SocketEndpoint:
    """One end of a Unix socket pair."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(True)
        self._socket = end
        self._reader = FrameReader()
        self._ready: deque[Frame] = deque()

    def receive(self) -> Frame | None:
        """The next frame; None at the end of the pipe. Raises :class:`FrameError`."""
        ready, reader = self._ready, self._reader
        while not ready:
            if reader.error is not None:
                raise reader.error
            space = reader.space()
            try:
                if space is None:
                    data = self._socket.recv(_CHUNK)
                    count = len(data)
                    ready.extend(reader.feed(data))
                else:
                    count = self._socket.recv_into(space)
                    ready.extend(reader.filled(count))
            except ConnectionError:
                return None
            if not count:
                return None
        return ready.popleft()

    def send(self, kind: int, number: int, body: Bytes = b"", extra: bytes = b"") -> None:
        """Send a frame; raises OSError if the main process is gone."""
        for buffer in encode(kind, number, body, extra):
            self._socket.sendall(buffer)


class ConnectionEndpoint:
    """A ``multiprocessing`` connection, for Windows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._reader = FrameReader()
        self._ready: deque[Frame] = deque()

    def receive(self) -> Frame | None:
        """The next frame; None at the end of the pipe. Raises :class:`FrameError`."""
        while not self._ready:
            if self._reader.error is not None:
                raise self._reader.error
            try:
                self._ready.extend(self._reader.feed(self._connection.recv_bytes()))
            except (EOFError, ConnectionError):
                return None
        return self._ready.popleft()

    def send(self, kind: int, number: int, body: Bytes = b"", extra: bytes = b"") -> None:
        """Send a frame; raises OSError if the main process is gone."""
        for buffer in encode(kind, number, body, extra):
            self._connection.send_bytes(buffer)
