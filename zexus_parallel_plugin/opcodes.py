"""The six opcodes of this plugin: numbers, operands, stack effects, gas.

The host's own enumeration (``zexus/vm/bytecode.py``, ``Opcode``) gives the numbers 300 to 305 other names,
recorded here as ``host_name``. Nothing in the host emits or executes those, so a number never has two
meanings in a program: where these opcodes mean anything, they mean what this table says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = [
    "DOMAIN",
    "FROM_STACK",
    "OPCODES",
    "SHARED_ADD",
    "SHARED_UPDATE",
    "OpcodeInfo",
    "ParallelOpcode",
    "parallel_opcode",
]

DOMAIN = "parallel"
"""Name of the domain in the host's kernel that owns the opcodes."""

FROM_STACK = -1
"""Operand of JOIN_WORKERS that takes the timeout from the operand stack; with all others None does that."""

SHARED_ADD, SHARED_UPDATE = 1, 2
"""First part of the operand of the two forms of SHARED_WRITE that read and write in one step:
``(SHARED_ADD, 0)`` with name and amount on the stack, ``(SHARED_UPDATE, k)`` with name, function and ``k``
more arguments. Both leave the new value there. (Pairs of numbers are what the host's binary format can
hold.)"""


class ParallelOpcode(IntEnum):
    """The numbers of the six opcodes."""

    FORK_EXECUTION = 300
    JOIN_WORKERS = 301
    PARALLEL_MAP = 302
    BARRIER_SYNC = 303
    SHARED_READ = 304
    SHARED_WRITE = 305


_BY_NAME = dict(ParallelOpcode.__members__)


def parallel_opcode(opcode: object) -> ParallelOpcode | None:
    """Which of the six the opcode of an instruction is, None if it is another one.

    A member, its name or its plain number will do; the host's own member of that number is another opcode.
    """
    if isinstance(opcode, str):
        return _BY_NAME.get(opcode)
    if isinstance(opcode, ParallelOpcode):
        return opcode
    return ParallelOpcode(opcode) if type(opcode) is int and 300 <= opcode <= 305 else None


@dataclass(frozen=True, slots=True)
class OpcodeInfo:
    """What one opcode takes, does and costs.

    ``operand`` names the operand; ``pops`` and ``pushes`` name what it takes from and leaves on the operand
    stack (with the operand None that comes from there, too, below the others: see ``docs/opcodes.md``).
    ``gas`` is charged for the instruction itself; calls that it makes are charged like any call.
    ``function`` is the function of the language that compiles to it.
    """

    opcode: ParallelOpcode
    operand: str
    pops: tuple[str, ...]
    pushes: tuple[str, ...]
    gas: int
    function: str
    help: str
    host_name: str

    @property
    def name(self) -> str:
        """The opcode's name, for example ``FORK_EXECUTION``."""
        return self.opcode.name

    @property
    def stack_effect(self) -> int:
        """By how many entries the operand stack grows."""
        return len(self.pushes) - len(self.pops)


# Gas: 15 to start parallel work and 10 to end it are the host's own prices for such operations
# (zexus/vm/gas_metering.py: SPAWN, PARALLEL_START, PARALLEL_END); 5 is its price for an operation without
# one.
OPCODES: dict[ParallelOpcode, OpcodeInfo] = {
    info.opcode: info
    for info in (
        OpcodeInfo(
            ParallelOpcode.FORK_EXECUTION,
            operand="worker_count",
            pops=("function",),
            pushes=(),
            gas=15,
            function="fork_execution(n, f)",
            help="Start n copies of f, each in a process of its own; copy i calls f(i), or f().",
            host_name="PARALLEL_START",
        ),
        OpcodeInfo(
            ParallelOpcode.JOIN_WORKERS,
            operand="timeout",
            pops=(),
            pushes=("results",),
            gas=10,
            function="join_workers([timeout])",
            help="Wait for all copies; their results as a list, in order. The timeout is in seconds.",
            host_name="PARALLEL_END",
        ),
        OpcodeInfo(
            ParallelOpcode.PARALLEL_MAP,
            operand="func_ref",
            pops=("items",),
            pushes=("results",),
            gas=15,
            function="parallel_map(f, xs)",
            help="The list of f(x) for every x; on workers if f is free of effects, otherwise in place.",
            host_name="BARRIER",
        ),
        OpcodeInfo(
            ParallelOpcode.BARRIER_SYNC,
            operand="barrier_id",
            pops=(),
            pushes=(),
            gas=5,
            function="barrier_sync(id)",
            help="Inside a fork: wait until all copies are here.",
            host_name="SPAWN_TASK",
        ),
        OpcodeInfo(
            ParallelOpcode.SHARED_READ,
            operand="var_name",
            pops=(),
            pushes=("value",),
            gas=5,
            function="shared_read(name)",
            help="Read a shared variable; null if there is none of that name.",
            host_name="TASK_JOIN",
        ),
        OpcodeInfo(
            ParallelOpcode.SHARED_WRITE,
            operand="var_name",
            pops=("value",),
            pushes=(),
            gas=5,
            function="shared_write(name, v)",
            help="Write a shared variable.",
            host_name="TASK_RESULT",
        ),
    )
}
