"""Factorises a range of numbers and prints some statistics."""

from __future__ import annotations


def factors(n):
    found = []
    divisor = 2
    while divisor * divisor <= n:
        while n % divisor == 0:
            found.append(divisor)
            n //= divisor
        divisor += 1
    if n > 1:
        found.append(n)
    return found


FIRST = 90000
NUMBERS = 2800
most = 0
most_number = 0
primes = 0
squarefree = 0
for number in range(FIRST, FIRST + NUMBERS):
    found = factors(number)
    amount = len(found)
    if amount == 1:
        primes += 1
    if amount > most:
        most = amount
        most_number = number
    distinct = True
    for f in range(1, amount):
        if found[f] == found[f - 1]:
            distinct = False
            break
    if distinct:
        squarefree += 1
print(f"primes: {primes}")
print(f"square-free: {squarefree}")
print(f"most factors: {most_number}")
print(factors(most_number))
