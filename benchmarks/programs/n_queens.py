"""All solutions of the n queens problem, by backtracking over a list of columns."""

from __future__ import annotations


def safe(queens, row, column):
    for r in range(row):
        if queens[r] == column:
            return False
        if queens[r] - column == r - row or queens[r] - column == row - r:
            return False
    return True


def solve(n, row, queens):
    if row == n:
        return 1
    count = 0
    for column in range(n):
        if safe(queens, row, column):
            queens[row] = column
            count += solve(n, row + 1, queens)
    return count


LARGEST = 8
for size in range(6, LARGEST + 1):
    print(f"{size} queens: {solve(size, 0, [0] * size)}")
