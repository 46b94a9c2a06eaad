"""Delays between attempts: exponential, capped, with jitter."""

from __future__ import annotations

import random


def delay(failures: int, first: float, cap: float, uniform: float | None = None) -> float:
    """Seconds to wait after the given number of failures (>= 1).

    ``first * 2**(failures - 1)``, at most ``cap``, times a random factor between 0.5 and 1, so that tasks
    that failed together do not come back together. ``uniform`` (0 to 1) replaces the random number in tests.
    """
    if failures < 1:
        return 0.0
    full = min(cap, first * 2.0 ** min(failures - 1, 60))
    share = random.random() if uniform is None else uniform
    return full * (0.5 + share / 2)
