"""Things that belong to instructions, found by ranges of instructions."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zexus_parallel_plugin.analysis.plan import LoopPlan

__all__ = ["Between", "Nest"]

_Item = TypeVar("_Item")


class Between(Generic[_Item]):
    """Items by instruction, in order."""

    def __init__(self, items: Mapping[int, _Item]) -> None:
        self._pcs = sorted(items)
        self._items = [items[pc] for pc in self._pcs]

    def of(self, first: int, end: int) -> list[_Item]:
        """Items of the instructions from ``first`` up to ``end``."""
        return self._items[bisect_left(self._pcs, first) : bisect_left(self._pcs, end)]

    def before(self, end: int) -> _Item | None:
        """The last item before ``end``."""
        index = bisect_left(self._pcs, end)
        return self._items[index - 1] if index else None


class Nest:
    """The loops of a code object, and which loop is directly around which.

    Attributes:
        outermost: loops that are in no other one.
    """

    def __init__(self, plans: Mapping[int, LoopPlan]) -> None:
        self._plans = plans
        self._inner: dict[int, list[LoopPlan]] = {}
        for plan in sorted(plans.values(), key=lambda each: each.head):
            self._inner.setdefault(plan.parent, []).append(plan)
        self.outermost = Between({plan.head: plan for plan in self._inner.get(-1, ())})

    def inside(self, plan: LoopPlan) -> list[LoopPlan]:
        """Loops directly inside a loop."""
        return self._inner.get(plan.head, [])

    def around(self, pc: int) -> list[LoopPlan]:
        """Loops that an instruction is in, the outermost first."""
        found: list[LoopPlan] = []
        plan = self.outermost.before(pc + 1)
        while plan is not None and plan.head <= pc < plan.end:
            found.append(plan)
            plan = next((inner for inner in self.inside(plan) if inner.head <= pc < inner.end), None)
        return found
