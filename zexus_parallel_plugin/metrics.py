"""What was counted and measured in a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Translation:
    """What the compiled tier of one process did.

    Attributes:
        units: Python functions that were made of actions and loops, those made anew included.
        refused: actions and loops that cannot be compiled.
        seconds: time for that, loading the compiler and finding units in the cache included.
    """

    units: int = 0
    refused: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class RunMetrics:
    """Counts of one execution of a program. Times are in seconds.

    Attributes:
        reasons: how often each decision was taken, by reason code.
        tasks_sent: tasks given to the pool; tasks_cancelled: those of them that were given up.
        calls_sent: calls in all tasks; calls_committed: those whose result was used; calls_in_place: calls at
            sites that were worth looking at which the main process executed.
        ranges_sent: sub-ranges of loops among the tasks; ranges_committed: those whose result was used;
            iterations_sent, iterations_committed: iterations in them.
        chunks_sent: code behind a loop among the tasks; chunks_committed: that whose result was used.
        worker_seconds: time in calls on workers, of all results that came; committed_seconds: of those used.
        in_place_seconds: time in outermost calls that were executed in place and measured.
        waited_seconds: time that the main process waited for results.
        ahead_seconds: time that it spent in looking ahead and making tasks.
        worker_gas: gas of the committed calls. worker_count: size of the pool, 0 while there is none.
        total_seconds: the whole execution.
        units_translated: actions and loops that the main process compiled; units_cached: those of them whose
            code was in the cache; units_refused: those that cannot be compiled.
        translation_seconds: time for that in the main process, loading the compiler included.
    """

    reasons: Counter[str] = field(default_factory=Counter)
    tasks_sent: int = 0
    tasks_cancelled: int = 0
    calls_sent: int = 0
    calls_committed: int = 0
    calls_in_place: int = 0
    ranges_sent: int = 0
    ranges_committed: int = 0
    iterations_sent: int = 0
    iterations_committed: int = 0
    chunks_sent: int = 0
    chunks_committed: int = 0
    worker_seconds: float = 0.0
    committed_seconds: float = 0.0
    in_place_seconds: float = 0.0
    waited_seconds: float = 0.0
    ahead_seconds: float = 0.0
    worker_gas: int = 0
    worker_count: int = 0
    total_seconds: float = 0.0
    units_translated: int = 0
    units_cached: int = 0
    units_refused: int = 0
    translation_seconds: float = 0.0

    @property
    def calls_thrown_away(self) -> int:
        """Calls that were sent and whose result was not used."""
        return self.calls_sent - self.calls_committed

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        names = [name for name in self.__slots__ if name != "reasons"]
        return {
            **{name: getattr(self, name) for name in names},
            "calls_thrown_away": self.calls_thrown_away,
            "reasons": dict(self.reasons),
        }
