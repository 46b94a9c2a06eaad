"""A binary heap in a list, used to sort and to merge jobs by due date."""

from __future__ import annotations


def heap_push(heap, item):
    heap.append(item)
    at = len(heap) - 1
    while at > 0:
        parent = (at - 1) // 2
        if heap[parent] <= heap[at]:
            break
        heap[parent], heap[at] = heap[at], heap[parent]
        at = parent


def heap_pop(heap):
    smallest = heap[0]
    last = heap.pop()
    if heap:
        heap[0] = last
        spot = 0
        while True:
            child = 2 * spot + 1
            if child >= len(heap):
                break
            if child + 1 < len(heap) and heap[child + 1] < heap[child]:
                child += 1
            if heap[spot] <= heap[child]:
                break
            heap[spot], heap[child] = heap[child], heap[spot]
            spot = child
    return smallest


JOB_COUNT = 4500
jobs = []
ticket = 77
for _ in range(JOB_COUNT):
    ticket = (ticket * 48271) % 2147483647
    heap_push(jobs, ticket % (JOB_COUNT * 12))
previous = -1
ordered = True
late = 0
clock = 0
while jobs:
    due = heap_pop(jobs)
    if due < previous:
        ordered = False
    previous = due
    clock += 11
    if clock > due:
        late += 1
print(f"ordered: {ordered}")
print(f"late: {late}")
print(f"last due: {previous}")
