"""Which objects a value may be, or be a part of: alias reasoning inside a loop.

An origin is the name of a variable, for the objects that can be reached from its value when the iteration
begins, or `FRESH` for objects that were made in the iteration. All of them are one summary: what is stored in
one fresh object may come out of any. The flow of control is not looked at, only which instruction may produce
which operand, and which store may assign which name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from zexus_parallel_plugin.analysis.effects import PURE_METHODS
from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.body import LoopBody

__all__ = ["FRESH", "Origins"]

FRESH: Final = "<fresh>"
CONSTANT: Final = "<constant>"
_EMPTY: frozenset[str] = frozenset()
_SCALARS = frozenset({isa.LT, isa.GT, isa.LTE, isa.GTE, isa.EQ, isa.NEQ, isa.AND, isa.OR, isa.NOT, isa.NEG,
                      isa.SUB, isa.MUL, isa.DIV, isa.MOD, isa.POW, isa.GET_LENGTH})  # fmt: skip
_WITHOUT = _SCALARS | isa.JUMPS | {isa.NOP, isa.POP, isa.PRINT, isa.RETURN}
"""What makes no objects."""
_SCALAR_CALLS = frozenset({"len", "length", "str", "string", "int", "float", "abs", "sqrt", "type", "typeof"})
_SCALAR_METHODS = frozenset(
    {"length", "size", "count", "has", "contains", "includes", "indexOf", "index_of", "is_empty", "isEmpty"}
)


class Origins:
    """Origins of all values of one loop, as a least fixed point.

    Attributes:
        contents: origins of what fresh objects may contain.
        changes: instructions that may change an object, with the origins of that object.
    """

    def __init__(
        self, body: LoopBody, numbers: frozenset[str] = _EMPTY, ranges: frozenset[str] = _EMPTY
    ) -> None:
        """``numbers``: names of numbers; ``ranges``: of lists that contain nothing else."""
        self._body = body
        self._numbers = numbers
        self._ranges = ranges
        self._names: dict[str, frozenset[str]] = {}
        self._made: dict[int, frozenset[str]] = {}
        self.contents: frozenset[str] = _EMPTY
        self.changes: dict[int, frozenset[str]] = {}
        self._read: set[str] = set()  # names that were looked at in this round
        self._looked: list[frozenset[str]] = []  # contents, when they were first looked at in this round
        self._solve()

    def of_operand(self, pc: int, index: int) -> frozenset[str]:
        """Origins of an operand of an instruction."""
        operands = self._body.operands.of(pc)
        if index >= len(operands):
            return _EMPTY
        found = _EMPTY
        for producer in operands[index]:
            found |= self._made.get(producer, _EMPTY)
        return found

    def of_name(self, name: str) -> frozenset[str]:
        """Origins of the values that a name may have in the loop."""
        if name in self._numbers:
            return _EMPTY
        self._read.add(name)
        found = self._names.get(name, _EMPTY)
        if name not in self._body.stores or name in self._body.exposed:
            found |= {name}
        return found

    def inside(self, origins: frozenset[str]) -> frozenset[str]:
        """Origins of what can be taken out of such an object."""
        if FRESH not in origins:
            return origins
        if not self._looked:
            self._looked.append(self.contents)
        return (origins - {FRESH}) | self.contents

    def _solve(self) -> None:
        """Operands are made before the instruction that takes them, so another round is needed only for what
        was looked at before it grew: names, and the contents of fresh objects.
        """
        body = self._body
        instructions = body.flow.instructions
        pcs = [pc for pc in body.pcs if instructions[pc][0] not in _WITHOUT]
        again = True
        while again:
            again = False
            self._read.clear()
            self._looked.clear()
            for pc in pcs:
                op, operand, _gas = instructions[pc]
                if op == isa.STORE_NAME:
                    again |= self._assign(operand, self.of_operand(pc, 0))
                elif op == isa.STORE_FUNC:
                    again |= self._assign(operand[0], frozenset({CONSTANT}))
                else:
                    found = self._value(pc, op, operand)
                    if found:
                        self._made[pc] = found
            again |= self._looked not in ([], [self.contents])

    def _assign(self, name: str, found: frozenset[str]) -> bool:
        """Tell whether a name that was looked at has got more origins."""
        known = self._names.get(name, _EMPTY)
        if found <= known:
            return False
        self._names[name] = known | found
        return name in self._read

    def _put(self, origins: frozenset[str]) -> frozenset[str]:
        """A fresh object that contains such values."""
        self.contents |= origins
        return frozenset({FRESH})

    def _value(self, pc: int, op: int, operand: Any) -> frozenset[str]:
        if op == isa.LOAD_NAME:
            return self.of_name(operand)
        if op == isa.LOAD_CONST:
            return frozenset({CONSTANT}) if type(operand) in {dict, list} else _EMPTY
        if op in _SCALARS:
            return _EMPTY
        if op == isa.ADD:
            both = self.of_operand(pc, 0) | self.of_operand(pc, 1)
            return self._put(self.inside(both)) if both else _EMPTY
        if op in {isa.INDEX, isa.FOR_ITER, isa.GET_ATTR}:
            return self.inside(self.of_operand(pc, 0)) - self._ranges
        if op == isa.SLICE:
            return self._put(self.inside(self.of_operand(pc, 0)))
        if op in {isa.BUILD_LIST, isa.BUILD_MAP}:
            return self._put(self._all(pc))
        if op == isa.CALL_NAME:
            return self._call(pc, *operand[:2])
        if op == isa.CALL_METHOD:
            return self._method(pc, *operand)
        if op in {isa.CALL_TOP, isa.PARALLEL_MAP, isa.RARE}:
            found = self._all(pc)
            self.changes[pc] = found
            return self._put(found) | found
        return _EMPTY

    def _all(self, pc: int) -> frozenset[str]:
        return _EMPTY.union(*(self.of_operand(pc, i) for i in range(len(self._body.operands.of(pc)))))

    def _call(self, pc: int, name: str, count: int) -> frozenset[str]:
        if name == "push" and count == 2:
            return self._put(self.inside(self.of_operand(pc, 0)) | self.of_operand(pc, 1))
        if name == "append" and count == 2:
            return self._change(pc, self.of_operand(pc, 1))
        if name in _SCALAR_CALLS:
            return _EMPTY
        if name == "range":
            return frozenset({FRESH})
        found = self._all(pc)
        body = self._body
        if pc in body.calls:
            callee = body.calls[pc]
            if callee is not None:
                for read in callee.reads:
                    found |= self.of_name(read)
            if callee is None or callee.mutates:
                self.changes[pc] = self._changed(pc, callee.changes if callee else None, found)
        return self._put(self.inside(found) | found) | found

    def _changed(
        self, pc: int, changes: frozenset[int | str] | None, everything: frozenset[str]
    ) -> frozenset[str]:
        """What a call changes, by what its callee does."""
        found = _EMPTY
        if changes is None:
            found = everything
        else:
            for change in changes:
                found |= self.of_name(change) if isinstance(change, str) else self.of_operand(pc, change)
        return self.inside(found) | found

    def _method(self, pc: int, name: str, _count: int) -> frozenset[str]:
        target = self.of_operand(pc, 0)
        rest = _EMPTY.union(*(self.of_operand(pc, i) for i in range(1, len(self._body.operands.of(pc)))))
        if name in _SCALAR_METHODS:
            return _EMPTY
        if name in PURE_METHODS:
            return self._put(self.inside(target)) | self.inside(target) | rest
        if name in {"push", "append"}:
            return self._change(pc, rest)
        self.changes[pc] = target
        if FRESH in target:
            self.contents |= rest
        return self.inside(target) | rest

    def _change(self, pc: int, added: frozenset[str]) -> frozenset[str]:
        target = self.of_operand(pc, 0)
        self.changes[pc] = target
        if FRESH in target:
            self.contents |= added
        return target
