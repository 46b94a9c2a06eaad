"""Names that may reach a common list or map: classes of a whole code object.

Steensgaard's analysis ("Points-to Analysis in Almost Linear Time", 1996), without types: whenever a value may
be stored in a variable, or become part of what it holds, the variables that the value came from join its
class. Numbers and texts do not join, as far as the instruction that made them tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.analysis.facts import CodeFacts

__all__ = ["AliasClasses"]

_SCALAR_CALLS = frozenset(
    {"len", "length", "str", "string", "range", "int", "float", "abs", "sqrt", "type", "typeof"}
)
_SCALARS = frozenset(
    {
        isa.LT, isa.GT, isa.LTE, isa.GTE, isa.EQ, isa.NEQ, isa.AND, isa.OR, isa.NOT, isa.NEG, isa.SUB,
        isa.MUL, isa.DIV, isa.MOD, isa.POW, isa.GET_LENGTH, isa.LOAD_CONST,
    }
)  # fmt: skip


class AliasClasses:
    """Classes of the names of a code object."""

    def __init__(self, facts: CodeFacts) -> None:
        self._facts = facts
        self._parent: dict[str, str] = {}
        self._sources: list[frozenset[str]] = [frozenset()] * len(facts.flow.instructions)
        self._collect()

    def of(self, name: str) -> str:
        """The representative of a name's class."""
        root = name
        while (up := self._parent.get(root, root)) != root:
            root = up
        while name != root:
            self._parent[name], name = root, self._parent.get(name, name)
        return root

    def sources(self, pc: int, index: int) -> frozenset[str]:
        """Names that an operand may be, or be a part of, or have as a part."""
        operands = self._facts.operands.of(pc)
        if index >= len(operands):
            return frozenset()
        return frozenset().union(*(self._sources[producer] for producer in operands[index]))

    def _join(self, names: Iterable[str]) -> None:
        first = ""
        for name in names:
            if first:
                self._parent[self.of(name)] = self.of(first)
            first = first or name

    def _collect(self) -> None:
        operands = self._facts.operands
        for pc, (op, operand, _gas) in enumerate(self._facts.flow.instructions):
            if op == isa.LOAD_NAME:
                self._sources[pc] = frozenset({operand})
                continue
            if op in _SCALARS or (op == isa.CALL_NAME and operand[0] in _SCALAR_CALLS):
                continue
            every = [self.sources(pc, index) for index in range(len(operands.of(pc)))]
            found = frozenset().union(*every)
            if op == isa.STORE_NAME:
                self._join([operand, *sorted(found)])
            elif op == isa.CALL_NAME and not operand[2] and not self._facts.callees.is_builtin(operand[0]):
                callee = self._facts.callees.of(operand[0], operand[1])
                if callee is None or callee.mutates:
                    self._join(sorted(found))
                found |= callee.reads if callee is not None else frozenset()
                self._sources[pc] = found
            else:
                changes = op in {isa.CALL_METHOD, isa.CALL_TOP, isa.RARE} or (
                    op == isa.CALL_NAME and operand[0] == "append"
                )
                if changes:
                    self._join(sorted(found))
                self._sources[pc] = found
