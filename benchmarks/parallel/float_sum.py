"""S3 inside a function: a float total, one costly call an iteration."""

from __future__ import annotations

scale = 4200


def sample(seed, throws):
    hits = 0
    for _ in range(throws):
        seed = (seed * 1103515245 + 12345) % 2147483648
        x = seed / 2147483648.0
        seed = (seed * 1103515245 + 12345) % 2147483648
        y = seed / 2147483648.0
        if x * x + y * y < 1.0:
            hits += 1
    return 4.0 * hits / throws


def main():
    total = 0.0
    for i in range(scale):
        total += sample(i * 104729 + 17, 4000)
    print(f"pi is about {total / scale}")


main()
