"""How many instructions code executes, as far as its text tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.program import ProgramView, UnitView

__all__ = ["ASSUMED_TRIPS", "Costs", "Estimate"]

ASSUMED_TRIPS = 100
"""Iterations of a loop, and calls of a recursive action by one of its calls, where the text does not tell."""

_MOST = 10**12


@dataclass(frozen=True, slots=True)
class Estimate:
    """Instructions; ``assumed``: a number of iterations or calls in it is nothing but an assumption."""

    instructions: int
    assumed: bool = False

    def plus(self, other: Estimate) -> Estimate:
        """One after the other."""
        return Estimate(min(_MOST, self.instructions + other.instructions), self.assumed or other.assumed)

    def times(self, count: int, *, assumed: bool) -> Estimate:
        """So many times."""
        return Estimate(min(_MOST, self.instructions * count), self.assumed or assumed)


class Costs:
    """Estimates for a program. Both sides of a branch count."""

    def __init__(self, view: ProgramView) -> None:
        self._view = view
        self._units: dict[int, Estimate] = {}
        self._loops: dict[tuple[int, int], Estimate] = {}
        self._open: set[int] = set()

    def of_unit(self, unit: UnitView) -> Estimate:
        """One activation of a code object."""
        key = id(unit)
        if key in self._units:
            return self._units[key]
        if key in self._open:
            return Estimate(0, assumed=True)
        self._open.add(key)
        found = self.of_range(unit, 0, len(unit.code.instructions))
        self._open.discard(key)
        if unit.function.recursive:
            found = found.times(ASSUMED_TRIPS, assumed=True)
        self._units[key] = found
        return found

    def of_call(self, name: str) -> Estimate:
        """A call of the action that a name means."""
        unit = self._view.unit(name)
        return Estimate(1) if unit is None else self.of_unit(unit)

    def of_range(self, unit: UnitView, first: int, end: int, within: int = -1) -> Estimate:
        """Instructions from ``first`` up to ``end``, with all iterations of the loops among them, but for the
        loop that they are ``within``.
        """
        plans = unit.plans
        total = Estimate(0)
        pc = first
        while pc < end:
            plan = plans.get(pc)
            if plan is not None and plan.end <= end and pc != within:
                total = total.plus(self.of_loop(unit, pc))
                pc = plan.end
                continue
            total = total.plus(self._of_instruction(unit, pc))
            pc += 1
        return total

    def of_loop(self, unit: UnitView, head: int) -> Estimate:
        """All iterations of a loop."""
        key = id(unit), head
        if key not in self._loops:
            plan = unit.plans[head]
            count = plan.trips if plan.trips >= 0 else ASSUMED_TRIPS
            once = self.of_range(unit, head, plan.end, within=head)
            self._loops[key] = once.times(count, assumed=plan.trips < 0)
        return self._loops[key]

    def _of_instruction(self, unit: UnitView, pc: int) -> Estimate:
        op, operand, _gas = unit.code.instructions[pc]
        if op == isa.NOP:
            return Estimate(0)
        if op == isa.CALL_NAME and not operand[2]:
            return self.of_call(operand[0]).plus(Estimate(1))
        return Estimate(1)
