"""What the run time would do with the calls and loops of a program: the one place that knows.

Run ahead are calls of actions, found by the scout (`runtime.scout`), ranges of the iterations of loops
(`runtime.loops`), and whole loops beside an earlier one (`runtime.loops.behind`). For calls the rules of the
planner are applied to the text (`analysis.foresight` has the scout's). For ranges the compiler is asked, as
the run time does; what the run time then finds out on the values is foreseen by the analysis: effects of
callees, and changes of lists and maps that an iteration has not made. Which calls are worth a task is
measured by a run; here an action is taken to be worth it if it contains a loop or recursion, as the run time
does for actions that it has not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zexus_parallel_plugin.analysis.cost import Costs
from zexus_parallel_plugin.analysis.foresight import Foresight, LoopCall
from zexus_parallel_plugin.analysis.loop_chunks import chunks_behind
from zexus_parallel_plugin.analysis.origins import Origins
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler.range_builder import RangePlan
from zexus_parallel_plugin.explain.between import Between, Nest
from zexus_parallel_plugin.explain.subject import Subject, make_tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from zexus_parallel_plugin.analysis.plan import LoopPlan
    from zexus_parallel_plugin.analysis.program import UnitView

SECONDS_PER_INSTRUCTION = 2e-8
"""What compiled code needs for one, about."""

__all__ = ["CallVerdict", "RangeVerdict", "Verdicts"]

_INPUT_REASONS = frozenset({"", "unknown-input", "changed-names", "changed-containers"})
_MOST_LOOPS = 100
"""Loops of one code object up to which those that can run beside each other are looked for."""
_CHANGES = frozenset({"loop-changes-object", "loop-changes-source"})


@dataclass(frozen=True, slots=True)
class CallVerdict:
    """What would be done with a call: ``because`` is the instruction in the way, ``through`` the variable.

    ``first``: the main process executes it, while others run ahead.
    """

    call: LoopCall
    parallel: bool
    reason: str
    because: int = -1
    through: str = ""
    first: bool = False


@dataclass(frozen=True, slots=True)
class RangeVerdict:
    """What would be done with ranges of a loop: ``name`` is the variable in the way, if there is one."""

    parallel: bool
    reason: str
    name: str = ""


class Verdicts:
    """Verdicts on a program that the engine executes and for which there are workers."""

    def __init__(self, subject: Subject) -> None:
        assert subject.view is not None
        self._subject = subject
        self._view = subject.view
        self._tier = make_tier(subject)
        self._costs = Costs(subject.view)
        self._least = subject.config.min_task_seconds / SECONDS_PER_INSTRUCTION
        self._ranges: dict[tuple[int, int], RangeVerdict] = {}
        self._calls: dict[int, dict[int, CallVerdict]] = {}
        self._nests: dict[int, Nest] = {}
        self._beside: dict[int, dict[int, LoopPlan]] = {}

    # -- loops

    def nest(self, unit: UnitView) -> Nest:
        """The loops of a code object."""
        if id(unit) not in self._nests:
            self._nests[id(unit)] = Nest(unit.plans)
        return self._nests[id(unit)]

    def ranges(self, unit: UnitView, plan: LoopPlan) -> RangeVerdict:
        """Whether ranges of a loop's iterations can be executed by workers."""
        key = id(unit), plan.head
        if key not in self._ranges:
            self._ranges[key] = self._find_ranges(unit, plan)
        return self._ranges[key]

    def split_loops(self, unit: UnitView) -> list[LoopPlan]:
        """Loops of which ranges can be executed by workers, in order; none of them is in another one."""
        return list(self._split(unit, self.nest(unit).outermost.of(0, len(unit.code.instructions))))

    def _split(self, unit: UnitView, plans: Iterable[LoopPlan]) -> Iterator[LoopPlan]:
        for plan in plans:
            if self.ranges(unit, plan).parallel:
                yield plan
            else:
                yield from self._split(unit, self.nest(unit).inside(plan))

    def _find_ranges(self, unit: UnitView, plan: LoopPlan) -> RangeVerdict:
        builder = self._tier.builder
        function = builder.program.functions.get(id(unit.code.bytecode))
        if function is None or self._subject.config.tier not in {"auto", "compiled"}:
            return RangeVerdict(False, plan.against or "cheap")
        try:
            found = builder.range_plan(function, plan.head, self._subject.frame(unit, plan.head))
        except Exception:  # noqa: BLE001 - whatever it is, the run time would execute the loop in place
            return RangeVerdict(False, "compiler-failed")
        if not isinstance(found, RangePlan):
            return RangeVerdict(False, found.reason, found.name)
        return self._against(unit, plan, found) or RangeVerdict(True, "parallel-ranges")

    def beside(self, unit: UnitView) -> dict[int, LoopPlan]:
        """Loops that a worker executes as a whole, beside an earlier one that is executed in place: that one,
        by the head of the later one. The rules are those of `runtime.loops.behind`.
        """
        if id(unit) not in self._beside:
            self._beside[id(unit)] = self._find_beside(unit)
        return self._beside[id(unit)]

    def _find_beside(self, unit: UnitView) -> dict[int, LoopPlan]:
        loops = self.nest(unit).outermost.of(0, len(unit.code.instructions))
        found: dict[int, LoopPlan] = {}
        if unit.facts is None or len(loops) > _MOST_LOOPS:
            return found
        for plan in loops:
            if plan.head in found or self.ranges(unit, plan).parallel:
                continue
            names = {unit.code.instructions[pc][1] for pc in range(plan.head, plan.end)
                     if unit.code.instructions[pc][0] == isa.STORE_NAME}  # fmt: skip
            calls = [(call.name, call.count) for call in plan.calls]
            written = self._touched(calls, frozenset(), names)
            for chunk in chunks_behind(unit.code, plan.end) if written else ():
                needs = self._touched(chunk.calls, chunk.exposed, chunk.stores)
                head = max(other.head for other in loops if other.head < chunk.end)
                if written is None or needs is None or self.ranges(unit, unit.plans[head]).parallel:
                    break
                if needs[0].isdisjoint(written[1]):
                    found.setdefault(head, plan)
                written = written[0], written[1] | needs[1]
        return found

    def _touched(
        self, calls: Iterable[tuple[str, int]], reads: Iterable[str], writes: Iterable[str]
    ) -> tuple[set[str], set[str]] | None:
        """Names that code may read and assign, with what it calls; None if that has effects."""
        needs, written = set(reads), set(writes)
        for name, count in calls:
            callee = self._view.callees.of(name, count)
            if callee is None:
                if not self._view.callees.is_pure(name):
                    return None
                continue
            if callee.effect:
                return None
            needs |= {name, *callee.reads}
            written |= callee.writes
        return needs, written

    def _against(self, unit: UnitView, plan: LoopPlan, found: RangePlan) -> RangeVerdict | None:
        """What the run time finds out when it looks at the values that a loop works with."""
        if found.values_called:
            return RangeVerdict(False, "loop-unknown-call")
        assert unit.facts is not None
        facts = unit.facts
        changes = found.mutates
        until = self.nest(unit).around(plan.head)[0].end
        for name, count in found.calls:
            callee = self._view.callees.of(name, count)
            if callee is None:
                continue
            if callee.effect:
                return RangeVerdict(False, callee.effect)
            for written in sorted(callee.writes.difference(found.private)):
                if facts.visible(written) or facts.first_store.get(written, until) < until:
                    return RangeVerdict(False, "writes-caller-variable", written)
            changes = changes or callee.mutates
        if changes and plan.against in _CHANGES:
            return RangeVerdict(False, plan.against, plan.blocker.name if plan.blocker else "")
        return None

    # -- calls

    def calls(self, unit: UnitView) -> dict[int, CallVerdict]:
        """Verdicts on all calls of actions in a code object, in order."""
        if id(unit) not in self._calls:
            self._calls[id(unit)] = self._find_calls(unit)
        return self._calls[id(unit)]

    def _find_calls(self, unit: UnitView) -> dict[int, CallVerdict]:
        if unit.everything is None or not unit.everything.calls:
            return {}
        whole = Foresight(unit.everything, Origins(unit.everything)).calls
        nest = self.nest(unit)
        split = self.split_loops(unit)
        on_workers = Between({plan.head: plan for plan in split})
        ends = Between({plan.end: plan.end for plan in split})

        def is_split(pc: int) -> bool:
            plan = on_workers.before(pc + 1)
            return plan is not None and pc < plan.end

        # Nobody looks ahead from the calls of a loop whose iterations are on workers.
        heavy = Between({call.pc: call.pc for call in whole if call.heavy and not is_split(call.pc)})
        judged = {(plan.head, call.pc): call for plan in unit.plans.values() for call in plan.calls}
        found: dict[int, CallVerdict] = {}
        in_line: list[int] = []
        for call in whole:
            around = nest.around(call.pc)
            if not around:
                in_line.append(call.pc)
            work = self._costs.of_call(call.name)
            if not call.heavy or (not work.assumed and work.instructions < self._least):
                verdict = CallVerdict(call, False, "cheap")
            elif self._view.unit(call.name) is unit:
                verdict = CallVerdict(call, False, "recursive-call", call.pc)
            elif around:
                verdict = _in_loop([judged[plan.head, call.pc] for plan in around])
            else:
                # What was foreseen is given up when a loop is executed by ranges.
                fence = ends.before(call.pc + 1) or -1
                verdict = _in_line(call, heavy, fence)
            found[call.pc] = verdict
        return _with_partners(found, in_line, [plan.head for plan in split])

    def parallel_map(self, unit: UnitView, pc: int) -> tuple[str, str]:
        """The action of a ``parallel_map``, and the reason code of what is done with it."""
        assert unit.facts is not None
        producer = unit.facts.operands.only(pc, 0)
        op, name, _gas = unit.code.instructions[producer] if producer >= 0 else (isa.NOP, "", 0)
        callee = self._view.callees.of(name, 1) if op == isa.LOAD_NAME else None
        if callee is None:
            return "", "loop-unknown-call"
        if callee.effect:
            return str(name), callee.effect
        if any(unit.facts.may_exist(written, pc) for written in callee.writes):
            return str(name), "writes-caller-variable"
        return str(name), "parallel-calls" if callee.heavy else "cheap"


