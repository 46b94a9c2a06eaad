"""The main process's execution: an engine that somebody runs ahead of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine.compiler.tier import Tier
from zexus_parallel_plugin.engine.execution import Execution

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.unit import Unit
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.engine.parallel import Cooperation
    from zexus_parallel_plugin.runtime.ahead import Ahead


class WatchedExecution(Execution):
    """An execution with an `Ahead`, which compiled code and code that counts Python frames must be kept away
    from.
    """

    __slots__ = ()

    ahead: Ahead | None

    def cooperate(self) -> Cooperation:
        """What executes forks, barriers and shared variables; made when it is needed."""
        if self.cooperation is None:
            self.cooperation = self.vm.open_forks(self)
        return self.cooperation

    def make_tier(self, bytecode: Any) -> Tier:
        """The compiled tier for a program."""
        return WatchedTier(self, bytecode, eager=self.tier_name == "compiled")

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
    """A compiled tier that leaves code with calls worth running ahead of to the interpreter, which looks at
    each call.
    """

    execution: WatchedExecution

    def warm(self, code: Code) -> Unit | None:
        """Note a call of an action that has no unit; compile it when it is worth it."""
        ahead = self.execution.ahead
        if ahead is not None:
            key = id(code.bytecode)
            heat = self.heat.get(key, 0) + len(code.instructions) + 10
            if heat >= self.action_heat and not ahead.may_compile(code, range(len(code.instructions))):
                self.heat[key] = 0
                return None
        return super().warm(code)

    def loop(self, code: Code, head: int, frame: Frame) -> Any:
        """The unit of a hot loop, None if it cannot be compiled; 0 begins to count its iterations anew."""
        ahead = self.execution.ahead
        if ahead is not None:
            last = self.builder.loop_end(code, head)
            if not ahead.may_compile(code, range(head, last + 1)):
                return 0
        return super().loop(code, head, frame)
