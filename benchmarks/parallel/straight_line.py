"""S1 at the top level: independent calls in straight-line code, and calls that use their results."""

from __future__ import annotations

scale = 3600


def area(low, high, steps):
    width = (high - low) / steps
    total = 0.0
    for k in range(steps):
        x = low + (k + 0.5) * width
        total += width * (x * x * x - 2.0 * x) / (1.0 + x * x)
    return total


def refine(first_part, second_part, steps):
    guess = first_part + second_part
    for _ in range(steps):
        guess -= (guess * guess - 2.0) / (guess * guess + 2.0) / 1000.0
    return guess


steps = 2000 * scale
a = area(0, 1, steps)
b = area(1, 2, steps)
c = area(2, 4, steps)
d = area(4, 8, steps)
left = refine(a, b, steps)
right = refine(c, d, steps)
print(a)
print(d)
print(left)
print(right)