def _in_loop(judged: list[LoopCall]) -> CallVerdict:
    """A look ahead from a call in a loop knows what was before the loop: what matters is the loop alone.

    :param judged: what is said of the call in each loop around it.
    """
    best = next((each for each in judged if each.ahead), judged[0])
    return CallVerdict(
        best, best.ahead, "parallel-calls" if best.ahead else best.reason, best.because, best.through
    )


def _in_line(call: LoopCall, heavy: Between[int], fence: int) -> CallVerdict:
    """A call outside of loops runs ahead beside another one that is executed before it, but behind the last
    call whose result it needs.

    :param fence: calls up to here do not count.
    """
    if call.reason not in _INPUT_REASONS:
        return CallVerdict(call, False, call.reason, call.because, call.through)
    before = heavy.before(call.pc)
    if before is not None and before > max(call.because, fence):
        return CallVerdict(call, True, "parallel-calls")
    reason = call.reason or "nothing-ahead"
    return CallVerdict(call, False, reason, call.because, call.through)


def _with_partners(
    found: dict[int, CallVerdict], in_line: list[int], fences: list[int]
) -> dict[int, CallVerdict]:
    """The first of several calls is executed by the main process, at the same time as the others.

    :param in_line: calls outside of loops, in order. fences: heads of loops that are executed by ranges.
    """
    waiting = [*fences]
    needed = _NONE  # the least of the calls that those behind have to wait for
    for pc in reversed(in_line):
        while waiting and waiting[-1] > pc:
            waiting.pop()
            needed = _NONE  # calls behind such a loop are foreseen behind it
        verdict = found[pc]
        if verdict.parallel:
            needed = min(needed, verdict.call.because)
        elif verdict.reason in _ALONE and needed < pc:
            found[pc] = CallVerdict(verdict.call, True, "parallel-calls", first=True)
    return found


_NONE = 1 << 60
_ALONE = frozenset({"nothing-ahead", "unknown-input", "changed-names", "changed-containers"})
