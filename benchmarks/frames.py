"""Measures calls at all depths of the interpreter's stack, as they are and with room (see `room.py`).

    python benchmarks/frames.py [--depths N]

A loop that calls a function runs at each depth; how much slower than the median is the slowest of them?
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from zexus_parallel_plugin.room import with_room

CALLS = 20_000


def callee(value: int) -> int:
    """What the loop calls."""
    return value


def seconds(depth: int) -> float:
    """Time of a loop of calls, above so many frames."""
    if depth:
        return seconds(depth - 1)
    begin = time.perf_counter()
    for number in range(CALLS):
        callee(number)
    return time.perf_counter() - begin


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description="Calls at all depths of the interpreter's stack.")
    parser.add_argument("--depths", type=int, default=300, metavar="N")
    depths = range(parser.parse_args().depths)
    for name, times in (
        ("as they are", [seconds(depth) for depth in depths]),
        ("with room", [with_room(seconds, depth) for depth in depths]),
    ):
        usual = median(times)
        worst = max(times) / usual
        print(f"{name:12} {usual / CALLS * 1e9:6.0f} ns a call, slowest depth {worst:6.1f} times")


if __name__ == "__main__":
    main()
