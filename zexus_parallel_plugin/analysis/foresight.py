"""Which calls in a loop can be foreseen: their arguments do not depend on results of other calls that run
elsewhere.

This is what the scout of the run time finds out by executing the loop ahead, said about the text: a value is
*unknown* when it is the result of a call of an action that is worth a task, or computed from one, or assigned
under a condition that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zexus_parallel_plugin.analysis.origins import FRESH
from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.body import LoopBody
    from zexus_parallel_plugin.analysis.origins import Origins

__all__ = ["LoopCall", "calls_ahead"]

_LOOKS_INSIDE = frozenset({isa.INDEX, isa.FOR_ITER, isa.GET_LENGTH, isa.SLICE, isa.GET_ATTR, isa.CALL_METHOD})


@dataclass(frozen=True, slots=True)
class LoopCall:
    """A call of an action in a loop.

    Attributes:
        pc: the instruction; name: the action; count: number of arguments.
        heavy: the action contains a loop or recursion, so a call may be worth a task.
        ahead: it can be started before the program arrives at it; else reason is the code why not, and
            because the instruction that is in the way, -1 if it is the call itself.
    """

    pc: int
    name: str
    count: int
    heavy: bool
    ahead: bool
    reason: str = ""
    because: int = -1


def calls_ahead(body: LoopBody, origins: Origins) -> tuple[LoopCall, ...]:
    """All calls of actions in a loop, in order."""
    foresight = _Foresight(body, origins)
    return tuple(foresight.judge(pc) for pc in sorted(body.calls))


class _Foresight:
    """Unknown names and objects of one loop: a least fixed point that does not look at the order."""

    def __init__(self, body: LoopBody, origins: Origins) -> None:
        self.body = body
        self.origins = origins
        # The instruction to blame, by unknown name, object, or instruction that makes an unknown value.
        self.names: dict[str, int] = {}
        self.objects: dict[str, int] = {}
        self.made: dict[int, int] = {}
        if body.calls:
            self._solve()

    def judge(self, pc: int) -> LoopCall:
        """What can be said about one call."""
        body = self.body
        _op, (name, count, _native), _gas = body.flow.instructions[pc]
        callee = body.calls[pc]
        if callee is None:
            return LoopCall(pc, name, count, False, False, "loop-unknown-call", pc)
        if callee.effect:
            return LoopCall(pc, name, count, callee.heavy, False, callee.effect, pc)
        if any(body.facts.may_exist(written, body.loop) for written in callee.writes):
            return LoopCall(pc, name, count, callee.heavy, False, "writes-caller-variable", pc)
        for index in range(count):
            because = self._operand(pc, index)
            if because < 0:
                because = self._object(origins=self.origins.of_operand(pc, index))
            if because >= 0:
                return LoopCall(pc, name, count, callee.heavy, False, "unknown-input", because)
        for read in sorted(callee.reads):
            if read in self.names:
                return LoopCall(pc, name, count, callee.heavy, False, "changed-names", self.names[read])
            because = self._object(self.origins.of_name(read))
            if because >= 0:
                return LoopCall(pc, name, count, callee.heavy, False, "changed-containers", because)
        return LoopCall(pc, name, count, callee.heavy, True)

    def _solve(self) -> None:
        body = self.body
        while True:
            before = len(self.names), len(self.objects), len(self.made)
            for pc in body.pcs:
                self._visit(pc)
            if before == (len(self.names), len(self.objects), len(self.made)):
                return

    def _visit(self, pc: int) -> None:
        body = self.body
        op, operand, _gas = body.flow.instructions[pc]
        because = max((self._operand(pc, index) for index in range(len(body.operands.of(pc)))), default=-1)
        if op == isa.STORE_NAME:
            if because >= 0:
                self.names.setdefault(operand, because)
            return
        if op in isa.JUMPS:
            if because >= 0 and pc != body.condition:
                self._branch(pc, because)
            return
        if op == isa.LOAD_NAME:
            because = self.names.get(operand, -1)
        elif op == isa.CALL_NAME and pc in body.calls:
            callee = body.calls[pc]
            # A cheap action is executed by whoever looks ahead, if its arguments are known.
            if callee is None or callee.heavy:
                because = pc
            for written in callee.writes if callee is not None else ():
                if body.facts.may_exist(written, body.loop):
                    self.names.setdefault(written, pc)
        elif op in {isa.CALL_TOP, isa.PARALLEL_MAP, isa.RARE}:
            because = pc
        elif op in _LOOKS_INSIDE and because < 0:
            because = self._object(self.origins.of_operand(pc, 0))
        if pc in self.origins.changes:
            self._change(pc, because)
        if because >= 0:
            self.made.setdefault(pc, because)

    def _change(self, pc: int, because: int) -> None:
        """An object that the program has made before is not followed any further when it is changed."""
        for root in self.origins.changes[pc]:
            if root != FRESH:
                self.objects.setdefault(root, pc)
            elif because >= 0:
                for producer in self.body.operands.of(pc)[0]:
                    op, operand, _gas = self.body.flow.instructions[producer]
                    if op == isa.LOAD_NAME:
                        self.names.setdefault(operand, because)

    def _branch(self, pc: int, because: int) -> None:
        """What either side of an unknown condition may assign is unknown."""
        body = self.body
        detour = body.flow.detour(pc, lambda _ranges: True)
        for first, end in detour.ranges:
            for inner in range(first, end):
                op, operand, _gas = body.flow.instructions[inner]
                if op == isa.STORE_NAME:
                    self.names.setdefault(operand, because)
                elif inner in self.origins.changes:
                    self._change(inner, because)

    def _operand(self, pc: int, index: int) -> int:
        producers = self.body.operands.of(pc)[index]
        return max((self.made.get(producer, -1) for producer in producers), default=-1)

    def _object(self, origins: frozenset[str]) -> int:
        return max((self.objects.get(root, -1) for root in origins), default=-1)
