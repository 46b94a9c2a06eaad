"""What the machine itself gains from several processes at once, which is what a program can hope for.

    python benchmarks/machine.py [PROCESSES]

Cores that share a physical core, or that other guests of the same computer use too, do less than their number
promises, and not the same at all times. The gain is that of plain Python processes which share nothing.
"""

from __future__ import annotations

import subprocess
import sys

_WORK = """
import time
begin = time.perf_counter()
x = 1
for _ in range(6_000_000):
    x = (x * 1103515245 + 12345) % 2147483648
print(time.perf_counter() - begin)
"""


def _seconds(processes: int) -> float:
    """What one process takes, on average, when so many run at once."""
    running = [
        subprocess.Popen([sys.executable, "-c", _WORK], stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    return sum(float(process.communicate()[0]) for process in running) / processes


def scaling(processes: int, rounds: int = 2) -> float:
    """How much more work so many processes do in the same time than one does."""
    alone = [_seconds(1) for _ in range(rounds)]
    together = [_seconds(processes) for _ in range(rounds)]
    return processes * sum(alone) / sum(together)


def main() -> int:
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    for _ in range(5):
        print(f"{processes} processes at once do {scaling(processes):.2f} times as much as one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
