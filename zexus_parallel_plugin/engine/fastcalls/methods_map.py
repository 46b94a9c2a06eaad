"""Direct forms of methods of maps only (host: ``_DICT_METHODS``, vm.py 178).

Unlike the builtins of the same names they neither copy elements nor make text of keys.
"""

from __future__ import annotations

from typing import Any

from zexus_parallel_plugin.engine.fastcalls.method import (
    GeneralMethod,
    Method,
    MethodFactory,
    element,
    given,
    ignoring_arguments,
)
from zexus_parallel_plugin.engine.fastcalls.plain import ABSENT


def _get(general: GeneralMethod) -> Method:
    def get_item(target: Any, key: Any = ABSENT, *rest: Any) -> Any:
        if type(target) is dict and key is not ABSENT:
            return element(target.get(key))
        return general(target, given(key, *rest))

    return get_item


def _has(general: GeneralMethod) -> Method:
    def has(target: Any, key: Any = ABSENT, *rest: Any) -> Any:
        if type(target) is dict:
            return key is not ABSENT and key in target
        return general(target, given(key, *rest))

    return has


def _delete(general: GeneralMethod) -> Method:
    def delete(target: Any, key: Any = ABSENT, *rest: Any) -> Any:
        if type(target) is dict:
            if key is not ABSENT and key in target:
                del target[key]
                return True
            return False
        return general(target, given(key, *rest))

    return delete


def _values(target: dict[Any, Any]) -> list[Any]:
    return [*target.values()]


def _entries(target: dict[Any, Any]) -> list[Any]:
    return [*map(list, target.items())]


MAPS: dict[str, MethodFactory] = {
    "delete": _delete,
    "entries": ignoring_arguments(dict, _entries),
    "get": _get,
    "has": _has,
    "keys": ignoring_arguments(dict, list),
    "values": ignoring_arguments(dict, _values),
}
"""Method -> factory."""
