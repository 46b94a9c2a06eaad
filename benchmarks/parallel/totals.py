"""S3 at the top level: int, float and string totals."""

from __future__ import annotations

scale = 5200


def collatz_steps(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n //= 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def harmonic(n):
    total = 0.0
    for term in range(1, 401):
        total += 1.0 / (term + n)
    return total


total = 0
for i in range(27, 27 + 60 * scale):
    total += collatz_steps(i)
mean = 0.0
for seed in range(5 * scale):
    mean += harmonic(seed)
letters = "abcdefghij"
code = ""
for place in range(10 * scale):
    code += letters[collatz_steps(place + 1) % 10]
print(total)
print(mean / (5 * scale))
print(code[0:40])
print(len(code))
