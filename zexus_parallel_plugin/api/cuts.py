"""Where a list of instructions may be cut.

A cut is legal where no later instruction reads an operand that was pushed before it, and where no jump leads
from one side into the middle of the other: loops and branches stay whole. Found in one pass from each end.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["divide", "legal_cuts"]


def legal_cuts(effects: Sequence[tuple[int, int]], jumps: Iterable[tuple[int, int]]) -> list[int]:
    """Indices before which the instructions may be cut, in order; 0 and their number are always among them.

    :param effects: operands that each instruction takes from the stack, and operands that it pushes.
    :param jumps: ``(from, to)`` for every jump and every handler of errors.

    >>> legal_cuts([(0, 1), (1, 0), (0, 1), (0, 1), (2, 1)], [])
    [0, 2, 5]
    """
    size = len(effects)
    depth = 0
    before = []
    for pops, pushes in effects:
        before.append(depth)
        depth += pushes - pops
    before.append(depth)
    # The lowest entry that anything from here on takes.
    lowest = [depth] * (size + 1)
    for index in range(size - 1, -1, -1):
        lowest[index] = min(lowest[index + 1], before[index] - effects[index][0])
    crossing = [0] * (size + 2)
    for source, target in jumps:
        if 0 <= target <= size:
            first, behind = (source + 1, target) if target > source else (target + 1, source + 1)
            if behind > first:
                crossing[first] += 1
                crossing[behind] -= 1
    inside = list(accumulate(crossing))
    return [
        index
        for index in range(size + 1)
        if index in {0, size} or (not inside[index] and lowest[index] >= before[index])
    ]


def divide(cuts: Sequence[int], chunk_size: int, min_chunk_size: int = 1) -> list[tuple[int, int]]:
    """Ranges of about ``chunk_size`` instructions, each between legal cuts.

    Every multiple of ``chunk_size`` is cut at or behind it, so the number of chunks is the number that a
    fixed size gives wherever the code allows it. A last range below ``min_chunk_size`` joins its neighbour.

    >>> divide(list(range(26)), 10)
    [(0, 10), (10, 20), (20, 25)]
    >>> divide(list(range(26)), 10, 6)
    [(0, 10), (10, 25)]
    """
    size = cuts[-1]
    found: list[tuple[int, int]] = []
    start = 0
    wanted = chunk_size
    while start < size:
        end = cuts[bisect_left(cuts, min(wanted, size))]
        if end > start:
            found.append((start, end))
            start = end
        wanted += chunk_size
        if wanted <= start:
            wanted = (start // chunk_size + 1) * chunk_size
    while len(found) > 1 and found[-1][1] - found[-1][0] < min_chunk_size:
        found[-2:] = [(found[-2][0], found[-1][1])]
    return found
