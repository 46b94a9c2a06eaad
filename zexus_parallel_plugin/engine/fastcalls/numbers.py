"""Direct forms of builtins that make numbers (host: evaluator/functions.py, ``_register_core_builtins``)."""

from __future__ import annotations

from typing import Any

from zexus_parallel_plugin.engine.fastcalls.plain import ABSENT, Direct, Factory, General, given


def _int(general: General) -> Direct:
    def to_int(value: Any = ABSENT, *rest: Any) -> Any:
        kind = type(value)
        if not rest and (kind is str or kind is int or kind is float or kind is bool):
            try:
                return int(value)
            except (ValueError, OverflowError):
                pass
        return general(given(value, *rest))

    return to_int


def _float(general: General) -> Direct:
    def to_float(value: Any = ABSENT, *rest: Any) -> Any:
        kind = type(value)
        if not rest and (kind is int or kind is str or kind is float or kind is bool):
            try:
                return float(value)
            except (ValueError, OverflowError):
                pass
        return general(given(value, *rest))

    return to_float


def _abs(general: General) -> Direct:
    def absolute(value: Any = ABSENT, *rest: Any) -> Any:
        kind = type(value)
        if not rest and (kind is int or kind is float):
            return abs(value)
        return general(given(value, *rest))

    return absolute


def _sqrt(general: General) -> Direct:
    def root(value: Any = ABSENT, *rest: Any) -> Any:
        kind = type(value)
        if not rest and (kind is int or kind is float):
            try:
                # The host's formula; it makes complex numbers of negative ones.
                return value**0.5
            except OverflowError:
                pass
        return general(given(value, *rest))

    return root


def _range(general: General) -> Direct:
    def numbers(first: Any = ABSENT, last: Any = ABSENT, step: Any = ABSENT, *rest: Any) -> Any:
        if type(first) is type(last) is type(step) is int and step and not rest:
            return list(range(first, last, step))
        return general(given(first, last, step, *rest))

    return numbers


def _to_hex(general: General) -> Direct:
    def to_hex(value: Any = ABSENT, *rest: Any) -> Any:
        if type(value) is int and not rest:
            return hex(value)
        return general(given(value, *rest))

    return to_hex


def _from_hex(general: General) -> Direct:
    def from_hex(value: Any = ABSENT, *rest: Any) -> Any:
        if type(value) is str and not rest:
            try:
                return int(value, 16)
            except ValueError:
                pass
        return general(given(value, *rest))

    return from_hex


NUMBERS: dict[str, Factory] = {
    "abs": _abs,
    "float": _float,
    "from_hex": _from_hex,
    "int": _int,
    "range": _range,
    "sqrt": _sqrt,
    "to_hex": _to_hex,
}
"""Builtin -> factory. ``range`` is for three arguments: the VM serves shorter calls before builtins."""
