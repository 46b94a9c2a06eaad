"""What the compiled tier did in a run, as its metrics tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Compiled"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Actions and loops that the main process compiled.

    Attributes:
        units: how many. cached: those of them whose code was in the cache. refused: those that cannot be
            compiled. seconds: time for all that.
    """

    units: int
    cached: int
    refused: int
    seconds: float

    @classmethod
    def of(cls, metrics: Mapping[str, float]) -> Compiled | None:
        """From the metrics of a run; None where nothing was given to the compiler."""
        units, refused = int(metrics.get("units_translated", 0)), int(metrics.get("units_refused", 0))
        if not units and not refused:
            return None
        cached, seconds = int(metrics.get("units_cached", 0)), metrics.get("translation_seconds", 0.0)
        return cls(units, cached, refused, seconds)

    def words(self, duration: Callable[[float], str]) -> str:
        """For people: how many in which time, and what is special about some."""
        many = "1 action or loop" if self.units == 1 else f"{self.units} actions and loops"
        cached = f", {self.cached} of them from the cache" if self.cached else ""
        refused = f", {self.refused} refused" if self.refused else ""
        return f"{many} in {duration(self.seconds)}{cached}{refused}"
