"""S5 at the top level and in a function: lines printed in a loop, each with a costly call in it."""

from __future__ import annotations

scale = 650


def prime_count(low, high):
    found = 0
    for n in range(low, high):
        prime = n > 1
        d = 2
        while d * d <= n and prime:
            if n % d == 0:
                prime = False
            d += 1
        if prime:
            found += 1
    return found


def second_half(lines, width):
    for i in range(lines):
        print(prime_count((lines + i) * width, (lines + i + 1) * width))


block = 250
for line in range(3 * scale):
    print(f"block {line}: {prime_count(line * block, (line + 1) * block)}")
second_half(scale, 600)
