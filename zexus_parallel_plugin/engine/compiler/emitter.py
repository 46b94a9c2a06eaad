"""Python source from structured control flow.

The emitter walks the nodes with a symbolic operand stack of pure expressions. Whatever has an effect first
turns what is pending into temporaries, so that effects happen in the order of the host and nothing is
executed twice: a line that may fail carries an :class:`Exit` that says where the interpreter takes over,
with which stack, and how much gas goes back.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler import expressions as ex
from zexus_parallel_plugin.engine.compiler.control import (
    If,
    Leave,
    LeaveIf,
    Loop,
    Node,
    Return,
    Step,
    Try,
    Unstructured,
    steps,
)  # fmt: skip
from zexus_parallel_plugin.engine.compiler.effects import EffectEmitter
from zexus_parallel_plugin.engine.compiler.kinds import TEXT, merged
from zexus_parallel_plugin.engine.compiler.metering import limit
from zexus_parallel_plugin.engine.compiler.points import Entry, Exit, Line, State, Turns
from zexus_parallel_plugin.engine.compiler.regions import Cost
from zexus_parallel_plugin.engine.compiler.source import bare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zexus_parallel_plugin.engine.compiler.storage import Variable


class Emitter(EffectEmitter):
    """Writes the body of one unit.

    ``rescues``: handlers of ``try`` are compiled, and not left to the interpreter. ``keeps_operands``: there
    may be such handlers, which keep what failed statements leave on the operand stack.
    """

    rescues = True

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.keeps_operands = self.rescues and any(op == isa.SETUP_TRY for op, _, _ in self.instructions)
        self.loops_counted = 0
        self.handlers: dict[int, Callable[[int, Any], None]] = {
            isa.LOAD_NAME: self.load_name, isa.LOAD_CONST: self.load_const, isa.STORE_NAME: self.store_name,
            isa.STORE_FUNC: self.store_function, isa.NOP: self.nothing, isa.JUMP: self.nothing,
            isa.POP: self.pop,
            isa.DUP: self.duplicate, isa.INDEX: self.index, isa.GET_LENGTH: self.get_length,
            isa.FOR_ITER: self.for_iter, isa.CALL_NAME: self.call_name, isa.CALL_METHOD: self.call_method,
            isa.NOT: self.invert, isa.NEG: self.negate, isa.BUILD_LIST: self.build_list,
            isa.BUILD_MAP: self.build_map, isa.PRINT: self.print, isa.SLICE: self.slice,
            isa.SETUP_TRY: self.setup_try, isa.POP_TRY: self.pop_try, isa.REQUIRE: self.require,
            isa.CALL_TOP: self.call_top, isa.GET_ATTR: self.get_attribute,
        }  # fmt: skip

    def sequence(self, nodes: Sequence[Node]) -> None:
        """Emit nodes in order."""
        for index, node in enumerate(nodes):
            if self.state.ended:
                return
            if self.state.uncharged and not isinstance(node, (Loop, Try)):
                self.charge(nodes, index)
            self.node(node, last=index == len(nodes) - 1)

    def node(self, node: Node, *, last: bool) -> None:
        """Emit one node; ``last``: nothing follows it in its sequence."""
        if isinstance(node, Step):
            self.step(node.pc)
        elif isinstance(node, If):
            self.branch(node)
        elif isinstance(node, Loop):
            self.loop(node)
        elif isinstance(node, LeaveIf):
            self.leave_if(node)
        elif isinstance(node, Leave):
            self.leave(node, last=last)
        elif isinstance(node, Return):
            self.finish(node.pc)
        elif node.rescue is None or not self.rescues or self.tracking or self.state.stack:
            self.state.uncharged = True
            self.sequence(node.body)
            self.state.uncharged = True
        else:
            self.protect(node, node.rescue)

    def step(self, pc: int) -> None:
        """Emit one straight-line instruction."""
        op, operand, _gas = self.instructions[pc]
        if self.pricing.exits(pc):
            self.settle()
            self.line(f"raise TRAP  # {self.code.operation(pc)}", self.exit_before(pc))
            self.state.ended = True
            return
        self.spend(pc)
        if isa.ADD <= op <= isa.LAST_BINARY:
            left, right = self.take(2)
            slow = self.writer.slow(pc)
            binary = ex.Binary(op, left.expression, right.expression, pc, slow)
            self.combine(binary, (left, right), pc)
        else:
            self.handlers[op](pc, operand)
        if self.pricing.splits(pc):
            self.state.uncharged = True

    def condition(self) -> tuple[str, Exit | None]:
        """Text of the condition on top of the stack, with everything below it settled, and its exit."""
        stack = self.state.stack
        if not stack:
            raise Unstructured("a condition from the caller's operand stack")
        self.settle(len(stack) - 1)
        at = self.resume(len(stack) - 1)
        entry = stack.pop()
        return bare(entry.expression.condition(self.writer)), at

    def negated(self, pc: int, text: str) -> str:
        """The condition under which a conditional jump at ``pc`` jumps."""
        return f"not ({text})" if self.instructions[pc][0] == isa.JUMP_IF_FALSE else text

    def leave_if(self, node: LeaveIf) -> None:
        """A conditional jump out of the iteration."""
        self.spend(node.pc)
        text, at = self.condition()
        self.check_iteration(node.kind)
        self.line(f"if {self.negated(node.pc, text)}:", at)
        self.indent += 1
        owed = self.state.owed
        self.give_back(node.kind)
        self.note_leave(node.kind)
        self.line("break" if node.kind == "break" else "continue")
        self.state.owed = owed
        self.indent -= 1

    def leave(self, node: Leave, *, last: bool) -> None:
        """``break`` or ``continue``."""
        self.spend(node.pc)
        self.settle()
        self.check_iteration(node.kind)
        self.give_back(node.kind)
        self.note_leave(node.kind)
        if node.kind == "break":
            self.line("break")
        elif not (last and self.loop_indent == self.indent):
            self.line("continue")
        self.state.ended = True

    def note_leave(self, kind: str) -> None:
        """Remember what is known at a ``break``."""
        if kind == "break":
            self.break_states.append(self.state.copy())

    def check_iteration(self, kind: str) -> None:
        """What is assumed at the head of a loop must hold at the end of every iteration."""
        if kind == "continue" and not self.state.stale <= self.loop_stale:
            raise Unstructured("a name cache may be stale at the end of an iteration")
        if [e.expression for e in self.state.stack] != [e.expression for e in self.loop_stack]:
            raise Unstructured("the operand stack differs between iterations")

    def loop(self, node: Loop) -> None:
        """A loop."""
        self.settle()
        self.load_gas()
        state = self.state
        outer = self.loop_indent, self.loop_stack, self.break_states, self.loop_stale
        outer_debts = self.loop_owed, self.break_owed
        stored = self.stored_in(node.body)
        for name in stored:
            self.release(self.variables.by_name[name].local)
        before = state.copy()
        turns = self.count_turns(node)
        if turns is None:
            self.line(self.repeat(node))
        else:
            self.line(f"{turns.counter} = 0")
            self.line(f"for {turns.counter} in range(1, {self.most_turns(turns)} + 1):")
        self.turns = turns
        self.indent += 1
        self.loop_indent, self.loop_stack, self.break_states = self.indent, list(state.stack), []
        self.loop_stale = state.stale
        self.loop_owed, self.break_owed = state.owed, None
        if state.stale.intersection(stored):
            raise Unstructured("a loop begins while a name cache may be stale")
        cached = frozenset(name for name in stored if self.variables.by_name[name].cached)
        state.dirty |= cached
        self.begin_region()
        head = self.exit_before(node.pc)
        size = len(self.lines)
        self.sequence(node.body)
        if not self.state.ended:
            raise Unstructured(f"an iteration of the loop at {node.pc} has no end")
        if len(self.lines) == size:
            self.line("pass")
        self.indent -= 1
        if turns is not None:
            self.turns = None
            self.line("else:")
            self.indent += 1
            self.end_turns(turns, head)
            self.indent -= 1
        ends = self.break_states
        self.loop_indent, self.loop_stack, self.break_states, self.loop_stale = outer
        self.state = before
        self.end_loop(outer_debts)
        self.state.dirty |= cached.union(*(end.dirty for end in ends))
        self.state.stale |= frozenset().union(*(end.stale for end in ends))
        if self.state.stale & self.state.dirty:
            raise Unstructured("a name cache may be stale on one way out of a loop only")
        self.state.uncharged, self.state.reload = True, False
        self.state.ended = not ends

    def count_turns(self, node: Loop) -> Turns | None:
        """How the iterations of a loop are counted that are all charged the same: what is inside of it is one
        region. None if each has to be charged when it begins.

        The gas that is left allows so many iterations. They may turn out cheaper; then the interpreter does
        the next one, and the loop is entered again. Entering costs more than charging one iteration, so only
        loops are counted whose condition is an order, as that of a counter: others often end soon.
        """
        end = next((n.pc for n in node.body if isinstance(n, LeaveIf)), 0)
        if self.instructions[end - 1][0] not in isa.ORDERS:
            return None
        cost = self.pricing.ahead(node.body).cost
        dear = cost.gas >= cost.operations > 0 and not self.check_operations
        if not dear or self.depth_limit or self.turns is not None or self.pricing.divided(node.body):
            return None
        self.loops_counted += 1
        return Turns(f"k{self.loops_counted}", cost)

    def most_turns(self, turns: Turns) -> str:
        """How many iterations a loop may be charged for when it ends."""
        return f"({limit('L', self.state.owed.gas)} - g) // {turns.cost.gas}"

    def end_turns(self, _turns: Turns, head: Exit) -> None:
        """What happens behind so many iterations."""
        self.line("raise TRAP", head)

    def repeat(self, node: Loop) -> str:
        """The line that opens a loop."""
        return "while True:"

    def loop_unit(self, node: Loop) -> None:
        """A loop and what the interpreter goes on with behind it."""
        self.loop(node)
        if not self.state.ended:
            self.hand_back(node.last + 1)

    def hand_back(self, pc: int) -> None:
        """Bring the frame up to date, and let the interpreter go on at ``pc``."""
        self.flush(self.state.dirty)
        if self.tracking:
            for variable in self.variables.cached():
                if variable.of_caller and variable.stored:
                    cache = f"FV.stale_name, FV.stale_value = {variable.name!r}, {variable.local}"
                    self.line(f"if last == {variable.name!r}: {cache}; FV.stale_version = FV.version")
        self.hand_over_gas()
        self.line(f"return {pc}, {'J' if self.keeps_operands else '()'}, ()")

    def stored_in(self, nodes: Sequence[Node]) -> list[str]:
        """Variables that instructions inside nodes assign."""
        names = []
        for pc in steps(nodes, rescues=self.rescues):
            op, operand, _gas = self.instructions[pc]
            if op == isa.STORE_NAME:
                names.append(operand)
            elif op == isa.STORE_FUNC:
                names.append(operand[0])
        return sorted(set(names))

    def branch(self, node: If) -> None:
        """An ``if`` with both sides."""
        self.spend(node.pc)
        text, at = self.condition()
        if self.instructions[node.pc][0] == isa.JUMP_IF_TRUE:
            text = f"not ({text})"
        divided = self.pricing.divided(node.taken) or self.pricing.divided(node.other)
        start = self.state
        path = list(self.path)
        ends: list[State] = []
        bodies: list[list[Line]] = []
        if not divided:
            taken, other = self.pricing.ahead(node.taken), self.pricing.ahead(node.other)
            most = taken.cost.most(other.cost)
            rest = start.prepaid.minus(most)
        for side in (node.taken, node.other):
            self.state = start.copy()
            self.path = list(path)
            outer, self.lines = self.lines, []
            self.indent += 1
            if divided:
                self.begin_region()
            else:
                cost = taken.cost if side is node.taken else other.cost
                self.refund(most.minus(cost))
                self.state.prepaid = rest.plus(cost)
            self.sequence(side)
            if not self.state.ended:
                self.settle()
            self.indent -= 1
            bodies.append(self.lines)
            ends.append(self.state)
            self.lines = outer
        self.line(f"if {text}:", at)
        self.join(start, ends, bodies)
        live = [end for end in ends if not end.ended]
        if divided:
            self.begin_region()
        elif live:
            self.state.prepaid = live[0].prepaid
        self.write_sides(text, bodies)
        self.path = path

    def protect(self, node: Try, rescue: Sequence[Node]) -> None:
        """A ``try`` with its handler.

        A line of the body that fails with an error of the program has an exit that says what was the case
        then. If a callee may have assigned variables, they are brought up to date by it and read again;
        otherwise the local copies are what is right. Operands of the statement that has failed stay on the
        host's stack for good; here they are kept in a list ``J``, below the symbolic stack.
        """
        self.settle()
        self.load_gas()
        state = self.state
        for name in self.stored_in([node]):
            self.release(self.variables.by_name[name].local)
        start = state.copy()
        caught = self.temporary()
        before, self.written = self.written, []
        body = self.side(node.body)
        ends = [self.state]
        self.state = start.copy()
        outdated = [v for v in self.variables.cached() if v.local] if self.written else []
        self.written = before + self.written
        if outdated:
            self.state.dirty = frozenset()
        else:
            self.state.dirty |= {name for line in body if line.exit is not None for name in line.exit.dirty}
        rescued = self.side(rescue, caught, outdated)
        ends.append(self.state)
        self.line(f"{caught} = None")
        self.line("try:")
        bodies = [body, rescued]
        self.join(start, ends, bodies)
        self.begin_region()
        self.lines += body
        self.line("except Exception as error:")
        helper = "CAUGHT_WRITING" if outdated else "CAUGHT"
        self.line(f"    {caught} = {helper}(error, U_{self.tag}, {node.handler}, g, n, J)")
        self.line(f"    if {caught} is None: raise")
        self.line(f"if {caught} is not None:")
        self.lines += rescued

    def side(self, nodes: Sequence[Node], caught: str = "", outdated: Sequence[Variable] = ()) -> list[Line]:
        """The lines of the body of a ``try``, or of its handler if something is ``caught``."""
        outer, self.lines = self.lines, []
        self.indent += 1
        self.begin_region()
        if caught:
            text = self.temporary()
            self.line(f"g, n, {text} = {caught}")
            self.state.owed = Cost()
            self.reload(outdated)
            self.state.stack.append(Entry(ex.Local(text, TEXT), -1))
        self.sequence(nodes)
        if not self.state.ended:
            self.settle()
        self.indent -= 1
        lines, self.lines = self.lines, outer
        return lines

    def write_sides(self, text: str, bodies: list[list[Line]]) -> None:
        """Put the lines of both sides behind the line of the condition."""
        taken, other = bodies
        if not taken and other:
            head = self.lines.pop()
            self.lines.append(Line(head.indent, f"if not ({text}):", head.exit))
            self.lines += other
            return
        self.lines += taken or [Line(self.indent + 1, "pass", None)]
        if other:
            self.line("else:")
            self.lines += other

    def join(self, start: State, ends: list[State], bodies: list[list[Line]]) -> None:
        """Merge what is known at the ends of both sides; operands that differ get one name on both."""
        live = [(end, body) for end, body in zip(ends, bodies, strict=False) if not end.ended]
        self.state = start
        if not live:
            start.ended = True
            return
        if len({len(end.stack) for end, _body in live}) != 1:
            raise Unstructured("branches leave different numbers of operands")
        common: list[Entry] = []
        for entries in zip(*(end.stack for end, _body in live), strict=False):
            first = entries[0]
            if all(entry.expression == first.expression for entry in entries):
                common.append(first)
                continue
            name = self.temporary()
            for entry, (_end, body) in zip(entries, live, strict=False):
                body.append(Line(self.indent + 1, f"{name} = {entry.expression.text(self.writer)}", None))
            kinds = [entry.expression.kind for entry in entries]
            kind = reduce(merged, kinds)
            common.append(Entry(ex.Local(name, kind), first.pc))
        states = [end for end, _body in live]
        stale = frozenset().union(*(end.stale for end in states))
        for end, body in live:
            self.flush_into(end, body, stale & end.dirty)
        start.stack = common
        start.dirty = frozenset().union(*(end.dirty for end in states))
        start.assigned = frozenset.intersection(*(end.assigned for end in states))
        start.stale = stale
        start.uncharged = any(end.uncharged for end in states)
        self.agree_on_gas(live)

    def finish(self, pc: int) -> None:
        """``return``."""
        self.spend(pc)
        state = self.state
        if self.in_frame:
            self.settle()
            self.line("raise TRAP  # return", self.exit_at(pc, state.stack))
        else:
            if state.stack:
                self.settle(len(state.stack) - 1)
                entry = state.stack[-1]
                if not isinstance(entry.expression, ex.Constant):
                    self.line(
                        f"result = {entry.expression.text(self.writer)}", self.resume(len(state.stack) - 1)
                    )
                    value = "result"
                else:
                    value = entry.expression.text(self.writer)
            else:
                value = "(J[-1] if J else None)" if self.keeps_operands else "None"
            self.flush(frozenset(name for name in state.dirty if self.variables.by_name[name].of_caller))
            self.hand_over_gas()
            if self.own_frame:
                self.line("X.frame = FV.parent")
            self.line(f"return {value}")
        state.ended = True
