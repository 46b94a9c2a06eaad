"""S2 at the top level and in a function: results collected in lists."""

from __future__ import annotations

scale = 4500


def divisor_sum(n):
    total = 1
    d = 2
    while d * d <= n:
        if n % d == 0:
            total += d
            if d * d != n:
                total += n // d
        d += 1
    return total


def collect(start, amount):
    return [divisor_sum(number) for number in range(start, start + amount)]


pushed = [divisor_sum(x) for x in range(1000000, 1000000 + 4 * scale)]
appended = [divisor_sum(y) for y in range(2000000, 2000000 + 3 * scale)]
collected = collect(3000000, 2 * scale)
print(pushed[0:3])
print(appended[0:3])
print(collected[0:3])
print(len(pushed) + len(appended) + len(collected))
