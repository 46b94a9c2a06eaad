"""Longest Collatz chain below a limit."""

from __future__ import annotations


def chain_length(n):
    steps = 1
    while n != 1:
        if n % 2 == 0:
            n //= 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


LIMIT = 3600
best_start = 1
best_length = 1
for start in range(1, LIMIT):
    length = chain_length(start)
    if length > best_length:
        best_length = length
        best_start = start
print(f"start {best_start} has {best_length} steps")
