"""Which code is compiled, and when; and how the interpreter enters what has been compiled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler.experience import Experience
from zexus_parallel_plugin.engine.compiler.trap import Trap

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.builder import Builder
    from zexus_parallel_plugin.engine.compiler.names import Function
    from zexus_parallel_plugin.engine.compiler.unit import Unit
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame

ACTION_HEAT = 4000
"""Interpreted instructions, about, after which an action is compiled: then it has cost about as much as
compiling it."""

LOOP_HEAT = 60
"""Iterations after which a loop is compiled."""

_ASKING_ACTION_HEAT, _ASKING_LOOP_HEAT = 400, 4
"""The same, after which it is looked up what was hot in earlier runs."""

_WORTH_ENTERING = 20
"""Operations in a loop unit that take the interpreter longer than it takes to enter and leave the unit."""

_SHORT_VISITS = 100
"""Visits with fewer operations after which a loop is interpreted for good."""

_REBUILDS = 4
"""How often a loop is compiled anew because its variables have moved."""


class Tier:
    """The compiled tier of one execution.

    ``eager``: compile everything at its first use.
    """

    def __init__(self, execution: Execution, main: Any, *, eager: bool = False) -> None:
        self.execution = execution
        self.main = main
        self.action_heat = 0 if eager else ACTION_HEAT
        self.loop_heat = 0 if eager else LOOP_HEAT
        self.ready: dict[int, Unit] = {}
        self.heat: dict[int, int] = {}
        self._asked = eager or not execution.remembers
        if not self._asked:
            self.loop_heat = _ASKING_LOOP_HEAT
        self.rebuilds: dict[tuple[int, int], int] = {}
        self._builder: Builder | None = None
        self.root_size = len(execution.root.env)
        self._experience: Experience | None = None

    @property
    def builder(self) -> Builder:
        """The builder, made when the first code is worth compiling."""
        if self._builder is None:
            execution = self.execution
            begin = time.perf_counter()
            # The compiler is loaded when there is something to compile: short programs start without it.
            from zexus_parallel_plugin.engine.compiler.builder import Builder
            from zexus_parallel_plugin.engine.compiler.names import analyse

            program = analyse(execution.code, self.main, execution.root.env, execution.builtins)
            self._builder = Builder(execution, program, self._replaced, self.revalidate, self.experience)
            execution.translation.seconds += time.perf_counter() - begin
        return self._builder

    def _replaced(self, old: Unit, new: Unit | str) -> None:
        for key, unit in list(self.ready.items()):
            if unit is old:
                if not isinstance(new, str):
                    self.ready[key] = new
                else:
                    del self.ready[key]
                    self.heat[key] = -1

    @property
    def experience(self) -> Experience:
        """What is known of earlier runs; made at the first use."""
        if self._experience is None:
            self._experience = Experience(self.execution.translator)
        return self._experience

    def _ask(self) -> None:
        """Look once what earlier runs have found hot: it is compiled when it is used next."""
        self._asked = True
        self.loop_heat = LOOP_HEAT
        codes = self.execution.code
        codes.prepared = self._recall
        for code in list(codes):
            self._recall(code)

    def _recall(self, code: Code) -> None:
        for head in self.experience.loops(code):
            if type(code.loops.get(head, 0)) is int:
                code.loops[head] = LOOP_HEAT
        if self.experience.action(code):
            key = id(code.bytecode)
            self.heat[key] = self.heat.get(key, 0) + self.action_heat

    def counted_on(self, code: Code, head: int) -> int | None:
        """How often a loop has been seen, if that is not often enough for it to be compiled."""
        if self._asked:
            return None
        seen = self.loop_heat + 1
        self._ask()
        known = code.loops.get(head, 0)
        return seen if type(known) is int and known < LOOP_HEAT else None

    def function(self, code: Code) -> Function | None:
        """What is known of a code object; None for one that the program did not contain."""
        return self.builder.program.functions.get(id(code.bytecode))

    def warm(self, code: Code) -> Unit | None:
        """Note a call of an action that has no unit; compile it when it is worth it."""
        key = id(code.bytecode)
        heat = self.heat.get(key, 0)
        if heat < 0:
            return None
        heat += len(code.instructions) + 10
        self.heat[key] = heat
        if not self._asked and heat >= _ASKING_ACTION_HEAT:
            self._ask()
            heat = self.heat[key]
        if heat < self.action_heat:
            return None
        self.experience.note(code)
        function = self.function(code)
        unit = self.builder.action(function) if function is not None else "not part of the program"
        if not isinstance(unit, str) and not unit.absent.intersection(self.execution.root.env):
            self.ready[key] = unit
            return unit
        self.heat[key] = -1
        return None

    def call(self, unit: Unit, frame: Frame, args: list[Any], depth: int) -> Any:
        """Run an action unit with ``frame`` as its caller."""
        execution = self.execution
        outer = execution.frame
        execution.frame = frame
        try:
            if unit.depth:
                return unit.function(depth, *args[: unit.parameters])
            return unit.function(*args[: unit.parameters])
        finally:
            execution.frame = outer

    def enterable(self) -> bool:
        """Whether compiled code may be entered now.

        Its gas check stands for both limits as long as there were no more operations than gas; and new root
        variables may have taken the place of what units take for their own.
        """
        execution = self.execution
        self.revalidate()
        meter = execution.meter
        return bool(meter.operation_count <= meter.gas_used)

    def revalidate(self) -> None:
        """Drop units whose own variables have got names of new root variables."""
        root = self.execution.root.env
        if len(root) == self.root_size:
            return
        self.root_size = len(root)
        if self._builder is None:
            return
        for key, unit in list(self._builder.units.items()):
            variants = self._builder.variants.get(key, {}).values()
            if any(not isinstance(u, str) and not u.absent.isdisjoint(root) for u in (unit, *variants)):
                self._builder.forget(key)
                self.ready.pop(key, None)

    def loop(self, code: Code, head: int, frame: Frame) -> Unit | int | None:
        """The unit of a hot loop; None if it cannot be compiled, a number if it should be interpreted for a
        while longer.
        """
        seen = self.counted_on(code, head)
        if seen is not None:
            return seen
        function = self.function(code)
        if function is None or "_continue_on_error" in frame.env:
            return None
        self.experience.note(code, head)
        unit = self.builder.loop(function, head, frame)
        return None if isinstance(unit, str) else unit

    def run_loop(self, unit: Unit, head: int, frame: Frame) -> tuple[int, Any, Any] | None:
        """Run a loop unit from its head; None if it does not fit the frame as it is now."""
        if not self.enterable():
            return None
        if frame.stale_name in unit.hazards and frame.stale_version == frame.version:
            return None
        if not self._fits(unit, frame):
            if not self._forget_loop(unit, head):
                return None
            rebuilt = self.loop(unit.code, head, frame)
            unit.code.loops[head] = rebuilt
            if rebuilt is None or isinstance(rebuilt, int) or not self._fits(rebuilt, frame):
                return None
            unit = rebuilt
        meter = self.execution.meter
        before = meter.operation_count
        landing = self._enter(unit, head, frame)
        if landing is not None and meter.operation_count - before < _WORTH_ENTERING:
            self._hardly_used(unit, head, landing[0])
        return landing

    def _hardly_used(self, unit: Unit, head: int, left_at: int) -> None:
        """A loop unit was left soon. If that is so again and again because of an instruction that only the
        interpreter executes, the loop is interpreted from now on.
        """
        instructions = unit.code.instructions
        if 0 <= left_at < len(instructions) and instructions[left_at][0] in {isa.RARE, isa.PARALLEL_MAP}:
            unit.short_visits += 1
            if unit.short_visits > _SHORT_VISITS:
                unit.code.loops[head] = None

    def prepare_counted(self, code: Code, head: int, frame: Frame) -> Unit | None:
        """The unit that executes iterations of a loop one by one, if there is one for the frame as it is."""
        function = self.function(code)
        if function is None or not self.enterable():
            return None
        unit = self.builder.counted(function, head, frame)
        if not isinstance(unit, str) and not self._fits(unit, frame):
            self.builder.counted_loops.pop((id(code.bytecode), head), None)
            unit = self.builder.counted(function, head, frame)
        return None if isinstance(unit, str) or not self._fits(unit, frame) else unit

    def run_counted(self, code: Code, head: int, frame: Frame, count: int) -> tuple[int, Any, Any] | None:
        """Run ``count`` iterations of a loop from its head; None if there is no unit for the frame as it is.

        The next instruction is -1 when all iterations are complete and the loop goes on.
        """
        unit = self.prepare_counted(code, head, frame)
        if unit is None or (frame.stale_name in unit.hazards and frame.stale_version == frame.version):
            return None
        return self._enter(unit, head, frame, count)

    def _enter(self, unit: Unit, head: int, frame: Frame, *count: int) -> tuple[int, Any, Any] | None:
        execution = self.execution
        outer = execution.frame
        execution.frame = frame
        try:
            landing: tuple[int, Any, Any] = unit.function(frame, *count)
            return landing
        except Trap:
            # A variable is not of the kind that it was; nothing has been executed.
            self.builder.mixed_loops.add((id(unit.code.bytecode), head))
            self._forget_loop(unit, head)
            return None
        finally:
            execution.frame = outer

    def _forget_loop(self, unit: Unit, head: int) -> bool:
        """Drop a loop unit that does not fit; whether it may be built anew."""
        key = (id(unit.code.bytecode), head)
        self.rebuilds[key] = self.rebuilds.get(key, 0) + 1
        self.builder.loops.pop(key, None)
        self.builder.counted_loops.pop(key, None)
        again = self.rebuilds[key] <= _REBUILDS
        unit.code.loops[head] = 0 if again else None
        return again

    def _fits(self, unit: Unit, frame: Frame) -> bool:
        """Whether the variables of a loop unit are where they were when it was compiled, and of the kinds
        they were.
        """
        root = self.execution.root
        if frame is root:
            return unit.present <= frame.env.keys() and unit.absent.isdisjoint(frame.env)
        for variable in unit.variables.by_name.values():
            owner = next((f for f in frame.chain() if variable.name in f.env), None)
            if (owner is not None) != variable.present:
                return False
            if owner is frame:
                scope = "V"
            elif owner is root:
                scope = "E"
            else:
                scope = "O"
            if variable.present and variable.scope[0] != scope:
                return False
        return not any(name in f.env for name in unit.absent for f in frame.chain())
