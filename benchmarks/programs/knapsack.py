"""0/1 knapsack with a one-dimensional table, several copies of each item."""

from __future__ import annotations

WEIGHTS = [12, 7, 11, 8, 9, 6, 5, 14, 3, 10, 4, 13]
WORTHS = [24, 13, 23, 15, 16, 11, 9, 28, 5, 19, 8, 25]
CAPACITY = 1000
COPIES_EACH = 20


def best_value(weights, worths, room, copies):
    table = [0] * (room + 1)
    for _ in range(copies):
        for item in range(len(weights)):
            w = weights[item]
            v = worths[item]
            for left in range(room, w - 1, -1):
                table[left] = max(table[left], table[left - w] + v)
    return table


result = best_value(WEIGHTS, WORTHS, CAPACITY, COPIES_EACH)
print(f"best value: {result[CAPACITY]}")
print(f"half the room: {result[CAPACITY // 2]}")
for at in range(0, 61, 10):
    print(f"{at} -> {result[at]}")
