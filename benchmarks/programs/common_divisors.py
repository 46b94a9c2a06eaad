"""How often two numbers share a divisor: a script without functions."""

from __future__ import annotations

LIMIT = 260
coprime = 0
pairs = 0
largest = 1
for a in range(1, LIMIT + 1):
    for b in range(1, LIMIT + 1):
        x = a
        y = b
        while y != 0:
            x, y = y, x % y
        if x == 1:
            coprime += 1
        elif a != b and x > largest:
            largest = x
        pairs += 1
print(f"pairs {pairs}")
print(f"coprime {coprime}")
print(f"largest common divisor {largest}")
print(f"estimate of 6/pi^2: {coprime / pairs}")
