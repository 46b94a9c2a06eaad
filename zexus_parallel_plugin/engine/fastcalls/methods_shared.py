"""Direct forms of methods that several types have (host: method tables, vm.py 178 to 404).

The order is the host's: ``set`` and ``get`` before the tables, then a table by the type of the target. What
a table does not have on a type, the host's dispatcher sorts out. Surplus arguments are ignored, as in the
host's tables.
"""

from __future__ import annotations

from typing import Any

from zexus_parallel_plugin.engine.fastcalls.method import GeneralMethod, Method, MethodFactory, element, given
from zexus_parallel_plugin.engine.fastcalls.plain import ABSENT
from zexus_parallel_plugin.host.values import PLAIN


def _set(general: GeneralMethod) -> Method:
    def set_item(target: Any, key: Any = ABSENT, value: Any = ABSENT, *rest: Any) -> Any:
        kind = type(target)
        if (kind is list or kind is dict) and value is not ABSENT:
            target[key] = value
            return element(value)
        return general(target, given(key, value, *rest))

    return set_item


def _length(general: GeneralMethod) -> Method:
    def length(target: Any, *args: Any) -> Any:
        kind = type(target)
        if kind is list or kind is str or kind is dict:
            return len(target)
        return general(target, [*args])

    return length


def _count(general: GeneralMethod) -> Method:
    def count(target: Any, *args: Any) -> Any:
        kind = type(target)
        if kind is list:
            return target.count(args[0]) if args else len(target)
        if kind is dict:
            return len(target)
        if kind is str:
            return target.count(*args)
        return general(target, [*args])

    return count


def _contains(general: GeneralMethod) -> Method:
    def contains(target: Any, item: Any = ABSENT, *rest: Any) -> Any:
        kind = type(target)
        # A list also looks for what is inside of a wrapper.
        if kind is str or kind is dict or (kind is list and type(item) in PLAIN):
            return item is not ABSENT and item in target
        return general(target, given(item, *rest))

    return contains


def _includes(general: GeneralMethod) -> Method:
    def includes(target: Any, item: Any = ABSENT, *rest: Any) -> Any:
        kind = type(target)
        if kind is str or (kind is list and type(item) in PLAIN):
            return item is not ABSENT and item in target
        return general(target, given(item, *rest))

    return includes


def _index_of(general: GeneralMethod) -> Method:
    def index_of(target: Any, item: Any = ABSENT, *rest: Any) -> Any:
        kind = type(target)
        if item is not ABSENT:
            if kind is str:
                return target.find(item)
            if kind is list:
                try:
                    return target.index(item)
                except ValueError:
                    return -1
        return general(target, given(item, *rest))

    return index_of


def _slice(general: GeneralMethod) -> Method:
    def cut(target: Any, start: Any = ABSENT, end: Any = ABSENT, *rest: Any) -> Any:
        kind = type(target)
        if (kind is list or kind is str) and start is not ABSENT:
            return target[start : len(target) if end is ABSENT else end]
        return general(target, given(start, end, *rest))

    return cut


def _remove(general: GeneralMethod) -> Method:
    def remove(target: Any, *args: Any) -> Any:
        kind = type(target)
        if kind is dict:
            if args and args[0] in target:
                del target[args[0]]
                return True
            return False
        if kind is list:
            return target.remove(*args)
        return general(target, [*args])

    return remove


def _join(general: GeneralMethod) -> Method:
    def join(target: Any, *args: Any) -> Any:
        kind = type(target)
        if kind is list:
            separator = args[0] if args else ""
            if type(separator) is str:
                return separator.join(map(str, target))
        elif kind is str:
            return target.join(*args)
        return general(target, [*args])

    return join


def _index(general: GeneralMethod) -> Method:
    def index(target: Any, *args: Any) -> Any:
        kind = type(target)
        if kind is list or kind is str:
            return target.index(*args)
        return general(target, [*args])

    return index


SHARED: dict[str, MethodFactory] = {
    "contains": _contains,
    "count": _count,
    "includes": _includes,
    "index": _index,
    "indexOf": _index_of,
    "index_of": _index_of,
    "join": _join,
    "length": _length,
    "remove": _remove,
    "set": _set,
    "size": _length,
    "slice": _slice,
}
"""Method -> factory."""
