"""Makes the chunks of a code object: its statements, and the loops in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.analysis.cost import ASSUMED_TRIPS, Costs, Estimate
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.explain import words
from zexus_parallel_plugin.explain.judge import Judge, Judged
from zexus_parallel_plugin.explain.layout import lines_of, statements
from zexus_parallel_plugin.explain.model import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from zexus_parallel_plugin.analysis.plan import LoopPlan
    from zexus_parallel_plugin.analysis.program import UnitView
    from zexus_parallel_plugin.explain.verdicts import Verdicts
    from zexus_parallel_plugin.host.listing import Spot

__all__ = ["Chunking"]


class Chunking:
    """Makes the chunks of one code object.

    :param where: which processes execute it, see `model.Unit`.
    :param numbers: ids of chunks.
    """

    def __init__(
        self, unit: UnitView, source: list[str], spots: list[Spot], where: str, verdicts: Verdicts,
        costs: Costs, numbers: Iterator[int],
    ) -> None:  # fmt: skip
        self._unit = unit
        self._source = source
        self._spots = spots
        self._costs = costs
        self._nest = verdicts.nest(unit)
        self._judge = Judge(unit, spots, where, verdicts, costs)
        self._numbers = numbers
        self._found: list[Chunk] = []

    def chunks(self) -> list[Chunk]:
        """Chunks in the order of the program; loops inside another chunk follow it. Statements without calls
        and loops that follow each other are one chunk.
        """
        plain: tuple[int, int] | None = None
        for first, end in statements(self._unit, self._spots):
            if not self._is_busy(first, end):
                plain = (plain[0], end) if plain else (first, end)
                continue
            if plain:
                self._statement(*plain)
                plain = None
            self._statement(first, end)
        if plain:
            self._statement(*plain)
        return self._found

    def _is_busy(self, first: int, end: int) -> bool:
        judge = self._judge
        return bool(
            self._nest.outermost.of(first, end)
            or any(each.call.heavy or each.call.reason for each in judge.calls.of(first, end))
            or judge.maps.of(first, end)
            or judge.forks.of(first, end)
        )

    def _statement(self, first: int, end: int) -> None:
        loops = self._nest.outermost.of(first, end)
        if len(loops) == 1 and self._spots[loops[0].head].statement == self._spots[first].statement:
            self._loop(loops[0], first, 0)
            return
        kind: Literal["call", "code"] = "call" if self._judge.has_calls(first, end) else "code"
        chunk = self._chunk(kind, (first, end), 0, self._judge.code(first, end))
        chunk.prints = any(op == isa.PRINT for op, _operand, _gas in self._unit.code.instructions[first:end])
        for plan in loops:
            self._loop(plan, plan.head, chunk.number)

    def _loop(self, plan: LoopPlan, first: int, parent: int) -> None:
        chunk = self._chunk("loop", (first, plan.end), parent, self._judge.loop(plan))
        chunk.facts = words.loop_facts(plan)
        chunk.prints = plan.prints
        if chunk.how != "ranges":
            for inner in self._nest.inside(plan):
                self._loop(inner, inner.head, chunk.number)

    def _chunk(
        self, kind: Literal["loop", "call", "code"], span: tuple[int, int], parent: int, judged: Judged
    ) -> Chunk:
        lines = lines_of(self._source, self._spots[span[0] : span[1]], whole=kind == "loop")
        chunk = Chunk(
            number=next(self._numbers), unit=self._unit.name, parent=parent, kind=kind,
            first=min(lines, default=0), last=max(lines, default=0), lines=lines, span=span,
            verdict=judged.verdict, reason=judged.reason, how=judged.how, dependence=judged.dependence,
            note=judged.note, advice=judged.advice, facts=[], sites=self._judge.sites(*span),
            work=self._work(span),
        )  # fmt: skip
        self._found.append(chunk)
        return chunk

    def _work(self, span: tuple[int, int]) -> Estimate:
        total = self._costs.of_range(self._unit, *span)
        for name, _reason in self._judge.maps.of(*span):
            calls = self._costs.of_call(name) if name else Estimate(0)
            total = total.plus(calls.times(ASSUMED_TRIPS, assumed=True))
        return total
