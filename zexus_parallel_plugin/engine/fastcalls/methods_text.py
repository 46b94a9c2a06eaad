"""Direct forms of methods of text only (host: ``_STR_METHODS``, vm.py 330; the rest is Python's own)."""

from __future__ import annotations

from typing import Any

from zexus_parallel_plugin.engine.fastcalls.method import (
    GeneralMethod,
    Method,
    MethodFactory,
    given,
    ignoring_arguments,
    pythons_own,
)
from zexus_parallel_plugin.engine.fastcalls.plain import ABSENT


def _starts_with(general: GeneralMethod) -> Method:
    def starts_with(target: Any, start: Any = ABSENT, *rest: Any) -> Any:
        if type(target) is str:
            return start is not ABSENT and target.startswith(start)
        return general(target, given(start, *rest))

    return starts_with


def _ends_with(general: GeneralMethod) -> Method:
    def ends_with(target: Any, end: Any = ABSENT, *rest: Any) -> Any:
        if type(target) is str:
            return end is not ABSENT and target.endswith(end)
        return general(target, given(end, *rest))

    return ends_with


def _split(general: GeneralMethod) -> Method:
    def split(target: Any, separator: Any = ABSENT, *rest: Any) -> Any:
        if type(target) is str:
            return target.split(" " if separator is ABSENT else separator)
        return general(target, given(separator, *rest))

    return split


def _replace(general: GeneralMethod) -> Method:
    def replace(target: Any, old: Any = ABSENT, new: Any = ABSENT, *rest: Any) -> Any:
        if type(target) is str:
            return target if new is ABSENT else target.replace(old, new)
        return general(target, given(old, new, *rest))

    return replace


def _substring(general: GeneralMethod) -> Method:
    def substring(target: Any, start: Any = ABSENT, end: Any = ABSENT, *rest: Any) -> Any:
        if type(target) is str and start is not ABSENT:
            return target[start : len(target) if end is ABSENT else end]
        return general(target, given(start, end, *rest))

    return substring


def _char_at(general: GeneralMethod) -> Method:
    def char_at(target: Any, position: Any = ABSENT, *rest: Any) -> Any:
        if type(target) is str and type(position) is int:
            return target[position] if 0 <= position < len(target) else ""
        return general(target, given(position, *rest))

    return char_at


def _repeat(general: GeneralMethod) -> Method:
    def repeat(target: Any, times: Any = ABSENT, *rest: Any) -> Any:
        if type(target) is str and type(times) is int:
            return target * times
        return general(target, given(times, *rest))

    return repeat


_PYTHONS = (
    "capitalize", "center", "endswith", "find", "isalnum", "isalpha", "isdigit", "islower", "isnumeric",
    "isspace", "istitle", "isupper", "ljust", "lstrip", "partition", "removeprefix", "removesuffix", "rfind",
    "rindex", "rjust", "rsplit", "rstrip", "splitlines", "startswith", "swapcase", "title", "zfill",
)  # fmt: skip

TEXTS: dict[str, MethodFactory] = {
    **{name: pythons_own(str, name) for name in _PYTHONS},
    "charAt": _char_at,
    "char_at": _char_at,
    "endsWith": _ends_with,
    "ends_with": _ends_with,
    "lower": ignoring_arguments(str, str.lower),
    "repeat": _repeat,
    "replace": _replace,
    "split": _split,
    "startsWith": _starts_with,
    "starts_with": _starts_with,
    "strip": ignoring_arguments(str, str.strip),
    "substring": _substring,
    "toLowerCase": ignoring_arguments(str, str.lower),
    "toUpperCase": ignoring_arguments(str, str.upper),
    "to_lower": ignoring_arguments(str, str.lower),
    "to_upper": ignoring_arguments(str, str.upper),
    "trim": ignoring_arguments(str, str.strip),
    "upper": ignoring_arguments(str, str.upper),
}
"""Method -> factory."""
