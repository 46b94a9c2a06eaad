"""The operand stack of code whose depth could not be verified."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 100_000
"""The host's limit (``_EvalStack``, vm.py 3621)."""

ROOM = MAX_DEPTH // 2
"""Depth up to which compiled loops, which do not check it, may leave operands behind."""


class CheckedStack(list[Any]):
    """A stack that answers None when it is empty and ends at the host's limit."""

    __slots__ = ()

    def pop(self, index: Any = -1) -> Any:
        """The top entry, or None."""
        return super().pop(index) if self else None

    def append(self, value: Any) -> None:
        """Push.

        :raises OverflowError: as the host does, at 100 000 entries.
        """
        if len(self) >= MAX_DEPTH:
            raise OverflowError(f"VM stack overflow: depth {len(self)} exceeds maximum {MAX_DEPTH}")
        super().append(value)


def strict_pop(stack: list[Any]) -> Any:
    """Pop for the few instructions that fail on an empty stack.

    :raises IndexError: with the host's text.
    """
    if not stack:
        raise IndexError("pop from empty stack")
    return stack.pop()


def take(stack: list[Any], count: int) -> list[Any]:
    """The ``count`` topmost entries in order, popped; missing ones are None and come first, as on the
    host.
    """
    if not count:
        return []
    taken = stack[-count:]
    del stack[-count:]
    if len(taken) < count:
        return [None] * (count - len(taken)) + taken
    return taken
