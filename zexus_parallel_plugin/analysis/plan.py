"""What the analysis says of a loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.accumulators import Accumulator
    from zexus_parallel_plugin.analysis.foresight import LoopCall
    from zexus_parallel_plugin.analysis.iteration import Iteration

__all__ = ["Dependence", "LoopPlan", "Verdict"]

Verdict = Literal["map", "reduction", "fission", "illegal", "unprofitable", "host"]
"""``map``: sub-ranges, with nothing but lists, maps and printed text to put together. ``reduction``:
sub-ranges, with partial results. ``fission``: calls run ahead, the rest in place. The others: in place, not
legal or not worth it; left to the host's VM.
"""


@dataclass(frozen=True, slots=True)
class Dependence:
    """Why two pieces must be executed one after the other.

    Attributes:
        kind: ``RAW``, ``WAR``, ``WAW`` or ``control``.
        name: the variable, or the variable through which an object is reached; empty for control.
        source: instruction that must come first; target: the one that must come second. For a loop, the
            target is in the next iteration.
        proven: it follows from the text; otherwise it is assumed, because the text does not tell better.
    """

    kind: Literal["RAW", "WAR", "WAW", "control"]
    name: str
    source: int
    target: int
    proven: bool = True


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """A natural loop and what can be done with it. All ranges are (first, behind last) instructions.

    Attributes:
        head: first instruction of every iteration; end: the one behind the last of the loop; exit: where it
            goes on when the condition at the head ends the loop, -1 if it has no such condition.
        body: the instructions behind the condition.
        parent: head of the loop around it, -1 if there is none; depth: how many there are.
        iteration: how it counts; None if that cannot be told.
        reads: live-in: names whose value from before the loop may be read, other than those of the iteration
            and the accumulators.
        private: names that each iteration assigns before it reads them, so that every sub-range may have its
            own; the value of the last iteration that has assigned them stays. ``always``: those of them that
            every complete iteration assigns.
        accumulators: names that are only accumulated into.
        live_out: names assigned here whose value may be looked at behind the loop.
        prints: something in it prints.
        calls: calls of actions, in order.
        shares: names whose objects may become part of a result (of accumulators or live-out names): a copy
            made by another process would not be the same object.
        apart: the objects of in-place accumulators must not be reachable from any name in ``reads`` or from
            the list that is iterated, nor one from another: to be looked at on the values, if true.
        carried: dependences from one iteration to the next, the first blocking one first.
        verdict, reason: the verdict and its reason code; blocker: the dependence behind it, where there is
            one; place: the instruction that the reason speaks of.
        against: reason code of what forbids sub-ranges, also where calls still run ahead; empty if nothing
            does.
        work: instructions of one iteration, inner loops of unknown length counted once; trips: iterations,
            -1 if the text does not tell.
    """

    head: int
    end: int
    exit: int
    body: tuple[int, int]
    parent: int
    depth: int
    iteration: Iteration | None
    reads: frozenset[str]
    private: frozenset[str]
    always: frozenset[str]
    accumulators: tuple[Accumulator, ...]
    live_out: frozenset[str]
    prints: bool
    calls: tuple[LoopCall, ...]
    shares: frozenset[str]
    apart: bool
    carried: tuple[Dependence, ...]
    verdict: Verdict
    reason: str
    blocker: Dependence | None = None
    place: int = -1
    work: int = 0
    trips: int = -1
    against: str = ""

    @property
    def types(self) -> dict[str, frozenset[str]]:
        """Exact types that accumulators must have, before the loop and as partial results."""
        return {accumulator.name: accumulator.types for accumulator in self.accumulators}

    @property
    def splits(self) -> bool:
        """Whether sub-ranges of it may be executed elsewhere."""
        return self.verdict in {"map", "reduction"}
