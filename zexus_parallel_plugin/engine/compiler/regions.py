"""Gas of straight-line regions.

The host charges every instruction. The compiled code charges a whole region when it is entered: all
instructions up to the next *split*, an instruction behind which somebody else may look at the meter (a
call). An ``if`` without splits is part of the region; the dearer side is charged, the other side gives the
difference back. So an iteration of a simple loop is charged by one addition and checked by one comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler.control import If, Leave, LeaveIf, Loop, Node, Return, Step, Try

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from zexus_parallel_plugin.engine.code import Code

INLINED = {
    ("len", 1),
    ("length", 1),
    ("str", 1),
    ("string", 1),
    ("push", 2),
    ("append", 2),
    ("range", 1),
    ("range", 2),
}
"""Natives with a Python equivalent, by name and number of arguments."""


class Cost(NamedTuple):
    """Gas and number of operations."""

    gas: int = 0
    operations: int = 0

    def plus(self, other: Cost) -> Cost:
        """Sum."""
        return Cost(self.gas + other.gas, self.operations + other.operations)

    def minus(self, other: Cost) -> Cost:
        """Difference."""
        return Cost(self.gas - other.gas, self.operations - other.operations)

    def most(self, other: Cost) -> Cost:
        """The greater of each."""
        return Cost(max(self.gas, other.gas), max(self.operations, other.operations))


class Region(NamedTuple):
    """Cost of a path, and whether control runs on behind it inside the same region."""

    cost: Cost
    runs_on: bool


class Pricing:
    """Costs and splits of the nodes of one code object."""

    def __init__(self, code: Code, unmetered: Container[str]) -> None:
        """``unmetered``: builtins that cannot look at the meter, so that a call of one is no split."""
        self._instructions = code.instructions
        self._unmetered = unmetered

    def step(self, pc: int) -> Cost:
        """Cost of one instruction."""
        return Cost(self._instructions[pc][2], 1)

    def splits(self, pc: int) -> bool:
        """Whether a region ends behind this instruction."""
        op, operand, _gas = self._instructions[pc]
        if op == isa.CALL_NAME:
            return (operand[0], operand[1]) not in INLINED and operand[0] not in self._unmetered
        return op in {isa.CALL_TOP, isa.PARALLEL_MAP}

    def exits(self, pc: int) -> bool:
        """Whether the compiled code leaves the rest to the interpreter at this instruction."""
        return self._instructions[pc][0] in {isa.RARE, isa.THROW, isa.PARALLEL_MAP}

    def divided(self, nodes: Sequence[Node]) -> bool:
        """Whether there is a split or a loop anywhere inside."""
        for node in nodes:
            if isinstance(node, If):
                if self.divided(node.taken) or self.divided(node.other):
                    return True
            elif isinstance(node, (Loop, Try)) or (
                isinstance(node, Step) and (self.splits(node.pc) or self.exits(node.pc))
            ):
                return True
        return False

    def ahead(self, nodes: Sequence[Node], start: int = 0) -> Region:
        """The region that begins at ``nodes[start]``, as far as it reaches inside these nodes."""
        total = Cost()
        for node in nodes[start:]:
            if isinstance(node, (Loop, Try)):
                return Region(total, runs_on=False)
            if isinstance(node, Step) and self.exits(node.pc):
                return Region(total, runs_on=False)
            total = total.plus(self.step(node.pc))
            if isinstance(node, (Leave, Return)) or (isinstance(node, Step) and self.splits(node.pc)):
                return Region(total, runs_on=False)
            if isinstance(node, If):
                if self.divided(node.taken) or self.divided(node.other):
                    return Region(total, runs_on=False)
                taken, other = self.ahead(node.taken), self.ahead(node.other)
                total = total.plus(taken.cost.most(other.cost))
                if not (taken.runs_on or other.runs_on):
                    return Region(total, runs_on=False)
        return Region(total, runs_on=True)


__all__ = ["INLINED", "Cost", "If", "LeaveIf", "Pricing", "Region"]
