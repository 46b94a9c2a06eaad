"""Direct forms of builtins that look at any value (host: evaluator/functions.py)."""

from __future__ import annotations

from typing import Any

from zexus_parallel_plugin.engine.fastcalls.plain import (
    ABSENT,
    SCALARS,
    Direct,
    Factory,
    General,
    given,
    survives,
)

_TYPE_NAMES: dict[type, str] = {
    bool: "Boolean",
    dict: "Map",
    float: "Float",
    int: "Integer",
    list: "List",
    str: "String",
    type(None): "NoneType",
}

_TYPEOF_NAMES: dict[type, str] = {
    bool: "boolean",
    dict: "map",
    float: "float",
    int: "integer",
    list: "list",
    str: "string",
    type(None): "null",
}


def _naming(names: dict[type, str]) -> Factory:
    def make(general: General) -> Direct:
        name_of = names.get

        def type_name(value: Any = ABSENT, *rest: Any) -> Any:
            if not rest:
                kind = type(value)
                name = name_of(kind)
                if name is not None and (kind in SCALARS or survives(value)):
                    return name
            return general(given(value, *rest))

        return type_name

    return make


def _require(general: General) -> Direct:
    def require(condition: Any = ABSENT, message: Any = ABSENT, *rest: Any) -> Any:
        if not rest and (message is ABSENT or type(message) in SCALARS):
            kind = type(condition)
            if kind is float or condition is None:
                # Only booleans, integers and text can fail.
                return True
            if condition and (kind is bool or kind is int or kind is str):
                return True
        return general(given(condition, message, *rest))

    return require


def _verify(general: General) -> Direct:
    def verify(condition: Any = ABSENT, message: Any = ABSENT, *rest: Any) -> Any:
        if not rest and (message is ABSENT or type(message) is str):
            if condition is None:
                return True
            if condition and type(condition) in SCALARS:
                return True
        return general(given(condition, message, *rest))

    return verify


KINDS: dict[str, Factory] = {
    "require": _require,
    "type": _naming(_TYPE_NAMES),
    "typeof": _naming(_TYPEOF_NAMES),
    "verify": _verify,
}
"""Builtin -> factory."""
