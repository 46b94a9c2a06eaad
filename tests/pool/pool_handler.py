"""The handler that the pool's tests run: payloads are pickles of (operation, arguments)."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from zexus_parallel_plugin.runtime.pool import (
    PoolError,
    PoolSettings,
    UndecodablePayloadError,
    UnsendableResultError,
    WorkerSupervisor,
)
from zexus_parallel_plugin.runtime.pool.frames import Kind, encode


def call(operation: str, *arguments: Any) -> bytes:
    return pickle.dumps((operation, arguments))


class BadTextError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text for you")

    def __reduce__(self) -> Any:
        raise TypeError("no pickle for you")


class Handler:
    def __init__(self, arguments: bytes) -> None:
        self.arguments = arguments
        self.blobs: dict[bytes, bytes] = {}
        self.blob_counts: dict[bytes, int] = {}

    def blob(self, key: bytes, blob: bytes) -> None:
        if blob == b"poison":
            raise ValueError("a poisoned blob")
        self.blobs[key] = bytes(blob)
        self.blob_counts[key] = self.blob_counts.get(key, 0) + 1

    def run(self, payload: bytes) -> Any:
        try:
            operation, arguments = pickle.loads(payload)
        except Exception as error:
            raise UndecodablePayloadError(f"cannot read the payload: {error}") from error
        return getattr(self, f"do_{operation}")(*arguments)

    def do_echo(self, value: bytes) -> bytes:
        return value

    def do_pid(self) -> bytes:
        return str(os.getpid()).encode()

    def do_arguments(self) -> bytes:
        return self.arguments

    def do_sleep(self, seconds: float) -> bytes:
        time.sleep(seconds)
        return b"slept"

    def do_gate(self, path: str) -> bytes:
        """Work that takes until the test lets it go on, and neither more nor less."""
        while not Path(path).exists():
            time.sleep(0.002)
        return b"passed"

    def do_exit(self, code: int) -> bytes:
        os._exit(code)

    def do_kill(self, number: int) -> bytes:
        os.kill(os.getpid(), number)
        time.sleep(60)
        return b""

    def do_segfault(self) -> bytes:
        ctypes.string_at(0)
        return b""

    def do_loop(self) -> bytes:
        while True:
            pass

    def do_stubborn(self) -> bytes:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            pass

    def do_loop_in_c(self) -> bytes:
        return str(10**10**8).encode()  # minutes, without ever letting another thread run

    def do_raise(self, name: str, text: str) -> bytes:
        raise {"ValueError": ValueError, "SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt,
               "MemoryError": MemoryError}[name](text)  # fmt: skip

    def do_recurse(self) -> bytes:
        return self.do_recurse()

    def do_bad_text(self) -> bytes:
        raise BadTextError

    def do_unsendable(self) -> bytes:
        try:
            return pickle.dumps(lambda: None)
        except Exception as error:
            raise UnsendableResultError(str(error)) from error

    def do_object(self) -> object:
        return object()

    def do_view(self) -> memoryview:
        return memoryview(bytearray(range(8))).cast("H")

    def do_bytes(self, size: int) -> bytes:
        return bytes(size)

    def do_length(self, value: bytes) -> bytes:
        return str(len(value)).encode()

    def do_eat(self, size: int) -> bytes:
        eaten = []
        while size > 0:
            eaten.append(b"x" * 10_000_000)
            size -= 10_000_000
            time.sleep(0.005)
        return b"full"

    def do_at_once(self, size: int) -> bytes:
        return bytes(size)[:1]

    def do_blob(self, key: bytes) -> bytes:
        return self.blobs[key] + b"x%d" % self.blob_counts[key]

    def do_nested(self) -> bytes:
        try:
            WorkerSupervisor(PoolSettings(size=1, handler="pool_handler:Handler"))
        except PoolError as error:
            return type(error).__name__.encode()
        return b"allowed"

    def do_garbage(self, data: bytes) -> bytes:
        for descriptor in open_descriptors():
            if is_socket(descriptor):
                os.write(descriptor, data)
        time.sleep(60)
        return b""

    def do_half(self, size: int) -> bytes:
        answer = b"".join(encode(Kind.RESULT, 1, bytes(size)))
        for descriptor in open_descriptors():
            if is_socket(descriptor):
                os.set_blocking(descriptor, True)
                left = memoryview(answer)[: len(answer) // 2]
                while left:
                    left = left[os.write(descriptor, left) :]
        os._exit(7)

    def do_hang_up(self) -> bytes:
        for descriptor in open_descriptors():
            if is_socket(descriptor):
                os.close(descriptor)
        time.sleep(60)
        return b""

    def do_print(self, text: str) -> bytes:
        print(text, flush=True)
        print(text, file=sys.stderr, flush=True)
        os.write(1, text.encode())
        os.write(2, text.encode())
        return b"printed"

    def do_descriptors(self) -> bytes:
        lines = []
        for descriptor in open_descriptors():
            inheritable = os.get_inheritable(descriptor)
            lines.append((descriptor, str(Path(f"/proc/self/fd/{descriptor}").readlink()), inheritable))
        return pickle.dumps(lines)

    def do_state(self) -> bytes:
        return pickle.dumps(
            {
                "sigint": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
                "sigterm": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
                "mask": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
                "marker": os.environ.get("ZEXUS_PARALLEL_WORKER"),
                "extra": os.environ.get("POOL_TEST_EXTRA"),
                "threads": [thread.name for thread in threading.enumerate()],
                "main": sys.modules["__main__"].__dict__.get("__file__"),
                "umask": os.umask(0o77),
            }
        )


def open_descriptors() -> list[int]:
    """Those that are open before and after the look itself."""
    found = sorted(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    return [descriptor for descriptor in found if os.path.lexists(f"/proc/self/fd/{descriptor}")]


def is_socket(descriptor: int) -> bool:
    try:
        socket.socket(fileno=os.dup(descriptor)).close()
    except OSError:
        return False
    return True


def refuse(arguments: bytes) -> Handler:
    raise ValueError("this handler does not want to exist")


def die(arguments: bytes) -> Handler:
    os._exit(5)


def hang(arguments: bytes) -> Handler:
    time.sleep(60)
    return Handler(arguments)
