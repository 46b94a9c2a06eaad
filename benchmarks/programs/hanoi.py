"""Towers of Hanoi: moves the discs on real stacks."""

from __future__ import annotations


def move_disc(pegs, source, target):
    pegs[target].append(pegs[source].pop())
    return 1


def hanoi(pegs, n, source, spare, target):
    if n == 0:
        return 0
    return (
        hanoi(pegs, n - 1, source, target, spare)
        + move_disc(pegs, source, target)
        + hanoi(pegs, n - 1, spare, source, target)
    )


DISCS = 14
towers = [[], [], []]
for disc in range(DISCS, 0, -1):
    towers[0].append(disc)
print(towers)
print(f"moves: {hanoi(towers, DISCS, 0, 1, 2)}")
print(towers)
