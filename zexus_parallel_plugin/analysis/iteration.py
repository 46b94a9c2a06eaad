"""How a loop counts: the element variable of a ``for each``, or the counter of a ``while``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.body import LoopBody

__all__ = ["Iteration", "iteration_of"]

_ORDERS = {isa.LT: "<", isa.GT: ">", isa.LTE: "<=", isa.GTE: ">="}
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Iteration:
    """The induction variable of a loop.

    For ``each``: ``variables`` are the names that get the element (one, or key and value in the order of the
    assignments), ``iterable`` and ``index`` the names of the host's temporaries; the loop goes on while
    ``index < length of iterable``, both looked at again in every iteration. For ``counter``: ``index`` is the
    counter, and the loop goes on while ``index order bound``, where ``bound`` is the range of instructions
    (first, behind last) that computes the bound from ``bound_names`` and constants only, by operators without
    effects. ``step`` is a constant, never 0. ``update`` is the ``STORE_NAME`` of the index.

    ``source`` is the instruction that has computed the list of an ``each``; -1 if that is not known.
    ``count`` is the number of iterations where the program text tells it, else -1.
    """

    kind: Literal["each", "counter"]
    index: str
    step: int
    update: int
    order: str = "<"
    iterable: str = ""
    variables: tuple[str, ...] = ()
    bound: tuple[int, int] = (0, 0)
    bound_names: frozenset[str] = frozenset()
    source: int = -1
    count: int = -1


def iteration_of(body: LoopBody) -> Iteration | None:
    """How the loop counts; None if it does in no way that can be told."""
    if body.condition < 0:
        return None
    operands = body.operands
    compared = operands.only(body.condition, 0)
    if compared < 0 or body.flow.instructions[compared][0] not in _ORDERS:
        return None
    order = _ORDERS[body.flow.instructions[compared][0]]
    left, right = operands.only(compared, 0), operands.only(compared, 1)
    if left < 0 or right < 0:
        return None
    for counter, bound, way in ((left, right, order), (right, left, _TURNED[order])):
        op, name, _gas = body.flow.instructions[counter]
        if op != isa.LOAD_NAME or name not in body.stores:
            continue
        step, update = _step(body, name)
        if step and (step > 0) == (way in {"<", "<="}):
            each = _each(body, name, bound, update, way, step)
            return each or _counter(body, name, bound, update, way, step)
    return None


def _step(body: LoopBody, name: str) -> tuple[int, int]:
    """The constant that each iteration adds to a name, and where; 0 if it is not so."""
    if len(body.stores[name]) != 1:
        return 0, -1
    update = body.stores[name][0]
    instructions, operands = body.flow.instructions, body.operands
    made = operands.only(update, 0)
    if made < 0 or instructions[made][0] not in {isa.ADD, isa.SUB} or not body.each_iteration(update):
        return 0, -1
    left, right = operands.only(made, 0), operands.only(made, 1)
    if left < 0 or right < 0:
        return 0, -1
    if instructions[made][0] == isa.ADD and instructions[left][0] == isa.LOAD_CONST:
        left, right = right, left
    constant = instructions[right][1]
    if (
        instructions[left][:2] != (isa.LOAD_NAME, name)
        or instructions[right][0] != isa.LOAD_CONST
        or type(constant) is not int
    ):
        return 0, -1
    return (constant if instructions[made][0] == isa.ADD else -constant), update


def _each(body: LoopBody, index: str, bound: int, update: int, order: str, step: int) -> Iteration | None:
    """The host's code for ``for each``, exactly: a length, a ``FOR_ITER``, and names that get the element."""
    instructions, operands = body.flow.instructions, body.operands
    if instructions[bound][0] != isa.GET_LENGTH or (order, step) != ("<", 1):
        return None
    counted = operands.only(bound, 0)
    taken = body.condition + 3
    if counted < 0 or taken >= len(instructions) or instructions[taken][0] != isa.FOR_ITER:
        return None
    op, iterable, _gas = instructions[counted]
    parts = instructions[taken - 2][:2], instructions[taken - 1][:2]
    if op != isa.LOAD_NAME or parts != ((isa.LOAD_NAME, iterable), (isa.LOAD_NAME, index)):
        return None
    elements = instructions[taken][1]
    variables = []
    for pc in range(taken + 1, taken + 1 + elements):
        if instructions[pc][0] != isa.STORE_NAME:
            return None
        variables.append(instructions[pc][1])
    if len(body.loads[index]) != 3 or len(body.loads[iterable]) != 2 or iterable in body.stores:
        return None  # the program uses the host's temporaries itself
    source = _source(body, iterable)
    return Iteration(
        "each", index, 1, update, "<", iterable, tuple(variables), source=source, count=_length(body, source)
    )


