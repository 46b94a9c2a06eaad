"""Quicksort in place, recursive."""

from __future__ import annotations


def partition(items, low, high):
    pivot = items[high]
    store = low
    for probe in range(low, high):
        if items[probe] < pivot:
            items[store], items[probe] = items[probe], items[store]
            store += 1
    items[high] = items[store]
    items[store] = pivot
    return store


def quick_sort(items, low, high):
    if low < high:
        middle = partition(items, low, high)
        quick_sort(items, low, middle - 1)
        quick_sort(items, middle + 1, high)
    return items


def main():
    amount = 7200
    data = []
    state = 7
    for _ in range(amount):
        state = (state * 1664525 + 1013904223) % 4294967296
        data.append(state % 100000)
    quick_sort(data, 0, len(data) - 1)
    in_order = True
    for n in range(1, len(data)):
        if data[n - 1] > data[n]:
            in_order = False
    print(f"in order: {in_order}")
    print(data[0])
    print(data[amount // 2])
    print(data[amount - 1])


main()
