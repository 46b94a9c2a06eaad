"""Events as lines of a journal, and back: what comes from a file is checked before it is an event."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

from zexus_parallel_plugin.journal.events import KINDS, Event

__all__ = ["decode", "encode"]

_NUMBER = (int, float)
_CHECKS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": _NUMBER,
    "str": (str,),
    "bool": (bool,),
    "Sequence": (list,),
    "Mapping": (dict,),
    "None": (type(None),),
}


def _types(annotation: str) -> tuple[type, ...]:
    """The types that a JSON value of a field may have."""
    found: list[type] = []
    for part in annotation.split(" | "):
        found += _CHECKS[part.partition("[")[0]]
    return tuple(found)


_ELEMENTS: dict[str, tuple[type, ...]] = {
    "Sequence[str]": (str,),
    "Sequence[float]": _NUMBER,
    "Sequence[Mapping[str, Any]]": (dict,),
    "Sequence[Sequence[float]]": (list,),
    "Mapping[str, int]": (int,),
    "Mapping[str, float]": _NUMBER,
}
"""What the elements of a field must be."""


class _Rule(NamedTuple):
    """What a field may be: types, types of elements, words."""

    types: tuple[type, ...]
    elements: tuple[type, ...]
    one_of: frozenset[str]


class _Plan(NamedTuple):
    """How lines of one kind are read."""

    record: type[Event]
    rules: dict[str, _Rule]
    required: tuple[str, ...]


def _plan(record: type[Event]) -> _Plan:
    rules = {}
    required = []
    for item in fields(record):
        annotation = str(item.type)
        elements = _ELEMENTS.get(annotation.removesuffix(" | None"), ())
        rules[item.name] = _Rule(_types(annotation), elements, frozenset(item.metadata["one_of"]))
        if item.default is MISSING and item.default_factory is MISSING:
            required.append(item.name)
    return _Plan(record, rules, tuple(required))


_PLANS = {kind: _plan(record) for kind, record in KINDS.items()}
_DEFAULTS = {
    record: [
        (item.name, item.default_factory() if item.default_factory is not MISSING else item.default)
        for item in fields(record)
    ]
    for record in KINDS.values()
}
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=str).encode
_LARGEST = 1e18


def encode(event: Event) -> str:
    """The line of an event, with its end of line; only ASCII.

    Raises:
        ValueError: a number is infinite or not a number.
    """
    data: dict[str, Any] = {"e": event.kind}
    for name, default in _DEFAULTS[type(event)]:
        value = getattr(event, name)
        if value is not default and value != default:
            data[name] = round(value, 6) if type(value) is float else value
    return _encode(data) + "\n"


def decode(line: str | bytes) -> Event | None:
    """The event of a line; None for a kind that is not known.

    Raises:
        ValueError: the line is not an event of that kind.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if type(data) is not dict:
        raise ValueError("not an object")
    kind = data.pop("e", None)
    plan = _PLANS.get(kind) if type(kind) is str else None
    if plan is None:
        if type(kind) is not str:
            raise ValueError("no kind of event")
        return None
    return plan.record(**_checked(plan, data))


def _checked(plan: _Plan, data: dict[str, Any]) -> dict[str, Any]:
    rules = plan.rules
    values: dict[str, Any] = {}
    for name, value in data.items():
        rule = rules.get(name)
        if rule is None:
            continue  # a field that a later version has added
        kind = type(value)
        if kind not in rule.types:
            raise ValueError(f"{name} is {kind.__name__}")
        if kind is float or kind is int:
            if not -_LARGEST < value < _LARGEST:  # NaN, too, fails this
                raise ValueError(f"{name} is out of range")
        elif kind is str:
            if rule.one_of and value not in rule.one_of:
                raise ValueError(f"{name} is none of {', '.join(sorted(rule.one_of))}")
        elif rule.elements and value is not None:
            _check_elements(name, value, rule.elements)
        values[name] = value
    for name in plan.required:
        if name not in values:
            raise ValueError(f"{name} is missing")
    return values


def _check_elements(name: str, value: Any, types: tuple[type, ...]) -> None:
    for element in value.values() if type(value) is dict else value:
        if type(element) not in types:
            raise ValueError(f"{name} has an element that is {type(element).__name__}")
        if type(element) in _NUMBER and not -_LARGEST < element < _LARGEST:
            raise ValueError(f"{name} has an element that is out of range")
        if type(element) is list:
            _check_elements(name, element, _NUMBER)
