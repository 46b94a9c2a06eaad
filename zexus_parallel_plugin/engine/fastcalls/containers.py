"""Direct forms of builtins on lists and maps (host: evaluator/functions.py, ``_register_core_builtins``).

The host converts a whole container before its builtin sees it. So even where one element would do, the direct
form has to know that all of it can be converted.
"""

from __future__ import annotations

from typing import Any

from zexus_parallel_plugin.engine.fastcalls.plain import (
    ABSENT,
    ORDERED,
    Direct,
    Factory,
    General,
    Unusual,
    all_text,
    copied,
    flat,
    given,
    survives,
)


def _size(general: General) -> Direct:
    def size(value: Any = ABSENT, *rest: Any) -> Any:
        if not rest:
            kind = type(value)
            if kind is str or (kind is list and survives(value)):
                return len(value)
            # Keys that are equal as text become one.
            if kind is dict and all_text(value) and survives(value):
                return len(value)
        return general(given(value, *rest))

    return size


def _first(general: General) -> Direct:
    def first(value: Any = ABSENT, *rest: Any) -> Any:
        if type(value) is list and not rest and survives(value):
            return copied(value[0]) if value else None
        return general(given(value, *rest))

    return first


def _rest(general: General) -> Direct:
    def tail(value: Any = ABSENT, *rest: Any) -> Any:
        if type(value) is list and not rest:
            if flat(value):
                return value[1:]
            if survives(value):
                return copied(value[1:])
        return general(given(value, *rest))

    return tail


def _slice(general: General) -> Direct:
    def cut(value: Any = ABSENT, start: Any = ABSENT, end: Any = ABSENT, *rest: Any) -> Any:
        if type(value) is list and type(start) is int and (end is ABSENT or type(end) is int) and not rest:
            # The host spells Python's own rule for negative positions out.
            part = value[start : len(value) if end is ABSENT else end]
            if flat(value):
                return part
            if survives(value):
                return copied(part)
        return general(given(value, start, end, *rest))

    return cut


def _extend(general: General) -> Direct:
    def extend(value: Any = ABSENT, more: Any = ABSENT, *rest: Any) -> Any:
        if type(value) is type(more) is list and not rest:
            try:
                return copied(value) + copied(more)
            except (Unusual, ValueError):
                pass
        return general(given(value, more, *rest))

    return extend


def _sort(general: General) -> Direct:
    def sort(value: Any = ABSENT, order: Any = ABSENT, descending: Any = ABSENT, *rest: Any) -> Any:
        if type(value) is list and not rest:
            try:
                if order is ABSENT:
                    return _in_order(value, False)
                by = type(order)
                if descending is ABSENT:
                    if by is bool:
                        return _in_order(value, order)
                    if by is str:
                        return _by_field(value, order, False)
                elif type(descending) is bool:
                    if by is str:
                        return _by_field(value, order, descending)
                    if by is bool:
                        return _in_order(value, descending)
            except (Unusual, ValueError, TypeError):
                pass
        return general(given(value, order, descending, *rest))

    return sort


def _in_order(values: list[Any], descending: bool) -> list[Any]:
    if ORDERED.issuperset(map(type, values)):
        return sorted(values, reverse=descending)
    return sorted(copied(values), key=_weight, reverse=descending)


def _weight(value: Any) -> Any:
    return value if type(value) in ORDERED else 0


def _by_field(values: list[Any], field: str, descending: bool) -> list[Any]:
    def weight(item: Any) -> Any:
        value = item.get(field) if type(item) is dict else 0
        return value if type(value) in ORDERED else 0

    result: list[Any] = copied(values)
    result.sort(key=weight, reverse=descending)
    return result


def _keys(general: General) -> Direct:
    def keys(value: Any = ABSENT, *rest: Any) -> Any:
        if type(value) is dict and not rest:
            if all_text(value) and survives(value):
                return list(value)
            try:
                return list(copied(value))
            except (Unusual, ValueError):
                pass
        return general(given(value, *rest))

    return keys


def _values(general: General) -> Direct:
    def values(value: Any = ABSENT, *rest: Any) -> Any:
        if type(value) is dict and not rest:
            try:
                return list(copied(value).values())
            except (Unusual, ValueError):
                pass
        return general(given(value, *rest))

    return values


def _entries(general: General) -> Direct:
    def entries(value: Any = ABSENT, *rest: Any) -> Any:
        if type(value) is dict and not rest:
            try:
                return list(map(list, copied(value).items()))
            except (Unusual, ValueError):
                pass
        return general(given(value, *rest))

    return entries


CONTAINERS: dict[str, Factory] = {
    "entries": _entries,
    "extend": _extend,
    "first": _first,
    "keys": _keys,
    "rest": _rest,
    "size": _size,
    "slice": _slice,
    "sort": _sort,
    "values": _values,
}
"""Builtin -> factory."""
