"""Committing a range: the program gets what its iterations would have done."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.runtime.loops.inputs import IN_PLACE
from zexus_parallel_plugin.runtime.loops.replay import (
    CannotReplayError,
    can_grow,
    grow,
    replacements_left,
    replay,
)
from zexus_parallel_plugin.runtime.output import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.engine.compiler.range_builder import RangePlan
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.metrics import RunMetrics
    from zexus_parallel_plugin.runtime.loops.messages import RangeResult
    from zexus_parallel_plugin.runtime.loops.outbox import Pending


class Committer:
    """Commits ranges of one loop to a frame."""

    def __init__(
        self, plan: RangePlan, frame: Frame, visible: Callable[[str], Any], execution: Execution,
        metrics: RunMetrics,
    ) -> None:  # fmt: skip
        self._plan = plan
        self._frame = frame
        self._visible = visible
        self._execution = execution
        self._metrics = metrics

    def commit(self, done: Pending, result: RangeResult) -> str:
        """Do what the iterations would have done; or the reason code why that is not possible."""
        try:
            taken = self._taken(result)
            gas, operations = self._cost(result, taken)
            execution = self._execution
            if gas > execution.gas_limit or operations > execution.operation_limit:
                return "near-limit"
            if not printable(result.text):
                return "unprintable"
            stores = self._replayed(result)
        except CannotReplayError:
            return "loop-carried"
        if result.text:
            sys.stdout.write(result.text)
        execution.meter.gas_used, execution.meter.operation_count = gas, operations
        self._store(stores, done, result, taken)
        metrics = self._metrics
        metrics.ranges_committed += 1
        metrics.iterations_committed += result.done
        metrics.committed_seconds += result.seconds
        metrics.worker_gas += result.gas
        return ""

    def _taken(self, result: RangeResult) -> list[int]:
        """How many replacements of each extremum the program would have made."""
        return [
            replacements_left(extremum.op, self._visible(extremum.name), values)
            for extremum, values in zip(self._plan.extrema, result.replacements, strict=True)
        ]

    def _cost(self, result: RangeResult, taken: list[int]) -> tuple[int, int]:
        """Gas and operations of the program behind the range."""
        meter = self._execution.meter
        gas, operations = meter.gas_used + result.gas, meter.operation_count + result.operations
        for extremum, values, count in zip(self._plan.extrema, result.replacements, taken, strict=True):
            gas -= (len(values) - count) * extremum.gas
            operations -= (len(values) - count) * extremum.operations
        return gas, operations

    def _replayed(self, result: RangeResult) -> list[tuple[str, Any]]:
        """What accumulators become; those that grow in place are checked only.

        :raises CannotReplayError: the program would have met an error on the way.
        """
        stores = []
        for (name, operation), (fold, recorded) in zip(self._plan.accumulators, result.records, strict=True):
            value = self._visible(name)
            if operation in IN_PLACE:
                if not can_grow(operation, value, recorded):
                    raise CannotReplayError
            elif recorded or fold != "each":
                stores.append((name, replay(operation, value, fold, recorded)))
        return stores

    def _store(
        self, stores: list[tuple[str, Any]], done: Pending, result: RangeResult, taken: list[int]
    ) -> None:
        """Assign, counters last: iterations end with them, and the frame's name cache tells who was last."""
        frame, plan = self._frame, self._plan
        for (name, operation), (_, recorded) in zip(plan.accumulators, result.records, strict=True):
            if operation in IN_PLACE:
                grow(operation, self._visible(name), recorded)
        for name, value in stores:
            frame.store(name, value)
        kept: set[str] = set()
        for extremum, values, count in zip(plan.extrema, result.replacements, taken, strict=True):
            if count:
                frame.store(extremum.name, values[-1])
            else:
                kept.update(extremum.companions)
        for name, value in result.private:
            if name not in kept:
                frame.store(name, value)
        for (name, _), value in zip(plan.counters, result.counters, strict=True):
            among_elements = done.elements is not None and plan.bound is not None
            if among_elements and plan.bound is not None and name == plan.bound.counter:
                value += self._visible(name)  # noqa: PLW2901 - a worker counts from the first of its elements
            frame.store(name, value)
