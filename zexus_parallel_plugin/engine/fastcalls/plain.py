"""What calling a builtin does to plain values: the host copies them into objects of its own, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Direct = Callable[..., Any]
"""A direct form: takes the plain arguments, any number of them."""


class _Absent:
    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Any = _Absent()
"""Default of a parameter that the call has no argument for."""

SCALARS = frozenset({int, float, str, bool, type(None)})
"""Exact types of values that come back from the host as the same object."""

ORDERED = frozenset({int, float, str})
"""Exact types that the host's ``sort`` compares; it takes 0 for anything else."""

NESTING = 32
"""Containers inside containers up to which direct forms go. Deeper ones, and those that contain themselves,
may end in the host's recursion limit, so they are left to the host."""

_TEXT = frozenset({str})
_ALL_SCALAR = SCALARS.issuperset
_ALL_TEXT = _TEXT.issuperset


_PRINTABLE_BITS = 2000
"""Python refuses to print numbers with more digits than a setting says, which is 640 (2126 bits) at least."""


class Unusual(Exception):  # noqa: N818 - raised inside direct forms, never seen outside them
    """A value that only the host's own conversion handles."""


@dataclass(frozen=True, slots=True)
class General:
    """Calls one builtin the host's way.

    :param vm: the VM that calls.
    :param builtin: the object in ``vm.builtins``.
    """

    vm: Any
    builtin: Any

    def __call__(self, args: list[Any]) -> Any:
        """What the host's VM answers; failures are its warnings and None, or its error values."""
        return self.vm._invoke_callable_sync(self.builtin, args)


Factory = Callable[[General], Direct]
"""Makes the direct form of one builtin for one VM."""


def given(*values: Any) -> list[Any]:
    """The arguments that a call really has."""
    return [value for value in values if value is not ABSENT]


def copied(value: Any, room: int = NESTING) -> Any:
    """A value after its way into the host's objects and back.

    By ``_wrap_for_builtin`` (vm.py 1095) and ``_unwrap_after_builtin`` (vm.py 1170). Containers are copied
    deeply, once for every place they occur in, and keys of maps become text.

    :raises Unusual: something in it is not plain, or nested too deeply.
    :raises ValueError: a number among the keys has too many digits.
    """
    kind = type(value)
    if kind in SCALARS:
        return value
    if room <= 0:
        raise Unusual
    if kind is list:
        if _ALL_SCALAR(map(type, value)):
            return value[:]
        room -= 1
        return [item if type(item) in SCALARS else copied(item, room) for item in value]
    if kind is dict:
        room -= 1
        if not _ALL_TEXT(map(type, value)):
            return {printed_key(key): copied(item, room) for key, item in value.items()}
        if _ALL_SCALAR(map(type, value.values())):
            return value.copy()
        return {key: item if type(item) in SCALARS else copied(item, room) for key, item in value.items()}
    raise Unusual


def printed_key(key: Any) -> str:
    """What becomes of a key of a map.

    :raises Unusual: the key is neither text nor a number nor None.
    :raises ValueError: a number has too many digits.
    """
    if type(key) in SCALARS:
        return str(key)
    raise Unusual


def survives(value: Any, room: int = NESTING) -> bool:
    """Whether the host certainly converts a value: nothing unknown in it and not nested too deeply."""
    kind = type(value)
    if kind in SCALARS:
        return True
    if room <= 0:
        return False
    if kind is list:
        return _ALL_SCALAR(map(type, value)) or _all_survive(value, room - 1)
    if kind is dict:
        if not _ALL_TEXT(map(type, value)) and not all(map(_printable, value)):
            return False
        return _ALL_SCALAR(map(type, value.values())) or _all_survive(value.values(), room - 1)
    return False


def _all_survive(values: Iterable[Any], room: int) -> bool:
    return all(type(value) in SCALARS or survives(value, room) for value in values)


def _printable(key: Any) -> bool:
    kind = type(key)
    return kind in SCALARS and (kind is not int or key.bit_length() < _PRINTABLE_BITS)


def flat(values: Iterable[Any]) -> bool:
    """Whether no container is among the values, and nothing unknown."""
    return _ALL_SCALAR(map(type, values))


def all_text(values: Iterable[Any]) -> bool:
    """Whether all values are text."""
    return _ALL_TEXT(map(type, values))
