"""What the API hands out: chunks, their results, and the metrics of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["BytecodeChunk", "ExecutionMetrics", "ExecutionMode", "ExecutionResult"]


class ExecutionMode(Enum):
    """Where a program may run.

    >>> ExecutionMode("hybrid")
    <ExecutionMode.HYBRID: 'hybrid'>
    """

    SEQUENTIAL = "sequential"
    """In this process only."""
    PARALLEL = "parallel"
    """On workers wherever that is legal, whether it pays or not."""
    HYBRID = "hybrid"
    """On workers where it is legal and pays."""


@dataclass
class ExecutionMetrics:
    """What was measured in one run; the fields and their order are those of the host's class.

    Attributes:
        total_time: the whole call of ``execute``, in seconds, as all times.
        parallel_time: the execution itself, if anything ran on workers; else 0.
        merge_time: time in which this process waited for results of workers.
        chunk_count: chunks of the program, and calls and pieces of loops that workers did.
        worker_count: processes that could be used.
        chunks_succeeded: those of them that were done, in whichever process.
        chunks_failed: tasks that no worker could do, since it died, say; the work was then done in place.
        chunks_retried: attempts that were repeated because a worker had died.
        speedup: an estimate: work that was done, by all processes, for each second that it took.
        efficiency: speedup for each of ``worker_count``.
        errors: one line for everything that went wrong on workers.
        chunks_on_workers: those whose result came from a worker.
        reasons: how often each decision was taken, by the codes of ``docs/reasons.md``.

    >>> metrics = ExecutionMetrics(total_time=0.042, worker_count=4, speedup=2.35, efficiency=0.5875)
    >>> metrics.to_dict()["total_time"], metrics.to_dict()["speedup"], metrics.to_dict()["efficiency"]
    ('0.0420s', '2.35x', '58.75%')
    """

    total_time: float = 0.0
    parallel_time: float = 0.0
    merge_time: float = 0.0
    chunk_count: int = 0
    worker_count: int = 0
    chunks_succeeded: int = 0
    chunks_failed: int = 0
    chunks_retried: int = 0
    speedup: float = 1.0
    efficiency: float = 1.0
    errors: list[str] = field(default_factory=list)
    chunks_on_workers: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def calculate_speedup(self, sequential_time: float) -> None:
        """Set speedup and efficiency from the seconds that the same work takes in one process.

        >>> metrics = ExecutionMetrics(total_time=0.5, worker_count=2)
        >>> metrics.calculate_speedup(0.9)
        >>> metrics.to_dict()["speedup"], metrics.to_dict()["efficiency"]
        ('1.80x', '90.00%')
        """
        if self.total_time > 0:
            self.speedup = sequential_time / self.total_time
            self.efficiency = self.speedup / max(1, self.worker_count)

    def to_dict(self) -> dict[str, Any]:
        """For tables: times as ``'0.0420s'``, speedup ``'2.35x'``, efficiency ``'58.75%'``, counts."""
        return {
            "total_time": f"{self.total_time:.4f}s",
            "parallel_time": f"{self.parallel_time:.4f}s",
            "merge_time": f"{self.merge_time:.4f}s",
            "chunk_count": self.chunk_count,
            "worker_count": self.worker_count,
            "chunks_succeeded": self.chunks_succeeded,
            "chunks_failed": self.chunks_failed,
            "chunks_retried": self.chunks_retried,
            "speedup": f"{self.speedup:.2f}x",
            "efficiency": f"{self.efficiency:.2%}",
        }


@dataclass
class BytecodeChunk:
    """A range of instructions of one code object, with what it reads and writes.

    Attributes:
        chunk_id: its place among the chunks of the code object.
        instructions: ``(opcode, operand)``.
        start_index: index of the first instruction; end_index: behind the last one.
        dependencies: ids of chunks that must be done before.
        variables_read: names whose value it may use; variables_written: names that it assigns.
        can_parallelize: it does nothing but compute, assign variables and print.
        constants: what integer operands refer to.
    """

    chunk_id: int
    instructions: list[tuple[Any, Any]]
    start_index: int
    end_index: int
    dependencies: set[int] = field(default_factory=set)
    variables_read: set[str] = field(default_factory=set)
    variables_written: set[str] = field(default_factory=set)
    can_parallelize: bool = True
    constants: list[Any] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Chunk({self.chunk_id}, ins={len(self.instructions)}, deps={self.dependencies})"


@dataclass
class ExecutionResult:
    """What became of one chunk.

    Attributes:
        chunk_id: the chunk.
        success: whether it was executed to its end.
        result: the value that it returned, or the top of what it left on the operand stack.
        error: one line that says what went wrong; error_trace: where, in Python.
        execution_time: seconds in the process that executed it.
        variables_modified: values of the variables that it assigned.
        retry_count: attempts before this one.
    """

    chunk_id: int
    success: bool
    result: Any = None
    error: str | None = None
    error_trace: str | None = None
    execution_time: float = 0.0
    variables_modified: dict[str, Any] = field(default_factory=dict)
    retry_count: int = 0

    def __repr__(self) -> str:
        mark = "✓" if self.success else "✗"
        return f"Result({mark} chunk={self.chunk_id}, time={self.execution_time:.4f}s)"
