"""Code objects, prepared once: the stream that the host would execute, with operands resolved and gas
attached.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa, parallel, rare
from zexus_parallel_plugin.engine.verify import StackBounds, stack_bounds
from zexus_parallel_plugin.host import optimiser
from zexus_parallel_plugin.host.vm import NATIVES, gas_cost
from zexus_parallel_plugin.opcodes import OPCODES, ParallelOpcode, parallel_opcode

if TYPE_CHECKING:
    from collections.abc import Callable

INTERNAL_NAMES = frozenset(
    {
        "_continue_on_error", "_errors", "_audit_log", "_blockchain_state", "_tx_stack", "_tx_pending_state",
        "_tx_snapshot", "_tx_memory_snapshot", "_in_transaction", "_restrictions", "_grants", "_capabilities",
    }
)  # fmt: skip
"""Names that opcodes write without telling the name cache: a program that reads them sees the host's stale
values."""


@dataclass(frozen=True, slots=True)
class Code:
    """A code object ready to run.

    ``instructions`` holds ``(number, operand, gas)``; jump operands are indices into it; names and constants
    stand in the operands themselves. ``refusal`` is empty, or says why the host must run the object whole.
    ``loops``: loop head -> its iterations so far, or its compiled unit, or None when it cannot be compiled.
    ``ends``: the last backward jump of each loop head; ``targets``: where jumps and handlers lead.
    """

    name: str
    bytecode: Any
    stream: tuple[optimiser.Instruction, ...] = ()
    constants: tuple[Any, ...] = ()
    instructions: tuple[tuple[int, Any, int], ...] = ()
    bounds: StackBounds = field(default_factory=StackBounds)
    refusal: str = ""
    loops: dict[int, Any] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict, init=False)
    targets: set[int] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        for index, (op, operand, _gas) in enumerate(self.instructions):
            if op in isa.JUMPS or op == isa.SETUP_TRY:
                self.targets.add(operand)
            if op == isa.JUMP and operand <= index:
                self.ends[operand] = index

    def operation(self, index: int) -> str:
        """Name of the host's opcode at an instruction index, as error texts give it."""
        return str(self.stream[index][0])


class CodeCache:
    """Prepared code by identity of the host's bytecode object, which it keeps alive.

    ``prepared``: told of each new code object.
    """

    __slots__ = ("_by_id", "_vm", "prepared")

    def __init__(self, vm: Any) -> None:
        self._vm = vm
        self._by_id: dict[int, Code] = {}
        self.prepared: Callable[[Code], None] | None = None

    def get(self, bytecode: Any, name: str = "") -> Code:
        """The prepared code of a bytecode object, prepared at its first use."""
        code = self._by_id.get(id(bytecode))
        if code is None:
            code = prepare(self._vm, bytecode, name)
            self._by_id[id(bytecode)] = code
            if self.prepared is not None:
                self.prepared(code)
        return code

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Any:
        return iter(self._by_id.values())


def prepare(vm: Any, bytecode: Any, name: str = "") -> Code:
    """Optimise a code object as the host would and resolve its operands.

    Never raises: what cannot be prepared becomes a :class:`Code` with a ``refusal``.
    """
    try:
        stream, constants = optimiser.executed_stream(vm, bytecode)
    except Exception as error:  # noqa: BLE001 - the host warns about any failure of its optimiser and runs on
        return Code(name, bytecode, refusal=f"optimiser: {error}")
    instructions = []
    for opcode, operand in stream:
        try:
            resolved = _resolve(opcode, operand, constants)
        except (TypeError, ValueError, IndexError, KeyError):  # an operand that no compiler writes
            resolved = None
        if resolved is None:
            return Code(
                name, bytecode, tuple(stream), tuple(constants), refusal=f"opcode {opcode} {operand!r}"
            )
        ours = parallel_opcode(opcode)
        instructions.append((*resolved, gas_cost(opcode, operand) if ours is None else OPCODES[ours].gas))
    refusal = _unsafe_jump(instructions) or _internal_name(instructions)
    if refusal:
        return Code(name, bytecode, tuple(stream), tuple(constants), refusal=refusal)
    prepared = tuple(instructions)
    return Code(name, bytecode, tuple(stream), tuple(constants), prepared, stack_bounds(prepared))


