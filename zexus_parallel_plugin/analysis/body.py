"""One natural loop as a list of instructions: who reads and writes which name in it, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.analysis.dominators import dominates, immediate_dominators
from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.callees import Callee, Callees
    from zexus_parallel_plugin.analysis.cfg import Loop
    from zexus_parallel_plugin.analysis.facts import CodeFacts

__all__ = ["LoopBody"]

_Entry = tuple[int, int]
"""Names that are surely assigned, a bit for each, and the number of open handlers."""


class LoopBody:
    """Facts about the instructions of a loop.

    Attributes:
        pcs: its instructions, in order.
        head: the instruction that every iteration begins with; end: the one behind the last.
        loads: instructions that read a name, by name; calls of an action are among the readers of the names
            that the action may see, and of its own name.
        stores: instructions that assign a name, by name.
        exposed: names that may be read in an iteration before the iteration has assigned them, with the first
            such reader.
        always: names that every iteration assigns which goes on to another one.
        calls: calls of names that are no builtins, with what is known of them.
        leaves: jumps, returns and throws that end the loop early: not by the condition at its head.
        open_try: the first instruction at which a handler stays open beyond the iteration, -1 if there is
            none.
    """

    def __init__(self, facts: CodeFacts, loop: Loop) -> None:
        self.facts = facts
        self.flow = flow = facts.flow
        self.loop = loop
        self.operands = facts.operands
        self.callees = facts.callees
        self.blocks = sorted(loop.blocks)
        self.pcs = [pc for block in self.blocks for pc in range(*flow.span(block))]
        self.head = flow.span(loop.header)[0]
        self.end = self.pcs[-1] + 1
        self.loads: dict[str, list[int]] = {}
        self.stores: dict[str, list[int]] = {}
        self.calls: dict[int, Callee | None] = {}
        self.prints = False
        self._collect()
        self.latches = {block for block in self.blocks if loop.header in flow.successors[block]}
        self.exposed: dict[str, int] = {}
        self.open_try = -1
        self.always = self._order()
        self.condition, self.exit = self._condition()
        self.leaves = self._leaves()
        self._dominators: tuple[dict[int, int], list[int]] | None = None

    def look_up(self, callees: Callees) -> None:
        """Ask again what is known of the calls."""
        for pc in self.calls:
            name, count, _native = self.flow.instructions[pc][1]
            self.calls[pc] = callees.of(name, count)

    def each_iteration(self, pc: int) -> bool:
        """Tell whether every iteration that goes on to another one executes an instruction exactly once."""
        block = self.flow.block_of(pc)
        innermost = self.facts.innermost(block)
        if innermost is None or innermost.header != self.loop.header:
            return False
        number, above = self._dominator_tree()
        return all(dominates(above, number[block], number[latch]) for latch in self.latches)

    def _dominator_tree(self) -> tuple[dict[int, int], list[int]]:
        """Numbers of the blocks, and the immediate dominators within the loop."""
        if self._dominators is None:
            number = {block: index for index, block in enumerate(self.blocks)}
            edges = [
                [number[target] for target in self.flow.successors[block] if target in number]
                for block in self.blocks
            ]
            self._dominators = number, immediate_dominators(edges, number[self.loop.header])
        return self._dominators

    def _collect(self) -> None:
        for pc in self.pcs:
            op, operand, _gas = self.flow.instructions[pc]
            if op == isa.LOAD_NAME:
                self.loads.setdefault(operand, []).append(pc)
            elif op == isa.STORE_NAME:
                self.stores.setdefault(operand, []).append(pc)
            elif op == isa.STORE_FUNC:
                self.stores.setdefault(operand[0], []).append(pc)
            elif op == isa.PRINT:
                self.prints = True
            elif op == isa.CALL_NAME and not self.callees.is_builtin(operand[0]) and not operand[2]:
                callee = self.calls[pc] = self.callees.of(operand[0], operand[1])
                for name in (operand[0], *(callee.reads if callee is not None else ())):
                    self.loads.setdefault(name, []).append(pc)
                if callee is not None:
                    self.prints = self.prints or callee.prints
            elif op == isa.RARE and operand[0].name == "EXPORT":
                self.stores.setdefault(operand[1], []).append(pc)

    def _order(self) -> frozenset[str]:
        """A forward pass: names that are surely assigned, and handlers that are open."""
        entry: dict[int, _Entry] = {self.loop.header: (0, 0)}
        bits = {name: 1 << number for number, name in enumerate(self.stores)}
        readers: dict[int, list[str]] = {}
        for name, pcs in self.loads.items():
            for pc in pcs:
                readers.setdefault(pc, []).append(name)
        always = -1
        for block in self.blocks:
            if block not in entry:
                continue
            after, handlers = self._through(block, entry[block], bits, readers)
            if block in self.latches:
                always &= after[0]
            for target in self.flow.successors[block]:
                self._arrive(block, target, handlers.get(target, after), entry)
        return frozenset(name for name, bit in bits.items() if always > 0 and always & bit)

    def _through(
        self, block: int, before: _Entry, bits: dict[str, int], readers: dict[int, list[str]]
    ) -> tuple[_Entry, dict[int, _Entry]]:
        """What holds behind a block, and in the handlers of the ``try`` that begin in it."""
        now, tries = before
        handlers: dict[int, _Entry] = {}
        for pc in range(*self.flow.span(block)):
            op, operand, _gas = self.flow.instructions[pc]
            for name in readers.get(pc, ()):
                if not now & bits.get(name, 0):
                    self.exposed.setdefault(name, pc)
            if op == isa.STORE_NAME:
                now |= bits[operand]
            elif op == isa.STORE_FUNC:
                now |= bits[operand[0]]
            elif op == isa.SETUP_TRY:
                handlers[self.flow.block_of(operand)] = now, tries
                tries += 1
            elif op == isa.POP_TRY:
                tries -= 1
        return (now, tries), handlers

    def _arrive(self, block: int, target: int, state: _Entry, entry: dict[int, _Entry]) -> None:
        last = self.flow.span(block)[1] - 1
        if target == self.loop.header or target not in self.loop.blocks:
            if state[1] and self.open_try < 0 and target != self.flow.exit:
                self.open_try = last
        elif target in entry:
            known = entry[target]
            if known[1] != state[1] and self.open_try < 0:
                self.open_try = last
            entry[target] = known[0] & state[0], min(known[1], state[1])
        else:
            entry[target] = state

    def _condition(self) -> tuple[int, int]:
        """The conditional jump that ends the loop from its head, and where it goes; -1 for none."""
        block = self.loop.header
        while True:
            end = self.flow.span(block)[1] - 1
            op, operand, _gas = self.flow.instructions[end]
            if op == isa.JUMP_IF_FALSE and self.flow.block_of(operand) not in self.loop.blocks:
                return end, operand
            inside = [target for target in self.flow.successors[block] if target in self.loop.blocks]
            if len(self.flow.successors[block]) != 1 or not inside or inside[0] <= block:
                return -1, -1
            block = inside[0]

    def _leaves(self) -> list[int]:
        found = []
        for block in self.blocks:
            end = self.flow.span(block)[1] - 1
            op = self.flow.instructions[end][0]
            outside = any(target not in self.loop.blocks for target in self.flow.successors[block])
            if end != self.condition and (outside or op in {isa.RETURN, isa.THROW}):
                found.append(end)
        return found
