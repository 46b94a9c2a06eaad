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


@dataclass(frozen=True, slots=True)
class Bound:
    """The condition at a loop's head: ``counter`` compared by ``op`` with a constant, a variable, or the
    length of one.
    """

    counter: str
    op: int
    constant: Any = None
    name: str = ""
    length: bool = False


def bound_of(code: Code, loop: Loop) -> Bound | None:
    """The condition under which a loop goes on, if it is a simple one."""
    pc = loop.pc
    instructions = code.instructions
    while instructions[pc][0] == isa.NOP:
        pc += 1
    if instructions[pc][0] != isa.LOAD_NAME:
        return None
    counter = instructions[pc][1]
    op, operand, _gas = instructions[pc + 1]
    behind = pc + 2
    length = False
    if op == isa.LOAD_NAME:
        then, detail, _gas = instructions[behind]
        length = then == isa.GET_LENGTH or (then == isa.CALL_NAME and detail[:2] in _LENGTHS)
        behind += length
    elif op != isa.LOAD_CONST:
        return None
    order = instructions[behind][0]
    jump = instructions[behind + 1]
    if order not in {isa.LT, isa.LTE, isa.GT, isa.GTE} or jump[0] != isa.JUMP_IF_FALSE:
        return None
    if jump[1] != loop.last + 1:
        return None
    if op == isa.LOAD_CONST:
        return Bound(counter, order, constant=operand)
    return Bound(counter, order, name=operand, length=length)


def elements_of(code: Code, loop: Loop, counters: dict[str, int], bound: Bound | None) -> str:
    """The variable whose elements a ``for each`` takes, if it is used for nothing else; else empty."""
    if bound is None or not bound.length or counters.get(bound.counter) != 1:
        return ""
    loads = {bound.name: 0, bound.counter: 0}
    takes = 0
    for pc in set(steps(loop.body)):
        op, operand, _gas = code.instructions[pc]
        if op == isa.LOAD_NAME and operand in loads:
            loads[operand] += 1
        elif op == isa.FOR_ITER:
            before = [i[:2] for i in code.instructions[pc - 2 : pc]]
            takes += before == [(isa.LOAD_NAME, bound.name), (isa.LOAD_NAME, bound.counter)]
    # The head loads both, taking an element does, and the counter is loaded once more to be raised.
    return bound.name if takes == 1 and loads == {bound.name: 2, bound.counter: 3} else ""
