"""How many iterations of a loop are left."""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any, Final

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.compiler.induction import Term
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
    if bound is None or step is None or not bound.names.isdisjoint(plan.stored):
        return None
    limit = _value(bound.limit, visible)
    value = visible(bound.counter)
    if limit is None or type(value) is not int or not isfinite(limit) or abs(limit) > _MOST:
        return None
    if (bound.op in {isa.LT, isa.LTE}) != (step > 0):
        return None
    distance = (limit - value) / step
    whole = int(distance // 1) + 1 if bound.op in {isa.LTE, isa.GTE} else ceil(distance)
    return max(0, whole)


def _value(term: Term, visible: Callable[[str], Any]) -> int | float | None:
    """The number that a term comes to, as the host calculates; None if it is none."""
    values: list[Any] = []
    for op, operand in term:
        if op == isa.LOAD_CONST:
            values.append(operand)
        elif op == isa.LOAD_NAME:
            values.append(visible(operand))
        elif op == isa.GET_LENGTH:
            if type(values[-1]) not in _SIZED:
                return None
            values.append(len(values.pop()))
        else:
            right, left = values.pop(), values.pop()
            if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
                return None
            try:
                values.append(_CALCULATED[op](left, right))
            except (ArithmeticError, ValueError):
                return None
    return values[0] if type(values[0]) in _NUMBERS else None


def _quotient(left: Any, right: Any) -> Any:
    whole = type(left) is int and type(right) is int and left % right == 0
    return left // right if whole else left / right


_CALCULATED: Final[dict[int, Callable[[Any, Any], Any]]] = {
    isa.ADD: operator.add,
    isa.SUB: operator.sub,
    isa.MUL: operator.mul,
    isa.DIV: _quotient,
}
