"""Merge sort that builds new lists."""

from __future__ import annotations


def merge(left, right):
    out = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            out.append(left[i])
            i += 1
        else:
            out.append(right[j])
            j += 1
    while i < len(left):
        out.append(left[i])
        i += 1
    while j < len(right):
        out.append(right[j])
        j += 1
    return out


def merge_sort(items):
    if len(items) <= 1:
        return items
    half = len(items) // 2
    return merge(merge_sort(items[:half]), merge_sort(items[half:]))


AMOUNT = 5600
values = []
x = 99
while len(values) < AMOUNT:
    x = (x * 22695477 + 1) % 4294967296
    values.append(x // 65536 % 10000)
ordered = merge_sort(values)
print(len(ordered))
print(ordered[0:8])
print(ordered[AMOUNT - 8 : AMOUNT])
