"""Cuts a code object into chunks at the boundaries of its statements.

A cut is legal where nothing that is on the operand stack is used any more, and where no jump leads across;
the way from the beginning of a ``try`` to its handler counts as one. A branch or a loop is never cut.
Instructions between two legal cuts are grouped until there are about as many as wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from collections.abc import Collection

    from zexus_parallel_plugin.engine.code import Code

__all__ = ["Chunk", "chunks", "legal_cuts"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Instructions ``first`` up to ``end`` (behind the last) of a code object.

    ``kind``: ``loop`` for exactly one loop, ``code`` for anything else.
    """

    index: int
    first: int
    end: int
    kind: Literal["code", "loop"]


def legal_cuts(code: Code) -> list[int]:
    """Instructions before which the code object may be cut, the first one and the end among them."""
    instructions, depths = code.instructions, code.bounds.depths
    size = len(instructions)
    if code.refusal or code.bounds.checked:
        return [0, size]
    crossed = [0] * (size + 2)
    for pc, (op, operand, _gas) in enumerate(instructions):
        if op in isa.JUMPS or op == isa.SETUP_TRY:
            low, high = (pc + 1, operand) if operand > pc else (operand + 1, pc + 1)
            crossed[low] += 1
            crossed[max(low, high)] -= 1
    floor = [0] * (size + 1)
    floor[size] = 1 << 30
    for pc in range(size - 1, -1, -1):
        op, operand, _gas = instructions[pc]
        own = depths[pc] - isa.stack_effect(op, operand)[0] if depths[pc] >= 0 else 1 << 30
        floor[pc] = min(floor[pc + 1], own)
    cuts, open_jumps = [], 0
    for pc in range(size + 1):
        open_jumps += crossed[pc]
        depth = depths[pc] if pc < size else 0
        if not open_jumps and (pc in {0, size} or 0 <= depth <= floor[pc]):
            cuts.append(pc)
    return cuts


def chunks(
    code: Code,
    size: int = 50,
    least: int = 10,
    alone: Collection[int] = (),
) -> list[Chunk]:
    """Chunks of a code object, in order.

    :param size: instructions that a chunk should have; one with a loop or branch may have more.
    :param least: fewer only where it cannot be helped: beside a loop or one of the instructions ``alone``.
    :param alone: instructions each of which gets a chunk of its own, of one statement.
    """
    cuts = legal_cuts(code)
    loops = {
        operand
        for pc, (op, operand, _gas) in enumerate(code.instructions)
        if op == isa.JUMP and operand <= pc
    }
    wanted = sorted(alone)
    pieces: list[tuple[int, int, bool]] = []
    position = 0
    for first, end in pairwise(cuts):
        while position < len(wanted) and wanted[position] < first:
            position += 1
        own = first in loops or (position < len(wanted) and wanted[position] < end)
        pieces.append((first, end, own))
    found: list[tuple[int, int, bool]] = []
    for first, end, own in pieces:
        if found and not own and not found[-1][2]:
            start, stop, _ = found[-1]
            if end - start <= size or stop - start < least:
                found[-1] = start, end, False
                continue
        found.append((first, end, own))
    return [
        Chunk(index, first, end, "loop" if first in loops else "code")
        for index, (first, end, _own) in enumerate(found)
    ]
