"""What is known of a loop of the program, from one execution of it to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.compiler.range_builder import RangePlan

_MOST_SKIPPED = 256
"""Executions of a loop that is always short before it is looked at again."""

MOST_FAILURES = 3
"""Ranges, or chunks of one place, in a row that were of no use, after which it is left alone."""

MOST_LANDINGS = 12
"""Times that a loop may be left in the middle with nothing on its way. Code that was compiled with wrong
expectations does that a few times, until it is compiled anew."""


class LoopSite:
    """A loop.

    Attributes:
        head: its first instruction. plan: how its iterations are computed out of order, when that is known.
        refusal: reason code why it is executed in place from now on; empty if it is not.
        seconds: what an iteration takes, lately. failures: ranges in a row that were of no use.
        landings: times that it was left in the middle with nothing on its way.
        worth: it has been executed on workers. skip: executions of it that are not looked at.
    """

    __slots__ = ("_skipped", "failures", "head", "landings", "plan", "refusal", "seconds", "skip", "worth")

    def __init__(self, head: int) -> None:
        self.head = head
        self.plan: RangePlan | None = None
        self.refusal = ""
        self.seconds: float | None = None
        self.failures = 0
        self.landings = 0
        self.worth = False
        self.skip = 0
        self._skipped = 0

    def short(self) -> None:
        """It was over before it was worth anything: look at it less often."""
        self._skipped = min(2 * self._skipped + 1, _MOST_SKIPPED)
        self.skip = self._skipped

    def pays(self) -> None:
        """Its iterations are executed on workers."""
        self.worth = True
        self._skipped = 0

    def measured(self, seconds: float) -> None:
        """Iterations took ``seconds`` each, on a worker."""
        before = self.seconds
        self.seconds = seconds if before is None else before + (seconds - before) / 2
