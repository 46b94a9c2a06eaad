"""Which piece of a code object needs a value that another one makes: for pictures, so a good guess is enough.

A piece is the statement that a call stands in, or a loop. It needs the variables that are loaded in it, and
makes those that are stored in it; who needs a variable depends on the last piece before that makes it. What
other actions do is not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.engine.code import Code

__all__ = ["Piece", "block_piece", "call_piece", "dependences", "loop_piece"]

_ENDS = isa.JUMPS | {isa.STORE_NAME, isa.POP, isa.RETURN, isa.PRINT, isa.FOR_ITER}
"""Instructions that end a statement, as far as that can be told."""


class Piece(NamedTuple):
    """Instructions from ``begin`` to ``end``, both included."""

    id: int
    begin: int
    end: int
    uses: frozenset[str]
    makes: frozenset[str]


def call_piece(ident: int, code: Code, ip: int) -> Piece:
    """The statement around a call."""
    instructions = code.instructions
    begin = end = ip
    while begin > 0 and instructions[begin - 1][0] not in _ENDS:
        begin -= 1
    while end < len(instructions) - 1 and instructions[end][0] not in _ENDS:
        end += 1
    return _piece(ident, code, begin, end)


def loop_piece(ident: int, code: Code, head: int) -> Piece:
    """A loop with everything in it."""
    last = max(
        (
            ip
            for ip, (op, operand, _) in enumerate(code.instructions)
            if op in isa.JUMPS and operand == head and ip >= head
        ),
        default=head,
    )
    return _piece(ident, code, head, last)


def block_piece(ident: int, code: Code, start: int, end: int) -> Piece:
    """Everything from one instruction to before another one."""
    return _piece(ident, code, start, end - 1)


def _piece(ident: int, code: Code, begin: int, end: int) -> Piece:
    uses, makes = set(), set()
    for op, operand, _ in code.instructions[begin : end + 1]:
        if op == isa.LOAD_NAME:
            uses.add(str(operand))
        elif op == isa.STORE_NAME:
            makes.add(str(operand))
    return Piece(ident, begin, end, frozenset(uses), frozenset(makes))


def dependences(pieces: Iterable[Piece]) -> dict[int, list[tuple[int, str]]]:
    """For each piece of one code object: the pieces that it depends on, with the variables in question."""
    ordered = sorted(pieces, key=lambda piece: (piece.begin, piece.id))
    found: dict[int, list[tuple[int, str]]] = {piece.id: [] for piece in ordered}
    for index, piece in enumerate(ordered):
        names: dict[int, list[str]] = {}
        for name in sorted(piece.uses):
            before = next((other for other in reversed(ordered[:index]) if name in other.makes), None)
            if before is not None and before.end < piece.begin:
                names.setdefault(before.id, []).append(name)
        found[piece.id] = [(ident, ", ".join(some)) for ident, some in names.items()]
    return found