def constant(constants: list[Any] | tuple[Any, ...], index: Any) -> Any:
    """An operand as the host reads it (``const``, vm.py 3674): an index into the constants, or the value
    itself.
    """
    if isinstance(index, int):
        return constants[index] if 0 <= index < len(constants) else None
    return index


def _resolve(opcode: Any, operand: Any, constants: list[Any]) -> tuple[int, Any] | None:
    """Number and resolved operand of one instruction, or None when only the host knows what to do with it."""
    number = isa.NUMBERS.get(opcode) if isinstance(opcode, str) else None
    if number is None:
        ours = parallel_opcode(opcode)
        if ours is not None:
            return _resolve_ours(ours, operand, constants)
        handler = rare.HANDLERS.get(opcode) if isinstance(opcode, str) else None
        if handler is None:
            return None
        return isa.RARE, (handler, handler.resolve(operand, lambda index: constant(constants, index)))
    if number == isa.LOAD_CONST:
        return number, constant(constants, operand)
    if number in {isa.LOAD_NAME, isa.STORE_NAME}:
        name = constant(constants, operand)
        if name == parallel.GUARD and number == isa.LOAD_NAME:
            return isa.LOAD_CONST, True
        return (number, name) if isinstance(name, str) else None
    if number in {isa.CALL_NAME, isa.CALL_METHOD}:
        return _resolve_call(number, operand, constants)
    if number == isa.STORE_FUNC:
        if not (isinstance(operand, tuple) and len(operand) == 2):
            return None
        return number, (constant(constants, operand[0]), constant(constants, operand[1]))
    if number in {isa.BUILD_LIST, isa.BUILD_MAP, isa.CALL_TOP}:
        count = operand if operand is not None else 0
        return (number, count) if type(count) is int and count >= 0 else None
    if number == isa.FOR_ITER:
        count = operand or 1
        return (number, count) if count in {1, 2} else None
    if number == isa.PRINT:
        return number, operand if isinstance(operand, int) and operand > 1 else 1
    return number, operand


def _resolve_ours(opcode: ParallelOpcode, operand: Any, constants: list[Any]) -> tuple[int, Any] | None:
    if opcode is ParallelOpcode.PARALLEL_MAP:
        return isa.PARALLEL_MAP, () if operand is None else (constant(constants, operand),)
    handler = parallel.HANDLERS[opcode]
    resolved = handler.resolve(operand, lambda index: constant(constants, index))
    return None if resolved is None else (isa.RARE, (handler, resolved))


def _resolve_call(number: int, operand: Any, constants: list[Any]) -> tuple[int, Any] | None:
    if not (isinstance(operand, tuple) and len(operand) == 2 and type(operand[1]) is int and operand[1] >= 0):
        return None
    name, count = constant(constants, operand[0]), operand[1]
    if not isinstance(name, str):
        return None
    if number == isa.CALL_METHOD:
        return number, (name, count)
    return number, (name, count, name in NATIVES)


def _unsafe_jump(instructions: list[tuple[int, Any, int]]) -> str:
    """A jump that is not an index of the stream: the host's loop would end or fail there in its own way."""
    size = len(instructions)
    for index, (number, operand, _gas) in enumerate(instructions):
        jumps = number in isa.JUMPS or number == isa.SETUP_TRY
        if jumps and (type(operand) is not int or not 0 <= operand <= size):
            return f"jump to {operand!r} at {index}"
    return ""


def _internal_name(instructions: list[tuple[int, Any, int]]) -> str:
    for number, operand, _gas in instructions:
        if number in {isa.LOAD_NAME, isa.STORE_NAME} and operand in INTERNAL_NAMES:
            return f"uses the VM's own variable {operand}"
    return ""
