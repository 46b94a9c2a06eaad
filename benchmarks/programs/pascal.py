"""Pascal's triangle with exact large integers, and the pattern of its odd numbers."""

from __future__ import annotations

DEPTH_LIMIT = 500
row = [1]
odd_total = 0
for depth in range(1, DEPTH_LIMIT + 1):
    row = [1, *(row[i] + row[i + 1] for i in range(len(row) - 1)), 1]
    odd = 0
    for number in row:
        if number % 2 == 1:
            odd += 1
    odd_total += odd
    if depth < 16:
        picture = " " * (16 - depth)
        for number in row:
            picture += "* " if number % 2 == 1 else "  "
        print(picture)
print(f"middle of row {depth}: {row[DEPTH_LIMIT // 2]}")
print(f"odd numbers: {odd_total}")
