"""Loads and stores of variables, and keeping local copies in step with the dictionaries behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine.compiler import expressions as ex
from zexus_parallel_plugin.engine.compiler.kinds import ANY, merged
from zexus_parallel_plugin.engine.compiler.metering import MeteringEmitter
from zexus_parallel_plugin.engine.compiler.points import Entry, Line, State
from zexus_parallel_plugin.engine.compiler.source import bare
from zexus_parallel_plugin.engine.compiler.storage import OWN, Variable

if TYPE_CHECKING:
    from collections.abc import Sequence


class VariableEmitter(MeteringEmitter):
    """Variables."""

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

    def flush_into(self, end: State, body: list[Line], names: frozenset[str]) -> None:
        """Write back at the end of one side what may be stale on the other: behind the join it may be read
        again.
        """
        outer = self.lines, self.state
        self.lines, self.state = body, end
        self.indent += 1
        self.flush(names)
        self.indent -= 1
        self.lines, self.state = outer

    def reload(self, variables: Sequence[Variable]) -> None:
        """Read local copies again after somebody may have written."""
        for variable in variables:
            name = variable.name
            if variable.present or name in self.state.assigned:
                self.line(f"{variable.local} = {variable.scope}[{name!r}]")
            else:
                self.line(f"{variable.local} = {variable.scope}.get({name!r}, UNSET)")

    def variable(self, name: str) -> ex.Expression:
        """What reading a variable is."""
        variable = self.variables.by_name.get(name)
        if variable is None:
            return ex.Constant(None)
        if variable.cached and not variable.local:
            return ex.Lookup(variable.scope, name, variable.present)
        if name not in self.state.assigned:
            if variable.cached:
                return ex.Helper("KNOWN", (ex.Local(variable.local),))
            return ex.Unsure(variable.local)
        return ex.Local(variable.local, self.kinds.get(name, ANY), of_program=True)

    def load_name(self, pc: int, name: Any) -> None:
        """``LOAD_NAME``."""
        self.push(self.variable(name), pc)

    def load_const(self, pc: int, value: Any) -> None:
        """``LOAD_CONST``."""
        self.push(ex.Constant(value), pc)

    def store_name(self, pc: int, name: Any) -> None:
        """``STORE_NAME``."""
        (entry,) = self.take(1)
        self.assign(pc, name, entry)

    def store_function(self, pc: int, operand: Any) -> None:
        """``STORE_FUNC``."""
        self.assign(pc, operand[0], Entry(ex.Constant(operand[1]), pc))

    def assign(self, pc: int, name: str, entry: Entry) -> None:
        """Give a variable the value of an entry that was taken from the stack."""
        state = self.state
        variable = self.variables.by_name[name]
        self.settle()
        self.release(variable.local)
        expression = entry.expression
        state.stack.append(entry)
        at = self.resume(len(state.stack) - 1)
        state.stack.pop()
        self.line(f"{variable.local} = {bare(expression.text(self.writer))}", at)
        self.note_kind(name, expression.kind)
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

    def note_kind(self, name: str, kind: str) -> None:
        """Note what kind of value a variable gets. The first one that it gets at all is taken for the kind of
        all; whoever has the unit written sees whether that holds.
        """
        self.found_kinds[name] = merged(self.found_kinds.get(name, kind), kind)
        if not self.variables.by_name[name].present:
            self.kinds.setdefault(name, kind)
