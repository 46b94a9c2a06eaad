"""Direct forms of methods of lists only (host: ``_LIST_METHODS``, vm.py 215; the rest is Python's own)."""

from __future__ import annotations

from typing import Any

from zexus_parallel_plugin.engine.fastcalls.method import (
    GeneralMethod,
    Method,
    MethodFactory,
    element,
    given,
    ignoring_arguments,
    pythons_own,
)
from zexus_parallel_plugin.engine.fastcalls.plain import ABSENT


def _push(general: GeneralMethod) -> Method:
    def push(target: Any, item: Any = ABSENT, *rest: Any) -> Any:
        if type(target) is list:
            if item is not ABSENT:
                target.append(item)
            return target
        return general(target, given(item, *rest))

    return push


def _pop(general: GeneralMethod) -> Method:
    def pop(target: Any, *args: Any) -> Any:
        if type(target) is list:
            return element(target.pop()) if target else None
        return general(target, [*args])

    return pop


def _first(general: GeneralMethod) -> Method:
    def first(target: Any, *args: Any) -> Any:
        if type(target) is list:
            return element(target[0]) if target else None
        return general(target, [*args])

    return first


def _last(general: GeneralMethod) -> Method:
    def last(target: Any, *args: Any) -> Any:
        if type(target) is list:
            return element(target[-1]) if target else None
        return general(target, [*args])

    return last


def _reverse(target: list[Any]) -> list[Any]:
    return target[::-1]


def _sort(target: list[Any]) -> list[Any]:
    """Elements that have no order leave the list itself as the result."""
    try:
        return sorted(target)
    except TypeError:
        return target


def _flatten(target: list[Any]) -> list[Any]:
    result: list[Any] = []
    for item in target:
        if isinstance(item, list):
            result.extend(item)
        else:
            result.append(item)
    return result


def _itself(target: list[Any]) -> list[Any]:
    """``map`` and ``filter`` never call what they are given."""
    return target


def _nothing(_target: list[Any]) -> None:
    """Neither does ``reduce``."""


def _is_empty(target: list[Any]) -> bool:
    return not target


LISTS: dict[str, MethodFactory] = {
    "append": _push,
    "clear": pythons_own(list, "clear"),
    "copy": pythons_own(list, "copy"),
    "extend": pythons_own(list, "extend"),
    "filter": ignoring_arguments(list, _itself),
    "first": _first,
    "flatten": ignoring_arguments(list, _flatten),
    "insert": pythons_own(list, "insert"),
    "isEmpty": ignoring_arguments(list, _is_empty),
    "is_empty": ignoring_arguments(list, _is_empty),
    "last": _last,
    "map": ignoring_arguments(list, _itself),
    "pop": _pop,
    "push": _push,
    "reduce": ignoring_arguments(list, _nothing),
    "reverse": ignoring_arguments(list, _reverse),
    "sort": ignoring_arguments(list, _sort),
}
"""Method -> factory."""
