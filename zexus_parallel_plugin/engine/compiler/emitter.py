"""Python source from structured control flow.

The emitter walks the nodes with a symbolic operand stack of pure expressions. Whatever has an effect first turns what is
pending into temporaries, so that effects happen in the host's order and nothing is executed twice: a line that may fail
carries an :class:`Exit` that says where the interpreter takes over, with which stack, and how much gas goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.code import Code
from zexus_parallel_plugin.engine.compiler import expressions as ex
from zexus_parallel_plugin.engine.compiler.control import (
    If, Leave, LeaveIf, Loop, Node, Return, Step, Try, Unstructured, steps,
)  # fmt: skip
from zexus_parallel_plugin.engine.compiler.regions import INLINED, Cost, Pricing
from zexus_parallel_plugin.engine.compiler.storage import OWN, Variable, Variables

_SIZED = {
    "length": "SIZED", "size": "SIZED", "count": "COUNTED",
}  # fmt: skip


class Entry(NamedTuple):
    """One symbolic stack entry.

    A pending expression can be evaluated again by the interpreter from instruction ``pc`` on, with the values of ``lead``
    on the operand stack: operands that are settled already, such as the result of a call.
    """

    expression: ex.Expression
    pc: int
    lead: tuple[ex.Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Exit:
    """Where the interpreter takes over when a line fails.

    ``raised``: the failure is the program's own error at ``pc``; otherwise the instructions from ``pc`` on are executed again.
    ``stack``: the operand stack at ``pc``, as ``(True, name of a local)`` or ``(False, value)``. ``refund``: what was charged
    for instructions that have not run. ``dirty``: names whose local copy is newer than their dictionary. ``metered``: the
    meter already holds the gas (the line is a call). ``operators``: instructions whose optimism may have failed.
    """

    pc: int
    stack: tuple[tuple[bool, Any], ...]
    refund: Cost
    tries: tuple[int, ...]
    dirty: tuple[str, ...]
    raised: bool = False
    metered: bool = False
    operators: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Callee:
    """How a call by name is done: ``text`` is the Python function; ``depth``: it takes the depth as first argument.

    ``needs`` and ``writes``: names of calling frames that it may look at and assign.
    """

    text: str
    arguments: int
    depth: bool
    needs: frozenset[str]
    writes: frozenset[str]


class Linker(Protocol):
    """What the emitter asks about calls."""

    unmetered: frozenset[str]
    """Builtins with a direct form, which cannot look at the meter."""
    methods: frozenset[str]
    """Methods with a direct form."""

    def direct(self, name: str, count: int) -> Callee | None:
        """The action that a call surely reaches, if it can be called as a Python function."""

    def reach(self, name: str | None) -> tuple[frozenset[str], frozenset[str]]:
        """Needs and writes of everything that a call of this name (None: of any value) may reach."""

    def builtin(self, name: str) -> Any:
        """The builtin of this name, None if there is none."""

    def rebindable(self, name: str) -> bool:
        """Whether anything may bind this function name anew while the unit runs."""


@dataclass(slots=True)
class State:
    """What is statically known at a point of the source."""

    stack: list[Entry] = field(default_factory=list)
    prepaid: Cost = field(default_factory=Cost)
    uncharged: bool = True
    reload: bool = False
    tries: tuple[int, ...] = ()
    dirty: frozenset[str] = frozenset()
    assigned: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    ended: bool = False

    def copy(self) -> State:
        """An independent copy for one side of a branch."""
        return State(
            list(self.stack), self.prepaid, self.uncharged, self.reload, self.tries, self.dirty, self.assigned,
            self.stale, self.ended,
        )  # fmt: skip


class _Line(NamedTuple):
    indent: int
    text: str
    exit: Exit | None


class NeedsTracking(Exception):  # noqa: N818 - a verdict
    """The unit must note its latest store while it runs (see ``Emitter.call``)."""


SPACED = " + ' ' + "


class Emitter:
    """Writes the body of one unit."""

    def __init__(
        self,
        code: Code,
        variables: Variables,
        linker: Linker,
        *,
        kinds: dict[str, str],
        slow: frozenset[int] = frozenset(),
        depth: str = "d",
        depth_limit: bool = False,
        in_frame: bool = False,
        check_operations: bool = False,
        tag: str = "",
        tracking: bool = False,
        own_frame: bool = False,
    ) -> None:
        """:param kinds: what is known of the values of variables.

        :param slow: instructions that have failed often; their rule is called at once.
        :param depth: text of the unit's depth, empty if it has none.
        :param depth_limit: the unit may call itself, so it checks its depth when it is entered.
        :param check_operations: the limit of operations may be reached before that of gas.
        :param tracking: note the name of the latest store in a local ``last``.
        :param own_frame: the unit has put a frame of its own on the chain of callers and takes it off when it returns.
        :param tag: makes the names of constants unique.
        :param in_frame: the unit runs in a frame of the interpreter and hands a ``return`` back to it.
        """
        self.code = code
        self.instructions = code.instructions
        self.variables = variables
        self.linker = linker
        self.kinds = kinds
        self.depth = depth
        self.depth_limit = depth_limit
        self.in_frame = in_frame
        self.check_operations = check_operations
        self.tag = tag
        self.tracking = tracking
        self.own_frame = own_frame
        self.loop_indent = 0
        self.loop_stack: list[Entry] = []
        self.loop_stale: frozenset[str] = frozenset()
        self.break_states: list[State] = []
        self.pricing = Pricing(code, linker.unmetered)
        self.constants: dict[str, Any] = {}
        self.found_kinds: dict[str, str] = {}
        self.lines: list[_Line] = []
        self.indent = 2
        self.path: list[int] = []
        self.elided: set[int] = set()
        self.state = State(
            reload=not in_frame, assigned=frozenset(v.name for v in variables.by_name.values() if v.present)
        )
        self.temporaries = 0
        self.writer = ex.Writer(self.temporary, self.constant_name, slow.__contains__)
        self.handlers: dict[int, Callable[[int, Any], None]] = {
            isa.LOAD_NAME: self.load_name, isa.LOAD_CONST: self.load_const, isa.STORE_NAME: self.store_name,
            isa.STORE_FUNC: self.store_function, isa.NOP: self.nothing, isa.JUMP: self.nothing, isa.POP: self.pop,
            isa.DUP: self.duplicate, isa.INDEX: self.index, isa.GET_LENGTH: self.get_length,
            isa.FOR_ITER: self.for_iter, isa.CALL_NAME: self.call_name, isa.CALL_METHOD: self.call_method,
            isa.NOT: self.invert, isa.NEG: self.negate, isa.BUILD_LIST: self.build_list,
            isa.BUILD_MAP: self.build_map, isa.PRINT: self.print, isa.SLICE: self.slice,
            isa.SETUP_TRY: self.setup_try, isa.POP_TRY: self.pop_try, isa.REQUIRE: self.require,
            isa.CALL_TOP: self.call_top, isa.GET_ATTR: self.get_attribute,
        }  # fmt: skip

    # -- lines, temporaries, exits ---------------------------------------------------------------------------------

    def line(self, text: str, exit_: Exit | None = None) -> None:
        self.lines.append(_Line(self.indent, text, exit_))

    def temporary(self) -> str:
        self.temporaries += 1
        return f"t{self.temporaries}"

    def constant_name(self, value: Any) -> str:
        for name, known in self.constants.items():
            if known is value:
                return name
        name = f"K{self.tag}_{len(self.constants)}"
        self.constants[name] = value
        return name

    def exit_at(self, pc: int, stack: Sequence[Entry], *, operators: tuple[int, ...] = ()) -> Exit:
        """An exit that executes everything from ``pc`` on the current path again, with the given (atomic) stack."""
        state = self.state
        refund = state.prepaid.plus(self.executed_since(pc))
        return Exit(
            pc, self.values(stack), refund, state.tries, self.dirty(), operators=operators
        )

    def exit_before(self, pc: int) -> Exit:
        """An exit at ``pc``, which has not been charged as executed yet."""
        state = self.state
        return Exit(
            pc, self.values(state.stack), state.prepaid, state.tries, self.dirty()
        )

    def error_at(self, pc: int, *, metered: bool = False) -> Exit:
        """The record of a line whose failure is the program's own error at ``pc``."""
        state = self.state
        return Exit(
            pc, self.values(state.stack), state.prepaid, state.tries, self.dirty(), True, metered
        )

    def dirty(self) -> tuple[str, ...]:
        return tuple(sorted(self.state.dirty))

    def values(self, stack: Sequence[Entry]) -> tuple[tuple[bool, Any], ...]:
        """A settled stack as an exit records it."""
        values: list[tuple[bool, Any]] = []
        for entry in stack:
            expression = entry.expression
            if isinstance(expression, ex.Local):
                values.append((True, expression.name))
            elif isinstance(expression, ex.Constant):
                values.append((False, expression.value))
            else:
                raise AssertionError("a pending expression on the stack of an exit")
        return tuple(values)

    def executed_since(self, pc: int) -> Cost:
        """Cost of the instructions on the current path from ``pc`` up to and with the current one."""
        total = Cost()
        for done in reversed(self.path):
            total = total.plus(self.pricing.step(done))
            if done == pc:
                return total
        raise AssertionError(f"{pc} is not on the current path")

    def resume(self, index: int) -> Exit | None:
        """The exit for evaluating stack entry ``index`` now: at the earliest instruction that is still pending.

        None when nothing is pending: names and literals cannot fail.
        """
        stack = self.state.stack
        for position in range(index + 1):
            entry = stack[position]
            if not entry.expression.atomic:
                operators = tuple(_operators(stack[index].expression))
                below = [*stack[:position], *(Entry(lead, entry.pc) for lead in entry.lead)]
                return self.exit_at(entry.pc, below, operators=operators)
        return None

    def settle(self, count: int | None = None) -> None:
        """Turn the lowest ``count`` stack entries (all by default) into names and literals, in order."""
        stack = self.state.stack
        for index in range(len(stack) if count is None else count):
            entry = stack[index]
            if not entry.expression.atomic:
                self.store_temporary(index)

    def store_temporary(self, index: int) -> None:
        """Evaluate one stack entry into a fresh local; everything below it is settled."""
        entry = self.state.stack[index]
        name = self.temporary()
        self.line(f"{name} = {_bare(entry.expression.text(self.writer))}", self.resume(index))
        self.state.stack[index] = Entry(ex.Local(name, entry.expression.kind), entry.pc)

    def release(self, local: str) -> None:
        """Before a local changes: settled entries that mention it keep its old value."""
        for index, entry in enumerate(self.state.stack):
            if entry.expression.mentions(local):
                self.store_temporary(index)

    def push(self, expression: ex.Expression, pc: int) -> None:
        self.state.stack.append(Entry(expression, pc))

    def take(self, count: int) -> list[Entry]:
        stack = self.state.stack
        if len(stack) < count:
            raise Unstructured("the operand stack of a caller is used")
        taken = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        return taken

    def combine(self, expression: ex.Expression, operands: Sequence[Entry], pc: int) -> None:
        """Push an expression over operands that were just taken."""
        settled: list[ex.Expression] = []
        for operand in operands:
            if not operand.expression.atomic:
                self.state.stack.append(Entry(expression, operand.pc, (*settled, *operand.lead)))
                return
            settled.append(operand.expression)
        self.state.stack.append(Entry(expression, pc, tuple(settled)))

    # -- gas --------------------------------------------------------------------------------------------------------

    def charge(self, nodes: Sequence[Node], start: int) -> None:
        """Pay for the region that begins at ``nodes[start]``."""
        self.settle()
        state = self.state
        cost = self.pricing.ahead(nodes, start).cost
        state.prepaid, state.uncharged = cost, False
        self.path = []
        if state.reload:
            self.line(f"g = M.gas_used + {cost.gas}; n = M.operation_count + {cost.operations}")
            state.reload = False
        elif cost.operations:
            self.line(f"g += {cost.gas}; n += {cost.operations}")
        if cost.operations:
            check = "g > L" if cost.gas >= cost.operations and not self.check_operations else "g > L or n > N"
            if self.depth_limit:
                check += f" or {self.depth} > D"
                self.depth_limit = False
            self.line(f"if {check}: raise TRAP", self.exit_before(nodes[start].pc))

    def spend(self, pc: int) -> None:
        self.state.prepaid = self.state.prepaid.minus(self.pricing.step(pc))
        self.path.append(pc)

    def refund(self, cost: Cost) -> None:
        if cost.gas or cost.operations:
            self.line(f"g -= {cost.gas}; n -= {cost.operations}")

    # -- control ----------------------------------------------------------------------------------------------------

    def sequence(self, nodes: Sequence[Node]) -> None:
        """Emit nodes in order."""
        for index, node in enumerate(nodes):
            if self.state.ended:
                return
            if self.state.uncharged and not isinstance(node, (Loop, Try)):
                self.charge(nodes, index)
            self.node(node, last=index == len(nodes) - 1)

    def node(self, node: Node, *, last: bool) -> None:
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
        else:
            self.state.uncharged = True
            self.sequence(node.body)
            self.state.uncharged = True

    def step(self, pc: int) -> None:
        op, operand, _gas = self.instructions[pc]
        if self.pricing.exits(pc):
            self.settle()
            self.line(f"raise TRAP  # {self.code.operation(pc)}", self.exit_before(pc))
            self.state.ended = True
            return
        self.spend(pc)
        if isa.ADD <= op <= isa.LAST_BINARY:
            left, right = self.take(2)
            self.combine(ex.Binary(op, left.expression, right.expression, pc), (left, right), pc)
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
        return _bare(entry.expression.condition(self.writer)), at

    def negated(self, pc: int, text: str) -> str:
        """The condition under which a conditional jump at ``pc`` jumps."""
        return f"not ({text})" if self.instructions[pc][0] == isa.JUMP_IF_FALSE else text

    def leave_if(self, node: LeaveIf) -> None:
        self.spend(node.pc)
        text, at = self.condition()
        self.check_iteration(node.kind)
        self.line(f"if {self.negated(node.pc, text)}:", at)
        self.indent += 1
        self.refund(self.state.prepaid)
        self.note_leave(node.kind)
        self.line("break" if node.kind == "break" else "continue")
        self.indent -= 1

    def leave(self, node: Leave, *, last: bool) -> None:
        self.spend(node.pc)
        self.settle()
        self.check_iteration(node.kind)
        self.refund(self.state.prepaid)
        self.note_leave(node.kind)
        if node.kind == "break":
            self.line("break")
        elif not (last and self.loop_indent == self.indent):
            self.line("continue")
        self.state.ended = True

    def note_leave(self, kind: str) -> None:
        if kind == "break":
            self.break_states.append(self.state.copy())

    def check_iteration(self, kind: str) -> None:
        """What is assumed at the head of a loop must hold at the end of every iteration."""
        if kind == "continue" and not self.state.stale <= self.loop_stale:
            raise Unstructured("a name cache may be stale at the end of an iteration")
        if [e.expression for e in self.state.stack] != [e.expression for e in self.loop_stack]:
            raise Unstructured("the operand stack differs between iterations")

    def loop(self, node: Loop) -> None:
        self.settle()
        state = self.state
        if state.reload:
            self.line("g = M.gas_used; n = M.operation_count")
            state.reload = False
        outer = self.loop_indent, self.loop_stack, self.break_states, self.loop_stale
        stored = self.stored_in(node.body)
        for name in stored:
            self.release(self.variables.by_name[name].local)
        before = state.copy()
        self.line("while True:")
        self.indent += 1
        self.loop_indent, self.loop_stack, self.break_states = self.indent, list(state.stack), []
        self.loop_stale = state.stale
        if state.stale.intersection(stored):
            raise Unstructured("a loop begins while a name cache may be stale")
        cached = frozenset(name for name in stored if self.variables.by_name[name].cached)
        state.dirty |= cached
        state.uncharged = True
        size = len(self.lines)
        self.sequence(node.body)
        if len(self.lines) == size:
            self.line("pass")
        self.indent -= 1
        ends = self.break_states
        self.loop_indent, self.loop_stack, self.break_states, self.loop_stale = outer
        self.state = before
        self.state.dirty |= cached.union(*(end.dirty for end in ends))
        self.state.stale |= frozenset().union(*(end.stale for end in ends))
        if self.state.stale & self.state.dirty:
            raise Unstructured("a name cache may be stale on one way out of a loop only")
        self.state.uncharged, self.state.reload = True, False
        self.state.ended = not ends

    def loop_unit(self, node: Loop) -> None:
        """A loop and what the interpreter goes on with behind it."""
        self.loop(node)
        if self.state.ended:
            return
        self.flush(self.state.dirty)
        if self.tracking:
            for variable in self.variables.cached():
                if variable.of_caller and variable.stored:
                    cache = f"FV.stale_name, FV.stale_value = {variable.name!r}, {variable.local}"
                    self.line(f"if last == {variable.name!r}: {cache}; FV.stale_version = FV.version")
        self.line("M.gas_used = g; M.operation_count = n")
        self.line(f"return {node.last + 1}, (), ()")

    def stored_in(self, nodes: Sequence[Node]) -> list[str]:
        """Variables that instructions inside nodes assign."""
        names = []
        for pc in steps(nodes):
            op, operand, _gas = self.instructions[pc]
            if op == isa.STORE_NAME:
                names.append(operand)
            elif op == isa.STORE_FUNC:
                names.append(operand[0])
        return sorted(set(names))

    def branch(self, node: If) -> None:
        self.spend(node.pc)
        text, at = self.condition()
        if self.instructions[node.pc][0] == isa.JUMP_IF_TRUE:
            text = f"not ({text})"
        divided = self.pricing.divided(node.taken) or self.pricing.divided(node.other)
        start = self.state
        path = list(self.path)
        ends: list[State] = []
        bodies: list[list[_Line]] = []
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
                self.state.uncharged, self.state.prepaid = True, Cost()
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
        if divided and live:
            if any(end.reload for end in live):
                # Both sides must agree on where the gas is.
                self.agree_on_gas(ends, bodies)
            self.state.uncharged, self.state.prepaid = True, Cost()
        elif live:
            self.state.prepaid = live[0].prepaid
        self.write_sides(text, bodies)
        self.path = path

    def agree_on_gas(self, ends: list[State], bodies: list[list[_Line]]) -> None:
        for end, body in zip(ends, bodies):
            if end.reload and not end.ended:
                body.append(_Line(self.indent + 1, "g = M.gas_used; n = M.operation_count", None))
        self.state.reload = False

    def write_sides(self, text: str, bodies: list[list[_Line]]) -> None:
        taken, other = bodies
        if not taken and other:
            head = self.lines.pop()
            self.lines.append(_Line(head.indent, f"if not ({text}):", head.exit))
            self.lines += other
            return
        self.lines += taken or [_Line(self.indent + 1, "pass", None)]
        if other:
            self.line("else:")
            self.lines += other

    def join(self, start: State, ends: list[State], bodies: list[list[_Line]]) -> None:
        """Merge what is known at the ends of both sides; operands that differ get one name on both."""
        live = [(end, body) for end, body in zip(ends, bodies) if not end.ended]
        self.state = start
        if not live:
            start.ended = True
            return
        if len({len(end.stack) for end, _body in live}) != 1:
            raise Unstructured("branches leave different numbers of operands")
        merged: list[Entry] = []
        for entries in zip(*(end.stack for end, _body in live)):
            first = entries[0]
            if all(entry.expression == first.expression for entry in entries):
                merged.append(first)
                continue
            name = self.temporary()
            kinds = {entry.expression.kind for entry in entries}
            for entry, (_end, body) in zip(entries, live):
                body.append(_Line(self.indent + 1, f"{name} = {entry.expression.text(self.writer)}", None))
            plain = all(entry.expression.transparent for entry in entries)
            kind = kinds.pop() if len(kinds) == 1 else ex.PLAIN if plain else ex.ANY
            merged.append(Entry(ex.Local(name, kind), first.pc))
        states = [end for end, _body in live]
        stale = frozenset().union(*(end.stale for end in states))
        for end, body in live:
            self.flush_into(end, body, stale & end.dirty)
        start.stack = merged
        start.dirty = frozenset().union(*(end.dirty for end in states))
        start.assigned = frozenset.intersection(*(end.assigned for end in states))
        start.stale = stale
        start.uncharged = any(end.uncharged for end in states)
        start.reload = False

    def flush_into(self, end: State, body: list[_Line], names: frozenset[str]) -> None:
        """Write back at the end of one side what may be stale on the other: behind the join it may be read again."""
        outer = self.lines, self.state
        self.lines, self.state = body, end
        self.indent += 1
        self.flush(names)
        self.indent -= 1
        self.lines, self.state = outer

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
                    self.line(f"result = {entry.expression.text(self.writer)}", self.resume(len(state.stack) - 1))
                    value = "result"
                else:
                    value = entry.expression.text(self.writer)
            else:
                value = "None"
            self.flush(frozenset(name for name in state.dirty if self.variables.by_name[name].of_caller))
            self.hand_over_gas()
            if self.own_frame:
                self.line("X.frame = FV.parent")
            self.line(f"return {value}")
        state.ended = True

    def hand_over_gas(self) -> None:
        left = self.state.prepaid
        gas = f"g - {left.gas}" if left.gas else "g"
        operations = f"n - {left.operations}" if left.operations else "n"
        self.line(f"M.gas_used = {gas}; M.operation_count = {operations}")

    # -- variables --------------------------------------------------------------------------------------------------

    def flush(self, names: frozenset[str]) -> None:
        """Write local copies back to their dictionaries."""
        changed: set[str] = set()
        for name in sorted(names & self.state.dirty):
            variable = self.variables.by_name[name]
            write = f"{variable.scope}[{name!r}] = {variable.local}"
            if not variable.present and name not in self.state.assigned:
                write = f"if {variable.local} is not UNSET: {write}"
            self.line(write)
            changed.add(variable.scope)
            if self.in_frame:
                changed.add(OWN)  # a store into a caller's variable counts as one of the frame, too
        for scope in sorted(changed):
            self.line(f"F{scope}.version += 1")
        self.state.dirty -= names

    def reload(self, variables: Sequence[Variable]) -> None:
        """Read local copies again after somebody may have written."""
        for variable in variables:
            name = variable.name
            if variable.present or name in self.state.assigned:
                self.line(f"{variable.local} = {variable.scope}[{name!r}]")
            else:
                self.line(f"{variable.local} = {variable.scope}.get({name!r}, UNSET)")

    def variable(self, name: str) -> ex.Expression:
        variable = self.variables.by_name.get(name)
        if variable is None:
            return ex.Constant(None)
        if variable.cached and not variable.local:
            return ex.Lookup(variable.scope, name, variable.present)
        if name not in self.state.assigned:
            if variable.cached:
                return ex.Helper("KNOWN", (ex.Local(variable.local),))
            return ex.Unsure(variable.local)
        return ex.Local(variable.local, self.kinds.get(name, ex.ANY))

    def load_name(self, pc: int, name: Any) -> None:
        self.push(self.variable(name), pc)

    def load_const(self, pc: int, value: Any) -> None:
        self.push(ex.Constant(value), pc)

    def store_name(self, pc: int, name: Any) -> None:
        (entry,) = self.take(1)
        self.assign(pc, name, entry)

    def store_function(self, pc: int, operand: Any) -> None:
        self.assign(pc, operand[0], Entry(ex.Constant(operand[1]), pc))

    def assign(self, pc: int, name: str, entry: Entry) -> None:
        state = self.state
        variable = self.variables.by_name[name]
        self.settle()
        self.release(variable.local)
        expression = entry.expression
        state.stack.append(entry)
        at = self.resume(len(state.stack) - 1)
        state.stack.pop()
        self.line(f"{variable.local} = {_bare(expression.text(self.writer))}", at)
        self.note_kind(name, expression)
        if variable.cached:
            state.dirty |= {name}
        state.assigned |= {name}
        if self.tracking:
            self.line(f"last = {name!r}")
        if state.stale:
            # The store has ended the life of the host's name cache: what callees wrote shows now.
            changed = [self.variables.by_name[stale] for stale in sorted(state.stale - {name})]
            for other in changed:
                self.release(other.local)
            self.reload(changed)
            state.stale = frozenset()

    def note_kind(self, name: str, expression: ex.Expression) -> None:
        kind = expression.kind
        known = self.found_kinds.get(name)
        if known is None or known == kind:
            self.found_kinds[name] = kind
        elif expression.transparent and known not in {ex.ANY, ex.CONDITION}:
            self.found_kinds[name] = ex.PLAIN
        else:
            self.found_kinds[name] = ex.ANY

    # -- stack and operators ----------------------------------------------------------------------------------------

    def nothing(self, pc: int, operand: Any) -> None:
        """No effect but its gas."""

    def pop(self, pc: int, operand: Any) -> None:
        stack = self.state.stack
        if pc in self.elided:
            return
        if not stack:
            raise Unstructured("pops the caller's operand stack")
        if not stack[-1].expression.atomic:
            self.settle(len(stack) - 1)
            self.line(stack[-1].expression.text(self.writer), self.resume(len(stack) - 1))
        stack.pop()

    def duplicate(self, pc: int, operand: Any) -> None:
        stack = self.state.stack
        if not stack:
            raise Unstructured("duplicates the caller's operand stack")
        following = [op for op, _operand, _gas in self.instructions[pc + 1 : pc + 3]]
        if following == [isa.STORE_NAME, isa.POP]:
            # An assignment as a statement: the second copy is popped at once, so it is not made at all.
            self.elided.add(pc + 2)
            return
        self.settle()
        self.push(stack[-1].expression, pc)

    def invert(self, pc: int, operand: Any) -> None:
        (entry,) = self.take(1)
        self.combine(ex.Not(entry.expression), (entry,), pc)

    def negate(self, pc: int, operand: Any) -> None:
        (entry,) = self.take(1)
        self.combine(ex.Negative(entry.expression), (entry,), pc)

    def index(self, pc: int, operand: Any) -> None:
        target, key = self.take(2)
        self.combine(ex.Item(target.expression, key.expression, pc), (target, key), pc)

    def get_length(self, pc: int, operand: Any) -> None:
        (entry,) = self.take(1)
        self.combine(ex.Length(entry.expression, pc), (entry,), pc)

    def get_attribute(self, pc: int, operand: Any) -> None:
        target, key = self.take(2)
        self.combine(ex.Helper("ATTRIBUTE", (target.expression, key.expression)), (target, key), pc)

    def slice(self, pc: int, operand: Any) -> None:
        parts = self.take(3)
        self.combine(ex.Helper("CUT", tuple(part.expression for part in parts)), parts, pc)

    def for_iter(self, pc: int, count: Any) -> None:
        if count == 1:
            self.settle()
            target, position = self.take(2)
            self.combine(ex.Element(target.expression, position.expression), (target, position), pc)
            return
        self.settle()
        target, position = self.take(2)
        first, second = self.temporary(), self.temporary()
        texts = ", ".join(self.texts((target, position)))
        self.line(f"{first}, {second} = PAIR({texts})", self.exit_at(pc, [*self.state.stack, target, position]))
        self.push(ex.Local(first), pc)
        self.push(ex.Local(second), pc)

    def build_list(self, pc: int, count: Any) -> None:
        parts = self.take(count)
        self.combine(ex.ListOf(tuple(part.expression for part in parts)), parts, pc)

    def build_map(self, pc: int, count: Any) -> None:
        parts = self.take(2 * count)
        self.combine(ex.MapOf(tuple(part.expression for part in parts)), parts, pc)

    # -- effects ----------------------------------------------------------------------------------------------------

    def arguments(self, count: int) -> list[Entry]:
        """Settle everything and take the topmost ``count`` entries."""
        self.settle()
        return self.take(count)

    def texts(self, entries: Sequence[Entry]) -> list[str]:
        return [entry.expression.text(self.writer) for entry in entries]

    def print(self, pc: int, count: Any) -> None:
        parts = self.arguments(count)
        shown = [
            text if part.expression.kind == ex.TEXT else f"SHOW({text})"
            for part, text in zip(parts, self.texts(parts))
        ]
        self.line(f"print({SPACED.join(shown)})", self.error_at(pc))

    def require(self, pc: int, operand: Any) -> None:
        """A condition that fails is evaluated again by the interpreter, which raises the error."""
        if not self.state.stack[-1].expression.atomic:
            self.settle()
        condition, message = self.take(2)
        stack = self.state.stack
        stack.append(condition)
        self.settle(len(stack) - 1)
        at = self.resume(len(stack) - 1)
        stack.pop()
        if at is None:
            at = self.exit_at(pc, [*stack, condition, message])
        text = condition.expression.text(self.writer)
        test = text if condition.expression.kind != ex.ANY else f"REQUIRED({text})"
        self.line(f"if not ({test}): raise TRAP", at)

    def setup_try(self, pc: int, handler: Any) -> None:
        self.state.tries = (*self.state.tries, handler)

    def pop_try(self, pc: int, operand: Any) -> None:
        self.state.tries = self.state.tries[:-1]

    def call_name(self, pc: int, operand: Any) -> None:
        name, count, _native = operand
        if (name, count) in INLINED:
            self.native(pc, name, count)
            return
        builtin = self.linker.builtin(name)
        entries = self.arguments(count)
        arguments = self.texts(entries)
        result = self.temporary()
        if name in self.linker.unmetered:
            self.line(f"{result} = B_{name}({', '.join(arguments)})", self.error_at(pc))
        elif builtin is not None:
            function = self.constant_name(builtin)
            self.hand_over_gas()
            at = self.error_at(pc, metered=True)
            self.line(f"{result} = BUILTIN({function}, [{', '.join(arguments)}])", at)
            self.state.reload = True
        else:
            self.call_action(pc, name, entries, result)
        self.push(ex.Local(result), pc)

    def native(self, pc: int, name: str, count: int) -> None:
        if name in {"len", "length"}:
            self.get_length(pc, None)
        elif name in {"str", "string"}:
            (entry,) = self.take(1)
            self.combine(ex.AsString(entry.expression), (entry,), pc)
        elif name == "push":
            target, item = self.take(2)
            self.combine(ex.Pushed(target.expression, item.expression), (target, item), pc)
        elif name == "range":
            parts = self.take(count)
            self.combine(ex.Helper("RANGE", tuple(part.expression for part in parts), ex.PLAIN), parts, pc)
        else:
            self.append(pc, *self.arguments(2))

    def append(self, pc: int, target: Entry, item: Entry) -> None:
        """``append(list, item)``: changes the list in place and is the list."""
        state = self.state
        text, value = self.texts((target, item))
        at = self.exit_at(pc, [*state.stack, target, item])
        self.line(f"if type({text}) is not list: raise TRAP", at)
        self.line(f"{text}.append({value})", at)
        kind = target.expression.kind
        self.push(ex.Local(text, ex.PLAIN if kind == ex.ANY else kind), pc)

    def call_action(self, pc: int, name: str, entries: list[Entry], result: str) -> None:
        arguments = self.texts(entries)
        if self.linker.rebindable(name):
            raise Unstructured(f"the function {name} may be bound anew while its name is cached")
        callee = self.linker.direct(name, len(arguments))
        if callee is not None:
            passed = arguments[: callee.arguments]
            if callee.depth:
                passed.insert(0, f"{self.depth} + 1")
            self.call(pc, f"{result} = {callee.text}({', '.join(passed)})", callee.needs, callee.writes)
            return
        needs, writes = self.linker.reach(name)
        function = self.temporary()
        value = self.variable(name).text(self.writer)
        self.line(f"{function} = {value}", self.exit_at(pc, [*self.state.stack, *entries]))
        call = f"{result} = CALL({self.depth} + 1, {function}, {name!r}, [{', '.join(arguments)}])"
        self.call(pc, call, needs, writes)

    def call_top(self, pc: int, count: Any) -> None:
        entries = self.arguments(count + 1)
        function, *arguments = self.texts(entries)
        result = self.temporary()
        needs, writes = self.linker.reach(None)
        call = f"{result} = CALL({self.depth} + 1, {function}, None, [{', '.join(arguments)}])"
        self.call(pc, call, needs, writes)
        self.push(ex.Local(result), pc)

    def call(self, pc: int, text: str, needs: frozenset[str], writes: frozenset[str]) -> None:
        """A line that runs other code of the program, which may look at and assign variables."""
        state = self.state
        cached = self.variables.cached()
        suspects = frozenset(v.name for v in cached if v.of_caller and v.stored and v.name in writes)
        if suspects and not self.tracking:
            raise NeedsTracking
        own_written = any(v.scope == OWN and v.name in writes for v in cached)
        self.flush(frozenset(v.name for v in cached if v.name in needs or v.name in writes))
        written = [v for v in cached if v.name in writes and v.local]
        for variable in written:
            self.release(variable.local)
        if suspects and own_written:
            self.line("version = FV.version")
        self.hand_over_gas()
        self.line(text, self.error_at(pc, metered=True))
        state.reload = True
        if suspects and own_written:
            self.line("if FV.version != version: last = None")
        # A frame that wrote a caller's variable last keeps seeing what it wrote: the local copy is the host's name cache.
        self.reload([v for v in written if v.name not in suspects])
        for name in sorted(suspects):
            variable = self.variables.by_name[name]
            self.line(f"if last != {name!r}: {variable.local} = {variable.scope}[{name!r}]")
        state.stale |= suspects

    def call_method(self, pc: int, operand: Any) -> None:
        name, count = operand
        target, *rest = self.arguments(count + 1)
        text, *arguments = self.texts((target, *rest))
        if name == "set" and count == 2:
            at = self.exit_at(pc, [*self.state.stack, target, *rest])
            key, value = arguments
            self.line(f"if type({text}) not in STORES: raise TRAP", at)
            self.line(f"{text}[{key}] = {value}", at)
            self.push(rest[1].expression, pc)
            return
        result = self.temporary()
        at = self.error_at(pc)
        if name in self.linker.methods:
            general = f"m_{name}({', '.join([text, *arguments])})"
        else:
            general = f"METHOD({text}, {name!r}, [{', '.join(arguments)}])"
        if name in {"push", "append"} and count == 1:
            self.line(f"if type({text}) is list: {text}.append({arguments[0]}); {result} = {text}", at)
            self.line(f"else: {result} = {general}", at)
        elif name in _SIZED and count == 0:
            self.line(f"{result} = len({text}) if type({text}) in {_SIZED[name]} else {general}", at)
        elif name == "get" and count == 1:
            self.line(f"{result} = {text}.get({arguments[0]}) if type({text}) is dict else {general}", at)
        elif name in {"has", "contains"} and count == 1:
            self.line(f"{result} = ({arguments[0]} in {text}) if type({text}) is dict else {general}", at)
        else:
            self.line(f"{result} = {general}", at)
        self.push(ex.Local(result), pc)


def _operators(expression: ex.Expression) -> list[int]:
    """Instructions inside an expression that have a slow, never failing form."""
    found = [pc for part in expression.parts() for pc in _operators(part)]
    pc = getattr(expression, "pc", None)
    return [*found, pc] if pc is not None else found


def _bare(text: str) -> str:
    """A text without the parentheses around all of it, unless they hold an assignment expression."""
    return text[1:-1] if text.startswith("(") and ":=" not in text and _encloses(text) else text


def _encloses(text: str) -> bool:
    """Whether the first parenthesis of a text closes at its end."""
    depth = 0
    quote = ""
    escaped = False
    for position, char in enumerate(text):
        if quote:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if not depth:
                return position == len(text) - 1
    return False
