"""A whole program as the analysis sees it: its code objects, what names mean, and who calls whom."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.body import LoopBody
from zexus_parallel_plugin.analysis.callees import FootprintCallees
from zexus_parallel_plugin.analysis.cfg import Flow, Loop
from zexus_parallel_plugin.analysis.facts import CodeFacts
from zexus_parallel_plugin.analysis.footprint import Descriptor, Footprints, parameters
from zexus_parallel_plugin.analysis.loops import classify_all
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler.names import Function, Program, analyse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from zexus_parallel_plugin.analysis.plan import LoopPlan
    from zexus_parallel_plugin.engine.code import Code, CodeCache

__all__ = ["ProgramView", "UnitView"]

_ARITHMETIC = {isa.ADD: operator.add, isa.SUB: operator.sub, isa.MUL: operator.mul}


@dataclass(slots=True, eq=False)
class UnitView:
    """One code object of a program: the top-level code, or an action.

    Attributes:
        name: the action's name; ``<main>`` for the top-level code.
        code: the prepared code; main: it is the top-level code.
        facts: what is known of it, None if the engine does not execute it.
        plans: plans of its loops, by head.
        function: what the analysis of names knows.
    """

    name: str
    code: Code
    main: bool
    function: Function
    facts: CodeFacts | None
    plans: dict[int, LoopPlan]
    _everything: LoopBody | None = None

    @property
    def everything(self) -> LoopBody | None:
        """All of its instructions as if they were the body of a loop; None where there are no facts."""
        if self._everything is None and self.facts is not None and self.facts.flow.exit:
            whole = Loop(0, frozenset(range(self.facts.flow.exit)))
            self._everything = LoopBody(self.facts, whole)
        return self._everything


class ProgramView:
    """Analyses a program from its top-level bytecode, without executing it.

    :param cache: prepares code objects.
    :param env: variables that exist before the program runs.
    :param pure: builtins without effects.
    """

    def __init__(
        self,
        cache: CodeCache,
        bytecode: Any,
        env: dict[str, Any],
        builtins: dict[str, Any],
        pure: Collection[str],
    ) -> None:
        self.names: Program = analyse(cache, bytecode, env, builtins)
        self.descriptors = _descriptors(bytecode)
        self._cache = cache
        footprints = Footprints(self._code_of, builtins, pure)
        self.callees = FootprintCallees(footprints, self.lookup, builtins, pure)
        self.constants = _constants(self.names)
        self._top = self.names.main.own
        self.units = [
            self._unit(function)
            for function in self.names.functions.values()
            if function is self.names.main or id(function.code.bytecode) in self.descriptors
        ]
        self._unit_of = {unit.function: unit for unit in self.units}

    def lookup(self, name: str) -> Descriptor | None:
        """The action that a name always means, None if there is none or several."""
        function = self.names.stable(name)
        return self.descriptors.get(id(function.code.bytecode)) if function is not None else None

    def unit(self, name: str) -> UnitView | None:
        """The code object of the action that a name always means."""
        function = self.names.stable(name)
        return self._unit_of.get(function) if function is not None else None

    def _code_of(self, function: Descriptor) -> Code:
        return self._cache.get(function["bytecode"], str(function.get("name") or ""))

    def _unit(self, function: Function) -> UnitView:
        code, main = function.code, function is self.names.main
        name = "<main>" if main else code.name
        if code.refusal or code.bounds.checked:
            plans = classify_all(code, self.callees, main=main)
            return UnitView(name, code, main, function, None, plans)
        flow = Flow(code.instructions)
        params = () if main else parameters(self.descriptors[id(code.bytecode)])
        facts = CodeFacts(
            flow, self.callees, main=main, params=params, visible=self._visible(function),
            constants=self.constants,
        )  # fmt: skip
        plans = classify_all(code, self.callees, main=main, facts=facts)
        return UnitView(name, code, main, function, facts, plans)

    def _visible(self, function: Function) -> Callable[[str], bool]:
        """Whether a frame that calls a code object may have a variable of a name."""
        above, top = function.above, self._top
        if function is self.names.main:
            return above.__contains__
        return lambda name: name in above or name in top


def _constants(names: Program) -> dict[str, int]:
    """Variables that are assigned once in the whole program, by numbers that are known then."""
    stores: dict[str, list[tuple[Code, int]]] = {}
    for function in names.functions.values():
        for name in function.params:
            stores.setdefault(name, []).append((function.code, -1))
        for pc, (op, operand, _gas) in enumerate(function.code.instructions):
            if op == isa.STORE_NAME:
                stores.setdefault(operand, []).append((function.code, pc))
    found: dict[str, int] = {}
    for name, places in stores.items():
        code, pc = places[0]
        if len(places) == 1 and pc > 0:
            if code.instructions[pc - 1][0] == isa.DUP:
                pc -= 1
            value = _evaluate(code, pc - 1, found)
            if value is not None:
                found[name] = value
    return found


def _evaluate(code: Code, pc: int, known: dict[str, int]) -> int | None:
    """The integer that the expression ending at ``pc`` yields, if it has nothing but numbers and ``known``
    names.
    """
    stack: list[int] = []
    first = pc
    while first > 0 and (
        code.instructions[first - 1][0] in {isa.LOAD_CONST, isa.LOAD_NAME, isa.ADD, isa.SUB, isa.MUL}
    ):
        first -= 1
    for op, operand, _gas in code.instructions[first : pc + 1]:
        if op == isa.LOAD_CONST and type(operand) is int:
            stack.append(operand)
        elif op == isa.LOAD_NAME and operand in known:
            stack.append(known[operand])
        elif op in _ARITHMETIC and len(stack) > 1:
            right, left = stack.pop(), stack.pop()
            stack.append(_ARITHMETIC[op](left, right))
        else:
            return None
    return stack[0] if len(stack) == 1 and abs(stack[0]) < 1 << 62 else None


def _descriptors(bytecode: Any) -> dict[int, Descriptor]:
    """All actions in a code object and in those inside it, by identity of their code."""
    found: dict[int, Descriptor] = {}
    work = [bytecode]
    while work:
        for constant in work.pop().constants:
            if type(constant) is dict and "bytecode" in constant and id(constant["bytecode"]) not in found:
                found[id(constant["bytecode"])] = constant
                work.append(constant["bytecode"])
    return found
