"""Chunks of bytecode, and what has to be done before what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.api.cuts import divide, legal_cuts
from zexus_parallel_plugin.api.instructions import names_of, shapes
from zexus_parallel_plugin.api.records import BytecodeChunk

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BytecodeChunker", "DependencyAnalyzer"]


class DependencyAnalyzer:
    """Finds out which names instructions use, and which chunks must wait for which.

    >>> from zexus.vm.bytecode import Opcode
    >>> DependencyAnalyzer().analyze_instruction(Opcode.LOAD_NAME, "x")
    ({'x'}, set())
    >>> DependencyAnalyzer().analyze_instruction(Opcode.STORE_NAME, "x")
    (set(), {'x'})
    """

    def analyze_instruction(
        self, opcode: Any, arg: Any, constants: Sequence[Any] = ()
    ) -> tuple[set[str], set[str]]:
        """Names that an instruction reads, and names that it writes.

        :param arg: its operand: a name, or the index of one among ``constants``.
        """
        return names_of(opcode, arg, constants)

    def detect_dependencies(self, chunks: list[BytecodeChunk]) -> None:
        """Fill ``dependencies`` of each chunk, in place: earlier chunks that must be done before.

        A chunk waits for those that wrote what it reads (RAW), read what it writes (WAR), or wrote what it
        writes (WAW). A chunk that does more than compute keeps its place among all others (control): it waits
        for everything since the last such chunk, and everything after it waits for it.

        >>> first = BytecodeChunk(0, [], 0, 10, variables_written={"x"})
        >>> second = BytecodeChunk(1, [], 10, 20, variables_read={"x"}, variables_written={"y"})
        >>> third = BytecodeChunk(2, [], 20, 30, variables_read={"z"})
        >>> DependencyAnalyzer().detect_dependencies([first, second, third])
        >>> first.dependencies, second.dependencies, third.dependencies
        (set(), {0}, set())
        """
        readers: dict[str, list[int]] = {}
        writers: dict[str, list[int]] = {}
        since: list[int] = []
        barrier: int | None = None
        for chunk in chunks:
            found = chunk.dependencies
            for name in chunk.variables_written:
                found.update(readers.get(name, ()))
            for name in chunk.variables_read | chunk.variables_written:
                found.update(writers.get(name, ()))
            if barrier is not None:
                found.add(barrier)
            if not chunk.can_parallelize:
                found.update(since)
                since = []
                barrier = chunk.chunk_id
            else:
                since.append(chunk.chunk_id)
            for name in chunk.variables_read:
                readers.setdefault(name, []).append(chunk.chunk_id)
            for name in chunk.variables_written:
                writers.setdefault(name, []).append(chunk.chunk_id)
            found.discard(chunk.chunk_id)

    def analyze_chunks(self, chunks: list[BytecodeChunk]) -> list[BytecodeChunk]:
        """As :meth:`detect_dependencies`; returns the same list."""
        self.detect_dependencies(chunks)
        return chunks


class BytecodeChunker:
    """Divides bytecode into chunks of about ``chunk_size`` instructions.

    The number of chunks is that of a fixed size wherever the code allows it, but operands that belong
    together, loops and branches are never torn apart. A last chunk below ``min_chunk_size`` joins its
    neighbour.

    >>> from zexus.vm.bytecode import BytecodeBuilder
    >>> builder = BytecodeBuilder()
    >>> for n in range(20):
    ...     _ = builder.emit_constant(n), builder.emit_store(f"v{n}")
    >>> chunks = BytecodeChunker(10).chunk_bytecode(builder.build())
    >>> [(chunk.start_index, chunk.end_index) for chunk in chunks]
    [(0, 10), (10, 20), (20, 30), (30, 40)]
    """

    def __init__(self, chunk_size: int = 50, min_chunk_size: int = 1) -> None:
        for name, value in (("chunk_size", chunk_size), ("min_chunk_size", min_chunk_size)):
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        self.chunk_size = chunk_size
        self.min_chunk_size = min_chunk_size
        self.analyzer = DependencyAnalyzer()

    def chunk_bytecode(self, bytecode: Any) -> list[BytecodeChunk]:
        """The chunks of a code object, with names, dependences, and whether a worker may execute them.

        All chunks share one list of constants.
        """
        return self.analyzer.analyze_chunks(self.split(bytecode))

    def split(self, bytecode: Any) -> list[BytecodeChunk]:
        """The chunks of a code object without their dependences."""
        instructions = list(bytecode.instructions)
        if not instructions:
            return []
        constants = list(bytecode.constants)
        every = shapes(instructions, constants)
        jumps = [(at, shape.target) for at, shape in enumerate(every) if shape.target is not None]
        cuts = legal_cuts([(shape.pops, shape.pushes) for shape in every], jumps)
        found: list[BytecodeChunk] = []
        for start, end in divide(cuts, self.chunk_size, self.min_chunk_size):
            chunk = BytecodeChunk(len(found), instructions[start:end], start, end, constants=constants)
            chunk.can_parallelize = all(shape.computes for shape in every[start:end])
            for opcode, operand in chunk.instructions:
                reads, writes = self.analyzer.analyze_instruction(opcode, operand, constants)
                chunk.variables_read |= reads
                chunk.variables_written |= writes
            found.append(chunk)
        return found
