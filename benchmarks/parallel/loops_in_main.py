"""S9 inside a function: two sums and a selection, one loop after another."""

from __future__ import annotations

scale = 3100


def digit_sum(n):
    digits = 0
    while n > 0:
        digits += n % 10
        n //= 10
    return digits


def main():
    amount = 300 * scale
    squares = 0
    for i in range(amount):
        squares += digit_sum(i * i)
    cubes = 0
    for j in range(amount):
        cubes += digit_sum(j * j * j)
    lucky = [k for k in range(amount) if digit_sum(k * 9973) == 12]
    print(f"squares {squares}")
    print(f"cubes {cubes}")
    print(f"lucky {len(lucky)}")
    print(lucky[0:5])


main()
