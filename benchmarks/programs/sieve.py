"""Sieve of Eratosthenes and the gaps between the primes."""

from __future__ import annotations


def sieve(bound):
    flags = [True for _ in range(bound + 1)]
    flags[0] = False
    flags[1] = False
    p = 2
    while p * p <= bound:
        if flags[p]:
            for multiple in range(p * p, bound + 1, p):
                flags[multiple] = False
        p += 1
    return flags


top = 100000
is_prime = sieve(top)
total = 0
last = 2
widest = 0
for candidate in range(3, top + 1):
    if is_prime[candidate]:
        total += 1
        widest = max(widest, candidate - last)
        last = candidate
print(f"odd primes: {total}")
print(f"last: {last}")
print(f"widest gap: {widest}")
