"""S9 at the top level: four loops, each serial in itself and independent of the others."""

from __future__ import annotations

scale = 6800

rounds = 3000 * scale
lcg = 1
for _ in range(rounds):
    lcg = (lcg * 1103515245 + 12345) % 2147483648
quadratic = 3
for _ in range(rounds):
    quadratic = (quadratic * quadratic + 7) % 1000003
logistic = 0.4
for _ in range(rounds):
    logistic = 3.99 * logistic * (1.0 - logistic)
fib_low = 0
fib_high = 1
for _ in range(rounds):
    fib_low, fib_high = fib_high, (fib_low + fib_high) % 1000000007
print(lcg)
print(quadratic)
print(logistic)
print(fib_high)
