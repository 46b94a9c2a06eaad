"""Lines of the text that belong to instructions, closing braces and comments among them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from zexus_parallel_plugin.analysis.chunks import legal_cuts
from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.program import UnitView
    from zexus_parallel_plugin.host.listing import Spot

__all__ = ["closing", "lines_of", "statements"]


def statements(unit: UnitView, spots: list[Spot]) -> list[tuple[int, int]]:
    """Ranges of instructions of the statements of a code object that are in no other one."""
    instructions = unit.code.instructions
    size = len(instructions)
    ending = [op for op, _operand, _gas in instructions[-2:]] == [isa.LOAD_CONST, isa.RETURN]
    if ending and not unit.main and instructions[-2][1] is None:
        size -= 2  # what the host puts at the end of every action
    merged: list[tuple[int, int]] = []
    for first, end in pairwise(legal_cuts(unit.code)):
        if first >= size or not any(spot.statement for spot in spots[first:end]):
            continue  # not of the program's text
        if all(op in {isa.STORE_FUNC, isa.NOP} for op, _operand, _gas in instructions[first:end]):
            continue
        same = merged and spots[first].statement == spots[merged[-1][1] - 1].statement
        if same or (merged and spots[first].statement == spots[merged[-1][0]].statement):
            merged[-1] = merged[-1][0], min(end, size)
        else:
            merged.append((first, min(end, size)))
    return merged


def lines_of(source: list[str], spots: list[Spot], *, whole: bool) -> frozenset[int]:
    """Lines of instructions.

    :param whole: all lines from the first to the last one, as of a loop.
    """
    lines = sorted({spot.line for spot in spots if spot.line})
    if not lines:
        return frozenset()
    found = set(lines)
    last = closing(source, lines[0], lines[-1])
    if whole:
        found.update(range(lines[0], last + 1))
    elif lines[0] != lines[-1]:
        found.update(range(lines[-1], last + 1))
    inside = _inside(spots)
    for before, after in pairwise(lines):
        between = range(before + 1, after)
        if all(number in inside or _is_filling(source[number - 1]) for number in between):
            found.update(between)
    for line in lines:
        found.update(_closed(source, line))
    return frozenset(found)


def _inside(spots: list[Spot]) -> set[int]:
    """Lines between parts of one statement that follow each other."""
    found: set[int] = set()
    for one, other in pairwise(spots):
        if one.statement and one.statement == other.statement and one.line < other.line:
            found.update(range(one.line + 1, other.line))
    return found


def _closed(source: list[str], line: int) -> list[int]:
    """The lines directly behind one that close the lists and calls which go on to it."""
    behind = line
    while behind < len(source) and source[behind].strip().startswith(("]", ")")):
        behind += 1
    return list(range(line + 1, behind + 1))


def closing(source: list[str], first: int, last: int) -> int:
    """The line with the brace that closes a block which begins at one line and goes on to another one."""
    indent = _indent(source[first - 1])
    for number in range(last + 1, len(source) + 1):
        text = source[number - 1]
        if not text.strip():
            continue
        if not text.strip().startswith("}") or _indent(text) < indent:
            break
        last = number
    return last


def _is_filling(text: str) -> bool:
    """Whether a line has nothing but the end of a block, a comment, or nothing at all."""
    text = text.strip()
    return not text or text.startswith(("}", "//", "#"))


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())
