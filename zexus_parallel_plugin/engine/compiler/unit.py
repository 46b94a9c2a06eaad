"""Units: compiled functions, how they are entered and how they are left.

An *action unit* is a whole action: arguments in, value out, variables in Python locals. A *loop unit* is one
loop of a frame that the interpreter runs: the frame in, the next instruction out.
"""

from __future__ import annotations

import opcode
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler.storage import OWN, ROOT, Variables
from zexus_parallel_plugin.engine.compiler.support import UNSET
from zexus_parallel_plugin.engine.frame import Frame
from zexus_parallel_plugin.engine.interpreter import interpret

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType, TracebackType

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.points import Exit
    from zexus_parallel_plugin.engine.execution import Execution

MOST_KEPT = 10_000
"""Operands of failed statements that a unit keeps before it leaves the rest to the interpreter."""

SLOW_AFTER = 3
"""Failures of one optimistic instruction after which its unit is compiled anew with the host's rule in its
place."""


@dataclass(slots=True)
class Unit:
    """One compiled function.

    ``exits``: line number of the generated source -> what a failure there means. ``slow``: instructions
    whose optimism has been given up. ``absent``: names that must not exist when the unit is entered.
    ``present``: for a loop, names that must. ``hazards``: for a loop, callers' variables that callees assign
    as well, so that the frame's name cache matters. ``conflicts`` and ``shape``: for an action with
    variants, the names that callers may own and which of them do. ``short_visits``: for a loop, how often it
    was hardly worth entering.
    """

    code: Code
    name: str
    source: str
    variables: Variables
    exits: dict[int, Exit]
    function: Callable[..., Any]
    parameters: int = 0
    depth: bool = False
    slow: frozenset[int] = frozenset()
    absent: frozenset[str] = frozenset()
    present: frozenset[str] = frozenset()
    hazards: frozenset[str] = frozenset()
    conflicts: tuple[str, ...] = ()
    shape: tuple[bool, ...] = ()
    failures: Counter[int] = field(default_factory=Counter)
    left: int = 0
    short_visits: int = 0

    def failed(self, exit_: Exit, error: Exception) -> bool:
        """Note an exit; tell whether the unit should be compiled anew."""
        self.left += 1
        again = False
        for pc in suspects(self.code, exit_.operators, error):
            self.failures[pc] += 1
            again |= self.failures[pc] == SLOW_AFTER
        return again


_STORE = opcode.opmap["STORE_FAST"]

_RAISING: dict[type[Exception], frozenset[int]] = {
    IndexError: frozenset({isa.INDEX}),
    KeyError: frozenset({isa.INDEX}),
    ZeroDivisionError: frozenset({isa.DIV, isa.MOD, isa.POW}),
}

_SAYING: dict[str, frozenset[int]] = {
    "subscriptable": frozenset({isa.INDEX}),
    "indices must be": frozenset({isa.INDEX}),
    "has no len()": frozenset({isa.GET_LENGTH}),
    "concatenate": frozenset({isa.ADD}),
    "for +:": frozenset({isa.ADD}),
    "for -:": frozenset({isa.SUB}),
    "for *:": frozenset({isa.MUL}),
    "not supported between": frozenset({isa.LT, isa.GT, isa.LTE, isa.GTE}),
}
"""What Python's own texts of type errors tell. A text that says something else costs speed only."""


def suspects(code: Code, operators: tuple[int, ...], error: Exception) -> tuple[int, ...]:
    """Those of some instructions that may have failed with this error; all, if none seems to have."""
    raising = _RAISING.get(type(error))
    if raising is None and type(error) is TypeError:
        said = str(error)
        raising = next((raising for part, raising in _SAYING.items() if part in said), None)
    if raising is None:
        return operators
    return tuple(pc for pc in operators if code.instructions[pc][0] in raising) or operators


