"""S2, S3 and S5 at the top level: lists, totals and printing, with calls of tens of milliseconds."""

from __future__ import annotations

scale = 72


def mixed(length: int) -> int:
    total = 0
    for step in range(length):
        total = (total + step * step) % 1000003
    return total


collected = [mixed(400000 + number) for number in range(scale)]
total = sum(mixed(410000 + number) for number in range(scale))
for number in range(scale):
    print(f"line {number}: {mixed(420000 + number)}")
print(collected)
print(total)
