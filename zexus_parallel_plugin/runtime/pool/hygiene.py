"""What makes a process a worker: no terminal, no Ctrl-C, no pipes of others, no life after the main one."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from io import TextIOWrapper

MARKER = "ZEXUS_PARALLEL_WORKER"  # in the environment of every worker and template
EXIT_ORPHAN = 79  # exit code of a process whose main process has gone
_DESCRIPTORS = ("/proc/self/fd", "/dev/fd")


def in_worker() -> bool:
    """Whether this process is a worker, or was started by one."""
    return bool(os.environ.get(MARKER))


def mark(extra: Mapping[str, str]) -> None:
    """Mark this process as a worker, and add ``extra`` to its environment."""
    os.environ.update(extra)
    os.environ[MARKER] = "1"


def reset_signals() -> None:
    """Ignore Ctrl-C, drop handlers written in Python (they are the main process's), unblock everything."""
    if hasattr(signal, "set_wakeup_fd"):
        signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        with contextlib.suppress(OSError, ValueError):
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":
        signal.signal(signal.SIGBREAK, signal.SIG_IGN)
    else:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def neutralise_descriptors(keep: Iterable[int]) -> None:
    """Point every inherited descriptor but 0 to 2 and ``keep`` at the null device.

    Closing them would be wrong: objects that own them are still there after a fork, and would later close a
    number that belongs to something else by then.
    """
    kept = {0, 1, 2, *keep}
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in _open_descriptors():
        if descriptor not in kept and descriptor != null:
            with contextlib.suppress(OSError):
                os.dup2(null, descriptor, inheritable=False)
    os.close(null)


def _open_descriptors() -> list[int]:
    for directory in _DESCRIPTORS:
        try:
            found = [int(entry.name) for entry in Path(directory).iterdir()]
        except OSError:
            continue
        # The listing's own descriptor is closed by now.
        return [descriptor for descriptor in found if _is_open(descriptor)]
    return [descriptor for descriptor in range(3, 1024) if _is_open(descriptor)]


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def detach_stdio(crash: int | None) -> None:
    """Take the terminal away: nothing that a worker prints by itself reaches the program's output.

    Descriptors 0 and 1 become the null device, 2 becomes ``crash``, the pipe whose contents the main process
    reads when the worker has died (None: the null device too).
    """
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(null, descriptor)
    os.dup2(null if crash is None else crash, 2)
    if null > 2:
        os.close(null)
    if crash is not None and crash > 2:
        os.close(crash)
    # The old objects may hold text of the main process: it goes to the null device when they are collected.
    sys.stdin = sys.__stdin__ = _null_text("r")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _null_text("w")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _null_text("w")  # type: ignore[misc]
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        faulthandler.enable(file=2, all_threads=False)


def _null_text(mode: str) -> TextIOWrapper:
    # An object as good as a terminal's for whoever asks for its descriptor or encoding.
    return cast("TextIOWrapper", Path(os.devnull).open(mode, encoding="utf-8", errors="replace"))


def watch_lifeline(lifeline: int) -> None:
    """End this process when the main process ends, however it ends and whatever this process is doing.

    ``lifeline`` is the read end of a pipe whose only write end is in the main process. A thread waits for its
    end; on Linux the kernel is also asked to send SIGKILL then, for the sake of loops in C that never let a
    thread run.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            _kill_at_hang_up(lifeline)
    threading.Thread(target=_await_end, args=(lifeline,), name="zexus-parallel-lifeline", daemon=True).start()


def _await_end(lifeline: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(lifeline, 512):
            pass
    os._exit(EXIT_ORPHAN)


if sys.platform == "linux":
    import fcntl

    def _kill_at_hang_up(lifeline: int) -> None:
        # Owner and signal belong to the open file description, which forked workers share: each makes its
        # own. It stays open until the process ends.
        own = os.open(f"/proc/self/fd/{lifeline}", os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(own, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(own, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_ASYNC)
