"""One while loop with integer arithmetic."""

from __future__ import annotations


def loop(rounds):
    total = 0
    i = 0
    while i < rounds:
        total = (total + i * i) % 1000003
        i += 1
    return total


print(loop(20000))
