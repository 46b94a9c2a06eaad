"""How many iterations of a loop are left."""

from __future__ import annotations

from math import ceil, isfinite
from typing import TYPE_CHECKING, Any, Final

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.engine.compiler.range_builder import RangePlan

_SIZED: Final = frozenset({list, dict, str})
_NUMBERS: Final = frozenset({int, float})
_MOST = 1e15
"""Beyond this, a float cannot tell one iteration from the next."""


def counters_now(plan: RangePlan, visible: Callable[[str], Any]) -> dict[str, int] | None:
    """Values of the induction variables, None if one is no integer: then ranges cannot begin anywhere."""
    values = {name: visible(name) for name, _ in plan.counters}
    return values if all(type(value) is int for value in values.values()) else None


def iterations_left(plan: RangePlan, visible: Callable[[str], Any]) -> int | None:
    """Iterations that the condition at the head allows for, None if that cannot be foreseen."""
    bound = plan.bound
    step = dict(plan.counters).get(bound.counter) if bound is not None else None
    if bound is None or step is None or bound.name in plan.stored:
        return None
    limit = visible(bound.name) if bound.name else bound.constant
    if bound.length:
        if type(limit) not in _SIZED:
            return None
        limit = len(limit)
    value = visible(bound.counter)
    if type(limit) not in _NUMBERS or type(value) is not int or not isfinite(limit) or abs(limit) > _MOST:
        return None
    if (bound.op in {isa.LT, isa.LTE}) != (step > 0):
        return None
    distance = (limit - value) / step
    whole = int(distance // 1) + 1 if bound.op in {isa.LTE, isa.GTE} else ceil(distance)
    return max(0, whole)
