"""Recursion with a memo in a dict: lattice paths that avoid some cells."""

from __future__ import annotations


def blocked(x, y):
    return (x * 3 + y * 5) % 11 == 4


def paths(x, y, memo):
    if x < 0 or y < 0 or blocked(x, y):
        return 0
    if x == 0 and y == 0:
        return 1
    key = f"{x},{y}"
    if key not in memo:
        memo[key] = paths(x - 1, y, memo) + paths(x, y - 1, memo)
    return memo[key]


SIZE = 110
known = {}
for n in range(0, SIZE + 1, 10):
    print(f"{n}: {paths(n, n, known)}")
print(f"remembered: {len(known)}")