class Exits:
    """Continues in the interpreter what a unit could not finish. One per execution."""

    def __init__(self, execution: Execution, recompile: Callable[[Unit], None]) -> None:
        self.execution = execution
        self.recompile = recompile
        self.action_codes: set[CodeType] = set()

    def leave_action(self, error: Exception, unit: Unit, depth: int | None) -> Any:
        """The value of an action whose unit has failed with ``error``; called from the unit's own handler.

        :raises Exception: the program's own error, which the caller has to see.
        """
        execution, meter = self.execution, self.execution.meter
        traceback = error.__traceback__
        assert traceback is not None
        local_values = traceback.tb_frame.f_locals
        exit_ = unit.exits[line_of(error, traceback)]
        own: Frame | None = local_values.get("FV")
        if own is not None:
            execution.frame = own.parent or execution.root
        if not exit_.metered or not exit_.raised:
            meter.gas_used, meter.operation_count = _spent(
                exit_, local_values["g"], local_values["n"], local_values
            )
        self._write_back(unit, exit_, local_values, callers_only=True)
        if exit_.raised and not exit_.tries:
            self._note_failure(error, unit, exit_)
            raise error
        if not exit_.raised and unit.failed(exit_, error):
            self.recompile(unit)
        if depth is None:
            depth = self.depth_of(traceback.tb_frame)
        frame = own or Frame({}, execution.frame, depth)
        for variable in unit.variables.by_name.values():
            if variable.cached and variable.scope != OWN:
                continue
            value = local_values.get(variable.local, UNSET)
            if value is not UNSET:
                frame.env[variable.name] = value
        _restore_cache(unit, frame, local_values)
        stack, ip, tries = self._landing(exit_, error, local_values)
        return interpret(execution, unit.code, frame, stack, ip, tries)

    def leave_loop(self, error: Exception, unit: Unit, frame: Frame) -> tuple[int, list[Any], list[int]]:
        """Where the interpreter goes on in ``frame``: instruction, operands to push, handlers to open.

        :raises Exception: the program's own error.
        """
        traceback = error.__traceback__
        assert traceback is not None
        local_values = traceback.tb_frame.f_locals
        exit_ = unit.exits[line_of(error, traceback)]
        meter = self.execution.meter
        if not exit_.metered or not exit_.raised:
            meter.gas_used, meter.operation_count = _spent(
                exit_, local_values["g"], local_values["n"], local_values
            )
        self._write_back(unit, exit_, local_values, callers_only=False)
        if exit_.dirty:
            frame.version += 1
        _restore_cache(unit, frame, local_values)
        if exit_.raised and not exit_.tries:
            # Operands that the statement has pushed stay on the frame's stack, as on the host.
            self.execution.residue = _operands(exit_, local_values)
            self._note_failure(error, unit, exit_)
            raise error
        if not exit_.raised and unit.failed(exit_, error):
            self.recompile(unit)
        stack, ip, tries = self._landing(exit_, error, local_values)
        return ip, stack, tries

    def caught(
        self, error: Exception, unit: Unit, handler: int, gas: int, operations: int, kept: list[Any]
    ) -> tuple[int, int, str] | None:
        """What the handler of a ``try`` begins with when a line of the body has failed: gas, operations, and
        the text of the error. None if the interpreter has to go on.

        :param handler: the instruction with which it begins. A ``try`` inside of this one may have one that
            is not compiled, and the error is that one's then.
        :param kept: gets the operands that the statement leaves on the stack.
        """
        traceback = error.__traceback__
        assert traceback is not None
        exit_ = unit.exits[line_of(error, traceback)]
        if not exit_.raised or exit_.tries[-1:] != (handler,) or len(kept) > MOST_KEPT:
            return None
        local_values = traceback.tb_frame.f_locals if exit_.stack or exit_.turns else {}
        if exit_.stack:
            kept += [local_values.get(value) if is_local else value for is_local, value in exit_.stack]
        text = str(error.args[0] if error.args else error)
        if exit_.metered:
            meter = self.execution.meter
            return meter.gas_used, meter.operation_count, text
        return *_spent(exit_, gas, operations, local_values), text

    def caught_writing(
        self, error: Exception, unit: Unit, handler: int, gas: int, operations: int, kept: list[Any]
    ) -> tuple[int, int, str] | None:
        """The same, with variables in their dictionaries brought up to date."""
        found = self.caught(error, unit, handler, gas, operations, kept)
        traceback = error.__traceback__
        if found is not None and traceback is not None:
            exit_ = unit.exits[line_of(error, traceback)]
            local_values = traceback.tb_frame.f_locals
            self._write_back(unit, exit_, local_values, callers_only=False)
            own = local_values.get("FV")
            if exit_.dirty and own is not None:
                own.version += 1
        return found

    def _note_failure(self, error: Exception, unit: Unit, exit_: Exit) -> None:
        """Remember where an error that leaves a frame came from, unless it came from further inside."""
        execution = self.execution
        if execution.failure is None or execution.failure[0] is not error:
            execution.failure = error, unit.code, exit_.pc

    def _landing(
        self, exit_: Exit, error: Exception, local_values: dict[str, Any]
    ) -> tuple[list[Any], int, list[int]]:
        stack = _operands(exit_, local_values)
        if exit_.raised:
            stack.append(str(error.args[0] if error.args else error))
            return stack, exit_.tries[-1], list(exit_.tries[:-1])
        return stack, exit_.pc, list(exit_.tries)

    def _write_back(
        self, unit: Unit, exit_: Exit, local_values: dict[str, Any], *, callers_only: bool
    ) -> None:
        """Bring dictionaries up to date with local copies."""
        for name in exit_.dirty:
            variable = unit.variables.by_name[name]
            if callers_only and not variable.of_caller:
                continue
            value = local_values.get(variable.local, UNSET)
            if value is not UNSET:
                owner: Frame = (
                    self.execution.root if variable.scope == ROOT else local_values["F" + variable.scope]
                )
                owner.env[name] = value
                owner.version += 1

    def depth_of(self, frame: FrameType | None) -> int:
        """Depth of the Zexus call that a Python frame of an action unit belongs to."""
        depth = 0
        while frame is not None:
            if frame.f_code in self.action_codes:
                depth += 1
            elif frame.f_code is interpret.__code__:
                known: Frame = frame.f_locals["frame"]
                return known.depth + depth
            frame = frame.f_back
        return depth


