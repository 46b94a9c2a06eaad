"""Names that a program uses for things of its own."""

from __future__ import annotations

from typing import Any


def assigned_names(bytecode: Any) -> frozenset[str]:
    """All names that a code object or one inside it assigns, defines or has as a parameter.

    :param bytecode: a code object of the host, before it is optimised.
    """
    names: set[str] = set()
    seen: set[int] = set()
    work = [bytecode]
    while work:
        code = work.pop()
        if id(code) in seen:
            continue
        seen.add(id(code))
        for instruction in code.instructions:
            names.update(_assigned(instruction, code.constants))
        for constant in code.constants:
            if isinstance(constant, dict) and hasattr(constant.get("bytecode"), "instructions"):
                names.update(constant.get("params") or ())
                work.append(constant["bytecode"])
    return frozenset(names)


def _assigned(instruction: Any, constants: list[Any]) -> list[str]:
    if not isinstance(instruction, tuple) or len(instruction) < 2:
        return []
    opcode, operand = instruction[0], instruction[1]
    if getattr(opcode, "name", opcode) not in {"STORE_NAME", "STORE_FUNC"}:
        return []
    index = operand[0] if isinstance(operand, tuple) and operand else operand
    name = constants[index] if isinstance(index, int) and 0 <= index < len(constants) else index
    return [name] if isinstance(name, str) else []
