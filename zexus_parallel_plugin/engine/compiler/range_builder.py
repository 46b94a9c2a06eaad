"""Builds the units of sub-ranges of loops, and finds out which loops have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler.carried import Carried, Extremum
from zexus_parallel_plugin.engine.compiler.control import Loop, Unstructured, loop_structure, steps
from zexus_parallel_plugin.engine.compiler.induction import Bound, bound_of, counters_of, elements_of
from zexus_parallel_plugin.engine.compiler.kinds import NUMBER
from zexus_parallel_plugin.engine.compiler.loops import names_in
from zexus_parallel_plugin.engine.compiler.points import NeedsTracking
from zexus_parallel_plugin.engine.compiler.storage import OWN, PRIVATE, Variable, Variables, local_name
from zexus_parallel_plugin.engine.compiler.unit import line_of, suspects
from zexus_parallel_plugin.engine.compiler.workshop import NO_INSTRUCTIONS, NOTHING, Workshop

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.blueprint import Blueprint
    from zexus_parallel_plugin.engine.compiler.names import Function
    from zexus_parallel_plugin.engine.compiler.ranges import RangeEmitter
    from zexus_parallel_plugin.engine.compiler.trap import RangeStopped
    from zexus_parallel_plugin.engine.compiler.unit import Unit
    from zexus_parallel_plugin.engine.frame import Frame


@dataclass(frozen=True, slots=True)
class RangePlan:
    """A loop whose iterations can be computed out of order.

    Attributes:
        head, last: its first instruction, and its last backward jump.
        counters: induction variables, with what each iteration adds.
        accumulators: variables that iterations only add to, with the operation (see `ranges`).
        extrema: variables that keep the greatest or least value.
        private: variables that an iteration assigns before it reads them, if it does either.
        inputs: other names that are read or called.
        calls: names of what is called, with the least number of arguments.
        values_called: something without a name may be called.
        mutates: lists or maps may be changed that the iteration has not made.
        bound: the condition at its head, if it is a simple one.
        elements: the list that a ``for each`` walks through, if it is used for nothing else.
    """

    head: int
    last: int
    counters: tuple[tuple[str, int], ...]
    accumulators: tuple[tuple[str, str], ...]
    extrema: tuple[Extremum, ...]
    private: tuple[str, ...]
    inputs: tuple[str, ...]
    calls: tuple[tuple[str, int], ...]
    values_called: bool
    mutates: bool
    bound: Bound | None
    elements: str

    @property
    def stored(self) -> frozenset[str]:
        """Names that the loop assigns."""
        changed = {name for name, operation in self.accumulators if operation not in {"push", "store"}}
        extrema = (extremum.name for extremum in self.extrema)
        return frozenset({*self.private, *changed, *extrema, *(name for name, _ in self.counters)})


class RangeBuilder(Workshop):
    """Makes units of sub-ranges of loops."""

    def range_plan(self, function: Function, head: int, frame: Frame) -> RangePlan | Carried:
        """How the iterations of a loop can be computed out of order, or why they cannot."""
        try:
            return self._find_plan(function, head, frame)
        except Carried as verdict:
            return verdict
        except (Unstructured, NeedsTracking) as verdict:
            return Carried("loop-not-compiled", str(verdict))
        except Exception as error:  # noqa: BLE001 - whatever it is, the iterations can be executed in order
            self.failed(f"the plan of the loop at {head} of {function.code.name}")
            return Carried("loop-not-compiled", f"the compiler failed: {type(error).__name__}: {error}")

    def _find_plan(self, function: Function, head: int, frame: Frame) -> RangePlan:
        code = function.code
        if code.bounds.checked:
            raise Carried("loop-not-compiled", "the depth of the operand stack is not bounded")
        loop = loop_structure(code, head)
        counters = counters_of(code, loop)
        if not counters:
            raise Carried("loop-count", "")
        stored, used = names_in(code, steps(loop.body))
        calls, values_called = self._calls(code, loop)
        _needs, writes = self._touched(calls, values_called)
        private = frozenset(stored - counters.keys())
        for name in sorted(private & writes):
            owner = next((f for f in frame.chain() if name in f.env), frame)
            if owner is not frame:
                raise Carried("loop-scoping", name)
        accumulators: frozenset[str] = NOTHING
        extrema: frozenset[str] = NOTHING
        while True:
            try:
                emitter = self._probe(function, loop, frame, counters, accumulators, extrema, private)
            except Carried as verdict:
                if verdict.name in extrema or verdict.name not in private or verdict.reason != "loop-carried":
                    raise
                accumulators -= {verdict.name}
                extrema |= {verdict.name}
                continue
            grown = {name for name, count in emitter.grown.items() if emitter.read.get(name) == count}
            if emitter.grown.keys() - grown:
                raise Carried("loop-changes-object", min(emitter.grown.keys() - grown))
            found = accumulators | emitter.found.keys() | grown
            if found == accumulators:
                break
            accumulators = found
        private -= accumulators | extrema
        bound = bound_of(code, loop, counters)
        return RangePlan(
            head, loop.last, tuple(sorted(counters.items())), tuple(sorted(emitter.found.items())),
            tuple(emitter.replaced[name] for name in sorted(extrema)), tuple(sorted(private)),
            tuple(sorted(used - private - accumulators - extrema - counters.keys())),
            tuple(sorted(calls.items())), values_called, emitter.mutates, bound,
            elements_of(code, loop, counters, bound),
        )  # fmt: skip

    def _calls(self, code: Code, loop: Loop) -> tuple[dict[str, int], bool]:
        """Names that are called, natives and builtins apart, and whether there are calls of values."""
        calls: dict[str, int] = {}
        values = False
        for pc in steps(loop.body):
            op, operand, _gas = code.instructions[pc]
            if op == isa.CALL_NAME:
                name, count = operand[0], operand[1]
                if self.builtin(name) is None:
                    calls[name] = min(count, calls.get(name, count))
            elif op == isa.CALL_TOP:
                values = True
            elif op == isa.STORE_FUNC:
                raise Carried("loop-not-compiled", "an action is defined in the loop")
            elif op in {isa.RARE, isa.PARALLEL_MAP}:
                raise Carried("effect-opcode", code.operation(pc))
        return calls, values

    def _touched(self, calls: dict[str, int], values: bool) -> tuple[frozenset[str], frozenset[str]]:
        reached = [self.reach(name) for name in calls]
        if values:
            reached.append(self.reach(None))
        needs = NOTHING.union(*(needs for needs, _ in reached))
        return needs, NOTHING.union(*(writes for _, writes in reached))

    def _probe(
        self, function: Function, loop: Loop, frame: Frame, counters: dict[str, int],
        accumulators: frozenset[str], extrema: frozenset[str], stored: frozenset[str],
    ) -> RangeEmitter:  # fmt: skip
        from zexus_parallel_plugin.engine.compiler.ranges import RangeEmitter

        code = function.code
        private = stored - accumulators - extrema
        given = frozenset(counters) | extrema
        variables = self._range_variables(code, loop, frame, given, accumulators, private)
        self._look_around(function, frame)
        emitter = RangeEmitter(
            code, variables, self, kinds=dict.fromkeys(counters, NUMBER), depth="d", in_frame=True,
            check_operations=self.check_operations, accumulators=accumulators, private=private,
            counters=frozenset(counters), extrema=extrema, tag="probe",
        )  # fmt: skip
        emitter.loop_unit(loop)
        return emitter

    def _look_around(self, function: Function, frame: Frame) -> None:
        self.shadowed = (function.own | function.above) if frame.parent is not None else NOTHING
        self.written_by_callees = NOTHING.union(*(callee.writes for callee in function.callees))

    def _range_variables(
        self, code: Code, loop: Loop, frame: Frame, given: frozenset[str], accumulators: frozenset[str],
        private: frozenset[str],
    ) -> Variables:  # fmt: skip
        stored, used = names_in(code, steps(loop.body))
        calls, values = self._calls(code, loop)
        touched = NOTHING.union(*self._touched(calls, values))
        variables = Variables()
        for index, name in enumerate(sorted(stored | used)):
            local = local_name(name, index)
            if name in accumulators or name in given:
                variable = Variable(name, local, PRIVATE, True, True)
            elif name in private:
                shown = name in touched
                variable = Variable(name, local, OWN if shown else PRIVATE, shown, True)
            elif any(name in caller.env for caller in frame.chain()):
                variable = Variable(name, local, OWN, True, False)
            else:
                continue
            variables.by_name[name] = variable
        return variables

    def range_unit(
        self, function: Function, head: int, frame: Frame, accumulators: frozenset[str],
        extrema: frozenset[str], results: tuple[str, ...],
    ) -> Unit | str:  # fmt: skip
        """The unit of a sub-range of a loop, to be run with all variables in the one frame ``frame``; or why
        there is none.

        :param results: counters and private variables whose values the unit hands back.
        """
        key = (id(function.code.bytecode), head, accumulators, extrema, results)
        found = self.range_units.get(key)
        if found is None:
            slow = self.slow_in_ranges.get(id(function.code.bytecode), NO_INSTRUCTIONS)
            found = self.guarded(
                lambda: self._compile_range(function, head, frame, accumulators, extrema, results, slow),
                f"the range at {head} of {function.code.name}",
            )
            self.range_units[key] = found
        return found

    def relearn(self, unit: Unit, stopped: RangeStopped) -> bool:
        """Whether optimism was wrong where a range unit stopped: then it is compiled anew with the host's
        rules there.
        """
        exit_ = None
        cause = stopped.__cause__
        traceback = cause.__traceback__ if cause is not None else None
        while cause is not None and traceback is not None:
            if traceback.tb_frame.f_code is unit.function.__code__:
                exit_ = unit.exits.get(line_of(cause, traceback))
            traceback = traceback.tb_next
        key = id(unit.code.bytecode)
        known = self.slow_in_ranges.get(key, NO_INSTRUCTIONS)
        if exit_ is None or exit_.raised or not isinstance(cause, Exception):
            return False
        wrong = suspects(unit.code, exit_.operators, cause)
        if known.issuperset(wrong):
            return False
        self.slow_in_ranges[key] = known.union(wrong)
        self.range_units = {k: u for k, u in self.range_units.items() if k[0] != key}
        return True

    def _compile_range(
        self, function: Function, head: int, frame: Frame, accumulators: frozenset[str],
        extrema: frozenset[str], results: tuple[str, ...], slow: frozenset[int],
    ) -> Unit | str:  # fmt: skip
        code = function.code
        loop = loop_structure(code, head)
        counters = frozenset(counters_of(code, loop))
        stored, _used = names_in(code, steps(loop.body))
        private = frozenset(stored) - counters - accumulators - extrema
        variables = self._range_variables(code, loop, frame, counters | extrema, accumulators, private)
        self._look_around(function, frame)
        label = self.loop_label("range", code, head)

        def draw() -> Blueprint | str:
            from zexus_parallel_plugin.engine.compiler.ranges import RangeEmitter

            try:
                emitter: Any = self.emit(
                    code, variables, slow, lambda e: e.loop_unit(loop),
                    assumed=dict.fromkeys(counters, NUMBER), kind=RangeEmitter, depth="d", in_frame=True,
                    accumulators=accumulators, private=private, counters=counters, extrema=extrema,
                    results=results, tag=label,
                )  # fmt: skip
            except (Carried, Unstructured, NeedsTracking) as verdict:
                return str(verdict)
            if emitter.found.keys() - accumulators or emitter.grown:
                return "it is not the loop that was planned"
            given = counters | extrema | private
            return self._draw_range(emitter, variables, given, private, label, len(accumulators | extrema))

        keys = label, head, sorted(slow), sorted(accumulators), sorted(extrema), results
        blueprint = self.blueprint(function, variables, keys, draw)
        if isinstance(blueprint, str):
            return blueprint
        return self.construct(code, label, blueprint, variables, slow)

    def _draw_range(
        self, emitter: RangeEmitter, variables: Variables, given: frozenset[str], private: frozenset[str],
        label: str, recorded: int,
    ) -> Blueprint:  # fmt: skip
        lines = [
            f"def {label}(FV, C):",
            "    V = FV.env; d = FV.depth",
            "    g = M.gas_used; n = M.operation_count",
        ]
        lines += [f"    A{index} = []; R{index} = A{index}.append" for index in range(recorded)]
        lines += [
            f"    {variables.by_name[name].local} = V[{name!r}]" if name not in private else
            f"    {variables.by_name[name].local} = UNSET"
            for name in sorted(given)
        ]  # fmt: skip
        shown = Variables({v.name: v for v in variables.cached() if not v.stored})
        lines += self.loads(shown)
        lines.append("    try:")
        tail = ["    except Exception as error:", "        raise STOPPED(K - 1) from error"]
        return self.draw(lines, emitter, tail)
