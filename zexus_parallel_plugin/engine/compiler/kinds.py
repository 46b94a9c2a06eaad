"""Kinds of values, as far as they are known where code is generated.

Values of kinds other than ``any`` and ``condition`` are *transparent*: the host's unwrapping rules leave them
alone. What arithmetic yields is a ``number``, even where that is a complex one.
"""

from __future__ import annotations

from typing import Any, Final

ANY: Final = "any"
CONDITION: Final = "condition"
"""True, False, or an error value: its truth is Python's, the value itself is not transparent."""
PLAIN: Final = "plain"
BOOL: Final = "bool"
NUMBER: Final = "number"
"""Booleans are numbers, too."""
TEXT: Final = "text"
LIST: Final = "list"
MAP: Final = "map"

_EXACT: dict[type, str] = {
    bool: BOOL, int: NUMBER, float: NUMBER, str: TEXT, list: LIST, dict: MAP, type(None): PLAIN,
}  # fmt: skip

_CHECKS = {
    PLAIN: "not in P", NUMBER: "not in NUMBERS", BOOL: "is not bool", TEXT: "is not str", LIST: "is not list",
    MAP: "is not dict",
}  # fmt: skip


def kind_of(value: Any) -> str:
    """Kind of a value."""
    return _EXACT.get(type(value), ANY)


def transparent(kind: str) -> bool:
    """Whether the host's unwrapping leaves values of a kind alone."""
    return kind not in {ANY, CONDITION}


def includes(kind: str, other: str) -> bool:
    """Whether all values of the ``other`` kind are of this kind."""
    if kind == PLAIN:
        return transparent(other)
    return kind in {other, ANY} or (other == BOOL and kind in {NUMBER, CONDITION})


def merged(first: str, second: str) -> str:
    """The least kind that has all values of two kinds."""
    return next(
        kind for kind in (first, second, PLAIN, ANY) if includes(kind, first) and includes(kind, second)
    )


def mismatch(kind: str, local: str) -> str:
    """Python source of a test whether a local is not of a kind, empty if it always is."""
    return f"type({local}) {_CHECKS[kind]}" if kind in _CHECKS else ""
