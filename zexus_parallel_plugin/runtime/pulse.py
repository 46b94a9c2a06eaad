"""A pulse while the main process computes, so that it can look after its workers meanwhile.

A call that is executed in place can take long. The pulse tells how long it has been running already, which is
how calls worth running ahead of are found while the first one is still running, and it keeps the workers fed.
It is a timer of the system that counts the CPU time of this process (``ITIMER_VIRTUAL``): Python runs the
handler between two instructions of the main thread. Where there is no such timer, or it belongs to somebody
else, there is no pulse, and the work is done between calls only.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_SIGNAL: Any = getattr(signal, "SIGVTALRM", None)
_TIMER: Any = getattr(signal, "ITIMER_VIRTUAL", None)

_current: Pulse | None = None
_beating = False


class Pulse:
    """Calls ``beat`` about every ``seconds`` of CPU time, between :meth:`start` and :meth:`stop`.

    ``beat`` must not raise; if it does, there are no more beats. There is one pulse at a time in a process.
    """

    def __init__(self, beat: Callable[[], None], seconds: float = 0.003) -> None:
        self._beat = beat
        self._seconds = seconds
        self._held = 0
        self.running = False

    def start(self) -> None:
        """Begin, if that is possible here."""
        global _current  # noqa: PLW0603 - the signal is one for the whole process
        if self.running or _current is not None or not _available():
            return
        _current = self
        self.running = True
        signal.signal(_SIGNAL, _on_signal)
        signal.setitimer(_TIMER, self._seconds, self._seconds)

    def stop(self) -> None:
        """End. The handler stays: the default one would end the process if a last signal were on its way."""
        global _current  # noqa: PLW0603
        if self.running:
            # First of all no more beats: one that came in between would start what is being stopped.
            _current = None
            self.running = False
            signal.setitimer(_TIMER, 0)

    def move_to(self, other: Pulse) -> None:
        """Let another pulse go on where this one is."""
        running, other._held = self.running, self._held
        self.stop()
        if running and not other._held:
            other.start()

    def hold(self) -> None:
        """No beats until :meth:`release`: the code that runs now counts Python frames."""
        self._held += 1
        if self._held == 1 and self.running:
            signal.setitimer(_TIMER, 0)

    def release(self) -> None:
        """The end of :meth:`hold`."""
        self._held -= 1
        if not self._held and self.running:
            signal.setitimer(_TIMER, self._seconds, self._seconds)

    def beat(self, frame: FrameType | None = None) -> None:
        """Beat now, unless a beat is going on or ``frame``, the interrupted one, loads a module."""
        global _beating  # noqa: PLW0603 - beats are those of the one timer, whichever pulse has it by now
        if self._held or not self.running or _beating:
            return
        # Before the look at the frames: with many of them it can take longer than from beat to beat.
        _beating = True
        try:
            if not _importing(frame):
                self._beat()
        except Exception:  # noqa: BLE001 - it must not appear in the middle of the program
            self.stop()
        finally:
            _beating = False


def _available() -> bool:
    if _TIMER is None or threading.current_thread() is not threading.main_thread():
        return False
    return signal.getsignal(_SIGNAL) in {signal.SIG_DFL, _on_signal} and not signal.getitimer(_TIMER)[0]


def _on_signal(_number: int, frame: FrameType | None) -> None:
    pulse = _current
    if pulse is not None:
        pulse.beat(frame)


def _importing(frame: FrameType | None) -> bool:
    """Whether a module is being loaded: a process that is forked then would have half of it for ever."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
