"""The wire format: frames whose kind, number and lengths are outside of any pickle.

A frame is a header of 24 bytes (magic, version, kind, length of extra, number, length of body), ``extra``
(small, fixed by the kind) and ``body`` (opaque). Reading never executes anything and never trusts a length:
what is not a frame costs one worker.
"""

from __future__ import annotations

import json
from enum import IntEnum
from struct import Struct, error
from typing import NamedTuple

from .errors import FrameError
from .task import Failure, TaskTiming

Bytes = bytes | bytearray | memoryview

_MAGIC = b"ZP"
_VERSION = 1
_HEADER = Struct("<2sBBIQQ")
_TIMING = Struct("<QQQQ")
HEADER_SIZE = _HEADER.size
MAX_EXTRA = 1 << 20
MAX_BODY = 1 << 32
LARGE = 1 << 16  # bodies from this size on are read straight into their own buffer
_WORKER_CAUSES = ("error", "memory", "unsendable", "undecodable")


class Kind(IntEnum):
    """Kinds of frames; those below 16 go to a worker, the others come from it."""

    INIT = 1  # extra: JSON (handler, memory limit), body: handler_args
    TASK = 2  # number: task, extra: numbers of the blobs it needs, body: payload
    BLOB = 3  # number: blob, extra: key, body: blob
    STOP = 4
    ANSWER = 5  # to a worker that has asked: number and body are the handler's business
    READY = 16  # number: process id
    RESULT = 17  # number: task, extra: timing, body: result
    FAILURE = 18  # number: task, extra: timing, body: JSON (cause, detail, error type, traceback)
    ASK = 20  # from a handler, in the middle of a task: number, extra and body are its business
    REFUSED = 19  # the handler could not be made; body as FAILURE


_KINDS = frozenset(int(kind) for kind in Kind)


class Frame(NamedTuple):
    """A whole frame."""

    kind: int
    number: int
    extra: bytes
    body: Bytes


def encode(kind: int, number: int, body: Bytes = b"", extra: bytes = b"") -> list[Bytes]:
    """The buffers of a frame, in order; small frames are one buffer, large bodies are not copied."""
    size = len(body)
    if size > MAX_BODY or len(extra) > MAX_EXTRA:
        raise FrameError(f"a frame of {size} bytes is over the limit of {MAX_BODY}")
    head = _HEADER.pack(_MAGIC, _VERSION, kind, len(extra), number, size)
    if size < LARGE:
        return [b"".join((head, extra, body))]
    return [head + extra, body]


class FrameReader:
    """Turns a byte stream, cut anywhere, into frames.

    ``error`` is set when the stream is not made of frames; those before that place are still returned,
    nothing after it is.
    """

    __slots__ = ("_body", "_filled", "_head", "_max_body", "_rest", "error")

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._rest = b""
        self._max_body = max_body
        self._head: Frame | None = None  # of the large frame whose body is being filled
        self._body = bytearray()
        self._filled = 0
        self.error: FrameError | None = None

    def feed(self, data: Bytes) -> list[Frame]:
        """All frames that end within ``data``."""
        frames: list[Frame] = []
        try:
            self._parse(data, frames)
        except FrameError as error:
            self.error = error
        return frames

    def _parse(self, data: Bytes, frames: list[Frame]) -> None:
        if self.error is not None:
            return
        if self._head is not None:
            taken = min(len(data), len(self._body) - self._filled)
            self._body[self._filled : self._filled + taken] = data[:taken]
            frames += self.filled(taken)
            data = data[taken:]
        buffer = self._rest + data if self._rest else bytes(data)
        position, size = 0, len(buffer)
        while size - position >= HEADER_SIZE:
            magic, version, kind, extra_size, number, body_size = _HEADER.unpack_from(buffer, position)
            if magic != _MAGIC or version != _VERSION or kind not in _KINDS:
                raise FrameError("the bytes on the pipe are not a frame")
            if extra_size > MAX_EXTRA or body_size > self._max_body:
                raise FrameError(f"a frame claims {extra_size} + {body_size} bytes, which is over the limit")
            body_at = position + HEADER_SIZE + extra_size
            end = body_at + body_size
            if end > size:
                if body_size >= LARGE and body_at <= size:
                    extra = buffer[position + HEADER_SIZE : body_at]
                    self._start_large(Frame(kind, number, extra, b""), body_size, buffer[body_at:])
                    position = size
                break
            frames.append(Frame(kind, number, buffer[position + HEADER_SIZE : body_at], buffer[body_at:end]))
            position = end
        self._rest = buffer[position:]

    def _start_large(self, head: Frame, body_size: int, begin: bytes) -> None:
        try:
            self._body = bytearray(body_size)
        except MemoryError:
            raise FrameError(f"no memory for a frame of {body_size} bytes") from None
        self._head = head
        self._body[: len(begin)] = begin
        self._filled = len(begin)

    def space(self) -> memoryview | None:
        """Where the rest of a large body goes, for ``recv_into``; None if no such body is open."""
        return None if self._head is None else memoryview(self._body)[self._filled :]

    def filled(self, count: int) -> list[Frame]:
        """Report that ``count`` bytes were written into :meth:`space`; the frame if that completes it."""
        head = self._head
        assert head is not None
        self._filled += count
        if self._filled < len(self._body):
            return []
        frame = head._replace(body=self._body)
        self._head, self._body = None, bytearray()
        return [frame]


def pack_numbers(numbers: tuple[int, ...]) -> bytes:
    """Numbers of blobs as the extra part of a TASK frame."""
    return Struct(f"<{len(numbers)}I").pack(*numbers) if numbers else b""


def unpack_numbers(extra: bytes) -> tuple[int, ...]:
    """The inverse of :func:`pack_numbers`."""
    if len(extra) % 4:
        raise FrameError("a task frame has a torn list of blobs")
    return Struct(f"<{len(extra) // 4}I").unpack(extra)


def pack_timing(started_ns: int, finished_ns: int, cpu_ns: int, peak_rss: int) -> bytes:
    """The extra part of RESULT and FAILURE frames."""
    return _TIMING.pack(started_ns, finished_ns, cpu_ns, peak_rss)


def unpack_timing(extra: bytes) -> TaskTiming:
    """The inverse of :func:`pack_timing`."""
    try:
        return TaskTiming(*_TIMING.unpack(extra))
    except error:
        raise FrameError("a result frame has no timing") from None


def pack_failure(failure: Failure) -> bytes:
    """The body of FAILURE and REFUSED frames."""
    return json.dumps([failure.cause, failure.detail, failure.error_type, failure.traceback]).encode()


def unpack_failure(body: Bytes) -> Failure:
    """The inverse of :func:`pack_failure`."""
    try:
        cause, detail, error_type, traceback = json.loads(bytes(body))
    except (ValueError, TypeError, RecursionError):
        raise FrameError("a failure frame cannot be read") from None
    texts = (detail, error_type, traceback)
    if cause not in _WORKER_CAUSES or not all(isinstance(text, str) for text in texts):
        raise FrameError("a failure frame has the wrong fields")
    return Failure(cause, *texts)
