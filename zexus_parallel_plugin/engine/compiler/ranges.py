"""Sub-ranges of loops: units that execute a given number of iterations.

A *counted* unit does what the loop does and stops at the head after ``C`` iterations. A *range* unit computes
iterations out of order, on a worker: it begins with the values that its counters have there, gives variables
that every iteration assigns before it reads them a life of their own (privatisation), and only records what
it would have added to accumulators, so that somebody else can do that in the order of the program.

Which variables are which is not decided beforehand: the emitter meets every use of every variable, and a use
that does not fit ends the attempt with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler import expressions as ex
from zexus_parallel_plugin.engine.compiler.carried import Carried, Extremum
from zexus_parallel_plugin.engine.compiler.control import Loop, steps
from zexus_parallel_plugin.engine.compiler.emitter import Emitter

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.compiler.control import If, Loop
    from zexus_parallel_plugin.engine.compiler.points import Entry, Exit, Turns

ORDERS = {isa.LT: "least", isa.LTE: "least", isa.GT: "most", isa.GTE: "most"}
"""``if (value > x) { x = value; … }`` by its comparison: ``x`` is an *extremum*."""

ADDED = "add"
"""``x = x + value``."""
ADDED_TO = "added to"
"""``x = value + x``."""
SUBTRACTED = "subtract"
MULTIPLIED = "multiply"
PUSHED = "push"
"""``x.push(value)`` and ``append(x, value)``: the list itself grows."""
COPIED = "copy"
"""``x = push(x, value)``: a new list each time."""
STORED = "store"
"""``x[key] = value``."""

_OPERATIONS = {isa.ADD: ADDED, isa.SUB: SUBTRACTED, isa.MUL: MULTIPLIED}
_GROWING = frozenset({"push", "append"})


@dataclass(frozen=True, slots=True)
class Accumulated(ex.Local):
    """The value of an accumulator, which a range unit does not have."""

    variable: str = ""

    def text(self, writer: ex.Writer) -> str:
        """There is none.

        :raises Carried: always.
        """
        raise Carried("loop-carried", self.variable)


class CountedEmitter(Emitter):
    """A loop that also ends before its head when it has executed ``C`` iterations.

    An error ends it: what workers compute meanwhile holds as long as no handler has run.
    """

    rescues = False
    charged: Turns | None = None

    def repeat(self, node: Loop) -> str:
        """The line that opens a loop."""
        return super().repeat(node) if self.loop_indent else "for K in range(1, C + 1):"

    def count_turns(self, node: Loop) -> Turns | None:
        """How iterations are counted."""
        turns = super().count_turns(node)
        if self.loop_indent:
            return turns
        self.charged = None if turns is None else turns._replace(counter="K")
        return self.charged

    def most_turns(self, turns: Turns) -> str:
        """How many iterations a loop may be charged for when it ends."""
        most = super().most_turns(turns)
        return f"min(C, {most})" if turns is self.charged else most

    def end_turns(self, turns: Turns, head: Exit) -> None:
        """What happens behind so many iterations: either these are all, or the gas has run out."""
        if turns is not self.charged:
            super().end_turns(turns, head)
            return
        self.line("if K < C:")
        self.indent += 1
        self.out_of_gas(head)
        self.indent -= 1
        self.line(f"g += {turns.cost.gas} * C; n += {turns.cost.operations} * C")

    def out_of_gas(self, head: Exit) -> None:
        """The gas that is left is not enough for another iteration."""
        self.line("raise TRAP", head)

    def loop(self, node: Loop) -> None:
        """A loop."""
        if self.loop_indent:
            super().loop(node)
            return
        full = self.state.copy()
        super().loop(node)
        behind = self.state
        full.dirty = behind.dirty
        self.state = full
        if self.charged is None:
            self.line("else:")
        self.indent += 1
        self.hand_back(-1)
        self.indent -= 1
        self.state = behind


class RangeEmitter(CountedEmitter):
    """Iterations of a loop without what comes before them.

    ``accumulators``: names of variables that are only added to; ``found`` are all that turned out to be such,
    with the operation.
    """

    def __init__(
        self, *args: Any, accumulators: frozenset[str], private: frozenset[str], counters: frozenset[str],
        extrema: frozenset[str], results: tuple[str, ...] = (), **settings: Any,
    ) -> None:  # fmt: skip
        """:param results: names of variables whose values are handed back, behind them the accumulators and
        then the extrema in the order of their names.
        """
        super().__init__(*args, **settings)
        self.accumulators = accumulators
        self.extrema = extrema
        self.replaced: dict[str, Extremum] = {}
        self.open: tuple[str, ex.Expression] | None = None
        self.companions: set[str] = set()
        self.assigned_elsewhere: set[str] = set()
        self.private = private
        self.counters = counters
        self.results = results
        names = [*sorted(accumulators), *sorted(extrema)]
        self.order = {name: index for index, name in enumerate(names)}
        self.found: dict[str, str] = {}
        self.changes_others = False
        self.fresh: set[str] = set()
        self.borrowed: set[str] = set()
        self.read: dict[str, int] = {}
        self.grown: dict[str, int] = {}
        self.state.assigned -= private

    def out_of_gas(self, head: Exit) -> None:
        """The gas that is left is not enough for another iteration: all before it are complete."""
        self.line("K += 1")
        super().out_of_gas(head)

    # -- variables

    def variable(self, name: str) -> ex.Expression:
        """What reading a variable is."""
        if name in self.accumulators:
            return Accumulated(self.variables.by_name[name].local, variable=name)
        if name in self.private and name not in self.state.assigned:
            self.found.setdefault(name, "")
            return Accumulated(self.variables.by_name[name].local, variable=name)
        self.read[name] = self.read.get(name, 0) + 1
        return super().variable(name)

    def assign(self, pc: int, name: str, entry: Entry) -> None:
        """Give a variable the value of an entry that was taken from the stack."""
        if name in self.extrema:
            if self.open is None or self.open[0] != name or not ex.same(entry.expression, self.open[1]):
                raise Carried("loop-carried", name)
            super().assign(pc, name, entry)
            self.line(f"R{self.order[name]}({self.variables.by_name[name].local})")
            self.assigned_elsewhere.add(name)
            return
        if self.open is None:
            self.assigned_elsewhere.add(name)
        elif self.open[1].mentions(self.variables.by_name[name].local):
            raise Carried("loop-carried", self.open[0])
        else:
            self.companions.add(name)
        if name not in self.accumulators and name not in self.found:
            if not isinstance(entry.expression, (ex.ListOf, ex.MapOf)):
                self.borrowed.add(name)
            super().assign(pc, name, entry)
            return
        if self.open is not None:
            raise Carried("loop-carried", self.open[0])
        self.settle()
        operation, values = _contribution(entry.expression, name)
        if not operation:
            return
        state = self.state
        state.stack.append(entry)
        at = self.resume(len(state.stack) - 1)
        state.stack.pop()
        for value in values:
            self.line(f"R{self.order.get(name, 0)}({value.text(self.writer)})", at)
        self.note(name, operation)

    def note(self, name: str, operation: str) -> None:
        """An accumulator is used with an operation: it must be the only one."""
        if self.open is not None:
            raise Carried("loop-carried", self.open[0])
        if self.found.get(name, operation) not in {"", operation}:
            raise Carried("loop-carried", name)
        self.found[name] = operation

    def check_extrema(self) -> None:
        """After all has been emitted.

        :raises Carried: an extremum is used otherwise, or something is assigned along with it and elsewhere.
        """
        for name in sorted(self.extrema):
            found = self.replaced.get(name)
            if found is None or self.read.get(name) != 1:
                raise Carried("loop-carried", name)
            if not self.assigned_elsewhere.isdisjoint(found.companions):
                raise Carried("loop-carried", name)
        together = [name for found in self.replaced.values() for name in found.companions]
        if len(set(together)) < len(together):
            raise Carried("loop-carried", min(together))

    @property
    def mutates(self) -> bool:
        """Whether lists or maps may be changed that the iteration has not made, accumulators apart."""
        return self.changes_others or not self.fresh.isdisjoint(self.borrowed)

    # -- extrema

    def branch(self, node: If) -> None:
        """An ``if`` with both sides."""
        compared = self.extremum()
        if compared is None:
            super().branch(node)
            return
        name, value, op = compared
        undivided = not (self.pricing.divided(node.taken) or self.pricing.divided(node.other))
        if self.open is not None or name in self.replaced or not undivided:
            raise Carried("loop-carried", name)
        taken, other = self.pricing.ahead(node.taken), self.pricing.ahead(node.other)
        if self.instructions[node.pc][0] != isa.JUMP_IF_FALSE or not (taken.runs_on and other.runs_on):
            raise Carried("loop-carried", name)
        if any(self.instructions[pc][0] not in {isa.NOP, isa.JUMP} for pc in steps(node.other)):
            raise Carried("loop-carried", name)
        self.companions = set()
        self.open = name, value
        super().branch(node)
        self.open = None
        if name not in self.assigned_elsewhere:
            raise Carried("loop-carried", name)
        cost = taken.cost.minus(other.cost)
        self.replaced[name] = Extremum(name, op, tuple(sorted(self.companions)), cost.gas, cost.operations)

    def extremum(self) -> tuple[str, ex.Expression, int] | None:
        """The extremum that the condition on top of the stack compares, the other operand, and how."""
        condition = self.state.stack[-1].expression
        locals_of = {self.variables.by_name[name].local: name for name in self.extrema}
        if not isinstance(condition, ex.Binary) or condition.op not in ORDERS:
            return None
        for known, value, op in (
            (condition.right, condition.left, condition.op),
            (condition.left, condition.right, isa.ORDERS[condition.op]),
        ):
            if isinstance(known, ex.Local) and known.name in locals_of:
                return locals_of[known.name], value, op
        return None

    def print(self, pc: int, count: Any) -> None:
        """``PRINT``."""
        if self.open is not None:
            raise Carried("loop-carried", self.open[0])
        super().print(pc, count)

    # -- effects

    def call(self, pc: int, text: str, needs: frozenset[str], writes: frozenset[str]) -> None:
        """A line that runs other code of the program."""
        touched = needs | writes
        for name in sorted(touched & (self.accumulators | self.extrema | self.counters | self.found.keys())):
            raise Carried("loop-scoping", name)
        for name in sorted(touched & self.private - self.state.assigned):
            raise Carried("loop-scoping", name)
        super().call(pc, text, needs, writes)

    def call_method(self, pc: int, operand: Any) -> None:
        """``CALL_METHOD``: growing an accumulator is recorded."""
        name, count = operand
        stack = self.state.stack
        grows = (name in _GROWING and count == 1) or (name == "set" and count == 2)
        if self.open is not None:
            raise Carried("loop-carried", self.open[0])
        if len(stack) > count:
            target = stack[-count - 1].expression
            if isinstance(target, Accumulated):
                if not grows:
                    raise Carried("loop-carried", target.variable)
                self.record(pc, target, name, count)
                return
            if grows:
                self.grow(target)
        super().call_method(pc, operand)

    def grow(self, target: ex.Expression) -> None:
        """A list or map is changed that is no accumulator (yet)."""
        known = {v.local: v for v in self.variables.by_name.values()}
        variable = known.get(target.name) if isinstance(target, ex.Local) else None
        if variable is None or variable.name in self.counters:
            self.changes_others = True
        elif variable.stored:
            self.fresh.add(variable.name)
        else:
            self.grown[variable.name] = self.grown.get(variable.name, 0) + 1

    def record(self, pc: int, target: Accumulated, name: str, count: int) -> None:
        """Record what a method would have added to an accumulator."""
        entries = self.arguments(count + 1)
        _, *values = entries
        texts = self.texts(values)
        number = self.order.get(target.variable, 0)
        if count == 1:
            self.line(f"R{number}({texts[0]})")
            self.note(target.variable, PUSHED)
            self.push(target, pc)
        else:
            self.line(f"R{number}(({texts[0]}, {texts[1]}))")
            self.note(target.variable, STORED)
            self.push(values[1].expression, pc)

    def append(self, pc: int, target: Entry, item: Entry) -> None:
        """``append(list, item)``."""
        if self.open is not None:
            raise Carried("loop-carried", self.open[0])
        if isinstance(target.expression, Accumulated):
            self.line(f"R{self.order.get(target.expression.variable, 0)}({self.texts((item,))[0]})")
            self.note(target.expression.variable, PUSHED)
            self.push(target.expression, pc)
            return
        self.grow(target.expression)
        super().append(pc, target, item)

    # -- ends

    def hand_back(self, pc: int) -> None:
        """Hand back the number of complete iterations, how the range ended, values, and what was recorded."""
        self.check_extrema()
        self.hand_over_gas()
        values = "".join(f"{self.variables.by_name[name].local}, " for name in self.results)
        records = "".join(f"A{index}, " for index in range(len(self.order)))
        done = "C" if pc < 0 else "K - 1"
        self.line(f"return {done}, {pc}, ({values}), ({records})")


def _contribution(expression: ex.Expression, name: str) -> tuple[str, list[ex.Expression]]:
    """How an accumulator is changed by an assignment: the operation, and the values in order.

    :raises Carried: it is another kind of assignment.
    """
    if isinstance(expression, Accumulated) and expression.variable == name:
        return "", []  # the result of append(x, …), which is x
    if isinstance(expression, ex.Pushed) and _is(expression.target, name):
        return COPIED, [expression.item]
    if isinstance(expression, ex.Binary) and expression.op in _OPERATIONS:
        operation = _OPERATIONS[expression.op]
        if _is(expression.left, name):
            return operation, [expression.right]
        if operation != SUBTRACTED and _is(expression.right, name):
            return (ADDED_TO if operation == ADDED else MULTIPLIED), [expression.left]
        if operation != MULTIPLIED:
            inner, values = _contribution(expression.left, name)
            if inner == operation:
                return inner, [*values, expression.right]
    raise Carried("loop-carried", name)


def _is(expression: ex.Expression, name: str) -> bool:
    return isinstance(expression, Accumulated) and expression.variable == name
