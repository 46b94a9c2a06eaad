"""Memory of a worker: its peak, and a limit."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from pathlib import Path

if sys.platform != "win32":
    import resource

EXIT_MEMORY = 76  # exit code of a worker that has taken more than its limit
_INTERVAL_NS = 2_000_000  # between looks, which cost about 20 µs
_WATCH_SECONDS = 0.01
_BACKSTOP = 4  # the system's own limit, in limits: for what grows faster than somebody can look


class PeakMemory:
    """The highest resident size of this process so far."""

    __slots__ = ("_last", "_looked_ns", "_status")

    def __init__(self) -> None:
        self._last = 0
        self._looked_ns = 0
        self._status: int | None = None
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                self._status = os.open("/proc/self/status", os.O_RDONLY)

    def look(self, now_ns: int) -> int:
        """Bytes, at most 2 ms old at ``now_ns`` (``time.monotonic_ns()``); 0 on systems that do not tell."""
        if now_ns - self._looked_ns >= _INTERVAL_NS:
            self._last = self._read()
            self._looked_ns = time.monotonic_ns()
        return self._last

    def _read(self) -> int:
        if sys.platform == "win32":
            return 0
        if self._status is not None:
            # Not getrusage: its peak includes that of the process which started this one.
            _, found, rest = os.pread(self._status, 8192, 0).partition(b"VmHWM:")
            if found:
                return int(rest.split(None, 1)[0]) * 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def limit_memory(limit: int) -> None:
    """End this process when it takes ``limit`` bytes more than now. Without effect on Windows.

    It ends, instead of having allocations fail: an error would be a result like another one, and a program
    may catch it.
    """
    if sys.platform == "win32":
        return
    bound_address_space(limit * _BACKSTOP)
    watch = threading.Thread(target=_watch, args=(_taken(), limit), name="zexus-parallel-memory", daemon=True)
    watch.start()


def _watch(before: int, limit: int) -> None:
    while True:
        time.sleep(_WATCH_SECONDS)
        more = _taken() - before
        if more > limit:
            text = f"it took {more >> 20} MiB for its tasks, the limit is {limit >> 20} MiB"
            with contextlib.suppress(OSError):
                os.write(2, text.encode())
            os._exit(EXIT_MEMORY)


def _taken() -> int:
    """Bytes of this process's own memory, without files; the highest so far if the system tells no more."""
    if sys.platform == "win32":
        return 0
    with contextlib.suppress(OSError):
        _, resident, shared, *_ = Path("/proc/self/statm").read_text("ascii").split()
        return (int(resident) - int(shared)) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def bound_address_space(more: int) -> None:
    """Bound the address space: what there is now plus ``more`` bytes. Without effect on Windows."""
    if sys.platform == "win32":
        return
    used = 0
    if sys.platform == "linux":
        used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = used + more
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
