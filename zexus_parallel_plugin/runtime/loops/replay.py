"""How what iterations have recorded is applied to the variables that they only add to."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa, operators
from zexus_parallel_plugin.runtime.snapshot import SCALARS

if TYPE_CHECKING:
    from collections.abc import Callable


def folded(kind: str, values: list[Any]) -> tuple[str, Any]:
    """Recorded values in short: numbers as their sum and texts joined, where that cannot be told apart.

    :param kind: type of the accumulator, if it may be done at all.
    """
    if kind and values:
        types = set(map(type, values))
        if kind == "int" and types == {int}:
            return "sum", sum(values)
        if kind == "str" and types == {str}:
            return "text", "".join(values)
    return "each", values


class CannotReplayError(Exception):
    """What was recorded cannot be applied: the iterations must be executed in place."""


def replay(operation: str, value: Any, fold: str, recorded: Any) -> Any:
    """The value of an accumulator after what was recorded; lists and maps that grow in place are left alone.

    :raises CannotReplayError: the program would have met an error on the way.
    """
    if fold in {"sum", "text"}:
        if type(value) is not (int if fold == "sum" else str):
            raise CannotReplayError
        return value + recorded
    if not recorded:
        return value
    if operation == "copy":
        if type(value) is not list:
            raise CannotReplayError
        return value + recorded
    types = set(map(type, recorded))
    try:
        if operation == "add" and type(value) in _NUMBERS and types <= _NUMBERS:
            for part in recorded:  # in the order of the program: the addition of floats is not associative
                value = value + part
            return value
        rule = _RULES[operation]
        for part in recorded:
            value = rule(value, part)
    except Exception as error:
        raise CannotReplayError from error
    return value


def can_grow(operation: str, value: Any, recorded: list[Any]) -> bool:
    """Whether a container can take what was recorded for it, without any error."""
    if operation == "push":
        return type(value) is list
    if type(value) is dict:
        return all(type(key) in SCALARS for key, _ in recorded)
    size = len(value)
    return type(value) is list and all(type(key) is int and -size <= key < size for key, _ in recorded)


def grow(operation: str, value: Any, recorded: list[Any]) -> None:
    """Let a container take what was recorded for it."""
    if operation == "push":
        value.extend(recorded)
    else:
        for key, part in recorded:
            value[key] = part


def _added_to(value: Any, part: Any) -> Any:
    return operators.add(part, value)


def replacements_left(op: int, value: Any, recorded: list[Any]) -> int:
    """How many of the values that a range gave to an extremum it would really have been given, when it held
    ``value`` before: the last ones, since every one beats those before it.

    :raises CannotReplayError: the values cannot be compared in a total order.
    """
    types = set(map(type, recorded)) | {type(value)}
    if not (types <= _NUMBERS or types == {str}) or value != value:  # noqa: PLR0124 - not a number
        raise CannotReplayError
    beats = _BEATS[op]
    return sum(1 for candidate in recorded if beats(candidate, value))


_BEATS = {isa.LT: operator.lt, isa.LTE: operator.le, isa.GT: operator.gt, isa.GTE: operator.ge}
_NUMBERS = frozenset({int, float})
_RULES: dict[str, Callable[[Any, Any], Any]] = {
    "add": operators.add,
    "added to": _added_to,
    "subtract": operators.BINARY[isa.SUB],
    "multiply": operators.BINARY[isa.MUL],
}
