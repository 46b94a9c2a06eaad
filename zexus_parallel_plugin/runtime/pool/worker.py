"""The main loop of a worker process: one frame in, at most one frame out."""

from __future__ import annotations

import importlib
import json
import os
import time
import traceback
from typing import TYPE_CHECKING, Protocol

from zexus_parallel_plugin.room import with_room

from .errors import FrameError, UndecodablePayloadError, UnsendableResultError
from .frames import MAX_BODY, Bytes, Frame, Kind, pack_failure, pack_timing, unpack_numbers
from .memory import PeakMemory, limit_memory
from .task import Cause, Failure

if TYPE_CHECKING:
    from .endpoint import Endpoint

EXIT_STOPPED = 0
EXIT_REFUSED = 78  # the handler could not be made
EXIT_PROTOCOL = 77  # the main process did not speak the protocol
_TEXT_LIMIT = 16384
_FRAMES_SHOWN = 30


class Handler(Protocol):
    """What a worker runs tasks with; made once per worker by ``factory(handler_args)``."""

    def blob(self, key: bytes, blob: Bytes) -> None:
        """Take a published blob, before the first task which needs it."""

    def run(self, payload: Bytes) -> Bytes:
        """Run a task. Whatever it raises is the failure of this task only."""


def run_worker(endpoint: Endpoint) -> int:
    """Serve tasks until told to stop or until the pipe ends; returns the exit code."""
    try:
        first = endpoint.receive()
        if first is None:
            return EXIT_STOPPED
        if first.kind != Kind.INIT:
            return EXIT_PROTOCOL
        try:
            handler = _make_handler(first)
        except BaseException as error:  # noqa: BLE001 - the main process must hear the reason, whatever it is
            endpoint.send(Kind.REFUSED, 0, pack_failure(describe(error)))
            return EXIT_REFUSED
        attach = getattr(handler, "attach", None)
        if attach is not None:  # a handler that asks in the middle of a task
            attach(endpoint)
        endpoint.send(Kind.READY, os.getpid())
        return int(with_room(_serve, endpoint, handler))
    except FrameError:
        return EXIT_PROTOCOL
    except OSError:
        return EXIT_STOPPED  # the main process is gone


def _make_handler(init: Frame) -> Handler:
    options = json.loads(init.extra)
    module, _, name = options["handler"].partition(":")
    factory = importlib.import_module(module)
    for part in name.split("."):
        factory = getattr(factory, part)
    handler: Handler = factory(bytes(init.body))  # type: ignore[operator]
    if options["memory_limit"]:
        limit_memory(options["memory_limit"])
    return handler


def _serve(endpoint: Endpoint, handler: Handler) -> int:
    broken_blobs: dict[int, BaseException] = {}
    memory = PeakMemory()
    while True:
        frame = endpoint.receive()
        if frame is None or frame.kind == Kind.STOP:
            return EXIT_STOPPED
        if frame.kind == Kind.TASK:
            kind, body, extra = _run(handler, frame, broken_blobs, memory)
            endpoint.send(kind, frame.number, body, extra)
            del body
        elif frame.kind == Kind.BLOB:
            try:
                handler.blob(frame.extra, frame.body)
            except BaseException as error:  # noqa: BLE001 - it fails the tasks that need the blob
                broken_blobs[frame.number] = error
        else:
            return EXIT_PROTOCOL
        del frame  # a large payload must not live until the next one


def _run(
    handler: Handler, frame: Frame, broken_blobs: dict[int, BaseException], memory: PeakMemory
) -> tuple[Kind, Bytes, bytes]:
    kind = Kind.RESULT
    body: Bytes
    cpu = time.process_time_ns()
    started = time.monotonic_ns()
    try:
        if broken_blobs:
            for number in unpack_numbers(frame.extra):
                if number in broken_blobs:
                    raise broken_blobs[number]
        body = handler.run(frame.body)
        if not isinstance(body, (bytes, bytearray, memoryview)):
            raise UnsendableResultError(f"the handler returned {type(body).__name__}, not bytes")
        if isinstance(body, memoryview):
            body = body.cast("B")
        if len(body) > MAX_BODY:
            raise UnsendableResultError(f"the result has {len(body)} bytes, the limit is {MAX_BODY}")
    except BaseException as error:  # noqa: BLE001 - SystemExit, too, is a failure of the task only
        kind, body = Kind.FAILURE, pack_failure(describe(error))
    finished = time.monotonic_ns()
    cpu = time.process_time_ns() - cpu
    return kind, body, pack_timing(started, finished, cpu, memory.look(finished))


def describe(error: BaseException) -> Failure:
    """A failure as texts only, so that no exception class has to cross the pipe; never raises."""
    name = type(error).__qualname__
    try:
        return Failure(_cause(error), _message(error), name, _traceback(error))
    except BaseException:  # noqa: BLE001 - e.g. no memory left for the texts
        return Failure(_cause(error), name, name)


def _cause(error: BaseException) -> Cause:
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, UnsendableResultError):
        return "unsendable"
    if isinstance(error, UndecodablePayloadError):
        return "undecodable"
    return "error"


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - an exception whose __str__ raises fails this task only
        text = "(its text cannot be made)"
    return text[:_TEXT_LIMIT]


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error, limit=-_FRAMES_SHOWN))[-_TEXT_LIMIT:]
    except BaseException:  # noqa: BLE001 - see _message
        return ""