def _source(body: LoopBody, iterable: str) -> int:
    """What computed the list, in the instructions directly before the loop."""
    instructions = body.flow.instructions
    for pc in range(body.head - 1, max(-1, body.head - 4), -1):
        if instructions[pc][:2] == (isa.STORE_NAME, iterable):
            return body.operands.only(pc, 0)
    return -1


def _length(body: LoopBody, source: int) -> int:
    """Elements of the list, where the text tells: a literal, or ``range`` of literals."""
    if source < 0:
        return -1
    op, operand, _gas = body.flow.instructions[source]
    if op == isa.BUILD_LIST:
        return int(operand)
    if op != isa.CALL_NAME or operand[0] != "range" or not 1 <= operand[1] <= 2:
        return -1
    values = [_literal(body, body.operands.only(source, index)) for index in range(operand[1])]
    if any(value is None for value in values):
        return -1
    first, last = (0, *values)[-2:]
    assert first is not None
    assert last is not None
    return max(0, last - first)


def _literal(body: LoopBody, pc: int) -> int | None:
    """The integer that an instruction yields whenever it is executed: a constant, or a name that the code
    object assigns once, a constant, and before.
    """
    if pc < 0:
        return None
    instructions = body.flow.instructions
    op, operand, _gas = instructions[pc]
    if op == isa.LOAD_CONST:
        return operand if type(operand) is int else None
    if op == isa.LOAD_NAME:
        return body.facts.constants.get(operand)
    left, right = (body.operands.only(pc, index) for index in (0, 1))
    if op in {isa.ADD, isa.SUB, isa.MUL} and left >= 0 and right >= 0:
        a, b = _literal(body, left), _literal(body, right)
        if a is not None and b is not None:
            return a + b if op == isa.ADD else a - b if op == isa.SUB else a * b
    return None


def _counter(body: LoopBody, name: str, bound: int, update: int, order: str, step: int) -> Iteration | None:
    """A counter whose bound does not change while the loop runs."""
    instructions = body.flow.instructions
    tree = sorted(body.operands.tree(bound))
    names = set()
    for pc in tree:
        op, operand, _gas = instructions[pc]
        if op == isa.LOAD_NAME:
            names.add(operand)
        elif op == isa.CALL_NAME:
            if operand[0] not in {"len", "length"} or not operand[2]:
                return None
        elif not (
            op == isa.LOAD_CONST or isa.ADD <= op <= isa.LAST_BINARY or op in {isa.NEG, isa.GET_LENGTH}
        ):
            return None
    if tree != list(range(tree[0], tree[-1] + 1)) or names & body.stores.keys():
        return None
    count = -1
    limit = _literal(body, bound)
    start = _start(body, name)
    if limit is not None and start is not None:
        whole, rest = divmod(abs(limit - start), abs(step))
        ahead = (limit > start) == (step > 0) and limit != start
        count = whole + bool(rest) if ahead else 0
        if order in {"<=", ">="} and not rest and (ahead or limit == start):
            count += 1
    return Iteration(
        "counter", name, step, update, order, bound=(tree[0], tree[-1] + 1), bound_names=frozenset(names),
        count=count,
    )  # fmt: skip


def _start(body: LoopBody, name: str) -> int | None:
    """Value of the counter when the loop begins, if that is assigned directly before it."""
    instructions = body.flow.instructions
    first = body.flow.span(body.loop.header)[0]
    for pc in range(first - 1, -1, -1):
        op, operand, _gas = instructions[pc]
        if op in isa.JUMPS or op in {isa.CALL_NAME, isa.CALL_TOP, isa.SETUP_TRY}:
            return None
        if op == isa.STORE_NAME and operand == name:
            return _literal(body, body.operands.only(pc, 0))
    return None
