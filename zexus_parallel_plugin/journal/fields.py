"""From events to records: what both have in common."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zexus_parallel_plugin.journal import events as ev

__all__ = ["Fields"]


class Fields:
    """The fields that a record here and an event have in common."""

    def __init__(self, target: type, event: type[ev.Event]) -> None:
        slots: tuple[str, ...] = target.__slots__  # type: ignore[attr-defined]
        self.names = tuple(name for name in slots if name != "id" and name in event.__dataclass_fields__)
        self._values = attrgetter(*self.names)

    def update(self, target: object, event: ev.Event) -> None:
        """Take over what an event says; None says nothing."""
        for name, value in zip(self.names, self._values(event), strict=True):
            if value is not None:
                setattr(target, name, value)
