"""Which instructions produce the operands of an instruction, and which consume its results.

``DUP`` is looked through: both copies are the value of whatever produced the original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.cfg import Flow

Producers = tuple[int, ...]
"""Instructions of which one has made a value; several where ways meet, none if the value is older than the
code object.
"""


class Operands:
    """Producers and consumers of all instructions of a code object whose stack is verified.

    One pass in the order of the instructions: the stack at a loop head is that before the loop, since the
    code of an iteration leaves it as it was (else it is not verified).
    """

    def __init__(self, flow: Flow) -> None:
        self.instructions = flow.instructions
        self._of: list[tuple[Producers, ...]] = [()] * len(flow.instructions)
        self._consumers: dict[int, list[int]] = {}
        self._pass(flow)

    def of(self, pc: int) -> tuple[Producers, ...]:
        """Producers of each operand of an instruction, the lowest on the stack first."""
        return self._of[pc]

    def only(self, pc: int, index: int) -> int:
        """The one producer of an operand; -1 if there is none or more than one."""
        operands = self._of[pc]
        if index >= len(operands) or len(operands[index]) != 1:
            return -1
        return operands[index][0]

    def consumers(self, pc: int) -> list[int]:
        """Instructions that take the value that this one has made; a ``POP`` is none."""
        return self._consumers.get(pc, [])

    def tree(self, pc: int) -> Iterator[int]:
        """All instructions that the value made at ``pc`` was computed by, itself first."""
        seen = {pc}
        work = [pc]
        while work:
            current = work.pop()
            yield current
            for producers in self._of[current]:
                for producer in producers:
                    if producer not in seen:
                        seen.add(producer)
                        work.append(producer)

    def names(self, pc: int) -> frozenset[str]:
        """Names that the value made at ``pc`` was computed from."""
        return frozenset(
            self.instructions[index][1]
            for index in self.tree(pc)
            if self.instructions[index][0] == isa.LOAD_NAME
        )

    def same(self, left: int, right: int, unchanged: Callable[[str], bool]) -> bool:
        """Tell whether two instructions compute the same value by the same operations without calls, all
        names that they read being ``unchanged`` in between.
        """
        if left == right:
            return True
        op, operand, _gas = self.instructions[left]
        if self.instructions[right][0] != op or self.instructions[right][1] != operand:
            return False
        if op == isa.LOAD_NAME:
            return unchanged(operand)
        if op == isa.LOAD_CONST:
            return type(operand) is type(self.instructions[right][1])
        if not (isa.ADD <= op <= isa.INDEX or op in {isa.GET_LENGTH, isa.NOT, isa.NEG}):
            return False
        pairs = zip(self._of[left], self._of[right], strict=True)
        return all(len(a) == len(b) == 1 and self.same(a[0], b[0], unchanged) for a, b in pairs)

    def _pass(self, flow: Flow) -> None:
        entries: dict[int, list[Producers]] = {0: []}
        for block in range(flow.exit):
            stack = entries.pop(block, None)
            if stack is None:
                continue  # it cannot be reached
            first, end = flow.span(block)
            after = self._block(first, end, list(stack))
            for target in flow.successors[block]:
                if target > block:
                    known = entries.get(target)
                    entries[target] = after if known is None else _merged(known, after)

    def _block(self, first: int, end: int, stack: list[Producers]) -> list[Producers]:
        for pc in range(first, end):
            op, operand, _gas = self.instructions[pc]
            if op == isa.DUP:
                stack.append(stack[-1] if stack else ())
                continue
            pops, pushes = isa.stack_effect(op, operand)
            if pops:
                taken = tuple(stack[len(stack) - pops :]) if pops <= len(stack) else ((),) * pops
                del stack[max(0, len(stack) - pops) :]
                self._of[pc] = taken
                if op != isa.POP:
                    for producers in taken:
                        for producer in producers:
                            self._consumers.setdefault(producer, []).append(pc)
            stack.extend([(pc,)] * pushes)
        return stack


def _merged(left: list[Producers], right: list[Producers]) -> list[Producers]:
    """The stack where two ways meet; the depth is the lesser one (a handler finds what the error left)."""
    if left == right:
        return left
    depth = min(len(left), len(right))
    return [
        a if a == b else tuple(sorted({*a, *b})) for a, b in zip(left[:depth], right[:depth], strict=True)
    ]
