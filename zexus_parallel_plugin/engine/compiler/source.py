"""Lines of Python with their exits, over a symbolic operand stack and metered regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine.compiler import expressions as ex
from zexus_parallel_plugin.engine.compiler.control import Unstructured
from zexus_parallel_plugin.engine.compiler.points import Entry, Exit, Line, Linker, State, Turns
from zexus_parallel_plugin.engine.compiler.regions import Cost, Pricing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.storage import Variable, Variables


class SourceEmitter:
    """Lines with exits, temporaries, the symbolic stack, and gas.

    ``written``: local copies that calls emitted so far may have left behind. ``turns``: of the loop that is
    being written, if it charges its iterations when it ends.
    """

    def __init__(
        self,
        code: Code,
        variables: Variables,
        linker: Linker,
        *,
        kinds: Mapping[str, str],
        slow: frozenset[int] = frozenset(),
        depth: str = "d",
        depth_limit: bool = False,
        in_frame: bool = False,
        check_operations: bool = False,
        tag: str = "",
        tracking: bool = False,
        own_frame: bool = False,
    ) -> None:
        """:param kinds: what is known, or assumed, of the values of variables; others may be added.

        :param slow: instructions that have failed often; their rule is called at once.
        :param depth: text of the unit's depth, empty if it has none.
        :param depth_limit: the unit may call itself, so it checks its depth when it is entered.
        :param check_operations: the limit of operations may be reached before that of gas.
        :param tracking: note the name of the latest store in a local ``last``.
        :param own_frame: the unit has put a frame of its own on the chain of callers and takes it off when
            it returns.
        :param tag: makes the names of constants unique.
        :param in_frame: the unit runs in a frame of the interpreter and hands a ``return`` back to it.
        """
        self.code = code
        self.instructions = code.instructions
        self.variables = variables
        self.linker = linker
        self.kinds = dict(kinds)
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
        self.lines: list[Line] = []
        self.indent = 2
        self.path: list[int] = []
        self.elided: set[int] = set()
        self.state = State(
            reload=not in_frame, assigned=frozenset(v.name for v in variables.by_name.values() if v.present)
        )
        self.temporaries = 0
        self.written: list[Variable] = []
        self.turns: Turns | None = None
        self.writer = ex.Writer(self.temporary, self.constant_name, slow.__contains__)

    def line(self, text: str, exit_: Exit | None = None) -> None:
        """Write a line; ``exit_`` says what a failure there means."""
        self.lines.append(Line(self.indent, text, exit_))

    def temporary(self) -> str:
        """A fresh local name."""
        self.temporaries += 1
        return f"t{self.temporaries}"

    def constant_name(self, value: Any) -> str:
        """The name of an object that has no literal."""
        for name, known in self.constants.items():
            if known is value:
                return name
        name = f"K{self.tag}_{len(self.constants)}"
        self.constants[name] = value
        return name

    def exit_at(self, pc: int, stack: Sequence[Entry], *, operators: tuple[int, ...] = ()) -> Exit:
        """An exit that executes everything from ``pc`` on the current path again, with the given (atomic)
        stack.
        """
        state = self.state
        refund = state.prepaid.plus(self.executed_since(pc)).minus(state.owed)
        return Exit(
            pc, self.values(stack), refund, state.tries, self.dirty(), operators=operators, turns=self.turns
        )

    def exit_before(self, pc: int) -> Exit:
        """An exit at ``pc``, which has not been charged as executed yet."""
        state = self.state
        refund = state.prepaid.minus(state.owed)
        return Exit(pc, self.values(state.stack), refund, state.tries, self.dirty(), turns=self.turns)

    def error_at(self, pc: int, *, metered: bool = False) -> Exit:
        """The record of a line whose failure is the program's own error at ``pc``."""
        state = self.state
        refund = state.prepaid.minus(state.owed)
        return Exit(
            pc, self.values(state.stack), refund, state.tries, self.dirty(), True, metered, turns=self.turns
        )

    def dirty(self) -> tuple[str, ...]:
        """Names whose local copy is newer than their dictionary."""
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
        """The exit for evaluating stack entry ``index`` now: at the earliest instruction that is still
        pending.

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
        self.line(f"{name} = {bare(entry.expression.text(self.writer))}", self.resume(index))
        self.state.stack[index] = Entry(ex.Local(name, entry.expression.kind), entry.pc)

    def release(self, local: str) -> None:
        """Before a local changes: settled entries that mention it keep its old value."""
        for index, entry in enumerate(self.state.stack):
            if entry.expression.mentions(local):
                self.store_temporary(index)

    def push(self, expression: ex.Expression, pc: int) -> None:
        """Push an expression whose evaluation begins at ``pc``."""
        self.state.stack.append(Entry(expression, pc))

    def take(self, count: int) -> list[Entry]:
        """Pop entries, the lowest first."""
        stack = self.state.stack
        if len(stack) < count:
            raise Unstructured("the operand stack of a caller is used")
        taken = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        return taken

    def arguments(self, count: int) -> list[Entry]:
        """Settle everything and take the topmost ``count`` entries."""
        self.settle()
        return self.take(count)

    def texts(self, entries: Sequence[Entry]) -> list[str]:
        """Python source of settled entries."""
        return [entry.expression.text(self.writer) for entry in entries]

    def combine(self, expression: ex.Expression, operands: Sequence[Entry], pc: int) -> None:
        """Push an expression over operands that were just taken."""
        settled: list[ex.Expression] = []
        for operand in operands:
            if not operand.expression.atomic:
                self.state.stack.append(Entry(expression, operand.pc, (*settled, *operand.lead)))
                return
            settled.append(operand.expression)
        self.state.stack.append(Entry(expression, pc, tuple(settled)))


def _operators(expression: ex.Expression) -> list[int]:
    """Instructions inside an expression that have a slow, never failing form."""
    found = [pc for part in expression.parts() for pc in _operators(part)]
    pc = getattr(expression, "pc", None)
    return [*found, pc] if pc is not None else found


def bare(text: str) -> str:
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
