"""Facts about a whole code object that the analyses of all its loops share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.analysis.operands import Operands
from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zexus_parallel_plugin.analysis.callees import Callees
    from zexus_parallel_plugin.analysis.cfg import Flow, Loop

__all__ = ["CodeFacts"]


class CodeFacts:
    """A code object in its surroundings.

    Attributes:
        flow: control flow; operands: producers and consumers of values.
        callees: what is known of calls.
        main: it is the top-level code, whose variables all live on.
        params: its parameters.
        visible: tells whether a calling frame may have a variable of this name.
        constants: variables that the program assigns only once, a number that its text tells.
        around: the loop directly around each loop, by its header.
        loads: instructions that read a name, by name.
        first_store: the first instruction that assigns a name, by name.
        looked_at: names that any of its calls may look at or assign; None for all names.
    """

    def __init__(
        self,
        flow: Flow,
        callees: Callees,
        *,
        main: bool,
        params: tuple[str, ...] = (),
        visible: Callable[[str], bool] = lambda _name: False,
        constants: Mapping[str, int] | None = None,
    ) -> None:
        self.flow = flow
        self.operands = Operands(flow)
        self.callees = callees
        self.main = main
        self.params = params
        self.visible = visible
        self.constants = constants or {}
        self.around: dict[int, Loop] = {}
        self._outer: set[int] = set()
        self._innermost: dict[int, Loop] = {}
        self._nest()
        self.loads: dict[str, list[int]] = {}
        self.first_store: dict[str, int] = dict.fromkeys(params, -1)
        self.looked_at: set[str] | None = set()
        self._collect()

    def innermost(self, block: int) -> Loop | None:
        """The innermost loop that a block is in."""
        return self._innermost.get(block)

    def loops_around(self, loop: Loop) -> list[Loop]:
        """All loops around a loop, the nearest first."""
        found = []
        current = self.around.get(loop.header)
        while current is not None:
            found.append(current)
            current = self.around.get(current.header)
        return found

    def has_inner(self, loop: Loop) -> bool:
        """Tell whether there are loops in a loop."""
        return loop.header in self._outer

    def may_exist(self, name: str, pc: int) -> bool:
        """Tell whether a frame that the call at an instruction can see may have a variable of this name then:
        one that is assigned before, or in a loop around the call.
        """
        first = self.first_store.get(name)
        if first is not None:
            loop = self.innermost(self.flow.block_of(pc))
            end = pc
            if loop is not None:
                outer = ([loop, *self.loops_around(loop)])[-1]
                end = self.flow.span(max(outer.blocks))[1]
            if first < end:
                return True
        return self.visible(name)

    def _nest(self) -> None:
        # Innermost first: a header that is in a later loop already belongs to an inner one.
        top: dict[int, Loop] = {}
        for loop in self.flow.loops:
            for block in loop.blocks:
                inner = top.get(block)
                if inner is None:
                    self._innermost[block] = loop
                elif inner.header != loop.header:
                    self.around.setdefault(inner.header, loop)
                top[block] = loop
        self._outer = {loop.header for loop in self.around.values()}

    def _collect(self) -> None:
        for pc, (op, operand, _gas) in enumerate(self.flow.instructions):
            if op == isa.LOAD_NAME:
                self.loads.setdefault(operand, []).append(pc)
            elif op == isa.STORE_NAME:
                self.first_store.setdefault(operand, pc)
            elif op == isa.STORE_FUNC:
                self.first_store.setdefault(operand[0], pc)
            elif op in {isa.CALL_TOP, isa.PARALLEL_MAP}:
                self.looked_at = None
            elif op == isa.CALL_NAME and not operand[2] and not self.callees.is_builtin(operand[0]):
                callee = self.callees.of(operand[0], operand[1])
                if callee is None:
                    self.looked_at = None
                elif self.looked_at is not None:
                    self.looked_at |= callee.reads | callee.writes
