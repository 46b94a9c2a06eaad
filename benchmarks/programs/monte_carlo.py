"""Pi by throwing darts, with a linear congruential generator."""

from __future__ import annotations


def estimate(darts, seed):
    inside = 0
    for _ in range(darts):
        seed = (seed * 1103515245 + 12345) % 2147483648
        x = seed / 2147483648.0
        seed = (seed * 1103515245 + 12345) % 2147483648
        y = seed / 2147483648.0
        if x * x + y * y <= 1.0:
            inside += 1
    return 4.0 * inside / darts


DARTS_EACH = 16000
total = 0.0
for trial in range(8):
    guess = estimate(DARTS_EACH, trial * 7919 + 1)
    print(f"trial {trial}: {guess}")
    total += guess
print(f"mean: {total / 8}")