def line_of(error: BaseException, traceback: TracebackType) -> int:
    """The line in which generated code has failed with an error.

    Python 3.11 executes a store and the load behind it as one instruction. When the load fails, because the
    local is not bound, it tells the line of the store, which itself cannot fail.
    """
    if not isinstance(error, UnboundLocalError):
        return traceback.tb_lineno
    code, index = traceback.tb_frame.f_code, traceback.tb_lasti
    if code.co_code[index] != _STORE:
        return traceback.tb_lineno
    lines = (line for start, end, line in code.co_lines() if start <= index + 2 < end)
    return next(lines, None) or traceback.tb_lineno


def _spent(exit_: Exit, gas: int, operations: int, local_values: dict[str, Any]) -> tuple[int, int]:
    """Gas and operations at an exit, from what the unit has counted."""
    if exit_.turns is not None:
        turns, cost = local_values[exit_.turns.counter], exit_.turns.cost
        gas += turns * cost.gas
        operations += turns * cost.operations
    return gas - exit_.refund.gas, operations - exit_.refund.operations


def _operands(exit_: Exit, local_values: dict[str, Any]) -> list[Any]:
    """The operand stack at an exit, with what earlier errors have left on it."""
    values = [local_values.get(value) if is_local else value for is_local, value in exit_.stack]
    return [*local_values.get("J", ()), *values]


def _restore_cache(unit: Unit, frame: Frame, local_values: dict[str, Any]) -> None:
    """Give the frame the name cache that it would have: the caller's variable that it wrote last, as it
    wrote it.
    """
    last = local_values.get("last")
    variable = unit.variables.by_name.get(last) if last is not None else None
    if variable is not None and variable.of_caller:
        frame.stale_name = last
        frame.stale_value = local_values.get(variable.local)
        frame.stale_version = frame.version


def caller_depth(exits: Exits) -> int:
    """Depth of the Zexus call that runs when a helper without a depth of its own is called."""
    return exits.depth_of(sys._getframe(2))
