"""Chunks behind a loop: straight-line code up to the end of the next loop, to be executed as a whole.

Unlike the cuts of `chunks`, which `explain` shows, these say what a worker needs to execute them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zexus_parallel_plugin.engine.code import Code

_EXCLUDED = frozenset(
    {
        isa.RETURN, isa.SETUP_TRY, isa.POP_TRY, isa.THROW, isa.RARE, isa.STORE_FUNC, isa.PARALLEL_MAP,
        isa.CALL_TOP,
    }
)  # fmt: skip
"""Instructions that leave the code object, or that nobody but the main process may execute."""
_TRIPS = 10
"""Iterations that a loop is taken to have inside of another one; what compilers traditionally assume."""


@dataclass(frozen=True, slots=True)
class LoopChunk:
    """Instructions ``start`` up to ``end``.

    Attributes:
        exposed: names that may be read before they are assigned. stores: names that are assigned.
        calls: names that are called, with the least number of arguments.
        weight: an estimate of its work, to compare chunks by: gas, where each loop is taken to have as many
        iterations as any other.
    """

    start: int
    end: int
    exposed: frozenset[str]
    stores: frozenset[str]
    calls: tuple[tuple[str, int], ...]
    weight: int = 0


def chunks_behind(code: Code, start: int) -> Iterator[LoopChunk]:
    """The chunks that follow each other from an instruction on, as far as they can be cut."""
    jumps = [
        (index, operand)
        for index, (op, operand, _gas) in enumerate(code.instructions)
        if op in isa.JUMPS or op == isa.SETUP_TRY
    ]
    while True:
        head = min((head for head in code.ends if head >= start), default=-1)
        if head < 0:
            return
        end = code.ends[head] + 1
        if not _is_closed(jumps, start, end):
            return
        chunk = _summary(code, start, end)
        if chunk is None:
            return
        yield chunk
        start = end


def _is_closed(jumps: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether control enters at the start only, and leaves to the end only."""
    for index, target in jumps:
        if start <= index < end:
            if not start <= target <= end:
                return False
        elif start < target < end:
            return False
    return True


def _summary(code: Code, start: int, end: int) -> LoopChunk | None:
    stores: set[str] = set()
    assigned: set[str] = set()
    exposed: set[str] = set()
    calls: dict[str, int] = {}
    weight = 0
    inside: list[int] = []  # ends of the loops around the instruction
    open_until = start  # the last target of a jump so far: before it, what is assigned may have been skipped
    for index in range(start, end):
        op, operand, gas = code.instructions[index]
        if op in _EXCLUDED:
            return None
        while inside and inside[-1] < index:
            inside.pop()
        if index in code.ends:
            inside.append(code.ends[index])
        weight += gas * _TRIPS ** len(inside)
        if op in isa.JUMPS:
            open_until = end if operand <= index else max(open_until, operand)
        elif op == isa.LOAD_NAME:
            if operand not in assigned:
                exposed.add(operand)
        elif op == isa.CALL_NAME:
            calls[operand[0]] = min(operand[1], calls.get(operand[0], operand[1]))
        elif op == isa.STORE_NAME:
            stores.add(operand)
            if index >= open_until:
                assigned.add(operand)
    return LoopChunk(start, end, frozenset(exposed), frozenset(stores), tuple(sorted(calls.items())), weight)
