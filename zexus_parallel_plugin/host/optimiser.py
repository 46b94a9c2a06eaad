"""The instruction stream that the host really executes.

``VM._run_stack_bytecode`` (vm.py 3483) optimises every code object again at each call. Both optimisers are
pure functions of instructions and constants, so once is enough; but they must see the *whole* object: which
passes run depends on whether there is a jump anywhere in it.
"""

from __future__ import annotations

from typing import Any

Instruction = tuple[str, Any]


def executed_stream(vm: Any, bytecode: Any) -> tuple[list[Instruction], list[Any]]:
    """Instructions as ``(opcode name, operand)`` and constants, as the host's loop would get them.

    :param vm: the VM whose optimisers and switches apply (children inherit them).
    :raises Exception: whatever an optimiser raises; the host then warns and runs the code unoptimised, so
        the caller must leave such an object to the host.
    """
    constants = list(bytecode.constants)
    instructions: list[Any] = list(bytecode.instructions)
    if vm.enable_bytecode_optimizer and vm.bytecode_optimizer:
        instructions = vm.bytecode_optimizer.optimize(_named(instructions, as_text=True), constants)
    if vm.enable_peephole_optimizer and vm.peephole_optimizer:
        instructions, constants = vm.peephole_optimizer.optimize_bytecode(instructions, constants)
    return _named(instructions, as_text=False), constants


def _named(instructions: list[Any], *, as_text: bool) -> list[Instruction]:
    """Drop what the host drops and replace opcode objects by their names."""
    named = []
    for instruction in instructions:
        if isinstance(instruction, tuple) and len(instruction) >= 2:
            opcode = instruction[0]
            operand = instruction[1] if len(instruction) == 2 else tuple(instruction[1:])
            if type(opcode) is not str:
                opcode = opcode.name if hasattr(opcode, "name") else opcode
                opcode = str(opcode) if as_text else opcode
            named.append((opcode, operand))
    return named
