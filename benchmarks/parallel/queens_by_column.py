"""S3 with recursion: the n queens problem, one call for each place of the first two.

A solution and its mirror image count as two, so the first queen only has to stand in the left half of an even
board.
"""

from __future__ import annotations

scale = 12


def free(queens, row, column):
    for r in range(row):
        if queens[r] == column or queens[r] - column == r - row or queens[r] - column == row - r:
            return False
    return True


def placements(queens, n, row):
    if row == n:
        return 1
    solutions = 0
    for column in range(n):
        if free(queens, row, column):
            solutions += placements([*queens, column], n, row + 1)
    return solutions


def count_from(pair, n):
    first, second = divmod(pair, n)
    if not free([first], 1, second):
        return 0
    return placements([first, second], n, 2)


total = 0
for start in range(scale * scale // 2):
    total += 2 * count_from(start, scale)
print(f"solutions {total}")
