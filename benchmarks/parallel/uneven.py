"""S3 with very uneven iterations: a few long ones at the end of the loop."""

from __future__ import annotations

scale = 1700


def work(index, total):
    rounds = 200
    if index * 10 >= total * 9:
        rounds = 200 + (index - total * 0.9) * 400
    state = index + 1
    done = 0
    while done < rounds:
        state = (state * 48271) % 2147483647
        done += 1
    return state % 1000


total = 0
tasks = 3 * scale
for t in range(tasks):
    total += work(t, tasks)
print(total)
