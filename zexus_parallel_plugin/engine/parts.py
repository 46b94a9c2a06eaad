"""The parts of lists and maps by type, without a step of Python for each part: data has far more values than
containers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

_NUMBERS = frozenset({int, float})


def parts_of(value: Any, types: frozenset[type]) -> list[Any]:
    """The parts of a container whose type is one of ``types``, in their order.

    :param types: types of containers. What is asked for are the values of a map, not its keys.
    """
    parts: Collection[Any] = value.values() if type(value) is dict else value
    if type(value) is list and value and type(value[0]) in _NUMBERS and _add_up(value):
        return []
    if types.isdisjoint(map(type, parts)):
        return []
    return [part for part in parts if type(part) in types]


def _add_up(values: list[Any]) -> bool:
    """Whether values add up, which containers do not: faster than a look at all types."""
    try:
        sum(values)
    except (TypeError, OverflowError):  # the latter: a whole number that is too large for the floats in it
        return False
    return True
