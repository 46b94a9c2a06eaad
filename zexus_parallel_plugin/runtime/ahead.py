"""Running ahead: calls that will come are started on workers, and committed when the program reaches them.

See ``docs/design.md``, section Run-ahead. The order of things at a call: a planned call is compared with the
one that is made; its result is waited for, checked against the limits, and committed. Everything else is
executed in place, and measured, and while that takes long, a pulse looks ahead from there.
"""

from __future__ import annotations

import sys
from time import thread_time
from typing import TYPE_CHECKING, Any, Final

from zexus_parallel_plugin.analysis.footprint import Descriptor, is_function
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.host.vm import VMRuntimeError
from zexus_parallel_plugin.runtime.dispatch import Dispatch, Pool
from zexus_parallel_plugin.runtime.knowledge import UNKNOWN
from zexus_parallel_plugin.runtime.late import LEFT, Flight
from zexus_parallel_plugin.runtime.lookahead import Lookahead
from zexus_parallel_plugin.runtime.loops.behind import Resident
from zexus_parallel_plugin.runtime.loops.driver import Loops
from zexus_parallel_plugin.runtime.output import printable
from zexus_parallel_plugin.runtime.planner import Planner
from zexus_parallel_plugin.runtime.pulse import Pulse
from zexus_parallel_plugin.runtime.recorder import OFF, Recorder
from zexus_parallel_plugin.runtime.scout import Scout
from zexus_parallel_plugin.runtime.sites import Site, Sites
from zexus_parallel_plugin.runtime.stream import MapSource, Source, Stream
from zexus_parallel_plugin.runtime.task import Record
from zexus_parallel_plugin.runtime.visible import visible_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zexus_parallel_plugin.config import ParallelConfig
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.engine.position import Position
    from zexus_parallel_plugin.metrics import RunMetrics
    from zexus_parallel_plugin.runtime.execution import WatchedTier
    from zexus_parallel_plugin.runtime.snapshot import Library
    from zexus_parallel_plugin.runtime.task import Batch, PlannedCall

_LONG_SECONDS = 0.002
"""Time that a call must have been running for, for a look ahead from it."""

_CALL_SECONDS = 0.005
"""Time that calls must take for their loop to be interpreted while they are on their way."""

_FORCED_NESTED = 3
"""Activations of one action that are looked ahead in when everything legal is sent; else it is one."""

_NOTHING: Final = object()
_USED: Final = Record("used")


class _Visit:
    """A call at a site, on its way through: planned, or executed in place."""

    __slots__ = (
        "args", "begun", "code", "frame", "function", "ip", "key", "looked", "site", "source", "stream",
    )  # fmt: skip

    def __init__(
        self,
        frame: Frame,
        key: tuple[int, int],
        function: Descriptor,
        args: list[Any],
        site: Site,
        source: Callable[[], Source],
        code: Code | None = None,
    ) -> None:
        self.code = code
        self.frame = frame
        self.key = key
        self.ip = key[1]
        self.function = function
        self.args = args
        self.site = site
        self.source = source
        self.stream: Stream | None = None
        self.looked = False
        self.begun = 0.0


class _Busy:
    """While this is open, ``on`` is true, and no beat comes in between.

    No generator: beats come at any depth of recursion, and Python complains of generators that end there, on
    standard error.
    """

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = False

    def __enter__(self) -> None:
        self.on = True

    def __exit__(self, *_error: object) -> None:
        self.on = False


