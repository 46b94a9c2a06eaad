"""What the run time would do with the calls and loops of a program: the one place that knows.

Two things are run ahead today: calls of actions, found by the scout (`runtime.scout`), and ranges of the
iterations of loops, if the compiled tier can make units of them (`runtime.loops`). For calls the rules of the
planner are applied to the text (`analysis.foresight` has the scout's); for ranges the compiler itself is
asked. Which calls are worth a task is measured by a run; here an action is taken to be worth it if it
contains a loop or recursion, as the run time does for actions that it has not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zexus_parallel_plugin.analysis.cost import Costs
from zexus_parallel_plugin.analysis.foresight import Foresight, LoopCall
from zexus_parallel_plugin.analysis.origins import Origins
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.explain.subject import Subject, make_tier

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.loops import LoopPlan
    from zexus_parallel_plugin.analysis.program import UnitView

SECONDS_PER_INSTRUCTION = 2e-8
"""What compiled code needs for one, about."""

__all__ = ["CallVerdict", "RangeVerdict", "Verdicts"]

_INPUT_REASONS = frozenset({"", "unknown-input", "changed-names", "changed-containers"})


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

    def ranges(self, unit: UnitView, plan: LoopPlan) -> RangeVerdict:
        """Whether ranges of a loop's iterations can be executed by workers."""
        key = id(unit), plan.head
        if key not in self._ranges:
            self._ranges[key] = self._find_ranges(unit, plan)
        return self._ranges[key]

    def _find_ranges(self, unit: UnitView, plan: LoopPlan) -> RangeVerdict:
        builder = self._tier.builder
        find = getattr(builder, "range_plan", None)
        function = builder.program.functions.get(id(unit.code.bytecode))
        if find is None or function is None or self._subject.config.tier not in {"auto", "compiled"}:
            return RangeVerdict(False, plan.against or "cheap")
        try:
            found = find(function, plan.head, self._subject.frame(unit, plan.head))
        except Exception:  # noqa: BLE001 - whatever it is, the run time would execute the loop in place
            return RangeVerdict(False, "compiler-failed")
        if hasattr(found, "counters"):
            return RangeVerdict(True, "parallel-ranges")
        return RangeVerdict(False, str(found.reason), str(getattr(found, "name", "")))

    def calls(self, unit: UnitView) -> dict[int, CallVerdict]:
        """Verdicts on all calls of actions in a code object."""
        if id(unit) not in self._calls:
            self._calls[id(unit)] = self._find_calls(unit)
        return self._calls[id(unit)]

    def _find_calls(self, unit: UnitView) -> dict[int, CallVerdict]:
        if unit.everything is None:
            return {}
        whole = {call.pc: call for call in Foresight(unit.everything, Origins(unit.everything)).calls}
        ranges = [plan for plan in unit.plans.values() if self.ranges(unit, plan).parallel]
        # Nobody looks ahead from the calls of a loop whose iterations are on workers.
        heavy = sorted(
            call.pc for call in whole.values()
            if call.heavy and not any(plan.head <= call.pc < plan.end for plan in ranges)
        )  # fmt: skip
        found: dict[int, CallVerdict] = {}
        for pc, call in whole.items():
            around = [plan for plan in unit.plans.values() if plan.head <= pc < plan.end]
            work = self._costs.of_call(call.name)
            if not call.heavy or (not work.assumed and work.instructions < self._least):
                verdict = CallVerdict(call, False, "cheap")
            elif self._view.unit(call.name) is unit:
                verdict = CallVerdict(call, False, "recursive-call", pc)
            elif around:
                verdict = _in_loop(call, around)
            else:
                # What was foreseen is given up when a loop is executed by ranges.
                fence = max((plan.end for plan in ranges if plan.end <= pc), default=-1)
                verdict = _in_line(call, [other for other in heavy if other > fence])
            found[pc] = verdict
        return _with_partners(found, unit, [plan.head for plan in ranges])

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
        if any(unit.facts.visible(written) or written in unit.facts.first_store for written in callee.writes):
            return str(name), "writes-caller-variable"
        return str(name), "parallel-calls" if callee.heavy else "cheap"


def _in_loop(call: LoopCall, around: list[LoopPlan]) -> CallVerdict:
    """A look ahead from a call in a loop knows what was before the loop: what matters is the loop alone."""
    judged = [next(each for each in plan.calls if each.pc == call.pc) for plan in around]
    best = next((each for each in judged if each.ahead), judged[0])
    return CallVerdict(
        best, best.ahead, "parallel-calls" if best.ahead else best.reason, best.because, best.through
    )


def _in_line(call: LoopCall, heavy: list[int]) -> CallVerdict:
    """A call outside of loops runs ahead beside another one that is executed before it, but behind the last
    call whose result it needs.
    """
    if call.reason not in _INPUT_REASONS:
        return CallVerdict(call, False, call.reason, call.because, call.through)
    if any(call.because < other < call.pc for other in heavy):
        return CallVerdict(call, True, "parallel-calls")
    reason = call.reason or "nothing-ahead"
    return CallVerdict(call, False, reason, call.because, call.through)


def _with_partners(
    found: dict[int, CallVerdict], unit: UnitView, fences: list[int]
) -> dict[int, CallVerdict]:
    """The first of several calls is executed by the main process, at the same time as the others."""
    in_line = [v for v in found.values() if not any(p.head <= v.call.pc < p.end for p in unit.plans.values())]
    for verdict in in_line:
        if verdict.reason not in {"nothing-ahead", "unknown-input", "changed-names", "changed-containers"}:
            continue
        pc = verdict.call.pc
        beside = [
            other for other in in_line
            if other.parallel and other.call.because < pc < other.call.pc
            and not any(pc < fence < other.call.pc for fence in fences)
        ]  # fmt: skip
        if beside:
            found[pc] = CallVerdict(verdict.call, True, "parallel-calls", first=True)
    return found
