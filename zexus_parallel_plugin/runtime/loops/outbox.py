"""Ranges on their way to workers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.runtime.loops.messages import RangeSpec, encode_range
from zexus_parallel_plugin.runtime.snapshot import NotPlainError

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.range_builder import RangePlan
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.metrics import RunMetrics
    from zexus_parallel_plugin.runtime.dispatch import Dispatch
    from zexus_parallel_plugin.runtime.loops.inputs import Inputs
    from zexus_parallel_plugin.runtime.snapshot import Library


class Pending:
    """A range that was sent: iterations ``begin`` to ``begin + count``, counted from where the loop was when
    it came here. ``elements``: those of the list that is walked through. ``seconds``: expected.
    """

    __slots__ = ("begin", "count", "elements", "handle", "seconds")

    def __init__(
        self, begin: int, count: int, elements: list[Any] | None, handle: Any, seconds: float
    ) -> None:
        self.begin = begin
        self.count = count
        self.elements = elements
        self.handle = handle
        self.seconds = seconds

    @property
    def end(self) -> int:
        """The first iteration behind it."""
        return self.begin + self.count


class Outbox:
    """The ranges of one execution of a loop, in the order of the program."""

    def __init__(
        self, plan: RangePlan, code: Code, frame: Frame, start: dict[str, int], execution: Execution,
        dispatch: Dispatch, library: Library, main: Any, metrics: RunMetrics,
        visible: Callable[[str], Any],
    ) -> None:  # fmt: skip
        self._plan = plan
        self._code = code
        self._frame = frame
        self._start = start
        self._execution = execution
        self._dispatch = dispatch
        self._library = library
        self._main = main
        self._metrics = metrics
        self._visible = visible
        self.inputs: Inputs | None = None
        self.pending: deque[Pending] = deque()
        self.sent = 0

    @property
    def unfinished(self) -> int:
        """Ranges that workers have not answered yet."""
        return sum(not pending.handle.done for pending in self.pending)

    def send(self, count: int, seconds: float) -> bool:
        """Send the next iterations; whether that was possible.

        :param seconds: what one of them is expected to take.
        """
        plan, inputs = self._plan, self.inputs
        assert inputs is not None
        begin = {name: self._start[name] + self.sent * step for name, step in plan.counters}
        elements = None
        if inputs.elements is not None and plan.bound is not None:
            first = begin[plan.bound.counter]
            elements = inputs.elements[first : first + count]
            begin[plan.bound.counter] = 0
        meter = self._execution.meter
        spec = RangeSpec(
            self._main, self._code.bytecode, plan.head, inputs.base, begin, plan.private,
            tuple(name for name, _ in plan.accumulators), inputs.folds,
            {extremum.name: self._visible(extremum.name) for extremum in plan.extrema},
            None if elements is None else (plan.elements, elements), inputs.mutates, count,
            self._frame.depth, meter.gas_used, meter.operation_count,
        )  # fmt: skip
        try:
            self._library.start()
            payload = encode_range(spec, self._library.key_of)
        except NotPlainError as error:
            self._metrics.reasons[error.reason] += 1
            return False
        needs = {**inputs.needs, **self._library.needed()}
        handle = self._dispatch.submit(payload, needs, count * seconds)
        if handle is None:
            return False
        self._dispatch.recorder.range_sent(handle, self._code, plan.head, count)
        self.pending.append(Pending(self.sent, count, elements, handle, count * seconds))
        self.sent += count
        self._metrics.ranges_sent += 1
        self._metrics.iterations_sent += count
        return True

    def give_up(self) -> bool:
        """Nothing of what is still on its way is needed, nor will be anything else; whether there was any."""
        lost = bool(self.pending)
        for pending in self.pending:
            self._dispatch.recorder.range_settled(pending.handle, 0, "not-reached")
            self._dispatch.cancel(pending.handle, pending.seconds)
        self.pending.clear()
        if self.inputs is not None and self.inputs.published:
            self._dispatch.withdraw(self.inputs.base)
        return lost