class Ahead:
    """Implements `engine.position.RunAhead` for one execution."""

    def __init__(
        self, execution: Execution, config: ParallelConfig, library: Library, main: Any,
        open_pool: Callable[[], Pool], pure: Callable[[], frozenset[str]], metrics: RunMetrics,
        recorder: Recorder = OFF,
    ) -> None:  # fmt: skip
        self._execution = execution
        self._config = config
        self._metrics = metrics
        self.forced = config.mode == "parallel" or config.min_task_seconds <= 0
        self._threshold = threshold = 0.0 if self.forced else config.min_task_seconds
        self._sites = Sites()
        self._table = self._sites.table
        planner = Planner(execution, self._sites, pure, threshold)
        self._dispatch = Dispatch(open_pool, config.worker_count, library, main, metrics, recorder)
        recorder.looks_at(self._sites)
        self._lookahead = Lookahead(execution, self._sites, planner, self._dispatch, threshold, metrics)
        self.loops = Loops(
            execution, self._dispatch, planner, library, main, metrics, self._start_pulse, self._calls_go_on,
            forced=self.forced, fallback=config.enable_fallback,
        )  # fmt: skip
        self._in_place: list[_Visit] = []
        self._running: dict[int, int] = {}
        self._nested = _FORCED_NESTED if self.forced else 1
        self._busy = _Busy()
        self.pulse = Pulse(self._on_beat)

    # -- what the engine calls

    def call(self, frame: Frame, position: Position, function: Descriptor, args: list[Any]) -> Any:
        """The value of a call, from a task's result or executed in place."""
        site = self._table.get((id(position.code), position.ip))
        if site is not None and site.skip > 0:
            site.skip -= 1
            return self._execution.call_action(frame, function, args)
        if self._running.get(id(function), 0) >= self._nested:
            # Recursion: the sizes of its calls differ too much for a site to tell anything.
            return self._execution.call_action(frame, function, args)
        return self._call(frame, position, function, args)

    def _visit(self, frame: Frame, position: Position, function: Descriptor, args: list[Any]) -> _Visit:
        def source() -> Source:
            operands = [*position.stack, UNKNOWN]
            scout = Scout(position.code, position.ip + 1, frame, operands, self._lookahead.planner)
            scout.assume_called(function, args)
            return scout

        key = id(position.code), position.ip
        return _Visit(frame, key, function, args, self._sites.at(key, function), source, position.code)

    def _call(self, frame: Frame, position: Position, function: Descriptor, args: list[Any]) -> Any:
        visit = self._visit(frame, position, function, args)
        with self._busy:
            visit.stream = self._lookahead.stream_of(frame)
            value = self._look(visit)
        return self._execute(visit) if value is _NOTHING else value

    def map(self, frame: Frame, function: Any, xs: list[Any], results: list[Any] | None = None) -> list[Any]:
        """``parallel_map(function, xs)``: the values in order, in a list that may have some already.

        As in the host's loops, the length of ``xs`` is looked at anew for each value.
        """
        results = [] if results is None else results
        if not is_function(function):
            while len(results) < len(xs):
                results.append(self._execution.call(frame, function, [xs[len(results)]]))
            return results
        key = id(function["bytecode"]), MapSource.IP
        site = self._sites.at(key, function)
        stream: Stream | None = None
        try:
            while len(results) < len(xs):
                x = xs[len(results)]
                if site.skip > 0:
                    site.skip -= 1
                    results.append(self._execution.call_action(frame, function, [x]))
                    continue
                begin = len(results) + 1

                def source(begin: int = begin) -> Source:
                    return MapSource(frame, function, xs, begin)

                visit = _Visit(frame, key, function, [x], site, source)
                visit.stream = stream
                with self._busy:
                    value = self._look(visit)
                results.append(self._execute(visit) if value is _NOTHING else value)
                stream = visit.stream
        finally:
            if stream is not None:
                with self._busy:
                    self._lookahead.drop(stream)
        return results

    def may_compile(self, code: Code, instructions: Iterable[int]) -> bool:
        """Whether nothing in these instructions would be missed if they were compiled: nobody looks at the
        calls of compiled code.
        """
        if self._dispatch.failed:
            return True
        for ip in instructions:
            site = self._table.get((id(code), ip))
            if site is not None and not site.refusal:
                seconds = site.cost.seconds
                if seconds is not None and seconds >= self._threshold:
                    return False
        return True

    def wants_calls(
        self, tier: WatchedTier, code: Code, head: int, frame: Frame, seconds: float | None
    ) -> bool:
        """Whether a compiled loop should be interpreted again, so that somebody looks at its calls: it has
        some, there are no ranges of it, and an iteration takes as long as calls that are worth sending.

        :param seconds: what an iteration takes, if that is known.
        """
        if (seconds is not None and seconds < self._threshold) or not self.loops.refused(
            tier, code, head, frame
        ):
            return False
        return any(
            op == isa.CALL_NAME and not self.loops.planner.is_builtin(operand[0])
            for op, operand, _gas in code.instructions[head : code.ends[head]]
        )

    def loop(self, tier: WatchedTier, code: Code, head: int, frame: Frame) -> Any:
        """Execute a loop from its head on, with workers: where the interpreter goes on, or `LEFT`."""
        if self._busy.on:
            return LEFT
        with self._busy:
            stream = self._lookahead.stream_of(frame)
            if stream is not None:
                if self.loops.refused(tier, code, head, frame):
                    return LEFT
                self._lookahead.drop(stream)
        return self.loops.at_head(tier, code, head, frame)

    def calls_ahead(self, frame: Frame) -> bool:
        """Whether long calls of a frame are on their way: ranges in their place would gain nothing, and what
        workers are doing would be lost.
        """
        if self.forced:
            return False
        streams = (stream for stream in self._lookahead.streams if stream.frame is frame)
        return any(s.outstanding and (s.seconds or 0.0) >= _CALL_SECONDS for s in streams)

    def keeps(self, code: Code) -> bool:
        """Whether an action has loops that workers help with, so that it is not to be compiled as a whole."""
        return self.loops.worth(code)

    def loop_refused(self, tier: WatchedTier, code: Code, head: int, last: int, frame: Frame) -> bool | None:
        """Whether a loop must be executed in place; None: it must, but loops inside of it need not."""
        if not self.loops.refused(tier, code, head, frame):
            return False
        return None if self.loops.worth(code, head + 1, last) else True

    def stay(self, code: Code, head: int, frame: Frame) -> Resident | None:
        """A loop is about to be executed in place; returns the one around it."""
        behind = self.loops.behind
        outer, behind.resident = behind.resident, Resident(code, head, frame)
        self._start_pulse()
        if self.forced and not self._busy.on:
            with self._busy:
                behind.look()
        return outer

    def leave(self, outer: Resident | None, code: Code, frame: Frame, landing: Any) -> Any:
        """It is over: where the interpreter goes on, behind what workers have executed meanwhile."""
        behind = self.loops.behind
        behind.resident = outer
        if self._busy.on:
            return landing
        with self._busy:
            return behind.arrive(code, frame, landing)

    def adopt(self, flight: Flight) -> Any:
        """Look after a call that was begun before this was made: its visit, None if there is none."""
        name = id(flight.function)
        if self._running.get(name, 0) >= self._nested:
            return None
        visit = self._visit(flight.frame, flight.position, flight.function, flight.args)
        visit.begun = flight.begun
        self._running[name] = self._running.get(name, 0) + 1
        self._in_place.append(visit)
        return visit

    def landed(self, visit: _Visit) -> None:
        """An adopted call is over."""
        with self._busy:
            self._in_place.remove(visit)
            name = id(visit.function)
            self._running[name] -= 1
            if not self._running[name]:
                self._learn(visit, self._clock() - visit.begun)

    def _start_pulse(self) -> None:
        if not self.pulse.running:
            self.pulse.start()

    def finish(self) -> None:
        """The execution is over: give up everything that is left."""
        self.pulse.stop()
        self._busy.on = True
        self.loops.behind.finish()
        for stream in list(self._lookahead.streams):
            self._lookahead.drop(stream)

    # -- calls that are worth a look

    def _look(self, visit: _Visit) -> Any:
        """The value of a planned call, or `_NOTHING`: then it must be executed, and there may be a stream."""
        if visit.stream is not None:
            value = self._planned(visit, visit.stream)
            if value is not _NOTHING:
                return value
            if visit.stream.finished:
                self._lookahead.drop(visit.stream)
                visit.stream = None
        if visit.stream is None and self._worth(visit):
            visit.stream = self._lookahead.open(visit.frame, visit.source, visit.site)
        return _NOTHING

    def _worth(self, visit: _Visit) -> bool:
        """Whether to look ahead from a call before it is executed."""
        if visit.site.refusal or self._dispatch.failed:
            return False
        if self.forced:
            return True
        seconds = self._sites.expected(visit.key, visit.function)
        return seconds is not None and seconds >= self._threshold

    def _clock(self) -> float:
        """CPU seconds of the program: without looking ahead, and with the work that was done by workers."""
        return thread_time() - self._lookahead.overhead + self._metrics.committed_seconds

    def _execute(self, visit: _Visit) -> Any:
        """Execute a call in place and learn from it."""
        name = id(visit.function)
        outer = self._running.get(name, 0)
        self._running[name] = outer + 1
        if not self.pulse.running and not visit.site.refusal:
            self.pulse.start()
        visit.looked = visit.stream is not None
        visit.begun = self._clock()
        self._in_place.append(visit)
        try:
            return self._execution.call_action(visit.frame, visit.function, visit.args)
        finally:
            with self._busy:
                seconds = self._clock() - visit.begun
                self._in_place.pop()
                self._running[name] = outer
                if not outer:
                    self._learn(visit, seconds)

    def _learn(self, visit: _Visit, seconds: float) -> None:
        self._metrics.calls_in_place += 1
        if not self._in_place:
            self._metrics.in_place_seconds += seconds
        visit.site.cost.measured(seconds)
        self._sites.cost_of(visit.function).measured(seconds)
        if not self.forced and not visit.site.refusal and (visit.site.cost.seconds or 0.0) < self._threshold:
            self._cheap(visit)

    def _cheap(self, visit: _Visit) -> None:
        """Leave a site alone: its calls are not worth it."""
        visit.site.cheap()
        self._metrics.reasons["cheap"] += 1
        if visit.stream is not None:
            self._lookahead.drop(visit.stream)
            visit.stream = None

    def _on_beat(self) -> None:
        """Something has been running in place for a while: look after the workers, and ahead of it."""
        if self._busy.on or self._dispatch.failed:
            return
        run = self.loops.active
        if run is not None:
            if not run.computing:
                return
            with self._busy:
                self._dispatch.look()
                if run.yielding:
                    self._look_from_calls(0.0, run.tier)
                else:
                    run.beat()
            return
        with self._busy:
            self.loops.behind.look()
            self._look_from_calls(0.0)

    def _calls_go_on(self, tier: WatchedTier, seconds: float) -> bool:
        """Whether calls keep the other cores busy, so that a loop with ``seconds`` of work left is best
        executed in place for a while: calls need not be put together again, as ranges must.
        """
        with self._busy:
            self._look_from_calls(seconds, tier)
        return self._dispatch.unfinished >= self.loops.beside

    def _look_from_calls(self, coming: float, tier: WatchedTier | None = None) -> None:
        """Look ahead of the calls that are being executed in place.

        :param coming: seconds that they will take yet, at least.
        :param tier: given, calls in loops are left out whose ranges workers can compute.
        """
        if not self._in_place:
            return
        planner = self._lookahead.planner
        begun, overhead = thread_time(), self._lookahead.overhead
        now = self._clock()
        try:
            self._dispatch.look()
            for visit in reversed(self._in_place):
                elapsed = now - visit.begun + coming
                if elapsed < max(_LONG_SECONDS, self._threshold) or self._left_to_ranges(visit, tier):
                    continue
                self._sites.cost_of(visit.function).at_least(elapsed)
                visit.site.cost.at_least(elapsed)
                if visit.stream is not None:
                    self._lookahead.advance(visit.stream, in_place=True)
                elif not visit.looked and not visit.site.refusal:
                    visit.looked = True
                    planner.bold = True
                    visit.stream = self._lookahead.open(visit.frame, visit.source, visit.site)
                    planner.bold = False
                if not self._dispatch.hungry:
                    break
        finally:
            planner.bold = False
            self._lookahead.overhead = overhead + thread_time() - begun

    def _left_to_ranges(self, visit: _Visit, tier: WatchedTier | None) -> bool:
        """Whether a call stands in a loop that will be executed in ranges, as far as anybody knows."""
        if tier is None or visit.code is None:
            return False
        code = visit.code
        return any(
            head <= visit.ip <= end and not self.loops.refused(tier, code, head, visit.frame)
            for head, end in code.ends.items()
        )

    # -- planned calls

    def _planned(self, visit: _Visit, stream: Stream) -> Any:
        """The committed value of a planned call, or `_NOTHING` if it must be executed in place."""
        expected = stream.expects(visit.ip)
        call, skipped = stream.take(visit.ip, visit.function, visit.args)
        for other in skipped:
            self._lookahead.not_reached(other)
        if call is None:
            if expected:
                self._metrics.reasons["wrong-prediction"] += 1
                visit.site.useless("unpredictable")
                self._lookahead.drop(stream)
            return _NOTHING
        lookup = visible_from(visit.frame)
        reason = self._lookahead.planner.difference(call, visit.function, visit.args, lookup)
        if reason:
            self._lookahead.note(visit.site, reason)
            self._lookahead.leave(call, reason)
            return _NOTHING
        batch = call.batch
        if batch is None:
            if call in stream.pending:  # it is not, if a mistake has kept it from being sent
                stream.pending.remove(call)
            self._metrics.reasons["not-sent"] += 1
            return _NOTHING
        if not self._begun(batch, stream):
            # All workers are busy with something else, or have yet to start: waiting would take longer.
            self._metrics.reasons["not-started"] += 1
            self._lookahead.leave(call, "not-started")
            return _NOTHING
        # From here on the main process leaves its core to the workers: all of them may be busy.
        self._lookahead.advance(stream)
        while not self._dispatch.wait(batch, wake_for_any=self._lookahead.more(stream)):
            self._lookahead.advance(stream)
        self._lookahead.learn(stream)
        batch.left -= 1
        value = self._commit(batch, call, visit.site)
        if value is not _NOTHING and (visit.site.cost.seconds or 0.0) < self._threshold / 2:
            # In the workers' compiled code it is not what it was here.
            self._cheap(visit)
        elif not batch.left:
            self._lookahead.advance(stream)
        return value

    def _begun(self, batch: Batch, stream: Stream) -> bool:
        self._dispatch.look()
        self._lookahead.advance(stream)
        return self._dispatch.started(batch)

    def _commit(self, batch: Batch, call: PlannedCall, site: Site) -> Any:
        if batch.records is None:
            self._dispatch.recorder.thrown(call, "worker-failed")
            if not batch.blamed:
                batch.blamed = True
                site.useless("worker-failed")
            if not self._config.enable_fallback:
                raise VMRuntimeError(
                    f"a task failed on its worker, and the setting fallback is off: {batch.failure}"
                )
            return _NOTHING
        record = batch.records[call.index]
        execution, meter = self._execution, self._execution.meter
        gas, operations = meter.gas_used + record.gas, meter.operation_count + record.operations
        reason = record.refusal
        if not reason and (gas > execution.gas_limit or operations > execution.operation_limit):
            reason = "near-limit"
        if not reason and not printable(record.text):
            reason = "unprintable"
        if reason:
            self._lookahead.note(site, reason)
            self._dispatch.recorder.thrown(call, reason)
            return _NOTHING
        self._dispatch.recorder.committed(call, record)
        if record.text:
            sys.stdout.write(record.text)
        meter.gas_used, meter.operation_count = gas, operations
        batch.records[call.index] = _USED
        site.useful()
        metrics = self._metrics
        metrics.calls_committed += 1
        metrics.committed_seconds += record.seconds
        metrics.worker_gas += record.gas
        return record.value
