"""Turns calls of the language functions into the six opcodes, in bytecode of the host's compiler.

``zexus run``, the Python API and bytecode built by hand all pass here before the engine sees them. The
bytecode itself is left alone: what changes is copied, with what stands in it. A program that has something of
its own under one of the names keeps it, and a program without any of this keeps its bytecode.

Every code object that has one of the opcodes begins with a guard, a ``require`` of a name that only the
engine knows: the host's VM ignores opcodes that it does not know, and fails there instead.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from zexus.vm.bytecode import Opcode

from zexus_parallel_plugin.opcodes import (
    FROM_STACK,
    OPCODES,
    SHARED_ADD,
    SHARED_UPDATE,
    ParallelOpcode,
    parallel_opcode,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["GUARD", "LANGUAGE_FUNCTIONS", "code_objects", "concerns", "guard_of", "parallel_names", "rewrite"]

GUARD: Final = "__zexus_parallel__"

_JUMPS = frozenset({"JUMP", "JUMP_IF_FALSE", "JUMP_IF_TRUE", "SETUP_TRY"})

Instruction = tuple[Any, Any]


class _Form:
    """How calls of one language function are written: numbers of arguments, and the instruction for each.

    ``value``: the instruction leaves the value of the call; otherwise null is put there behind it.
    """

    def __init__(
        self,
        usage: str,
        opcode: ParallelOpcode,
        operand: Callable[[int], Any],
        least: int,
        most: int | None,
        *,
        value: bool,
    ) -> None:
        self.usage = usage
        self.opcode = opcode
        self.operand = operand
        self.least = least
        self.most = most
        self.value = value

    def takes(self, count: int) -> bool:
        """Whether a call may have that many arguments."""
        return self.least <= count and (self.most is None or count <= self.most)


def _on_stack(_count: int) -> None:
    return None


def _timeout(count: int) -> int | None:
    return FROM_STACK if count else None


def _add(_count: int) -> tuple[int, int]:
    return SHARED_ADD, 0


def _update(count: int) -> tuple[int, int]:
    return SHARED_UPDATE, count - 2


_OP = ParallelOpcode

LANGUAGE_FUNCTIONS: Final[dict[str, _Form]] = {
    form.usage.partition("(")[0]: form
    for form in (
        _Form("fork_execution(n, function)", _OP.FORK_EXECUTION, _on_stack, 2, 2, value=False),
        _Form("join_workers([timeout])", _OP.JOIN_WORKERS, _timeout, 0, 1, value=True),
        _Form("parallel_map(function, list)", _OP.PARALLEL_MAP, _on_stack, 2, 2, value=True),
        _Form("barrier_sync(id)", _OP.BARRIER_SYNC, _on_stack, 1, 1, value=False),
        _Form("shared_read(name)", _OP.SHARED_READ, _on_stack, 1, 1, value=True),
        _Form("shared_write(name, value)", _OP.SHARED_WRITE, _on_stack, 2, 2, value=False),
        _Form("shared_add(name, amount)", _OP.SHARED_WRITE, _add, 2, 2, value=True),
        _Form("shared_update(name, function, …)", _OP.SHARED_WRITE, _update, 2, None, value=True),
    )
}
"""Name -> how calls of it are written."""


def rewrite(bytecode: Any, taken: Collection[str] = ()) -> Any:
    """The bytecode with the six opcodes in place of calls of language functions.

    :param bytecode: a code object of the host, before it is optimised; not changed.
    :param taken: names that mean something else in this program.
    :returns: the same object if there is nothing to be done.
    """
    return _Rewriter(LANGUAGE_FUNCTIONS.keys() - set(taken)).code(bytecode)


def concerns(bytecode: Any) -> bool:
    """A quick look whether :func:`rewrite` may have something to do."""
    return any(map(_concerns, code_objects(bytecode)))


def parallel_names(bytecode: Any) -> list[str]:
    """Names of the opcodes of ours that a code object or one inside it has, in order of their numbers."""
    found = {
        opcode
        for code in code_objects(bytecode)
        for instruction in code.instructions
        for opcode in (_opcode_of(code, instruction),)
        if opcode is not None
    }
    return [opcode.name for opcode in sorted(found)]


def guard_of(what: str, constant: Callable[[Any], int]) -> list[Instruction]:
    """The instructions that code with our opcodes begins with.

    :param what: what needs the backend, for the message on any other VM.
    :param constant: gives the index of a constant.
    """
    text = f"{what} needs the backend parallel: zexus run --backend parallel FILE"
    return [
        (Opcode.LOAD_NAME, constant(GUARD)),
        (Opcode.LOAD_CONST, constant(text)),
        (Opcode.REQUIRE, None),
    ]


def _opcode_of(code: Any, instruction: Any) -> ParallelOpcode | None:
    """Which of the six an instruction of a code object is.

    The host's binary format (``zexus/vm/binary_bytecode.py``) keeps numbers only, and makes the host's own
    members of them when it reads them again.
    """
    if not isinstance(instruction, tuple) or not instruction:
        return None
    opcode = instruction[0]
    if isinstance(opcode, Opcode):
        origin = getattr(code, "metadata", {}).get("created_by")
        return parallel_opcode(int(opcode)) if origin == "binary_deserializer" else None
    return parallel_opcode(opcode)


def _is_descriptor(value: Any) -> bool:
    return isinstance(value, dict) and hasattr(value.get("bytecode"), "instructions")


def code_objects(bytecode: Any) -> Iterator[Any]:
    """A code object and all inside it."""
    seen: set[int] = set()
    work = [bytecode]
    while work:
        code = work.pop()
        if id(code) not in seen:
            seen.add(id(code))
            yield code
            work += [value["bytecode"] for value in code.constants if _is_descriptor(value)]


def _concerns(code: Any) -> bool:
    if any(isinstance(value, str) and value in LANGUAGE_FUNCTIONS for value in code.constants):
        return True
    return any(_opcode_of(code, instruction) is not None for instruction in code.instructions)


class _Rewriter:
    def __init__(self, functions: Collection[str]) -> None:
        self._functions = functions
        self._done: dict[int, tuple[Any, Any]] = {}

    def code(self, bytecode: Any) -> Any:
        """The copy of a code object; itself if nothing in it changes."""
        known = self._done.get(id(bytecode))
        if known is None:
            constants = [self._constant(value) for value in bytecode.constants]
            known = bytecode, self._copy(bytecode, constants)
            self._done[id(bytecode)] = known
        return known[1]

    def _constant(self, value: Any) -> Any:
        if not _is_descriptor(value):
            return value
        known = self._done.get(id(value))
        if known is None:
            code = self.code(value["bytecode"])
            known = value, value if code is value["bytecode"] else {**value, "bytecode": code}
            self._done[id(value)] = known
        return known[1]

    def _copy(self, bytecode: Any, constants: list[Any]) -> Any:
        instructions: list[Any] = []
        places: list[int] = []
        first: ParallelOpcode | None = None
        before = len(constants)
        for instruction in bytecode.instructions:
            places.append(len(instructions))
            opcode, replacement = self._replacement(bytecode, instruction, constants)
            first = first if first is not None else opcode
            instructions += replacement
        places.append(len(instructions))
        if first is None and len(constants) == before:
            if all(mine is theirs for mine, theirs in zip(constants, bytecode.constants, strict=True)):
                return bytecode
        elif first is not None and GUARD not in [value for value in constants if isinstance(value, str)]:
            function = OPCODES[first].function.partition("(")[0]
            guard = guard_of(function, lambda value: _append(constants, value))
            instructions = [*guard, *instructions]
            places = [place + len(guard) for place in places]
        made = copy.copy(bytecode)
        made.instructions = [_moved(instruction, places) for instruction in instructions]
        made.constants = constants
        made.metadata = dict(bytecode.metadata)
        lines = made.metadata.get("lines")
        if lines:
            moved = [0] * len(instructions)
            for place, line in zip(places, lines, strict=False):
                moved[place] = line
            made.metadata["lines"] = moved
        return made

    def _replacement(
        self, code: Any, instruction: Any, constants: list[Any]
    ) -> tuple[ParallelOpcode | None, list[Any]]:
        """What stands for an instruction, and which of our opcodes that is, if any."""
        if not isinstance(instruction, tuple) or len(instruction) < 2:
            return None, [instruction]
        ours = _opcode_of(code, instruction)
        if ours is not None:
            return ours, [(ours, *instruction[1:])]
        call = self._call(instruction, constants)
        if call is None:
            return None, [instruction]
        form, count = call
        if not form.takes(count):
            text = f"{form.usage} was called with {count} argument{'' if count == 1 else 's'}"
            return form.opcode, [
                (Opcode.LOAD_CONST, _append(constants, text)),
                (Opcode.THROW, None),
            ]
        made: list[Any] = [(form.opcode, form.operand(count))]
        if not form.value:
            made.append((Opcode.LOAD_CONST, _append(constants, None)))
        return form.opcode, made

    def _call(self, instruction: Any, constants: list[Any]) -> tuple[_Form, int] | None:
        opcode, operand = instruction[0], instruction[1]
        if getattr(opcode, "name", opcode) != "CALL_NAME":
            return None
        if len(instruction) > 2:
            operand = tuple(instruction[1:])
        if not (isinstance(operand, tuple) and len(operand) == 2 and isinstance(operand[1], int)):
            return None
        name = operand[0]
        if isinstance(name, int) and 0 <= name < len(constants):
            name = constants[name]
        if not isinstance(name, str) or name not in self._functions:
            return None
        return LANGUAGE_FUNCTIONS[name], operand[1]


def _append(constants: list[Any], value: Any) -> int:
    constants.append(value)
    return len(constants) - 1


def _moved(instruction: Any, places: list[int]) -> Any:
    """An instruction whose jump goes where its target is now."""
    if not isinstance(instruction, tuple) or len(instruction) != 2:
        return instruction
    opcode, operand = instruction
    if getattr(opcode, "name", opcode) not in _JUMPS or type(operand) is not int:
        return instruction
    return (opcode, places[operand]) if 0 <= operand < len(places) else instruction
