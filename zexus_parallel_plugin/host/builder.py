"""The host's bytecode builder, with the six opcodes."""

from __future__ import annotations

from typing import Any

from zexus.vm.bytecode import BytecodeBuilder

from zexus_parallel_plugin.host.compiler_pass import guard_of
from zexus_parallel_plugin.opcodes import (
    FROM_STACK,
    SHARED_ADD,
    SHARED_UPDATE,
    ParallelOpcode,
    parallel_opcode,
)

__all__ = ["ParallelBytecodeBuilder"]


class ParallelBytecodeBuilder(BytecodeBuilder):
    """Builds bytecode with the host's methods and one for each of our opcodes.

    The methods of the host's builder put operands on the stack; those here emit the instruction. What it
    builds runs on a VM of the backend; on any other VM of the host it fails with a message instead of being
    ignored: it begins with a check (the first three instructions).

    >>> builder = ParallelBytecodeBuilder()
    >>> _ = builder.emit_constant(5)
    >>> _ = builder.emit_shared_write("total")
    >>> _ = builder.emit_shared_read("total")
    >>> [getattr(opcode, "name", opcode) for opcode, _ in builder.bytecode.instructions[3:]]
    ['LOAD_CONST', 'SHARED_WRITE', 'SHARED_READ']
    """

    def __init__(self) -> None:
        super().__init__()
        self.bytecode.instructions += guard_of("this code", self.bytecode.add_constant)

    def emit(self, opcode: Any, operand: Any = None) -> int:
        """Emit an instruction; the six may also be given by their names or numbers."""
        ours = parallel_opcode(opcode)
        if ours is None:
            return int(super().emit(opcode, operand))
        return int(self.bytecode.add_instruction(ours, operand))

    def emit_fork_execution(self, worker_count: int | None = None) -> int:
        """``f →``. Without a count that comes from the stack, too: ``n, f →``."""
        return self.emit(ParallelOpcode.FORK_EXECUTION, worker_count)

    def emit_join_workers(self, timeout: float | None = None, *, from_stack: bool = False) -> int:
        """``→ results``. ``timeout`` in seconds, None for no limit; or ``timeout → results``."""
        return self.emit(ParallelOpcode.JOIN_WORKERS, FROM_STACK if from_stack else timeout)

    def emit_parallel_map(self, function: str | None = None) -> int:
        """``xs → results``. Without the name of an action that comes from the stack: ``f, xs → results``."""
        operand = None if function is None else self.bytecode.add_constant(function)
        return self.emit(ParallelOpcode.PARALLEL_MAP, operand)

    def emit_barrier_sync(self, barrier_id: int | None = None) -> int:
        """``→``. Without an id: ``id →``."""
        return self.emit(ParallelOpcode.BARRIER_SYNC, barrier_id)

    def emit_shared_read(self, name: str | None = None) -> int:
        """``→ value``. Without a name: ``name → value``."""
        return self.emit(ParallelOpcode.SHARED_READ, self._name(name))

    def emit_shared_write(self, name: str | None = None) -> int:
        """``value →``. Without a name: ``name, value →``."""
        return self.emit(ParallelOpcode.SHARED_WRITE, self._name(name))

    def emit_shared_add(self) -> int:
        """``name, amount → new value``."""
        return self.emit(ParallelOpcode.SHARED_WRITE, (SHARED_ADD, 0))

    def emit_shared_update(self, arg_count: int = 0) -> int:
        """``name, function, arguments… → new value``."""
        return self.emit(ParallelOpcode.SHARED_WRITE, (SHARED_UPDATE, arg_count))

    def _name(self, name: str | None) -> int | None:
        return None if name is None else int(self.bytecode.add_constant(name))
