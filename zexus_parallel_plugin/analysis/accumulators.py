"""Variables that a loop only adds to: totals, products, lists, maps, least and greatest values.

Such a variable is carried from iteration to iteration, but nothing else in the loop looks at it, so the order
of the work does not matter as long as the order of the additions is kept, or cannot be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.body import LoopBody

__all__ = ["Accumulator", "accumulator_of"]

Kind = Literal["fold", "list", "store", "extreme"]

_OPERATORS = {isa.ADD: "+", isa.SUB: "-", isa.MUL: "*"}
_COMPARISONS = {isa.GT: ">", isa.LT: "<", isa.GTE: ">=", isa.LTE: "<="}
_TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_CALLS = frozenset(
    {isa.CALL_NAME, isa.CALL_METHOD, isa.CALL_TOP, isa.PARALLEL_MAP, isa.RARE, isa.PRINT, isa.STORE_FUNC}
)
_LISTING = frozenset({"push", "append"})


@dataclass(frozen=True, slots=True)
class Accumulator:
    """A name that all instructions of a loop only accumulate into.

    Attributes:
        name: the variable.
        kind: ``fold``: ``name = name operator value``; ``list``: an element is added at the end; ``store``:
            ``name[key] = value``; ``extreme``: ``if (value order name) { name = value; … }``.
        operators: for ``fold``, of ``+``, ``-``, ``*``; for ``extreme``, the one order that lets a value
            replace the known one (``>``: the greatest, the first of equal ones).
        types: for ``fold``, the exact types of start and partial results for which partial results may be
            put together, in order: with them it cannot be told from the sequential loop. For ``list`` and
            ``store`` the types that the object must have.
        in_place: the object itself is changed (``.push``, ``append``, ``m[k] = v``); otherwise the name gets
            a new one.
        instructions: those that use the name: loads and stores.
        updates: the instructions that add: the operator, the call, the method call, or the conditional jump
            of an ``extreme``.
        companions: for ``extreme``, other names that are assigned together with it, and nowhere else.
        conditional: not every iteration adds exactly once.
    """

    name: str
    kind: Kind
    operators: frozenset[str]
    types: frozenset[str]
    in_place: bool
    instructions: tuple[int, ...]
    updates: tuple[int, ...]
    companions: frozenset[str] = frozenset()
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class _Update:
    kind: Kind
    operator: str
    in_place: bool
    pc: int
    load: int
    store: int = -1
    right: bool = False


def accumulator_of(body: LoopBody, name: str) -> Accumulator | None:
    """How a loop accumulates into a name; None if it does anything else with it."""
    loads, stores = body.loads.get(name, []), body.stores.get(name, [])
    extreme = _extreme(body, name, loads, stores)
    if extreme is not None:
        return extreme
    updates = [_assigned(body, name, store) for store in stores]
    stored = {update.load for update in updates if update is not None}
    updates += [_in_place(body, name, load) for load in loads if load not in stored]
    found = [update for update in updates if update is not None]
    if not found or len(found) != len(updates) or {update.load for update in found} != set(loads):
        return None
    if len({(update.kind, update.in_place) for update in found}) != 1:
        return None
    kind, operators = found[0].kind, frozenset(update.operator for update in found)
    types = _types(kind, operators, any(update.right for update in found))
    if not types:
        return None
    return Accumulator(
        name, kind, operators if kind == "fold" else frozenset(), types, found[0].in_place,
        tuple(sorted({*loads, *stores})), tuple(sorted(update.pc for update in found)),
        conditional=len(found) != 1 or not body.each_iteration(found[0].pc),
    )  # fmt: skip


def _types(kind: Kind, operators: frozenset[str], right: bool) -> frozenset[str]:
    if kind == "list":
        return frozenset({"list"})
    if kind == "store":
        return frozenset({"dict", "list"})
    if operators == {"+"} and not right:
        return frozenset({"int", "str", "list"})
    if operators <= {"+", "-"} or operators == {"*"}:
        return frozenset({"int"})
    return frozenset()


def _assigned(body: LoopBody, name: str, store: int) -> _Update | None:
    """``name = name op value``, ``name = push(name, value)``, ``name = append(name, value)``."""
    instructions, operands = body.flow.instructions, body.operands
    made = operands.only(store, 0)
    if made < 0 or instructions[store][0] != isa.STORE_NAME or operands.consumers(made) != [store]:
        return None
    op, operand, _gas = instructions[made]
    first, second = operands.only(made, 0), operands.only(made, 1)
    if op in _OPERATORS:
        for load, right in ((first, False), (second, True)):
            if load >= 0 and instructions[load][:2] == (isa.LOAD_NAME, name):
                if right and op == isa.SUB:
                    return None
                return _Update("fold", _OPERATORS[op], False, made, load, store, right)
        return None
    load = first
    if load < 0 or instructions[load][:2] != (isa.LOAD_NAME, name) or operands.consumers(load) != [made]:
        return None
    if op == isa.CALL_NAME and operand[0] in _LISTING and operand[1] == 2:
        return _Update("list", operand[0], operand[0] == "append", made, load, store)
    if op == isa.CALL_METHOD and operand[0] in _LISTING and operand[1] == 1:
        return _Update("list", operand[0], True, made, load, store)
    return None


def _in_place(body: LoopBody, name: str, load: int) -> _Update | None:
    """``name.push(value)``, ``append(name, value)``, ``name[key] = value``, as statements."""
    instructions, operands = body.flow.instructions, body.operands
    if instructions[load][:2] != (isa.LOAD_NAME, name):
        return None
    users = operands.consumers(load)
    if len(users) != 1 or operands.only(users[0], 0) != load or operands.consumers(users[0]):
        return None
    op, operand, _gas = instructions[users[0]]
    if op == isa.CALL_METHOD and operand[0] in _LISTING and operand[1] == 1:
        return _Update("list", operand[0], True, users[0], load)
    if op == isa.CALL_NAME and operand[:2] == ("append", 2):
        return _Update("list", "append", True, users[0], load)
    if op == isa.CALL_METHOD and operand == ("set", 2):
        return _Update("store", "set", True, users[0], load)
    return None


def _extreme(body: LoopBody, name: str, loads: list[int], stores: list[int]) -> Accumulator | None:
    """``if (value > name) { name = value; … }``, once in the loop."""
    if len(loads) != 1 or len(stores) != 1:
        return None
    instructions, operands = body.flow.instructions, body.operands
    users = operands.consumers(loads[0])
    if len(users) != 1 or instructions[users[0]][0] not in _COMPARISONS:
        return None
    compared = users[0]
    jumps = operands.consumers(compared)
    if len(jumps) != 1 or instructions[jumps[0]][0] != isa.JUMP_IF_FALSE:
        return None
    jump, store = jumps[0], stores[0]
    order = _COMPARISONS[instructions[compared][0]]
    left, right = operands.only(compared, 0), operands.only(compared, 1)
    value = left
    if left == loads[0]:
        value, order = right, _TURNED[order]
    stored = operands.only(store, 0)
    taken = body.flow.block_of(jump + 1)
    first, end = body.flow.span(taken)
    if value < 0 or stored < 0 or not first <= store < end or body.flow.block_of(jump) == taken:
        return None

    def unchanged(read: str) -> bool:
        return not any(value <= other <= store for other in body.stores.get(read, ()))

    if not operands.same(value, stored, unchanged):
        return None
    companions = set()
    for pc in range(first, end):
        op, operand, _gas = instructions[pc]
        if op in _CALLS:
            return None
        if op == isa.STORE_NAME and operand != name:
            if body.stores[operand] != [pc] or operand in body.loads:
                return None
            companions.add(operand)
    return Accumulator(
        name, "extreme", frozenset({order}), frozenset({"int", "float"}), False, (loads[0], store), (jump,),
        frozenset(companions), conditional=True,
    )  # fmt: skip
