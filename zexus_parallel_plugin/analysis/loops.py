"""What can be done with a loop: the verdict on each natural loop of a code object, and all that a run time
needs to execute parts of it elsewhere.

A loop may be executed by *sub-ranges* of its iterations when an iteration needs nothing from the one before
it but accumulations (`analysis.accumulators`). Otherwise its expensive calls may still run ahead of it
(*fission*), while the rest of its body is executed in place. Everything here is about the text of the
program; conditions on values (`LoopPlan.types`, `LoopPlan.apart`) are left to whoever uses a plan.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from zexus_parallel_plugin.analysis.accumulators import Accumulator, accumulator_of
from zexus_parallel_plugin.analysis.body import LoopBody
from zexus_parallel_plugin.analysis.cfg import Flow
from zexus_parallel_plugin.analysis.effects import EFFECT_OF_BUILTIN, effect_of_opcode
from zexus_parallel_plugin.analysis.facts import CodeFacts
from zexus_parallel_plugin.analysis.foresight import Foresight
from zexus_parallel_plugin.analysis.iteration import iteration_of
from zexus_parallel_plugin.analysis.origins import FRESH, Origins
from zexus_parallel_plugin.analysis.plan import Dependence, LoopPlan
from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.analysis.callees import Callees
    from zexus_parallel_plugin.analysis.cfg import Loop
    from zexus_parallel_plugin.engine.code import Code

__all__ = ["classify", "classify_all"]

_SMALL = 20_000
"""Instructions, in all iterations together, below which a loop is not worth a task: compiled code executes
them in less than the way to a worker and back takes."""


def classify_all(
    code: Code,
    callees: Callees,
    *,
    main: bool,
    params: tuple[str, ...] = (),
    visible: Callable[[str], bool] = lambda _name: False,
    facts: CodeFacts | None = None,
) -> dict[int, LoopPlan]:
    """Plans of all loops of a code object, by head, outer loops first.

    :param main: it is the top-level code, whose variables all live on.
    :param params: its parameters.
    :param visible: whether a calling frame may have a variable of this name.
    :param facts: what is already known of the code object, in place of all this.
    """
    if code.refusal or code.bounds.checked:
        flow = Flow(code.instructions)
        reason = "host-only-code" if code.refusal else "scout-unverified"
        plans = [_refused(flow, loop, reason) for loop in reversed(flow.loops)]
    else:
        if facts is None:
            flow = Flow(code.instructions)
            facts = CodeFacts(flow, callees, main=main, params=params, visible=visible)
        plans = [classify(facts, loop) for loop in reversed(facts.flow.loops)]
    return {plan.head: plan for plan in plans}


def classify(facts: CodeFacts, loop: Loop) -> LoopPlan:
    """The plan of one loop. Pure, and linear in the size of the loop but for the fixed point over its names,
    whose rounds are as many as assignments depend on each other in a chain.
    """
    return _Classifier(facts, loop).plan()


def _refused(flow: Flow, loop: Loop, reason: str) -> LoopPlan:
    head = flow.span(loop.header)[0]
    end = max(flow.span(block)[1] for block in loop.blocks)
    nothing: frozenset[str] = frozenset()
    return LoopPlan(
        head, end, -1, (head, end), -1, 0, None, nothing, nothing, nothing, (), nothing, False, (), nothing,
        False, (), "host", reason, place=head,
    )  # fmt: skip


class _Classifier:
    """Puts the facts about a loop together."""

    def __init__(self, facts: CodeFacts, loop: Loop) -> None:
        self.facts = facts
        self.loop = loop
        self.body = LoopBody(facts, loop)
        self.iteration = iteration_of(self.body)
        index = frozenset({self.iteration.index}) if self.iteration else frozenset()
        self.origins = Origins(self.body, index, self._ranges())
        self.around = facts.loops_around(loop)
        self.accumulators = self._accumulators()
        self.accumulated = {accumulator.name for accumulator in self.accumulators}
        for accumulator in self.accumulators:
            self.accumulated |= accumulator.companions

    def plan(self) -> LoopPlan:
        """The plan, with its verdict."""
        body = self.body
        counting = self._counting()
        private = body.stores.keys() - body.exposed.keys() - counting - self.accumulated
        flow = body.flow
        plan = LoopPlan(
            head=body.head,
            end=body.end,
            exit=body.exit,
            body=(body.condition + 1 if body.condition >= 0 else body.head, body.end),
            parent=flow.span(self.around[0].header)[0] if self.around else -1,
            depth=len(self.around),
            iteration=self.iteration,
            reads=frozenset(body.exposed.keys() - counting - self.accumulated),
            private=frozenset(private),
            always=body.always & private,
            accumulators=tuple(self.accumulators),
            live_out=self._live_out(),
            prints=body.prints,
            calls=Foresight(body, self.origins).calls,
            shares=self._shares(private),
            apart=any(accumulator.in_place for accumulator in self.accumulators),
            carried=tuple(self._carried(counting)),
            verdict="map",
            reason="",
            work=sum(1 for pc in body.pcs if flow.instructions[pc][0] != isa.NOP),
            trips=self.iteration.count if self.iteration else -1,
        )
        return self._judged(plan)

    # -- the verdict

    def _judged(self, plan: LoopPlan) -> LoopPlan:
        reason, place, blocker = self._against_ranges(plan)
        if not reason:
            heavy = any(call.heavy for call in plan.calls)
            if not heavy and 0 <= plan.trips * plan.work < _SMALL and not self.facts.has_inner(self.loop):
                return replace(plan, verdict="unprofitable", reason="loop-short", place=plan.head)
            folds = any(accumulator.kind in {"fold", "extreme"} for accumulator in plan.accumulators)
            return replace(plan, verdict="reduction" if folds else "map", reason="parallel-ranges")
        if any(call.ahead and call.heavy for call in plan.calls):
            return replace(
                plan, verdict="fission", reason="parallel-calls", blocker=blocker, place=place, against=reason
            )
        return replace(plan, verdict="illegal", reason=reason, place=place, blocker=blocker, against=reason)

    def _against_ranges(self, plan: LoopPlan) -> tuple[str, int, Dependence | None]:
        """Reason code, place and dependence of what first forbids sub-ranges; no code if nothing does."""
        body = self.body
        if body.open_try >= 0:
            return "loop-handler", body.open_try, None
        effect = self._effect()
        if effect[0]:
            return *effect, None
        change = self._foreign_change()
        if change is not None and change.name in self._sources():
            return "loop-changes-source", change.source, change
        if plan.carried:
            first = plan.carried[0]
            return "loop-carried", first.target, first
        if change is not None:
            return "loop-changes-object", change.source, change
        if body.leaves:
            place = body.leaves[0]
            return "loop-leaves", place, Dependence("control", "", place, body.head)
        if plan.iteration is None:
            return "loop-count", body.condition if body.condition >= 0 else body.head, None
        return self._float_start()

    def _effect(self) -> tuple[str, int]:
        """The first effect that no worker may have."""
        for pc in self.body.pcs:
            op, operand, _gas = self.body.flow.instructions[pc]
            reason = ""
            if op == isa.RARE:
                reason = effect_of_opcode(operand)
            elif op in {isa.CALL_TOP, isa.PARALLEL_MAP}:
                reason = "loop-unknown-call"
            elif op == isa.CALL_METHOD and operand[0].startswith("_"):
                reason = "effect-method"
            elif op == isa.CALL_NAME:
                reason = self._effect_of_call(pc, operand[0], native=operand[2])
            if reason:
                return reason, pc
        return "", -1

    def _effect_of_call(self, pc: int, name: str, *, native: bool) -> str:
        body = self.body
        if pc not in body.calls:
            if native or body.callees.is_pure(name):
                return ""
            return EFFECT_OF_BUILTIN.get(name, "effect-builtin")
        callee = body.calls[pc]
        if callee is None:
            return "loop-unknown-call"
        if callee.effect:
            return callee.effect
        if any(self.facts.may_exist(written, pc) for written in callee.writes):
            return "writes-caller-variable"
        return ""

    def _float_start(self) -> tuple[str, int, Dependence | None]:
        """A total that surely begins as a float: its sum depends on the order of the additions."""
        for accumulator in self.accumulators:
            value = self._start(accumulator.name) if accumulator.kind == "fold" else None
            if type(value) is float:
                place = accumulator.updates[0]
                return "float-order", place, Dependence("RAW", accumulator.name, place, place)
            constant = self._float_added(accumulator) if accumulator.kind == "fold" else -1
            if constant >= 0:
                return "float-order", constant, Dependence("RAW", accumulator.name, constant, constant)
        return "", -1, None

    def _float_added(self, accumulator: Accumulator) -> int:
        """An update that adds a literal float, -1 if there is none."""
        body = self.body
        for pc in accumulator.updates:
            for made in (body.operands.only(pc, 0), body.operands.only(pc, 1)):
                if made >= 0 and type(_constant(body, made)) is float:
                    return pc
        return -1

    def _start(self, name: str) -> object:
        """The constant that a name gets directly before the loop, None if that cannot be told."""
        body = self.body
        for pc in range(body.head - 1, -1, -1):
            op, operand, _gas = body.flow.instructions[pc]
            if op in isa.JUMPS:
                return None
            if op == isa.STORE_NAME and operand == name:
                return _constant(body, body.operands.only(pc, 0))
        return None

    # -- facts

    def _counting(self) -> frozenset[str]:
        """Names whose values follow from the number of the iteration."""
        if self.iteration is None:
            return frozenset()
        return frozenset({self.iteration.index, self.iteration.iterable} - {""})

    def _sources(self) -> frozenset[str]:
        """Names of the list that is iterated: the host's temporary, and the variable that it came from."""
        if self.iteration is None or not self.iteration.iterable:
            return frozenset()
        names = {self.iteration.iterable}
        if self.iteration.source >= 0:
            op, operand, _gas = self.body.flow.instructions[self.iteration.source]
            if op == isa.LOAD_NAME:
                names.add(operand)
        return frozenset(names)

    def _ranges(self) -> frozenset[str]:
        """The list that is iterated, if it is a range."""
        if self.iteration is None or self.iteration.source < 0:
            return frozenset()
        op, operand, _gas = self.body.flow.instructions[self.iteration.source]
        if op == isa.CALL_NAME and operand[0] == "range":
            return frozenset({self.iteration.iterable})
        return frozenset()

    def _accumulators(self) -> list[Accumulator]:
        """All accumulators: names carried by assignment, and objects that are only added to."""
        body = self.body
        skip = self._counting() | self._sources()
        names = [name for name in body.stores if name in body.exposed and name not in skip]
        changed = {root for roots in self.origins.changes.values() for root in roots}
        names += [
            name for name in body.exposed if name in changed and name not in body.stores and name not in skip
        ]
        found = [accumulator_of(body, name) for name in names]
        return [accumulator for accumulator in found if accumulator is not None]

    def _carried(self, counting: frozenset[str]) -> list[Dependence]:
        """Dependences from an iteration to the next one through names, by the place of the reader."""
        body = self.body
        found = [
            Dependence("RAW", name, stores[-1], body.exposed[name])
            for name, stores in body.stores.items()
            if name in body.exposed and name not in counting and name not in self.accumulated
        ]
        return sorted(found, key=lambda dependence: dependence.target)

    def _foreign_change(self) -> Dependence | None:
        """A change of an object that the iteration has not made, and who may notice it."""
        body = self.body
        accumulated = {pc for accumulator in self.accumulators for pc in accumulator.updates}
        worst = None
        for pc, roots in sorted(self.origins.changes.items()):
            foreign = sorted(roots - {FRESH})
            if pc in accumulated or not foreign:
                continue
            source = next((name for name in foreign if name in self._sources()), "")
            name = source or foreign[0]
            reaching = set(body.operands.tree(pc))
            reader = next((load for load in body.loads.get(name, ()) if load not in reaching), -1)
            direct = body.operands.only(pc, 0)
            op, operand, _gas = body.flow.instructions[pc]
            same = direct >= 0 and body.flow.instructions[direct][:2] == (isa.LOAD_NAME, name)
            proven = same and op == isa.CALL_METHOD and (bool(source) or operand[0] != "set")
            if reader >= 0 or source:
                kind: Literal["RAW", "WAW"] = "RAW"
            else:
                kind, reader = "WAW", pc
            found = Dependence(kind, name, pc, reader if reader >= 0 else body.head, proven=proven)
            if source:
                return found
            worst = worst or found
        return worst

    def _live_out(self) -> frozenset[str]:
        body, facts = self.body, self.facts
        written = {*body.stores, *(accumulator.name for accumulator in self.accumulators)}
        if facts.main or facts.looked_at is None:
            return frozenset(written)

        def used(name: str) -> bool:
            if self.around or name in (facts.looked_at or ()) or facts.visible(name):
                return True
            return any(not body.head <= pc < body.end for pc in facts.loads.get(name, ()))

        return frozenset(filter(used, written))

    def _shares(self, private: set[str]) -> frozenset[str]:
        origins = self.origins
        found: set[str] = set()
        for accumulator in self.accumulators:
            if accumulator.kind != "extreme":
                for pc in accumulator.updates:
                    for index in range(1, len(self.body.operands.of(pc))):
                        found |= origins.of_operand(pc, index) | origins.inside(origins.of_operand(pc, index))
        for name in private:
            found |= origins.of_name(name) | origins.inside(origins.of_name(name))
        return frozenset(found - {FRESH})


def _constant(body: LoopBody, pc: int) -> object:
    """The constant that an instruction loads, None if it does something else."""
    op, operand, _gas = body.flow.instructions[pc] if pc >= 0 else (isa.NOP, None, 0)
    return operand if op == isa.LOAD_CONST else None
