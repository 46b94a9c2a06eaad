"""Which calls can be foreseen: their inputs do not depend on results of other calls that run elsewhere.

This is what the scout of the run time finds out by executing code ahead, said about the text: a value is
*unknown* when it is the result of a call of an action that is worth a task, or computed from one, or assigned
under a condition that is. What is tracked is the last such call that a value depends on.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from zexus_parallel_plugin.analysis.blame import Blame
from zexus_parallel_plugin.analysis.origins import CONSTANT, FRESH
from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.analysis.blame import Place
    from zexus_parallel_plugin.analysis.body import LoopBody
    from zexus_parallel_plugin.analysis.callees import Callee
    from zexus_parallel_plugin.analysis.origins import Origins

__all__ = ["Foresight", "LoopCall"]

_LOOKS_INSIDE = frozenset({isa.INDEX, isa.FOR_ITER, isa.GET_LENGTH, isa.SLICE, isa.GET_ATTR, isa.CALL_METHOD})


@dataclass(frozen=True, slots=True)
class LoopCall:
    """A call of an action.

    Attributes:
        pc: the instruction; name: the action; count: number of arguments.
        heavy: the action contains a loop or recursion, so a call may be worth a task.
        ahead: it can be started before the program arrives at it; else reason is the code why not.
        because: the last call whose result it needs, or the instruction that is in the way; -1 if there is
            none.
        through: the variable through which that comes, empty if there is none.
    """

    pc: int
    name: str
    count: int
    heavy: bool
    ahead: bool
    reason: str = ""
    because: int = -1
    through: str = ""


class Foresight:
    """Looks through the instructions of a loop, or of a code object, in their order."""

    def __init__(self, body: LoopBody, origins: Origins) -> None:
        self._body = body
        self._origins = origins
        self._made: dict[int, int] = {}
        self._blame = Blame()
        self._inputs: dict[int, dict[str, int]] = {}
        self._conditional: dict[int, dict[str, int]] = {}
        self._again: set[int] = set()
        if body.calls:
            self._solve()

    @property
    def calls(self) -> tuple[LoopCall, ...]:
        """All calls of actions, in order."""
        return tuple(self._judge(pc) for pc in sorted(self._body.calls))

    def value(self, pc: int, index: int) -> int:
        """The last call that an operand of an instruction depends on, -1 if there is none."""
        producers = self._body.operands.of(pc)[index]
        return max((self._made.get(producer, -1) for producer in producers), default=-1)

    def _judge(self, pc: int) -> LoopCall:
        body = self._body
        _op, (name, count, _native), _gas = body.flow.instructions[pc]
        callee = body.calls[pc]
        if callee is None:
            return LoopCall(pc, name, count, False, False, "loop-unknown-call", pc)
        if callee.effect:
            return LoopCall(pc, name, count, callee.heavy, False, callee.effect, pc)
        written = next((n for n in sorted(callee.writes) if body.facts.may_exist(n, pc)), "")
        if written:
            return LoopCall(pc, name, count, callee.heavy, False, "writes-caller-variable", pc, written)
        reason, because, through = self._input(pc, count, callee)
        return LoopCall(pc, name, count, callee.heavy, not reason, reason, because, through)

    def _input(self, pc: int, count: int, callee: Callee) -> tuple[str, int, str]:
        """The latest input that is unknown."""
        state = self._inputs.get(pc, {})

        def of(name: str) -> int:
            return state.get(name, -1)

        found = ("", -1, "")
        for index in range(count):
            because = max(self.value(pc, index), self._object(of, self._origins.of_operand(pc, index)))
            if because > found[1]:
                found = "unknown-input", because, self._through(pc, index)
        for read in sorted(callee.reads):
            if of(read) > found[1]:
                found = "changed-names", state[read], read
            changed = self._object(of, self._origins.of_name(read))
            if changed > found[1]:
                found = "changed-containers", changed, read
        return found

    def _through(self, pc: int, index: int) -> str:
        """The unknown variable that an operand was computed from."""
        state = self._inputs.get(pc, {})
        for producer in self._body.operands.of(pc)[index]:
            for part in self._body.operands.tree(producer):
                op, operand, _gas = self._body.flow.instructions[part]
                if op == isa.LOAD_NAME and (operand in state or "*" + str(operand) in state):
                    return str(operand)
        return ""

    def _solve(self) -> None:
        """Block by block until nothing changes: values only ever get later calls to blame. The first block in
        the order of the text comes first, so that a loop is done before what is behind it is begun.
        """
        body = self._body
        blame = self._blame
        entry: dict[int, Place] = {body.loop.header: blame.here}
        pending = [body.loop.header]
        while pending:
            block = heappop(pending)
            if pending and pending[0] == block:
                continue
            after = blame.begin(entry[block])
            for name, because in self._conditional.get(block, {}).items():
                blame.put(name, because)
            self._block(block)
            for target in body.flow.successors[block]:
                if target in body.loop.blocks:
                    known = entry.get(target)
                    entry[target] = after if known is None else blame.merged(known, after)
                    if entry[target] is not known:
                        heappush(pending, target)
            for again in self._again & entry.keys():
                heappush(pending, again)
            self._again.clear()

    def _block(self, block: int) -> None:
        body = self._body
        for pc in range(*body.flow.span(block)):
            op, operand, _gas = body.flow.instructions[pc]
            operands = range(len(body.operands.of(pc)))
            because = max((self.value(pc, index) for index in operands), default=-1)
            if op == isa.STORE_NAME:
                self._blame.put(operand, because)
            elif op in isa.JUMPS:
                if because >= 0 and pc != body.condition:
                    self._branch(pc, because)
            else:
                self._execute(pc, because)

    def _execute(self, pc: int, because: int) -> None:
        body = self._body
        op, operand, _gas = body.flow.instructions[pc]
        if op == isa.LOAD_NAME:
            because = self._blame.of(operand)
        elif op == isa.CALL_NAME and pc in body.calls:
            asked = ((name, self._blame.of(name)) for name in self._asked(pc))
            self._inputs[pc] = {name: blamed for name, blamed in asked if blamed >= 0}
            because = self._called(pc, because)
        elif op in {isa.CALL_TOP, isa.PARALLEL_MAP, isa.RARE}:
            because = pc
        elif op in _LOOKS_INSIDE:
            because = max(because, self._object(self._blame.of, self._origins.of_operand(pc, 0)))
        if pc in self._origins.changes:
            self._change(pc, because, self._blame.put)
        if because >= 0:
            self._made[pc] = max(because, self._made.get(pc, -1))

    def _asked(self, pc: int) -> set[str]:
        """Names, and origins of objects, that the inputs of a call may depend on."""
        body, callee = self._body, self._body.calls[pc]
        found = set(callee.reads) if callee is not None else set()
        objects = set().union(*map(self._origins.of_name, found))
        for index, producers in enumerate(body.operands.of(pc)):
            objects |= self._origins.of_operand(pc, index)
            for producer in producers:
                found |= body.operands.names(producer)
        return found | {"*" + origin for origin in objects | found}

    def _called(self, pc: int, because: int) -> int:
        body = self._body
        callee = body.calls[pc]
        for written in callee.writes if callee is not None else ():
            if body.facts.may_exist(written, pc):
                self._blame.put(written, pc)
        # A cheap action is executed by whoever looks ahead, if its inputs are known.
        if callee is None or callee.heavy:
            return pc
        return max([because, *map(self._blame.of, callee.reads)])

    def _change(self, pc: int, because: int, put: Callable[[str, int], None]) -> None:
        """An object that the program has made before is not followed any further when it is changed."""
        body = self._body
        blame = because if because >= 0 else pc
        for root in self._origins.changes[pc]:
            if root != FRESH:
                put("*" + root, max(blame, self._blame.of("*" + root)))
            elif because >= 0 and body.operands.of(pc):
                for producer in body.operands.of(pc)[0]:
                    op, operand, _gas = body.flow.instructions[producer]
                    if op == isa.LOAD_NAME:
                        put(operand, because)

    def _branch(self, pc: int, because: int) -> None:
        """What either side of an unknown condition may assign is unknown where the sides meet."""
        body = self._body
        detour = body.flow.detour(pc, lambda _ranges: True)
        if detour.target < 0 or not detour.ranges:
            return
        state: dict[str, int] = {}
        for first, end in detour.ranges:
            for inner in range(first, end):
                op, operand, _gas = body.flow.instructions[inner]
                if op == isa.STORE_NAME:
                    state[operand] = because
                elif inner in self._origins.changes:
                    self._change(inner, because, state.__setitem__)
        meeting = body.flow.block_of(detour.target)
        known = self._conditional.setdefault(meeting, {})
        if any(because > known.get(name, -1) for name in state):
            known.update((name, max(because, known.get(name, -1))) for name in state)
            self._again.add(meeting)

    def _object(self, of: Callable[[str], int], origins: frozenset[str] | set[str]) -> int:
        return max((of("*" + root) for root in origins if root != CONSTANT), default=-1)
