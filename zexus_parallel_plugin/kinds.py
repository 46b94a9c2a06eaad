"""Kinds of setting values: how each is written as text, and which Python values are valid."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FAULTS", "FaultRule", "Kind", "choice", "faults", "flag", "gas", "read_faults", "seconds", "size",
    "target", "whole",
]  # fmt: skip

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Kind:
    """What a setting may hold.

    ``normalize`` takes a Python value and ``parse`` takes text (an environment variable, a command-line
    argument); both return the value to store and raise ``ValueError`` when it is not ``expected``. That error
    has no message: whoever reports it says ``expected``, which reads well after "must be". ``off`` is the
    word that an option ``--no-…`` stands for; empty: there is none.
    """

    metavar: str
    expected: str
    normalize: Callable[[object], object]
    parse: Callable[[str], object]
    choices: tuple[str, ...] = ()
    is_flag: bool = False
    off: str = ""


def whole(minimum: int, maximum: int | None = None, *, none: str | None = None) -> Kind:
    """A whole number within bounds, both included; ``none`` is the word for None, where None is allowed."""

    def normalize(value: object) -> object:
        if none is not None and value in (None, none):
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError
        if value < minimum or (maximum is not None and value > maximum):
            raise ValueError
        return value

    limits = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    expected = f"a whole number {limits}" + (f", or {none}" if none is not None else "")

    def parse(text: str) -> object:
        word = text.strip().lower()
        return None if word == none else normalize(int(word))

    return Kind("N" if none is None else f"N|{none}", expected, normalize, parse)


def seconds(*, zero: bool = False) -> Kind:
    """A finite number of seconds above zero (``zero``: or zero itself)."""

    def normalize(value: object) -> object:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise ValueError
        if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
            raise ValueError
        return float(value)

    bound = "of at least 0" if zero else "above 0"
    return Kind("SECONDS", f"a number of seconds {bound}", normalize, lambda text: normalize(float(text)))


def flag() -> Kind:
    """Yes or no."""

    def normalize(value: object) -> object:
        if not isinstance(value, bool):
            raise ValueError
        return value

    def parse(text: str) -> object:
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError
        return word in _TRUE

    return Kind("yes|no", "yes or no (true/false, on/off, 1/0)", normalize, parse, is_flag=True)


def choice(*words: str, none: str | None = None) -> Kind:
    """One of some words, in any case; a member of an enumeration counts as its value, ``none`` as None."""
    shown = (none, *words) if none is not None else words

    def normalize(value: object) -> object:
        if value is None and none is not None:
            return None
        word = getattr(value, "value", value)
        if not isinstance(word, str):
            raise ValueError
        word = word.strip().lower()
        if word == none:
            return None
        if word not in words:
            raise ValueError
        return word

    expected = "one of " + ", ".join(shown)
    return Kind("|".join(shown), expected, normalize, normalize, choices=shown)


def target(*words: str) -> Kind:
    """A path, or one of some words; a path with such a name is written ``./word``."""

    def normalize(value: object) -> object:
        text = os.fspath(value) if isinstance(value, os.PathLike) else value
        if not isinstance(text, str) or not text.strip() or "\0" in text:
            raise ValueError
        return text.lower() if text.lower() in words else text

    expected = f"a path, or {' or '.join(words)}"
    return Kind("PATH", expected, normalize, normalize, off="off" if "off" in words else "")


def gas() -> Kind:
    """A gas limit: a whole number, ``unlimited``, or None for the host's own limit (``host`` as text)."""
    number = whole(1)

    def normalize(value: object) -> object:
        if value is None or value == "host":
            return None
        return "unlimited" if value == "unlimited" else number.normalize(value)

    def parse(text: str) -> object:
        word = text.strip().lower()
        return normalize(word) if word in {"unlimited", "host"} else number.parse(text)

    return Kind("N|unlimited", "a whole number of at least 1, unlimited or host", normalize, parse)


_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def size(minimum: int, *, none: str) -> Kind:
    """A number of bytes, as text also with a unit (K, M, G, T, by 1024); ``none``: the word for None."""

    def normalize(value: object) -> object:
        if isinstance(value, str):
            return parse(value)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise ValueError
        return value

    def parse(text: str) -> object:
        word = text.strip().lower()
        if word == none:
            return None
        found = re.fullmatch(r"([0-9]{1,15})([kmgt]?)(?:i?b)?", word, re.ASCII)
        if found is None:
            raise ValueError
        return normalize(int(found[1]) * _UNITS[found[2]])

    least = f"{minimum >> 20}M" if minimum >= 1 << 20 else str(minimum)
    return Kind(
        f"SIZE|{none}", f"a size of at least {least}, such as 512M or 2G, or {none}", normalize, parse
    )


FAULTS = (
    "kill", "stop", "segfault", "exit", "hang", "stubborn", "memory", "error", "interrupt", "leave",
    "unsendable", "noise", "garbage",
)  # fmt: skip
"""Faults that `runtime.chaos` can make."""
_ANY_TIME = ("kill", "stop", "segfault", "exit")


class FaultRule(NamedTuple):
    """One rule: ``@``: every so many tasks, ``=``: with this probability, ``~``: after so many seconds."""

    fault: str
    how: str
    number: float


def read_faults(text: str) -> tuple[FaultRule, ...]:
    """Rules as ``runtime.chaos`` takes them: ``kill@3,exit=0.1,segfault~2``.

    :raises ValueError: a rule is wrong.
    """
    rules = []
    for part in filter(None, (part.strip() for part in text.lower().split(","))):
        found = re.fullmatch(r"([a-z]+)([@=~])([0-9]+(?:\.[0-9]+)?)", part, re.ASCII)
        if found is None or found[1] not in FAULTS:
            raise ValueError
        rule = FaultRule(found[1], found[2], float(found[3]))
        if rule.how == "@" and (rule.number < 1 or rule.number % 1):
            raise ValueError
        if rule.how == "=" and rule.number > 1:
            raise ValueError
        if rule.how == "~" and (rule.number <= 0 or rule.fault not in _ANY_TIME):
            raise ValueError
        rules.append(rule)
    return tuple(rules)


def faults(none: str = "off") -> Kind:
    """Rules for faults on purpose; None and ``none`` mean that there are none."""

    def normalize(value: object) -> object:
        if value is None or value == none:
            return None
        if not isinstance(value, str) or not read_faults(value):
            raise ValueError
        return value.strip().lower()

    expected = f"{none}, or faults such as kill@3,exit=0.1,kill~2 (of {', '.join(FAULTS)})"
    return Kind("FAULTS", expected, normalize, normalize)
