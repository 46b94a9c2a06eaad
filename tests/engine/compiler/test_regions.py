"""Gas of straight-line regions: on every path, what is charged less what is given back is what ran."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zexus_parallel_plugin.engine import isa, rare
from zexus_parallel_plugin.engine.compiler.control import If, Leave, LeaveIf, Loop, Node, Return, Step
from zexus_parallel_plugin.engine.compiler.regions import Cost, Pricing

from .shapes import by_hand

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.code import Code

CALL = (isa.CALL_NAME, ("f", 1, False))
RARE = (isa.RARE, (rare.HANDLERS["AWAIT"], None))


def test_costs_are_a_small_algebra() -> None:
    a, b = Cost(5, 1), Cost(3, 2)
    assert a.plus(b) == Cost(8, 3)
    assert a.minus(b) == Cost(2, -1)
    assert a.most(b) == Cost(5, 2)


@pytest.mark.parametrize(
    ("instruction", "splits", "exits"),
    [(isa.ADD, False, False), (CALL, True, False), ((isa.CALL_NAME, ("len", 1, True)), False, False),
     ((isa.CALL_NAME, ("len", 2, True)), True, False), ((isa.CALL_NAME, ("abs", 1, False)), False, False),
     ((isa.CALL_TOP, 1), True, False), ((isa.CALL_METHOD, ("m", 1)), False, False), (RARE, False, True),
     (isa.THROW, False, True), (isa.PARALLEL_MAP, True, True), ((isa.PRINT, 1), False, False)],
)  # fmt: skip
def test_where_regions_end(instruction: Any, splits: bool, exits: bool) -> None:
    pricing = Pricing(by_hand(instruction), frozenset({"abs"}))
    assert (pricing.splits(0), pricing.exits(0)) == (splits, exits)
    assert pricing.step(0) == Cost(1, 1)


def test_a_region_reaches_to_the_next_split() -> None:
    pricing = Pricing(by_hand(isa.NOP, isa.NOP, CALL, isa.NOP), frozenset())
    nodes = [Step(0), Step(1), Step(2), Step(3)]
    assert pricing.ahead(nodes) == (Cost(1 + 2 + 3, 3), False)
    assert pricing.ahead(nodes, 3) == (Cost(4, 1), True)
    assert pricing.divided(nodes)
    assert not pricing.divided(nodes[:2])


def test_of_an_if_the_dearer_side_counts() -> None:
    code = by_hand((isa.JUMP_IF_FALSE, 3), isa.NOP, isa.NOP, isa.NOP)
    pricing = Pricing(code, frozenset())
    assert pricing.ahead([If(0, (Step(1), Step(2)), (Step(3),))]) == (Cost(1 + 2 + 3, 3), True)
    assert pricing.ahead([If(0, (Step(1),), (Step(3),))]) == (Cost(1 + 4, 2), True)
    assert pricing.ahead([If(0, (Return(1),), (Leave(3, "break"),)), Step(2)]) == (Cost(1 + 4, 2), False)


class _Program:
    """Nodes with instructions of their own, from a description of words and tuples of a word and blocks."""

    def __init__(self, description: list[Any]) -> None:
        self.instructions: list[Any] = []
        self.nodes = self.sequence(description, inside=False)
        self.code: Code = by_hand(*self.instructions)

    def pc(self, instruction: Any) -> int:
        self.instructions.append(instruction)
        return len(self.instructions) - 1

    def sequence(self, description: list[Any], *, inside: bool) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for part in description:
            if part == "step":
                nodes.append(Step(self.pc(isa.NOP)))
            elif part == "call":
                nodes.append(Step(self.pc(CALL)))
            elif part == "rare":
                nodes.append(Step(self.pc(RARE)))
            elif part == "return" or (part in ("break", "continue") and not inside):
                nodes.append(Return(self.pc(isa.RETURN)))
                break
            elif part in ("break", "continue"):
                nodes.append(Leave(self.pc((isa.JUMP, 0)), part))
                break
            elif part == "break?":
                if inside:
                    nodes.append(LeaveIf(self.pc((isa.JUMP_IF_FALSE, 0)), "break"))
            elif part[0] == "if":
                pc = self.pc((isa.JUMP_IF_FALSE, 0))
                taken = self.sequence(part[1], inside=inside)
                nodes.append(If(pc, taken, self.sequence(part[2], inside=inside)))
            else:
                pc = len(self.instructions)
                body = self.sequence(["step", *part[1], "continue"], inside=True)
                nodes.append(Loop(pc, len(self.instructions) - 1, body))
        return tuple(nodes)


class _Run:
    """Executes nodes, charging as the emitter has the generated code charge."""

    def __init__(self, program: _Program, decisions: list[bool]) -> None:
        self.pricing = Pricing(program.code, frozenset())
        self.decisions = iter(decisions)
        self.charged, self.executed, self.prepaid = Cost(), Cost(), Cost()
        self.uncharged = True
        end = self.sequence(program.nodes)
        assert end or self.uncharged or self.prepaid == Cost()
        self.give_back()

    def turn(self) -> bool:
        return next(self.decisions, True)

    def spend(self, pc: int) -> None:
        self.executed = self.executed.plus(self.pricing.step(pc))
        self.prepaid = self.prepaid.minus(self.pricing.step(pc))
        assert min(self.prepaid) >= 0

    def give_back(self) -> None:
        self.charged = self.charged.minus(self.prepaid)
        self.prepaid = Cost()
        assert self.charged == self.executed

    def sequence(self, nodes: Sequence[Node]) -> str:
        """How control leaves the nodes; empty if it runs on behind them."""
        for index, node in enumerate(nodes):
            if self.uncharged and not isinstance(node, Loop):
                assert self.charged == self.executed
                self.prepaid = self.pricing.ahead(nodes, index).cost
                self.charged = self.charged.plus(self.prepaid)
                self.uncharged = False
            end = self.node(node)
            if end:
                return end
        return ""

    def node(self, node: Node) -> str:
        if isinstance(node, Loop):
            while True:
                self.uncharged = True
                end = self.sequence(node.body)
                if end in {"break", "return", "exit"}:
                    break
                assert end == "continue"
            self.uncharged = True
            return "" if end == "break" else end
        if isinstance(node, Step) and self.pricing.exits(node.pc):
            self.give_back()
            return "exit"
        self.spend(node.pc)
        if isinstance(node, Step):
            self.uncharged = self.pricing.splits(node.pc)
            assert not self.uncharged or self.prepaid == Cost()
            return ""
        if isinstance(node, If):
            return self.branch(node)
        if isinstance(node, LeaveIf) and not self.turn():
            return ""
        self.give_back()
        return "return" if isinstance(node, Return) else node.kind  # type: ignore[union-attr]

    def branch(self, node: If) -> str:
        side = node.taken if self.turn() else node.other
        if self.pricing.divided(node.taken) or self.pricing.divided(node.other):
            assert self.prepaid == Cost()
            self.uncharged = True
            end = self.sequence(side)
            if not end and not self.uncharged:
                assert self.prepaid == Cost()
            self.uncharged = True
            return end
        taken, other = (self.pricing.ahead(part).cost for part in (node.taken, node.other))
        most, cost = taken.most(other), self.pricing.ahead(side).cost
        rest = self.prepaid.minus(most)
        self.charged = self.charged.minus(most.minus(cost))
        self.prepaid = rest.plus(cost)
        end = self.sequence(side)
        assert end or self.prepaid == rest
        return end


simple = st.sampled_from(["step", "step", "call", "rare", "return", "break", "continue", "break?"])
quiet = st.sampled_from(["step", "return", "break", "continue", "break?"])


def _compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    block = st.lists(inner, max_size=4)
    return st.tuples(st.just("if"), block, block) | st.tuples(st.just("loop"), block)


def _branchy(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    block = st.lists(inner, max_size=4)
    return st.tuples(st.just("if"), block, block)


# Half of the programs have long regions, without calls and loops.
descriptions = st.lists(st.recursive(simple, _compound, max_leaves=12), max_size=6) | st.lists(
    st.recursive(quiet, _branchy, max_leaves=15), max_size=6
)


@settings(max_examples=250, deadline=None)
@given(descriptions, st.lists(st.booleans(), max_size=25))
def test_every_path_pays_for_what_it_executes(description: list[Any], decisions: list[bool]) -> None:
    # Loops end when the decisions do: an iteration without one would go on for ever.
    program = _Program(_ending(description))
    _Run(program, decisions)


def _ending(description: list[Any]) -> list[Any]:
    """The description with a way out at the head of each loop."""
    ended = []
    for part in description:
        if isinstance(part, str):
            ended.append(part)
        elif part[0] == "if":
            ended.append(("if", _ending(part[1]), _ending(part[2])))
        else:
            ended.append(("loop", ["break?", *_ending(part[1])]))
    return ended
