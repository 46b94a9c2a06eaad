"""Operators by the host's rules, for operands of any type.

The rules are the host's and are odd: None counts as 0 (in string concatenation as ''), operands that Python
cannot combine are concatenated as text, errors travel as values (``_op_add``, ``_binary_op``,
``_binary_bool_op``, ``_op_index``, vm.py 3785 to 4330).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.host.values import (
    PLAIN,
    DateTime,
    EntityInstance,
    EvaluationError,
    List,
    Map,
    String,
    unwrap,
)
from zexus_parallel_plugin.host.vm import divide, safe_power

Binary = Callable[[Any, Any], Any]


def add(left: Any, right: Any) -> Any:
    """``left + right``."""
    if isinstance(left, DateTime) or isinstance(right, DateTime):
        return _add_dates(left, right)
    b, a = unwrap(right), unwrap(left)
    if isinstance(a, EvaluationError):
        return a
    if isinstance(b, EvaluationError):
        return b
    if isinstance(a, str) or isinstance(b, str):
        return str(a if a is not None else "") + str(b if b is not None else "")
    a = 0 if a is None else a
    b = 0 if b is None else b
    try:
        return a + b
    except TypeError:
        return str(a) + str(b)


def _add_dates(left: Any, right: Any) -> Any:
    if isinstance(left, DateTime) and isinstance(right, DateTime):
        return left.timestamp + right.timestamp
    date, other = (left, unwrap(right)) if isinstance(left, DateTime) else (right, unwrap(left))
    return DateTime(date.timestamp + float(0 if other is None else other))


def _coercing(function: Binary) -> Binary:
    """Arithmetic and order: dates, None as 0, text when Python refuses."""

    def apply(left: Any, right: Any) -> Any:
        a, b = unwrap(left), unwrap(right)
        if isinstance(a, EvaluationError):
            return a
        if isinstance(b, EvaluationError):
            return b
        if isinstance(left, DateTime) or isinstance(right, DateTime):
            return _combine_dates(function, left, right, a, b)
        a = 0 if a is None else a
        b = 0 if b is None else b
        try:
            return function(a, b)
        except TypeError:
            if isinstance(a, str) or isinstance(b, str):
                return str(a) + str(b)
            try:
                return str(a) + str(b)
            except Exception:  # noqa: BLE001 - the host yields 0 for whatever cannot be shown
                return 0

    return apply


def _combine_dates(function: Binary, left: Any, right: Any, a: Any, b: Any) -> Any:
    if isinstance(left, DateTime) and isinstance(right, DateTime):
        return left.timestamp - right.timestamp
    if isinstance(left, DateTime):
        value = float(b) if b is not None else 0.0
        try:
            return DateTime(function(left.timestamp, value))
        except Exception:  # noqa: BLE001 - as the host
            return 0
    value = float(a) if a is not None else 0.0
    try:
        return function(value, right.timestamp)
    except Exception:  # noqa: BLE001 - as the host
        return 0


def _comparing(function: Binary) -> Binary:
    """Equality: errors travel, nothing is coerced."""

    def apply(left: Any, right: Any) -> Any:
        b, a = unwrap(right), unwrap(left)
        if isinstance(a, EvaluationError):
            return a
        if isinstance(b, EvaluationError):
            return b
        return function(a, b)

    return apply


def _modulo(a: Any, b: Any) -> Any:
    return a % b if b != 0 else 0


def _both(left: Any, right: Any) -> bool:
    b, a = unwrap(right), unwrap(left)
    return bool(a) and bool(b)


def _either(left: Any, right: Any) -> bool:
    b, a = unwrap(right), unwrap(left)
    return bool(a) or bool(b)


BINARY: dict[int, Binary] = {
    isa.ADD: add,
    isa.SUB: _coercing(operator.sub),
    isa.MUL: _coercing(operator.mul),
    isa.DIV: _coercing(divide),
    isa.MOD: _coercing(_modulo),
    isa.POW: _coercing(safe_power),
    isa.LT: _coercing(operator.lt),
    isa.GT: _coercing(operator.gt),
    isa.LTE: _coercing(operator.le),
    isa.GTE: _coercing(operator.ge),
    isa.EQ: _comparing(operator.eq),
    isa.NEQ: _comparing(operator.ne),
    isa.AND: _both,
    isa.OR: _either,
}
"""Instruction number -> the operator on any operands."""


def negate(value: Any) -> Any:
    """``-value``.

    :raises TypeError: for text, None and containers, as on the host.
    """
    return -unwrap(value)


def truth(value: Any) -> bool:
    """What a condition is taken for."""
    return bool(value) if type(value) in PLAIN else bool(unwrap(value))


def index(target: Any, key: Any) -> Any:
    """``target[key]``; None for whatever is not there. A map takes an integer for the position of a key."""
    kind = type(target)
    if kind is dict:
        if type(key) is str:
            return target.get(key)
        return _map_item(target, key)
    if kind is list or kind is str:
        try:
            return target[key.value if hasattr(key, "value") else key]
        except Exception:  # noqa: BLE001 - reading never fails on the host
            return None
    try:
        if kind is EntityInstance:
            return _property(target, key)
        return _object_item(target, key)
    except (IndexError, KeyError, TypeError):
        return None


def _property(entity: Any, key: Any) -> Any:
    name = key.value if hasattr(key, "value") else str(key) if key is not None else None
    if not name:
        return None
    value = entity.get(name)
    return value.value if hasattr(value, "value") else value


def _map_item(target: dict[Any, Any], key: Any) -> Any:
    try:
        raw = key.value if hasattr(key, "value") else key
        if raw in target:
            return target[raw]
        if isinstance(raw, int) and not isinstance(raw, bool):
            keys = list(target.keys())
            return target[keys[raw]] if 0 <= raw < len(keys) else None
    except (IndexError, KeyError, TypeError):
        return None
    return None


def _object_item(target: Any, key: Any) -> Any:
    if isinstance(target, List):
        return target.get(key)
    if isinstance(target, Map):
        return target.get(String(key) if isinstance(key, str) else key)
    if isinstance(target, String):
        return target[key]
    if hasattr(target, "data") and hasattr(target, "entity_def"):
        return _property(target, key)
    if isinstance(target, dict):
        return _map_item(target, key)
    if target is None:
        return None
    raw = key.value if hasattr(key, "value") else key
    try:
        return target[raw]
    except Exception:  # noqa: BLE001 - reading never fails on the host
        return None


def length(target: Any) -> int:
    """Number of elements; 0 for what has none."""
    kind = type(target)
    if kind is list or kind is dict or kind is str:
        return len(target)
    try:
        if target is None:
            return 0
        if isinstance(target, List):
            return len(target.elements)
        if isinstance(target, Map):
            return len(target.pairs)
        if isinstance(target, String):
            return len(target.value)
        return len(target) if hasattr(target, "__len__") else 0
    except (TypeError, AttributeError):
        return 0


def attribute(target: Any, name: Any) -> Any:
    """A Python attribute or map entry by name, None when there is none (``_op_get_attr``)."""
    if target is None:
        return None
    key = unwrap(name)
    try:
        if isinstance(target, Map):
            return target.get(String(key) if isinstance(key, str) else key)
        if isinstance(target, dict):
            return target.get(key)
        return getattr(target, key, None)
    except Exception:  # noqa: BLE001 - reading never fails on the host
        return None


def cut(target: Any, start: Any, end: Any) -> Any:
    """``target[start:end]``; None for what cannot be sliced."""
    try:
        if isinstance(target, List):
            return List(target.elements[unwrap(start) : unwrap(end)])
        if isinstance(target, String):
            return String(target.value[unwrap(start) : unwrap(end)])
        return target[unwrap(start) : unwrap(end)] if target is not None else None
    except Exception:  # noqa: BLE001 - reading never fails on the host
        return None


def iteration(target: Any, position: Any, count: int) -> tuple[Any, ...]:
    """What ``for each`` assigns at a position: element or key, or for two names ``(position or key, value)``.

    None for every name when there is nothing at that position.
    """
    nothing = (None,) * count
    try:
        if isinstance(target, (dict, Map)):
            pairs = target.pairs if isinstance(target, Map) else target
            keys = list(pairs.keys())
            if not (isinstance(position, int) and 0 <= position < len(keys)):
                return nothing
            key = keys[position]
            return (key, pairs[key]) if count == 2 else (key,)
        if isinstance(target, (list, List)):
            elements = target.elements if isinstance(target, List) else target
            if not (isinstance(position, int) and 0 <= position < len(elements)):
                return nothing
            return (position, elements[position]) if count == 2 else (elements[position],)
        if target is None:
            return (position, None) if count == 2 else (None,)
        try:
            value = target[position]
        except Exception:  # noqa: BLE001 - the host has pushed the position by then and adds its defaults above it
            return (position, None, None) if count == 2 else nothing
        return (position, value) if count == 2 else (value,)
    except Exception:  # noqa: BLE001 - reading never fails on the host
        return nothing
