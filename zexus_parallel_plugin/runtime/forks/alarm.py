"""Tells the main process that a copy has asked something while it computes.

The system sends a signal (``SIGIO``) when something arrives on a pipe that wants it; Python runs the handler
between two instructions of the main thread. Where there is no such signal, or another thread runs the
program, copies are answered whenever the program itself uses shared variables or joins.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

_LOG = logging.getLogger(__name__)
_SIGNAL: Any = getattr(signal, "SIGIO", None)


class Alarm:
    """Calls ``on_alarm`` when something arrives, from :meth:`start` to :meth:`stop`."""

    def __init__(self, on_alarm: Callable[[], None]) -> None:
        self._on_alarm = on_alarm
        self._sources: Sequence[Any] = ()
        self._before: Any = None
        self.running = False

    def start(self, sources: Sequence[Any]) -> None:
        """Begin, if that is possible here."""
        if self.running or not _available():
            return
        self._before = signal.signal(_SIGNAL, self._on_signal)
        self.running = True
        self._sources = sources
        for source in sources:
            with contextlib.suppress(OSError, ValueError):
                _watch(source, wanted=True)

    def stop(self) -> None:
        """End; may be repeated. The sources must still be open."""
        if not self.running:
            return
        self.running = False
        for source in self._sources:
            with contextlib.suppress(OSError, ValueError):
                _watch(source, wanted=False)
        self._sources = ()
        # Looks at signals that have come before it changes the handler.
        signal.signal(_SIGNAL, self._before)

    def pause(self) -> None:
        """No alarms: somebody is waiting for the sources anyway."""
        if self.running:
            signal.signal(_SIGNAL, signal.SIG_IGN)

    def resume(self) -> None:
        """The end of :meth:`pause`; what came meanwhile gives no alarm."""
        if self.running:
            signal.signal(_SIGNAL, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self.running:
            return
        try:
            self._on_alarm()
        except Exception:  # noqa: BLE001 - whatever it is, it is a mistake of this project
            # It must not appear in the middle of the program; copies are answered at joins then.
            _LOG.exception("alarms are off")
            self.stop()


def _available() -> bool:
    if _SIGNAL is None or not hasattr(os, "O_ASYNC"):
        return False
    return (
        threading.current_thread() is threading.main_thread() and signal.getsignal(_SIGNAL) == signal.SIG_DFL
    )


def _watch(source: Any, *, wanted: bool) -> None:
    if sys.platform == "win32":
        return
    descriptor = source.fileno()
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    if wanted:
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
    else:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags & ~os.O_ASYNC)
