"""Builds units: decides where variables live, has the source written, and compiles it."""

from __future__ import annotations

from zexus_parallel_plugin.engine.compiler.actions import ActionBuilder
from zexus_parallel_plugin.engine.compiler.loops import LoopBuilder
from zexus_parallel_plugin.engine.compiler.range_builder import RangeBuilder
from zexus_parallel_plugin.engine.compiler.unit import SLOW_AFTER, Unit


class Builder(ActionBuilder, LoopBuilder, RangeBuilder):
    """Makes the units of one execution."""

    def forget(self, key: int) -> None:
        """Drop the unit of an action: its next call builds it anew."""
        self.units.pop(key, None)
        self.variants.pop(key, None)
        function = self.program.functions[key]
        self.namespace[self.label(function)] = self.stub(function)

    def rebuild(self, unit: Unit) -> None:
        """Compile a unit anew with the host's rules in place of optimism that has failed often."""
        slow = unit.slow | {pc for pc, count in unit.failures.items() if count >= SLOW_AFTER}
        key = id(unit.code.bytecode)
        function = self.program.functions.get(key)
        if function is None or slow == unit.slow:
            return
        for shape, variant in self.variants.get(key, {}).items():
            if variant is unit:
                self.experience.note(unit.code, slow=slow)
                self.variants[key][shape] = self._build_action(function, slow, unit.conflicts, shape)
                return
        if self.units.get(key) is unit:
            self.experience.note(unit.code, slow=slow)
            self.units[key] = rebuilt = self._build_action(function, slow)
            self.replaced(unit, rebuilt)
            return
        for loop_key, known in list(self.loops.items()):
            if known is unit:
                self.experience.note(unit.code, loop_key[1], slow)
                self.loops[loop_key] = rebuilt = self._build_loop(
                    function, loop_key[1], self.execution.frame, slow
                )
                unit.code.loops[loop_key[1]] = rebuilt if isinstance(rebuilt, Unit) else None
                return
        for loop_key, known in list(self.counted_loops.items()):
            if known is unit:
                self.experience.note(unit.code, loop_key[1], slow)
                self.counted_loops[loop_key] = self._build_loop(
                    function, loop_key[1], self.execution.frame, slow, counted=True
                )
                return
