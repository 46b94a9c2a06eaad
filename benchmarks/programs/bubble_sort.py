"""Bubble sort of pseudo-random numbers, with an early stop."""

from __future__ import annotations


def make_numbers(count, seed):
    numbers = []
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) % 2147483648
        numbers.append(seed % 1000)
    return numbers


def bubble_sort(items):
    n = len(items)
    swapped = True
    while swapped:
        swapped = False
        for i in range(1, n):
            if items[i - 1] > items[i]:
                items[i - 1], items[i] = items[i], items[i - 1]
                swapped = True
        n -= 1
    return items


AMOUNT = 630
numbers = bubble_sort(make_numbers(AMOUNT, 42))
print(f"smallest {numbers[0]}, largest {numbers[AMOUNT - 1]}")
print(numbers[0:10])
