"""Where a frame is while it calls: what somebody needs to know who wants to look ahead of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.frame import Frame


MAP_IP: Final = -1
"""Stands for the instruction of the calls that ``parallel_map`` makes."""


@dataclass(slots=True)
class Position:
    """A frame at a call instruction.

    ``ip`` is the index of the call; ``stack`` is the frame's live operand stack with the call's operands
    already popped; ``tries`` the handlers of its open ``try`` statements. Both lists belong to the frame:
    copy them, never change them.
    """

    code: Code
    ip: int
    stack: list[Any]
    tries: list[int]


class RunAhead(Protocol):
    """What an execution asks when it is about to call an action. The meter holds the gas up to the call."""

    def call(self, frame: Frame, position: Position, function: dict[str, Any], args: list[Any]) -> Any:
        """The value of the call, from a task's result or executed in place."""

    def may_compile(self, code: Code, instructions: Iterable[int]) -> bool:
        """Whether the calls at these instructions need not be looked at any more: compiled code does not
        ask.
        """

    def map(self, frame: Frame, function: Any, xs: Any) -> list[Any]:
        """``parallel_map(function, xs)``: the values in order."""
