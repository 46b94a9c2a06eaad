"""The main process's execution: an engine that somebody runs ahead of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine.compiler.tier import Tier
from zexus_parallel_plugin.engine.execution import Execution
from zexus_parallel_plugin.runtime.late import LEFT, LateAhead

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.translator import Translator
    from zexus_parallel_plugin.engine.compiler.unit import Unit
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.engine.parallel import Cooperation
    from zexus_parallel_plugin.runtime.ahead import Ahead


class WatchedExecution(Execution):
    """An execution with an `Ahead`, which compiled code and code that counts Python frames must be kept away
    from.
    """

    __slots__ = ()

    ahead: Ahead | LateAhead | None

    def cooperate(self) -> Cooperation:
        """What executes forks, barriers and shared variables; made when it is needed."""
        if self.cooperation is None:
            self.cooperation = self.vm.open_forks(self)
        return self.cooperation

    @property
    def remembers(self) -> bool:
        """Whether the machine may have a cache, and no worker may help: what is worth sending is found out
        while code is interpreted, which must not be too brief.
        """
        return self.ahead is None and bool(self.vm.keeps_translations)

    def make_translator(self) -> Translator:
        """The machine's cache, if it has one."""
        return self.vm.open_translations() or super().make_translator()

    def make_tier(self, bytecode: Any) -> Tier:
        """The compiled tier for a program."""
        ahead = self.ahead
        all_loops = ahead is not None and ahead.forced and self.tier_name == "auto"
        return WatchedTier(self, bytecode, eager=self.tier_name == "compiled", all_loops=all_loops)

    def call_on_host(
        self, frame: Frame, descriptor: dict[str, Any], args: list[Any], depth: int, reason: str
    ) -> Any:
        """Leave one action, with everything that it calls, to the host's VM."""
        ahead = self.ahead
        if ahead is None:
            return super().call_on_host(frame, descriptor, args, depth, reason)
        ahead.pulse.hold()
        try:
            return super().call_on_host(frame, descriptor, args, depth, reason)
        finally:
            ahead.pulse.release()


class WatchedTier(Tier):
    """A compiled tier that leaves code to the interpreter where workers may help: with calls worth running
    ahead of, or with loops whose ranges they can compute.
    """

    execution: WatchedExecution

    def __init__(
        self, execution: WatchedExecution, main: Any, *, eager: bool = False, all_loops: bool
    ) -> None:
        """:param all_loops: compile loops at once, but no actions that contain some."""
        super().__init__(execution, main, eager=eager)
        self._all_loops = all_loops
        if all_loops:
            self.loop_heat = 0

    def warm(self, code: Code) -> Unit | None:
        """Note a call of an action that has no unit; compile it when it is worth it."""
        ahead = self.execution.ahead
        if ahead is not None:
            key = id(code.bytecode)
            heat = self.heat.get(key, 0) + len(code.instructions) + 10
            if heat >= self.action_heat and (
                self._all_loops
                or not ahead.may_compile(code, range(len(code.instructions)))
                or ahead.keeps(code)
            ):
                self.heat[key] = 0
                return None
        return super().warm(code)

    def loop(self, code: Code, head: int, frame: Frame) -> Any:
        """The unit of a hot loop, None if it cannot be compiled; 0 begins to count its iterations anew."""
        ahead = self.execution.ahead
        if ahead is not None:
            if ahead.calls_ahead(frame):
                return 0
            last = code.ends[head]
            refused = ahead.loop_refused(self, code, head, last, frame)
            if refused is None or (refused and not ahead.may_compile(code, range(head, last + 1))):
                return 0
            self._heat_outer(code, head, last)
        return super().loop(code, head, frame)

    def _heat_outer(self, code: Code, head: int, last: int) -> None:
        """Loops around a hot one are hot as well."""
        for other, end in code.ends.items():
            if other < head and end > last and type(code.loops.get(other, 0)) is int:
                code.loops[other] = self.loop_heat

    def run_loop(self, unit: Unit, head: int, frame: Frame) -> tuple[int, Any, Any] | None:
        """Run a loop from its head, on workers if that pays; None if its unit does not fit the frame."""
        ahead = self.execution.ahead
        if ahead is not None:
            landing: Any = ahead.loop(self, unit.code, head, frame)
            if landing is not LEFT:
                return landing  # type: ignore[no-any-return]
            ahead = self.execution.ahead
        if ahead is None:
            return super().run_loop(unit, head, frame)
        outer = ahead.stay(unit.code, head, frame)
        landing = None
        try:
            landing = super().run_loop(unit, head, frame)
        finally:
            landing = ahead.leave(outer, unit.code, frame, landing)
        return landing  # type: ignore[no-any-return]
