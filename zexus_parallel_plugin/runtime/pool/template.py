"""The template process: single-threaded, everything imported, makes a worker by one fork.

It is forked from the main process before that has threads, or is a fresh interpreter where that came too
late. It does nothing but fork, signal and reap workers, and report about them. When the main process ends it
ends its workers.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from . import control
from .control import Op
from .endpoint import SocketEndpoint
from .hygiene import EXIT_ORPHAN, detach_stdio, reset_signals, watch_lifeline
from .worker import run_worker

if TYPE_CHECKING:
    from collections.abc import Sequence


def run_template(end: socket.socket, lifeline: int, preload: Sequence[str]) -> NoReturn:
    """Serve until the main process closes its end of the control socket, or dies. Never returns."""
    for name in preload:
        # A module that cannot be imported fails in the worker, where there is somebody to tell.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    if has_threads():
        with contextlib.suppress(OSError):
            control.send(end, Op.UNFIT, 0)
        os._exit(0)
    gc.collect()
    gc.freeze()  # collections in workers then leave the shared pages alone
    _Template(end, lifeline).serve()


def has_threads() -> bool:
    """Whether this process has more than one thread, those of C libraries included where the system tells."""
    if threading.active_count() > 1:
        return True
    try:
        return len(list(Path("/proc/self/task").iterdir())) > 1
    except OSError:
        return False


def _take_note(number: int, frame: object) -> None:
    """A child has ended; the byte that the signal leaves on the wake-up pipe is what matters."""


class _Template:
    def __init__(self, end: socket.socket, lifeline: int) -> None:
        self._end = end
        self._lifeline = lifeline
        self._workers: dict[int, int] = {}  # number of a worker -> process id
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        signal.signal(signal.SIGCHLD, _take_note)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)

    def serve(self) -> NoReturn:
        poller = select.poll()
        for descriptor in (self._end.fileno(), self._lifeline, self._wake_read):
            poller.register(descriptor, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poller.poll()}
            if self._lifeline in ready:
                self._leave(EXIT_ORPHAN)
            if self._wake_read in ready:
                with contextlib.suppress(BlockingIOError):
                    while os.read(self._wake_read, 512):
                        pass
                self._reap()
            if self._end.fileno() in ready:
                self._obey()

    def _obey(self) -> None:
        try:
            received = control.receive(self._end)
        except OSError:
            received = None
        if received is None:
            self._leave(0)
        message, descriptors = received
        if message.op == Op.START and len(descriptors) == 2:
            self._start(message.worker, *descriptors)
        elif message.op == Op.SIGNAL and message.worker in self._workers:
            # Not reaped yet, so the process id is still this worker's.
            with contextlib.suppress(OSError):
                os.kill(self._workers[message.worker], message.value)

    def _start(self, worker: int, pipe: int, crash: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            self._report(Op.FAILED, worker, error.errno or 0)
            pid = -1
        if pid == 0:
            self._become_worker(pipe, crash)
        os.close(pipe)
        os.close(crash)
        if pid > 0:
            self._workers[worker] = pid
            self._report(Op.STARTED, worker, pid)

    def _become_worker(self, pipe: int, crash: int) -> NoReturn:
        code = 1
        try:
            reset_signals()
            self._end.close()
            os.close(self._wake_read)
            os.close(self._wake_write)
            detach_stdio(crash)
            watch_lifeline(self._lifeline)
            code = run_worker(SocketEndpoint(socket.socket(fileno=pipe)))
        except BaseException:  # noqa: BLE001 - nothing of a worker may run on into the code of its template
            with contextlib.suppress(Exception):
                os.write(2, traceback.format_exc().encode(errors="replace")[-8192:])
        finally:
            os._exit(code)

    def _reap(self) -> None:
        for worker, pid in list(self._workers.items()):
            try:
                done, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                done, status = pid, 0
            if done:
                del self._workers[worker]
                self._report(Op.EXITED, worker, status)

    def _report(self, op: Op, worker: int, value: int) -> None:
        try:
            control.send(self._end, op, worker, value)
        except OSError:
            self._leave(EXIT_ORPHAN)

    def _leave(self, code: int) -> NoReturn:
        for pid in self._workers.values():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for pid in self._workers.values():
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)
        os._exit(code)
