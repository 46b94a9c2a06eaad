"""The instruction set that the interpreter dispatches on, and what each instruction does to the operand
stack.

Numbers are grouped so that the interpreter decides by few comparisons: stack and names first, then binary
operators, then the rest.
"""

from __future__ import annotations

from typing import Any, Final

LOAD_NAME: Final = 0
LOAD_CONST: Final = 1
STORE_NAME: Final = 2
NOP: Final = 3
POP: Final = 4
DUP: Final = 5
JUMP_IF_FALSE: Final = 6
JUMP: Final = 7

ADD: Final = 8
SUB: Final = 9
MUL: Final = 10
LT: Final = 11
GT: Final = 12
LTE: Final = 13
GTE: Final = 14
EQ: Final = 15
NEQ: Final = 16
MOD: Final = 17
DIV: Final = 18
POW: Final = 19
AND: Final = 20
OR: Final = 21
LAST_BINARY: Final = 21

INDEX: Final = 22
GET_LENGTH: Final = 23
FOR_ITER: Final = 24
CALL_NAME: Final = 25
CALL_METHOD: Final = 26
RETURN: Final = 27
NOT: Final = 28
NEG: Final = 29
BUILD_LIST: Final = 30
BUILD_MAP: Final = 31
PRINT: Final = 32
JUMP_IF_TRUE: Final = 33
STORE_FUNC: Final = 34
SLICE: Final = 35
SETUP_TRY: Final = 36
POP_TRY: Final = 37
THROW: Final = 38
REQUIRE: Final = 39
CALL_TOP: Final = 40
GET_ATTR: Final = 41
RARE: Final = 42
"""Everything seldom: the operand is ``(handler, operand)`` from ``engine.rare``."""
PARALLEL_MAP: Final = 43
"""Our opcode 302. The operand is empty (on the operand stack: function, list), or ``(function,)``: an action
or the name of one (on the stack: list)."""

NUMBERS: Final[dict[str, int]] = {
    name: value
    for name, value in list(globals().items())
    if name.isupper() and isinstance(value, int) and name not in {"LAST_BINARY", "RARE", "PARALLEL_MAP"}
}
"""Host opcode name -> number."""

ORDERS: Final[dict[int, int]] = {LT: GT, LTE: GTE, GT: LT, GTE: LTE}
"""Comparisons by order, and what each is with its sides exchanged."""

JUMPS: Final = frozenset({JUMP, JUMP_IF_FALSE, JUMP_IF_TRUE})

_FIXED: Final[dict[int, tuple[int, int]]] = {
    LOAD_NAME: (0, 1),
    LOAD_CONST: (0, 1),
    STORE_NAME: (1, 0),
    NOP: (0, 0),
    POP: (1, 0),
    DUP: (1, 2),
    JUMP_IF_FALSE: (1, 0),
    JUMP_IF_TRUE: (1, 0),
    JUMP: (0, 0),
    INDEX: (2, 1),
    GET_LENGTH: (1, 1),
    RETURN: (1, 0),
    NOT: (1, 1),
    NEG: (1, 1),
    STORE_FUNC: (0, 0),
    SLICE: (3, 1),
    SETUP_TRY: (0, 0),
    POP_TRY: (0, 0),
    THROW: (1, 0),
    REQUIRE: (2, 0),
    GET_ATTR: (2, 1),
}


def stack_effect(op: int, operand: Any) -> tuple[int, int]:
    """Entries popped and pushed by one instruction of ``engine.code`` (``operand`` as prepared there)."""
    if ADD <= op <= LAST_BINARY:
        return 2, 1
    fixed = _FIXED.get(op)
    if fixed is not None:
        return fixed
    if op == FOR_ITER:
        return 2, operand
    if op in {CALL_NAME, CALL_METHOD}:
        return operand[1] + (op == CALL_METHOD), 1
    if op == CALL_TOP:
        return operand + 1, 1
    if op == BUILD_LIST:
        return operand, 1
    if op == BUILD_MAP:
        return 2 * operand, 1
    if op == PRINT:
        return operand, 0
    if op == PARALLEL_MAP:
        return 1 if operand else 2, 1
    handler, argument = operand
    pops, pushes = handler.stack_effect(argument)
    return int(pops), int(pushes)
