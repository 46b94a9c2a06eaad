"""Verdicts on the chunks of a code object: its loops, and its other statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.explain import words
from zexus_parallel_plugin.explain.between import Between
from zexus_parallel_plugin.explain.model import Dependence, Site, Verdict
from zexus_parallel_plugin.explain.verdicts import SECONDS_PER_INSTRUCTION
from zexus_parallel_plugin.opcodes import ParallelOpcode
from zexus_parallel_plugin.reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zexus_parallel_plugin.analysis.cost import Costs
    from zexus_parallel_plugin.analysis.plan import LoopPlan
    from zexus_parallel_plugin.analysis.program import UnitView
    from zexus_parallel_plugin.explain.verdicts import CallVerdict, Verdicts
    from zexus_parallel_plugin.host.listing import Spot

__all__ = ["Judge", "Judged"]

_SHORT = round(0.02 / SECONDS_PER_INSTRUCTION)
"""Instructions below which a loop is not worth starting workers: 20 ms of them, as `runtime.loops` has it."""

_UNPAYABLE = frozenset(
    {"cheap", "inside-worker", "length-unknown", "loop-short", "no-calls", "nothing-ahead"}
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict on a chunk, with what is behind it: see `model.Chunk`."""

    verdict: Verdict
    reason: str
    how: str = ""
    dependence: Dependence | None = None
    note: str = ""
    advice: str = ""


