"""The lines of a run on the terminal: progress while it takes long, a summary at its end.

On standard error only, and only if that is a terminal.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.journal.estimates import speedup

if TYPE_CHECKING:
    from zexus_parallel_plugin.metrics import RunMetrics
    from zexus_parallel_plugin.runtime.recording.tee import Tee

__all__ = ["Console", "estimate", "progress", "summary"]

_AFTER = 2.0
"""Seconds after which there is a progress line."""
_EVERY = 0.25
_CLEAR = "\r\x1b[K"


def estimate(metrics: RunMetrics, seconds: float) -> float | None:
    """How many times faster than in one process, as far as one can tell (`estimates.speedup`)."""
    waited, ahead = metrics.waited_seconds, metrics.ahead_seconds
    return speedup(seconds, waited=waited, ahead=ahead, committed=metrics.committed_seconds)


class Console:
    """Draws one line, and takes it away again before anything else appears on that terminal."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._drawn = False
        self._next = self._begun + _AFTER
        self._shares = False
        self._at_start = True
        self._tee: Tee | None = None

    def listen(self, tee: Tee) -> None:
        """The program's output, which may go to the same terminal."""
        self._tee = tee
        try:
            self._shares = bool(tee.isatty())
        except (AttributeError, ValueError):
            self._shares = False

    def heard(self, text: str) -> None:
        """The program has printed something."""
        if text:
            self._at_start = text.endswith("\n")

    def due(self) -> bool:
        """Whether a line should be drawn now."""
        return time.monotonic() >= self._next and (self._at_start or not self._shares)

    def draw(self, text: str) -> None:
        """Draw a line in place of the last one."""
        self._next = time.monotonic() + _EVERY
        if self._shares and self._tee is not None:
            self._tee.once_before(self.clear)
        self._write(f"\r{text[: _width() - 1]}\x1b[K")
        self._drawn = True

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            self._drawn = False
            self._write(_CLEAR)

    def say(self, text: str) -> None:
        """Leave a line on the terminal. Characters that could control it are written as escapes."""
        self.clear()
        text = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
        if self._shares and not self._at_start:
            text = "\n" + text
        self._write(text + "\n")

    def _write(self, text: str) -> None:
        if self._shares:
            _flush(sys.stdout)
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):
            self._next = float("inf")


def _flush(stream: Any) -> None:
    try:
        stream.flush()
    except (OSError, ValueError, AttributeError):
        return


def _width() -> int:
    import shutil

    return max(20, shutil.get_terminal_size().columns)


def progress(metrics: RunMetrics, seconds: float, running: int, waiting: int) -> str:
    """The progress line."""
    parts = [f"{seconds:.0f} s", f"{metrics.calls_committed} calls committed"]
    parts.append(f"{running} task{'s' * (running != 1)} running, {waiting} waiting")
    faster = estimate(metrics, seconds)
    if faster is not None:
        parts.append(f"about {faster:.1f}x")
    return "zexus-parallel: " + ", ".join(parts)


def summary(metrics: RunMetrics | None, seconds: float, left_to_host: str, where: str) -> str:
    """The line at the end of a run."""
    parts = [f"{seconds:.2f} s"]
    if left_to_host:
        parts.append(f"executed by the host's own VM ({left_to_host})")
    elif metrics is not None and metrics.tasks_sent:
        tasks, workers = metrics.tasks_sent, metrics.worker_count
        parts.append(f"{tasks} task{'s' * (tasks != 1)} on {workers} worker{'s' * (workers != 1)}")
        faster = estimate(metrics, seconds)
        parts.append("no result used" if faster is None else f"about {faster:.1f}x one process (estimate)")
    else:
        parts.append("nothing ran ahead")
    return f"zexus-parallel: {', '.join(parts)}" + (f"; zexus-parallel report {where}" if where else "")
