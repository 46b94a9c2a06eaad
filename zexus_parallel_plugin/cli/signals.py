"""Signals while a command has a process of its own: none comes between its start and what knows of it."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["hand_on", "held"]


@contextmanager
def held() -> Iterator[None]:
    """Ctrl-C and the like come after the block: in the middle of it, a process would be there that nobody
    knows of yet. Handlers that the block has set itself stay.
    """
    came: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is hold:
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for got in came:
            signal.raise_signal(got)


def hand_on(number: signal.Signals, process: subprocess.Popen[bytes]) -> None:
    """From now on a signal to this process is one to the other: that ends, and then who waits for it."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(number, lambda got, _frame: process.send_signal(got))