class Judge:
    """Judges the chunks of one code object.

    Attributes:
        calls: verdicts on its calls; maps: its instructions that are a ``parallel_map``, with the action and
            the reason code; forks: those that start copies of the program.
    """

    def __init__(
        self, unit: UnitView, spots: Sequence[Spot], where: str, verdicts: Verdicts, costs: Costs
    ) -> None:
        """:param where: which processes execute it, see `model.Unit`."""
        self._unit = unit
        self._spots = spots
        self._where = where
        self._verdicts = verdicts
        self._costs = costs
        self._nest = verdicts.nest(unit)
        self._copies = _copies(unit) if unit.facts is not None else {}
        self.calls = Between(verdicts.calls(unit))
        instructions = unit.code.instructions
        self.maps = Between({
            pc: verdicts.parallel_map(unit, pc)
            for pc, (op, _operand, _gas) in enumerate(instructions) if op == isa.PARALLEL_MAP
        })  # fmt: skip
        self.forks = Between({
            pc: pc for pc, (op, operand, _gas) in enumerate(instructions)
            if op == isa.RARE and operand[0].name == ParallelOpcode.FORK_EXECUTION.name
        })  # fmt: skip

    # -- loops

    def loop(self, plan: LoopPlan) -> Judged:
        """The verdict on a loop."""
        inside = self.calls.of(plan.head, plan.end)
        heavy = [verdict for verdict in inside if verdict.call.heavy]
        ranges = self._verdicts.ranges(self._unit, plan)
        work = self._costs.of_loop(self._unit, plan.head)
        if self._where == "worker":
            return Judged("does not pay", "inside-worker")
        if ranges.parallel and plan.against == "loop-changes-source":
            # The run time finds out that the list is the one that is added to.
            return Judged("not legal", plan.against, "", self._loop_dependence(plan, ""))
        if ranges.parallel and (copied := self._copied(plan)):
            return Judged("not legal", "loop-aliases", "", copied)
        if ranges.parallel:
            if work.instructions < _SHORT and not (heavy and work.assumed) and not self._has_open_loop(plan):
                return Judged("does not pay", "length-unknown" if work.assumed else "loop-short")
            return Judged("parallel", "parallel-ranges", "ranges")
        if any(verdict.parallel for verdict in heavy):
            return Judged("parallel", "parallel-calls", "calls", self._loop_dependence(plan, ranges.name))
        if heavy and plan.against in {"", heavy[0].reason}:
            return self._of_call(heavy[0])
        if not work.assumed and work.instructions < _SHORT and not heavy:
            return Judged("does not pay", "loop-short")
        reason = plan.against if plan.against and ranges.reason not in REASONS else ranges.reason
        if plan.against and reason.startswith("loop-"):
            reason = plan.against
        dependence = self._loop_dependence(plan, ranges.name)
        earlier = self._verdicts.beside(self._unit).get(plan.head)
        if earlier is not None:
            first, last = self.line(earlier.head), self.line(earlier.end - 1)
            note = f"As a whole, a worker executes it beside the loop of {words.lines(first, last)}."
            return Judged("parallel", reason, "beside", dependence, note)
        name = "" if dependence is not None else ranges.name
        if reason == "writes-caller-variable":
            name = next((v.through for v in inside if v.reason == reason), ranges.name)
        return Judged(_verdict(reason), reason, "", dependence, words.assigned(name), words.advice(name))

    def _copied(self, plan: LoopPlan) -> Dependence | None:
        """A list or map that the loop adds to and reads under another name, which the run time finds out."""
        facts = self._unit.facts
        assert facts is not None
        for accumulator in plan.accumulators:
            read = self._copies.get(plan.head, {}).get(accumulator.name, frozenset()) & plan.reads
            if read:
                reader = next(pc for pc in facts.loads[min(read)] if plan.head <= pc < plan.end)
                return Dependence(
                    "RAW", accumulator.name, self.line(accumulator.updates[0]), self.line(reader),
                    proven=False, next_iteration=True,
                )  # fmt: skip
        return None

    def _has_open_loop(self, plan: LoopPlan) -> bool:
        """Whether there is a loop in it whose iterations the text does not tell."""
        return any(inner.trips < 0 or self._has_open_loop(inner) for inner in self._nest.inside(plan))

    def _loop_dependence(self, plan: LoopPlan, name: str) -> Dependence | None:
        chosen = plan.blocker
        if name:
            chosen = next((each for each in plan.carried if each.name == name), chosen)
        if chosen is None:
            return None
        return Dependence(
            chosen.kind, chosen.name, self.line(chosen.source), self.line(chosen.target), chosen.proven,
            next_iteration=chosen.kind != "control",
        )  # fmt: skip

    # -- other statements

    def code(self, first: int, end: int) -> Judged:
        """The verdict on instructions, apart from the loops among them."""
        inside = [verdict for verdict in self.calls.of(first, end) if not self._in_loop(verdict, first, end)]
        mapped = [reason for _name, reason in self.maps.of(first, end)]
        if self._where == "worker":
            return Judged("does not pay", "inside-worker")
        if any(verdict.parallel for verdict in inside) or "parallel-calls" in mapped:
            return Judged("parallel", "parallel-calls", "calls")
        if self.forks.of(first, end):
            return Judged("parallel", "parallel-forks", "forks")
        if mapped:
            return Judged(_verdict(mapped[0]), mapped[0])
        telling = [v for v in inside if v.call.heavy] or [v for v in inside if v.reason != "cheap"]
        if telling:
            return self._of_call(telling[0])
        return Judged("does not pay", "cheap" if inside else "no-calls")

    def has_calls(self, first: int, end: int) -> bool:
        """Whether something is called there outside of loops that could be given away."""
        inside = (v for v in self.calls.of(first, end) if not self._in_loop(v, first, end))
        return any(inside) or bool(self.maps.of(first, end) or self.forks.of(first, end))

    def _in_loop(self, verdict: CallVerdict, first: int, end: int) -> bool:
        return any(first <= plan.head and plan.end <= end for plan in self._nest.around(verdict.call.pc))

    # -- calls

    def _of_call(self, verdict: CallVerdict) -> Judged:
        name = verdict.through if verdict.reason == "writes-caller-variable" else ""
        dependence = self._call_dependence(verdict)
        return Judged(
            _verdict(verdict.reason), verdict.reason, "", dependence, words.assigned(name), words.advice(name)
        )

    def sites(self, first: int, end: int) -> list[Site]:
        """The calls of actions there."""
        return [
            Site(
                line=self.line(verdict.call.pc), action=verdict.call.name, parallel=verdict.parallel,
                reason=verdict.reason, dependence=self._call_dependence(verdict),
                work=self._costs.of_call(verdict.call.name), first=verdict.first,
            )
            for verdict in self.calls.of(first, end)
        ]  # fmt: skip

    def _call_dependence(self, verdict: CallVerdict) -> Dependence | None:
        if verdict.because < 0 or verdict.because == verdict.call.pc:
            return None
        behind = verdict.because > verdict.call.pc
        return Dependence(
            "RAW", verdict.through, self.line(verdict.because), self.line(verdict.call.pc),
            proven=verdict.reason != "changed-containers", next_iteration=behind,
        )  # fmt: skip

    def line(self, pc: int) -> int:
        """The line of an instruction, 0 if unknown."""
        return self._spots[pc].line if 0 <= pc < len(self._spots) else 0


def _copies(unit: UnitView) -> dict[int, dict[str, frozenset[str]]]:
    """Other names of the lists and maps that loops add to, as they are when the loop begins: by its head and
    by the name that it adds to. Assignments that copy a variable count, in the order of the text.
    """
    assert unit.facts is not None
    grown = {
        plan.head: [each.name for each in plan.accumulators if each.in_place] for plan in unit.plans.values()
    }
    same: dict[str, set[str]] = {}
    found: dict[int, dict[str, frozenset[str]]] = {}
    for pc, (op, name, _gas) in enumerate(unit.code.instructions):
        if grown.get(pc):
            found[pc] = {each: frozenset(same.get(each, ())) for each in grown[pc]}
        made = unit.facts.operands.only(pc, 0) if op == isa.STORE_NAME else -1
        if made < 0:
            continue
        before = same.pop(name, None)
        if before is not None:
            before.discard(name)
        if unit.code.instructions[made][0] == isa.LOAD_NAME:
            other = unit.code.instructions[made][1]
            group = same.setdefault(other, {other})
            group.add(name)
            same[name] = group
    return found


def _verdict(reason: str) -> Verdict:
    if reason in {"host-only-code", "scout-unverified"}:
        return "host"
    return "does not pay" if reason in _UNPAYABLE else "not legal"
