"""Induction variables of loops, and the conditions under which loops go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler.control import If, Leave, LeaveIf, Loop, Return, Try, steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.control import Node


def counters_of(code: Code, loop: Loop) -> dict[str, int]:
    """Induction variables of a loop with their steps: assigned once in every iteration, by ``i = i + 1``."""
    stores: dict[str, set[int]] = {}
    for pc in steps(loop.body):
        op, operand, _gas = code.instructions[pc]
        if op == isa.STORE_NAME:
            stores.setdefault(operand, set()).add(pc)
    found = {}
    for name, places in stores.items():
        if len(places) == 1:
            (pc,) = places
            step = _step(code, pc, name)
            if step and _executions(loop.body, pc) == {1}:
                found[name] = step
    return found


def _step(code: Code, pc: int, name: str) -> int:
    """By how much a store at ``pc`` raises a variable, 0 if that is not what it does."""
    start = pc - 4 if code.instructions[pc - 1][0] == isa.DUP else pc - 3
    if start < 0:
        return 0
    load, constant, operation = code.instructions[start : start + 3]
    if load[:2] != (isa.LOAD_NAME, name) or constant[0] != isa.LOAD_CONST or type(constant[1]) is not int:
        return 0
    return {isa.ADD: 1, isa.SUB: -1}.get(operation[0], 0) * constant[1]


def _executions(nodes: Sequence[Node], pc: int) -> set[int]:
    """How often an instruction may be executed in one iteration."""
    through, ended = _paths(nodes, pc)
    return through | ended


def _paths(nodes: Sequence[Node], pc: int) -> tuple[set[int], set[int]]:
    """The same on paths that reach the end of ``nodes``, and on those that go on with the next iteration."""
    through, ended = {0}, set()
    for node in nodes:
        if isinstance(node, If):
            sides = [_paths(node.taken, pc), _paths(node.other, pc)]
            ended |= {a + b for a in through for _, ends in sides for b in ends}
            through = {a + b for a in through for ends, _ in sides for b in ends}
        elif isinstance(node, Try):
            inside, ends = _paths(node.body, pc)
            ended |= {a + b for a in through for b in ends}
            through = {a + b for a in through for b in inside}
        elif isinstance(node, Loop):
            if pc in steps(node.body):
                through = {a + b for a in through for b in (0, 2)}
        elif isinstance(node, Return):
            through = set()
        elif isinstance(node, (Leave, LeaveIf)):
            if node.kind != "break":
                ended |= through
            if isinstance(node, Leave):
                through = set()
        elif node.pc == pc:
            through = {a + 1 for a in through}
    return through, ended


_LENGTHS = frozenset({("len", 1), ("length", 1)})

Term = tuple[tuple[int, Any], ...]
"""A calculation in postfix order: instructions that load names and constants, take lengths, and calculate."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The condition at a loop's head: ``counter`` compared by ``op`` with a ``limit``."""

    counter: str
    op: int
    limit: Term

    @property
    def names(self) -> frozenset[str]:
        """What the limit is calculated from."""
        return frozenset(operand for op, operand in self.limit if op == isa.LOAD_NAME)

    @property
    def sized(self) -> str:
        """The variable whose length is the limit, if it is just that; else empty."""
        if len(self.limit) == 2 and self.limit[0][0] == isa.LOAD_NAME and self.limit[1][0] == isa.GET_LENGTH:
            return str(self.limit[0][1])
        return ""


def bound_of(code: Code, loop: Loop, counters: dict[str, int]) -> Bound | None:
    """The condition under which a loop goes on, if it compares an induction variable with something that is
    calculated without one.
    """
    terms: list[Term] = []
    for pc in range(loop.pc, loop.last):
        op, operand, _gas = code.instructions[pc]
        if op in {isa.LOAD_NAME, isa.LOAD_CONST}:
            terms.append(((op, operand),))
        elif terms and (op == isa.GET_LENGTH or (op == isa.CALL_NAME and operand[:2] in _LENGTHS)):
            terms.append((*terms.pop(), (isa.GET_LENGTH, None)))
        elif len(terms) > 1 and op in {isa.ADD, isa.SUB, isa.MUL, isa.DIV}:
            right = terms.pop()
            terms.append((*terms.pop(), *right, (op, None)))
        elif op != isa.NOP:
            leaves = code.instructions[pc + 1][:2] == (isa.JUMP_IF_FALSE, loop.last + 1)
            if len(terms) != 2 or op not in isa.ORDERS or not leaves:
                return None
            return _bound(terms[0], op, terms[1], counters) or _bound(
                terms[1], isa.ORDERS[op], terms[0], counters
            )
    return None


def _bound(left: Term, op: int, right: Term, counters: dict[str, int]) -> Bound | None:
    """``left op right``, if the left side is an induction variable, or one plus or minus a number."""
    name = left[0][1]
    if left[0][0] != isa.LOAD_NAME or name not in counters or left[0] in right:
        return None
    if len(left) == 1:
        return Bound(name, op, right)
    if len(left) == 3 and left[1][0] == isa.LOAD_CONST and left[2][0] in {isa.ADD, isa.SUB}:
        back = isa.SUB if left[2][0] == isa.ADD else isa.ADD
        return Bound(name, op, (*right, left[1], (back, None)))
    return None


def elements_of(code: Code, loop: Loop, counters: dict[str, int], bound: Bound | None) -> str:
    """The variable whose elements a ``for each`` takes, if it is used for nothing else; else empty."""
    if bound is None or not bound.sized or counters.get(bound.counter) != 1:
        return ""
    loads = {bound.sized: 0, bound.counter: 0}
    takes = 0
    for pc in set(steps(loop.body)):
        op, operand, _gas = code.instructions[pc]
        if op == isa.LOAD_NAME and operand in loads:
            loads[operand] += 1
        elif op == isa.FOR_ITER:
            before = [i[:2] for i in code.instructions[pc - 2 : pc]]
            takes += before == [(isa.LOAD_NAME, bound.sized), (isa.LOAD_NAME, bound.counter)]
    # The head loads both, taking an element does, and the counter is loaded once more to be raised.
    return bound.sized if takes == 1 and loads == {bound.sized: 2, bound.counter: 3} else ""
