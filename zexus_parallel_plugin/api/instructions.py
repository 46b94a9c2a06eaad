"""What single instructions of the host do, for chunks: operands, names, and whether they only compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.code import constant, prepare
from zexus_parallel_plugin.host.instructions import Bytecode

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMPUTING", "Shape", "may_underflow", "names_of", "opcode_name", "shapes"]

READING = frozenset({"LOAD_NAME", "LOAD_REG", "LOAD_VAR_REG"})
WRITING = frozenset({"STORE_NAME", "STORE_FUNC", "STORE_REG", "EXPORT"})
CALLING = frozenset({"CALL_NAME", "CALL_BUILTIN"})

COMPUTING = frozenset(
    {
        isa.LOAD_NAME, isa.LOAD_CONST, isa.STORE_NAME, isa.NOP, isa.POP, isa.DUP, isa.INDEX, isa.GET_LENGTH,
        isa.NOT, isa.NEG, isa.BUILD_LIST, isa.BUILD_MAP, isa.PRINT, isa.SLICE,
        *range(isa.ADD, isa.LAST_BINARY + 1),
    }
)  # fmt: skip
"""Instructions that do nothing but compute, load and assign variables, and print."""


class _Unoptimised:
    """Stands for a VM whose optimisers are off."""

    enable_bytecode_optimizer = False
    enable_peephole_optimizer = False


@dataclass(frozen=True, slots=True)
class Shape:
    """One instruction.

    Attributes:
        pops: operands that it takes from the stack; pushes: operands that it leaves there.
        computes: it is one of :data:`COMPUTING`.
        target: where it jumps to, None if it does not.
    """

    pops: int
    pushes: int
    computes: bool
    target: int | None


_UNKNOWN = Shape(0, 0, computes=False, target=None)


def shapes(instructions: Sequence[Any], constants: list[Any]) -> list[Shape]:
    """The shapes of instructions, one for each; unknown ones count as having no effect on the stack."""
    whole = _prepared(instructions, constants)
    if len(whole) == len(instructions):
        return [_shape(number, operand) for number, operand, _gas in whole]
    found = []
    for instruction in instructions:
        alone = _prepared([instruction], constants)
        found.append(_shape(alone[0][0], alone[0][1]) if alone else _jump_or_unknown(instruction))
    return found


def _prepared(instructions: Sequence[Any], constants: list[Any]) -> Sequence[tuple[int, Any, int]]:
    """What the engine makes of instructions; nothing if one of them is not for it."""
    try:
        prepared = prepare(_Unoptimised, Bytecode(list(instructions), constants)).instructions
        for number, operand, _gas in prepared:
            isa.stack_effect(number, operand)
    except Exception:  # noqa: BLE001 - operands can be anything, and the VM that gets them decides
        return ()
    return prepared


def may_underflow(bytecode: Any) -> bool:
    """Whether instructions of a code object may find fewer operands on the stack than they take."""
    return prepare(_Unoptimised, bytecode).bounds.checked


def _shape(number: int, operand: Any) -> Shape:
    pops, pushes = isa.stack_effect(number, operand)
    jumps = number in isa.JUMPS or number == isa.SETUP_TRY
    return Shape(pops, pushes, number in COMPUTING, operand if jumps else None)


def _jump_or_unknown(instruction: Any) -> Shape:
    """Alone, a jump leads out of its code and is refused."""
    if isinstance(instruction, tuple) and len(instruction) == 2 and type(instruction[1]) is int:
        number = isa.NUMBERS.get(opcode_name(instruction[0]), -1)
        if number in isa.JUMPS or number == isa.SETUP_TRY:
            return Shape(int(number in {isa.JUMP_IF_FALSE, isa.JUMP_IF_TRUE}), 0, False, instruction[1])
    return _UNKNOWN


def opcode_name(opcode: Any) -> str:
    """Name of an opcode that is a member of the host's enumeration, or a name."""
    name = opcode.name if hasattr(opcode, "name") else opcode
    return name if isinstance(name, str) else repr(opcode)


def names_of(opcode: Any, operand: Any, constants: Sequence[Any] = ()) -> tuple[set[str], set[str]]:
    """Names that an instruction reads, and names that it writes.

    An operand is a name, or the index of one among ``constants``.
    """
    name = opcode_name(opcode)
    reads: set[str] = set()
    writes: set[str] = set()
    if isinstance(operand, tuple) and operand and name in {"STORE_FUNC", *CALLING}:
        operand = operand[0]
    value = constant(tuple(constants), operand) if constants else operand
    if isinstance(value, str):
        if name in READING or name in CALLING:
            reads.add(value)
        elif name in WRITING:
            writes.add(value)
    return reads, writes
