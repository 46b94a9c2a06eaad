"""Start methods ``template`` and ``forkserver``: workers that a template process forks."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from . import control, launch
from .channel import SocketChannel
from .control import Op
from .errors import LaunchError, NoRoomError
from .hygiene import detach_stdio, mark, neutralise_descriptors, reset_signals
from .interpreter import close_lifeline, start_interpreter
from .launch import KILL, Launched, LaunchEvents, crash_pipe, socket_pair
from .template import has_threads, run_template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .waiter import Waiter


class ForkedTemplate:
    """A template process that is a fork of this one."""

    def __init__(self, preload: Sequence[str], env: Mapping[str, str]) -> None:
        if launch.TRANSPORT != "socket" or not hasattr(os, "fork"):
            raise LaunchError("this system cannot fork; use the start method spawn")
        if has_threads():
            raise LaunchError("this process already has threads; call prepare() before any is started")
        self.control, theirs = socket_pair()
        try:
            lifeline, self._lifeline = os.pipe()
        except OSError as error:
            self.control.close()
            theirs.close()
            raise NoRoomError(f"no pipe for the template: {error.strerror}") from error
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._pid = os.fork()
            if self._pid == 0:
                _be_template(theirs, lifeline, preload, env)
        except OSError as error:
            self.control.close()
            os.close(self._lifeline)
            raise LaunchError(f"cannot fork: {error.strerror}") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
            os.close(lifeline)
        self.control.setblocking(False)

    def kill(self) -> None:
        """Kill the template and collect it."""
        with contextlib.suppress(OSError):
            os.kill(self._pid, KILL)
        self.collect()

    def collect(self) -> None:
        """Wait for the template, which has closed its control socket or was killed."""
        self.control.close()
        with contextlib.suppress(OSError):
            os.waitpid(self._pid, 0)
        with contextlib.suppress(OSError):
            os.close(self._lifeline)


def _be_template(end: socket.socket, lifeline: int, preload: Sequence[str], env: Mapping[str, str]) -> None:
    try:
        reset_signals()
        neutralise_descriptors({end.fileno(), lifeline})
        detach_stdio(None)
        mark(env)
        run_template(end, lifeline, preload)
    finally:
        os._exit(1)


class FreshTemplate:
    """A template process that is a fresh interpreter."""

    def __init__(self, preload: Sequence[str], env: Mapping[str, str]) -> None:
        self.control, theirs = socket_pair()
        try:
            self._process = start_interpreter(
                "template", theirs.fileno(), "socket", env, subprocess.DEVNULL, preload
            )
        except OSError as error:
            self.control.close()
            raise LaunchError(f"cannot start {sys.executable}: {error.strerror}") from error
        finally:
            theirs.close()
        self.control.setblocking(False)

    def kill(self) -> None:
        """Kill the template and collect it."""
        self._process.kill()
        self.collect()

    def collect(self) -> None:
        """Wait for the template, which has closed its control socket or was killed."""
        self.control.close()
        self._process.wait()
        close_lifeline(self._process)


class TemplateLauncher:
    """Workers forked by a template, which also reports their ends."""

    def __init__(
        self, template: ForkedTemplate | FreshTemplate, method: str, waiter: Waiter, events: LaunchEvents
    ) -> None:
        self.method = method
        self._template = template
        self._waiter = waiter
        self._events = events
        self._pids: dict[int, int] = {}
        self._lost = False
        waiter.add(template.control, self._on_control)

    def launch(self, worker: int) -> Launched:
        """Ask the template for a worker; raises :class:`LaunchError`."""
        ours, theirs = socket_pair()
        try:
            crash_read, crash_write = crash_pipe()
        except NoRoomError:
            ours.close()
            theirs.close()
            raise
        try:
            control.send(self._template.control, Op.START, worker, 0, (theirs.fileno(), crash_write))
        except OSError as error:
            ours.close()
            os.close(crash_read)
            raise LaunchError(f"the template process does not answer ({error.strerror})") from error
        finally:
            theirs.close()
            os.close(crash_write)
        return Launched(SocketChannel(ours), crash_read, None)

    def signal(self, worker: int, number: signal.Signals) -> None:
        """Have the template send it: it alone knows that the process id is still the worker's."""
        with contextlib.suppress(OSError):
            control.send(self._template.control, Op.SIGNAL, worker, number)

    def check(self, worker: int) -> None:
        """Nothing to do: the template reports."""

    def _on_control(self, mask: int) -> None:
        del mask
        while True:
            try:
                received = control.receive(self._template.control)
            except BlockingIOError:
                return
            except OSError:
                received = None
            if received is None:
                self._events.launcher_lost("the template process has died")
                return
            if received[0].op == Op.UNFIT:
                self._events.launcher_lost(
                    "a preloaded module has started threads, so the template cannot fork"
                )
                return
            self._report(received[0])

    def _report(self, message: control.Message) -> None:
        worker = message.worker
        if message.op == Op.STARTED:
            self._pids[worker] = message.value
            self._events.started(worker, message.value)
        elif message.op == Op.EXITED:
            self._pids.pop(worker, None)
            self._events.exited(worker, os.waitstatus_to_exitcode(message.value))
        elif message.op == Op.FAILED:
            self._events.exited(
                worker, None, f"cannot fork a worker: {errno.errorcode.get(message.value, message.value)}"
            )

    def abandon(self) -> None:
        """Kill the template and all its workers."""
        self._lost = True
        self._waiter.remove(self._template.control)
        self._template.kill()
        for pid in self._pids.values():
            with contextlib.suppress(OSError):
                os.kill(pid, KILL)
        self._pids.clear()

    def close(self) -> None:
        """Let the template end; it kills the workers that are left."""
        if self._lost:
            return
        self._waiter.remove(self._template.control)
        end = self._template.control
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_WR)
        if _await_end(end, 2.0):
            self._template.collect()
        else:
            self._template.kill()


def _await_end(end: socket.socket, timeout: float) -> bool:
    """Whether the other side closes within ``timeout`` seconds; what it still says is dropped."""
    end.settimeout(timeout)
    try:
        while end.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True
