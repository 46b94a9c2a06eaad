"""S7 at the top level and in a function: count and collect what passes a costly test."""

from __future__ import annotations

scale = 7900


def is_prime(n):
    if n % 2 == 0:
        return n == 2
    d = 3
    while d * d <= n:
        if n % d == 0:
            return False
        d += 2
    return n > 1


def twins_between(low, high):
    twins = []
    for candidate in range(low, high):
        first = is_prime(candidate)
        second = is_prime(candidate + 2)
        if first and second:
            twins.append(candidate)
    return twins


count = 0
found = []
for i in range(1000001, 1000001 + 50 * scale):
    if is_prime(i):
        count += 1
        found.append(i)
print(f"primes {count}")
print(found[0:5])
pairs = twins_between(2000001, 2000001 + 30 * scale)
print(f"twins {len(pairs)}")
print(pairs[0:3])
