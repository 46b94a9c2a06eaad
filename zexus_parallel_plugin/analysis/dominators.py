"""Dominators of a flow graph.

The iterative algorithm of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance Algorithm", 2001). Post-
dominators are dominators of the reversed graph.
"""

from __future__ import annotations

from collections.abc import Sequence

UNREACHABLE = -1

Edges = Sequence[Sequence[int]]


def reversed_edges(successors: Edges) -> list[list[int]]:
    """The edges of the reversed graph."""
    predecessors: list[list[int]] = [[] for _ in successors]
    for node, targets in enumerate(successors):
        for target in targets:
            predecessors[target].append(node)
    return predecessors


def immediate_dominators(successors: Edges, entry: int) -> list[int]:
    """The immediate dominator of each node; the entry's is itself, that of unreachable nodes
    `UNREACHABLE`.
    """
    order = _postorder(successors, entry)
    position = [UNREACHABLE] * len(successors)
    for index, node in enumerate(order):
        position[node] = index
    predecessors = reversed_edges(successors)
    dominators = [UNREACHABLE] * len(successors)
    dominators[entry] = entry
    changed = True
    while changed:
        changed = False
        for node in reversed(order):
            if node == entry:
                continue
            found = UNREACHABLE
            for before in predecessors[node]:
                if dominators[before] == UNREACHABLE:
                    continue
                found = before if found == UNREACHABLE else _meet(found, before, dominators, position)
            if dominators[node] != found:
                dominators[node] = found
                changed = True
    return dominators


def dominates(dominators: Sequence[int], above: int, node: int) -> bool:
    """Tell whether every way from the entry to ``node`` passes ``above``."""
    while node != above:
        up = dominators[node]
        if up in {UNREACHABLE, node}:
            return False
        node = up
    return True


def _meet(left: int, right: int, dominators: list[int], position: list[int]) -> int:
    while left != right:
        while position[left] < position[right]:
            left = dominators[left]
        while position[right] < position[left]:
            right = dominators[right]
    return left


def _postorder(successors: Edges, entry: int) -> list[int]:
    order: list[int] = []
    seen = {entry}
    work = [(entry, iter(successors[entry]))]
    while work:
        node, targets = work[-1]
        for target in targets:
            if target not in seen:
                seen.add(target)
                work.append((target, iter(successors[target])))
                break
        else:
            order.append(node)
            work.pop()
    return order
