"""What a name means, seen from a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.engine.frame import Frame

ABSENT: Final = type("Absent", (), {"__repr__": lambda _self: "<absent>"})()
"""Stands for the value of a name that no frame has."""


def visible_from(frame: Frame) -> Callable[[str], Any]:
    """What a callee of this frame sees of a name, `ABSENT` if no frame has it."""

    def lookup(name: str) -> Any:
        current: Frame | None = frame
        while current is not None:
            if name in current.env:
                return current.env[name]
            current = current.parent
        return ABSENT

    return lookup
