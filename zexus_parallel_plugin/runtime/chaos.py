"""Faults on purpose: workers that crash, hang, stop and talk nonsense, to see that no program notices.

The setting ``chaos`` puts :class:`ChaosHandler` between the pool and the handler of the workers. Its value is
a list of rules (`kinds.faults`): ``kill@3`` means every third task of every worker, ``exit=0.1`` each task
with that probability, ``kill~2`` a random moment after the worker's start, two seconds on average, whatever
it is doing then.
"""

from __future__ import annotations

import ctypes
import os
import random
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from zexus_parallel_plugin.kinds import read_faults
from zexus_parallel_plugin.runtime.pool import UnsendableResultError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FAULTS", "VARIABLE", "ChaosHandler", "make_handler"]

VARIABLE = "ZEXUS_PARALLEL_CHAOS"
EXIT_CODE = 3
_GARBAGE = b"\x80\x05]no result, and no pickle either"


def _kill(_handler: ChaosHandler) -> None:
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    _hang(_handler)


def _stop(_handler: ChaosHandler) -> None:
    os.kill(os.getpid(), signal.SIGSTOP if hasattr(signal, "SIGSTOP") else signal.SIGTERM)


def _segfault(_handler: ChaosHandler) -> None:
    ctypes.string_at(0)


def _exit(_handler: ChaosHandler) -> None:
    os._exit(EXIT_CODE)


def _hang(_handler: ChaosHandler) -> None:
    while True:
        pass


def _stubborn(handler: ChaosHandler) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _hang(handler)


def _memory(_handler: ChaosHandler) -> None:
    bytearray(1 << 62)


def _error(_handler: ChaosHandler) -> None:
    raise RuntimeError("an error on purpose")


def _interrupt(_handler: ChaosHandler) -> None:
    raise KeyboardInterrupt


def _leave(_handler: ChaosHandler) -> None:
    raise SystemExit(EXIT_CODE)


def _unsendable(_handler: ChaosHandler) -> None:
    raise UnsendableResultError("a result on purpose that cannot be sent")


def _noise(handler: ChaosHandler) -> None:
    if handler.endpoint is not None:
        handler.endpoint.send(99, 1 << 40, b"no frame of this protocol")
    time.sleep(3600)


FAULTS: Final[dict[str, Callable[[ChaosHandler], None]]] = {
    "kill": _kill,
    "stop": _stop,
    "segfault": _segfault,
    "exit": _exit,
    "hang": _hang,
    "stubborn": _stubborn,
    "memory": _memory,
    "error": _error,
    "interrupt": _interrupt,
    "leave": _leave,
    "unsendable": _unsendable,
    "noise": _noise,
}
"""What can happen to a task, by its name in `kinds.FAULTS`; ``garbage`` is a result that cannot be read."""


class ChaosHandler:
    """A handler with faults; otherwise it does what ``inner`` does."""

    def __init__(self, inner: Any, rules: str) -> None:
        self.inner = inner
        self.endpoint: Any = None
        self.rules = read_faults(rules)
        self._tasks = 0
        for rule in self.rules:
            if rule.how == "~":
                self._later(rule.fault, random.expovariate(1 / rule.number))

    def _later(self, fault: str, seconds: float) -> None:
        timer = threading.Timer(seconds, FAULTS[fault], [self])
        timer.daemon = True
        timer.start()

    def attach(self, endpoint: Any) -> None:
        """Take the worker's end of its pipe."""
        self.endpoint = endpoint
        attach = getattr(self.inner, "attach", None)
        if attach is not None:
            attach(endpoint)

    def blob(self, key: bytes, blob: Any) -> None:
        """Take a blob."""
        self.inner.blob(key, blob)

    def run(self, payload: Any) -> Any:
        """Run a task, or do something else."""
        self._tasks += 1
        for rule in self.rules:
            if (rule.how == "@" and self._tasks % rule.number == 0) or (
                rule.how == "=" and random.random() < rule.number
            ):
                if rule.fault == "garbage":
                    return _GARBAGE
                FAULTS[rule.fault](self)
        return self.inner.run(payload)


def make_handler(arguments: bytes) -> ChaosHandler:
    """Entry point for the pool: the handler of programs, with the faults that the environment says."""
    from zexus_parallel_plugin.runtime import remote

    return ChaosHandler(remote.make_handler(arguments), os.environ[VARIABLE])
