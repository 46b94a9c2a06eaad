"""Running ahead: calls that will come are started on workers, and committed when the program reaches them.

See ``docs/design.md``, section Run-ahead. The order of things at a call: a planned call is compared with the
one that is made; its result is waited for, checked against the limits, and committed. Everything else is
executed in place, and measured, and while that takes long, a pulse looks ahead from there.
"""

from __future__ import annotations

import logging
import sys
from bisect import bisect_right
from time import thread_time
from typing import TYPE_CHECKING, Any, Final

from zexus_parallel_plugin.analysis.footprint import Descriptor, is_function
from zexus_parallel_plugin.host.vm import VMRuntimeError
from zexus_parallel_plugin.runtime.dispatch import Dispatch, Pool
from zexus_parallel_plugin.runtime.planner import Planner
from zexus_parallel_plugin.runtime.pulse import Pulse
from zexus_parallel_plugin.runtime.scout import UNKNOWN, Scout
from zexus_parallel_plugin.runtime.sites import Site, Sites
from zexus_parallel_plugin.runtime.stream import MapSource, Source, Stream, visible_from
from zexus_parallel_plugin.runtime.task import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zexus_parallel_plugin.config import ParallelConfig
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.engine.position import Position
    from zexus_parallel_plugin.metrics import RunMetrics
    from zexus_parallel_plugin.runtime.snapshot import Library
    from zexus_parallel_plugin.runtime.task import Batch, PlannedCall

_LOG = logging.getLogger(__name__)

_TASK_SECONDS = 0.003
"""Work that a task should have."""
_FORCED_CALLS = 4
"""Calls in a task when everything that is legal is sent, however little it is."""
_BUDGET = 3000
"""Instructions that the scout executes from one call to the next before it gives up."""
_PLANNED = 4000
"""Planned calls that may wait for the program in one frame."""
_GUESSED = 16
"""The same for each worker, where the program may well leave the loop before."""
_LONG_SECONDS = 0.002
"""Time that a call must have been running for, for a look ahead from it."""
_BYTE_SECONDS = 2e-8
"""What a byte of a container costs until its call is committed: pickled twice, sent, and read."""
_DRY = 3
"""Looks ahead in a row that found nothing, after which a site is left alone."""

_NOTHING: Final = object()
_USED: Final = Record("used")


class _InPlace:
    """A call that is being executed in place."""

    __slots__ = ("frame", "function", "looked", "overhead", "site", "source", "started", "stream")

    def __init__(
        self,
        frame: Frame,
        function: Descriptor,
        site: Site,
        source: Callable[[], Source],
        stream: Stream | None,
    ) -> None:
        self.frame = frame
        self.function = function
        self.site = site
        self.source = source
        self.stream = stream
        self.looked = stream is not None
        self.started = 0.0
        self.overhead = 0.0


class Ahead:
    """Implements `engine.position.RunAhead` for one execution."""

    def __init__(
        self, execution: Execution, config: ParallelConfig, library: Library, main: Any,
        open_pool: Callable[[], Pool], pure: frozenset[str], metrics: RunMetrics,
    ) -> None:  # fmt: skip
        self._execution = execution
        self._config = config
        self._metrics = metrics
        self._forced = config.mode == "parallel" or config.min_task_seconds <= 0
        threshold = 0.0 if self._forced else config.min_task_seconds
        self._threshold = threshold
        self._sites = Sites()
        self._table = self._sites.table
        self._planner = Planner(execution, self._sites, pure, threshold)
        self._dispatch = Dispatch(open_pool, config.worker_count, library, main, metrics)
        self._streams: list[Stream] = []
        self._in_place: list[_InPlace] = []
        self._running: set[int] = set()
        self._busy = False
        self._overhead = 0.0
        self.pulse = Pulse(self._on_beat)

    # -- what the engine calls

    def call(self, frame: Frame, position: Position, function: Descriptor, args: list[Any]) -> Any:
        """The value of a call, from a task's result or executed in place."""
        site = self._table.get((id(position.code), position.ip))
        if site is not None and site.skip > 0:
            site.skip -= 1
            return self._execution.call_action(frame, function, args)
        if id(function) in self._running and not self._forced:
            # Recursion: the sizes of its calls differ too much for a site to tell anything.
            return self._execution.call_action(frame, function, args)
        return self._call(frame, position, function, args)

    def map(self, frame: Frame, function: Any, xs: Any) -> list[Any]:
        """``parallel_map(function, xs)``: the values in order."""
        if not is_function(function):
            return [self._execution.call(frame, function, [x]) for x in xs]
        key = id(function["bytecode"]), MapSource.IP
        results: list[Any] = []
        stream: Stream | None = None
        try:
            for x in xs:
                site = self._sites.at(key, function)
                if site.skip > 0:
                    site.skip -= 1
                    results.append(self._execution.call_action(frame, function, [x]))
                    continue
                begin = len(results) + 1

                def source(begin: int = begin) -> Source:
                    return MapSource(frame, function, xs, begin)

                self._busy = True
                value = _NOTHING
                try:
                    if stream is not None:
                        value = self._planned(stream, MapSource.IP, frame, function, [x], site)
                    if value is _NOTHING and stream is not None and stream.finished:
                        self._drop(stream)
                        stream = None
                    if value is _NOTHING and stream is None and self._worth(key, function, site):
                        stream = self._open(frame, source, site)
                finally:
                    self._busy = False
                if value is _NOTHING:
                    value, stream = self._execute(frame, function, [x], site, source, stream)
                results.append(value)
        finally:
            if stream is not None:
                self._busy = True
                self._drop(stream)
                self._busy = False
        return results

    def may_compile(self, code: Code, instructions: Iterable[int]) -> bool:
        """Whether nothing in these instructions would be missed if they were compiled: compiled calls are not
        looked at.
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

    # -- a call that is worth a look

    def _call(self, frame: Frame, position: Position, function: Descriptor, args: list[Any]) -> Any:
        key = id(position.code), position.ip
        site = self._sites.at(key, function)

        def source() -> Source:
            scout = Scout(position.code, position.ip + 1, frame, [*position.stack, UNKNOWN], self._planner)
            scout.assume_called(function, args)
            return scout

        stream = None
        self._busy = True
        try:
            stream = self._stream_of(frame)
            if stream is not None:
                value = self._planned(stream, position.ip, frame, function, args, site)
                if value is not _NOTHING:
                    return value
                if stream.finished:
                    self._drop(stream)
                    stream = None
            if stream is None and self._worth(key, function, site):
                stream = self._open(frame, source, site)
        finally:
            self._busy = False
        return self._execute(frame, function, args, site, source, stream)[0]

    def _worth(self, key: tuple[int, int], function: Descriptor, site: Site) -> bool:
        """Whether to look ahead from a call before it is executed."""
        if site.refusal or self._dispatch.failed:
            return False
        if self._forced:
            return True
        seconds = self._sites.expected(key, function)
        return seconds is not None and seconds >= self._threshold

    def _execute(
        self, frame: Frame, function: Descriptor, args: list[Any], site: Site, source: Callable[[], Source],
        stream: Stream | None,
    ) -> tuple[Any, Stream | None]:  # fmt: skip
        """Execute a call in place and learn from it; also returns the stream, which a beat may have
        opened.
        """
        entry = _InPlace(frame, function, site, source, stream)
        outermost = id(function) not in self._running
        self._running.add(id(function))
        if not self.pulse.running and not site.refusal:
            self.pulse.start()
        entry.overhead = self._overhead - self._metrics.committed_seconds
        entry.started = thread_time()
        self._in_place.append(entry)
        try:
            value = self._execution.call_action(frame, function, args)
        finally:
            # Work that workers have done for it belongs to its cost.
            seconds = (
                thread_time()
                - entry.started
                - (self._overhead - self._metrics.committed_seconds - entry.overhead)
            )
            self._busy = True
            self._in_place.pop()
            if outermost:
                self._running.discard(id(function))
                if self._learn(site, function, seconds) and entry.stream is not None:
                    self._drop(entry.stream)
                    entry.stream = None
            self._busy = False
        return value, entry.stream

    def _learn(self, site: Site, function: Descriptor, seconds: float) -> bool:
        """Note what a call took; whether its site is left alone from now on."""
        self._metrics.calls_in_place += 1
        if not self._in_place:
            self._metrics.in_place_seconds += seconds
        site.cost.measured(seconds)
        cost = self._sites.cost_of(function)
        cost.measured(seconds)
        if not self._forced and (site.cost.seconds or 0.0) < self._threshold and not site.refusal:
            site.cheap()
            self._metrics.reasons["cheap"] += 1
            return True
        return False

    # -- planned calls

    def _planned(
        self, stream: Stream, ip: int, frame: Frame, function: Descriptor, args: list[Any], site: Site
    ) -> Any:
        """The committed value of a planned call, or `_NOTHING` if it must be executed in place."""
        expected = stream.expects(ip)
        call, skipped = stream.take(ip, function, args)
        for other in skipped:
            self._leave(other)
        if call is None:
            if expected:
                self._metrics.reasons["wrong-prediction"] += 1
                site.useless("unpredictable")
                self._drop(stream)
            return _NOTHING
        reason = self._planner.difference(call, function, args, visible_from(frame))
        if not reason:
            value = self._result(stream, call, site)
            if value is not _NOTHING:
                return value
        else:
            self._note(site, reason)
            self._leave(call)
        return _NOTHING

    def _result(self, stream: Stream, call: PlannedCall, site: Site) -> Any:
        """Wait for the result of a call and commit it."""
        batch = call.batch
        if batch is None:
            # Planned, but not sent yet.
            stream.pending.remove(call)
            self._metrics.reasons["not-sent"] += 1
            return _NOTHING
        self._dispatch.look()
        if not self._dispatch.started(batch):
            self._advance(stream)
        if not self._dispatch.started(batch):
            # All workers are busy with something else, or have yet to start: doing it is faster than waiting
            # for it.
            self._metrics.reasons["not-started"] += 1
            self._leave(call)
            return _NOTHING
        while not self._dispatch.wait(batch, wake_for_any=self._more(stream)):
            self._advance(stream)
        batch.left -= 1
        value = self._commit(batch, call, site)
        if self._is_cheap(site):
            # On the workers, with their compiled code, it is not what it was here.
            site.cheap()
            self._metrics.reasons["cheap"] += 1
            self._drop(stream)
        elif not batch.left:
            self._advance(stream)
        return value

    def _commit(self, batch: Batch, call: PlannedCall, site: Site) -> Any:
        if batch.records is None:
            if not batch.blamed:
                batch.blamed = True
                site.useless("worker-failed")
            if not self._config.enable_fallback:
                raise VMRuntimeError(
                    f"a task failed on its worker, and the setting fallback is off: {batch.failure}"
                )
            return _NOTHING
        record = batch.records[call.index]
        if record.refusal:
            self._note(site, record.refusal)
            return _NOTHING
        execution, meter = self._execution, self._execution.meter
        gas, operations = meter.gas_used + record.gas, meter.operation_count + record.operations
        if gas > execution.gas_limit or operations > execution.operation_limit or not _printable(record.text):
            self._note(site, "near-limit")
            return _NOTHING
        if record.text:
            sys.stdout.write(record.text)
        meter.gas_used, meter.operation_count = gas, operations
        batch.records[call.index] = _USED
        site.useful()
        site.cost.measured(record.seconds)
        self._sites.cost_of(call.function).measured(record.seconds)
        metrics = self._metrics
        metrics.calls_committed += 1
        metrics.committed_seconds += record.seconds
        metrics.worker_gas += record.gas
        return record.value

    def _is_cheap(self, site: Site) -> bool:
        return not self._forced and (site.cost.seconds or 0.0) < self._threshold / 2

    def _note(self, site: Site, reason: str) -> None:
        self._metrics.reasons[reason] += 1
        if site.useless(reason):
            self._metrics.reasons["site-refused"] += 1
            _LOG.info("no more tasks of %s: %s", site.name, reason)

    def _leave(self, call: PlannedCall) -> None:
        """A planned call is not needed from its batch."""
        batch = call.batch
        if batch is not None:
            batch.left -= 1
            if not batch.left:
                self._dispatch.give_up(batch)

    # -- looking ahead

    def _stream_of(self, frame: Frame) -> Stream | None:
        """The stream of a frame; streams of frames that have ended are dropped on the way."""
        streams = self._streams
        while streams:
            top = streams[-1]
            if top.frame is frame:
                return top
            if top.frame.depth < frame.depth and _is_caller(top.frame, frame):
                return None
            self._drop(top)
        return None

    def _open(self, frame: Frame, source: Callable[[], Source], site: Site) -> Stream | None:
        """Begin to look ahead in a frame, from a call that is about to be executed."""
        stream = Stream(frame, source())
        self._streams.insert(bisect_right(self._streams, frame.depth, key=_depth_of), stream)
        self._advance(stream)
        if stream.source.ended and not stream.outstanding:
            self._drop(stream)
            self._metrics.reasons[stream.source.ended] += 1
            if not self._forced:
                site.useless("nothing-ahead")
            return None
        return stream

    def _drop(self, stream: Stream) -> None:
        """Give up what is left of a stream."""
        if stream in self._streams:
            self._streams.remove(stream)
        if not stream.source.ended:
            stream.source.ended = "dropped"
        for queue in stream.queues.values():
            for call in queue:
                if call.batch is not None:
                    self._metrics.reasons["not-reached"] += 1
                self._leave(call)
            queue.clear()
        stream.pending.clear()
        stream.outstanding = 0

    def _more(self, stream: Stream) -> bool:
        most = _GUESSED * self._dispatch.workers if stream.source.guesses else _PLANNED
        return not stream.source.ended and stream.outstanding < most

    def _advance(self, stream: Stream) -> None:
        """Plan and send more calls, as long as the workers could use them."""
        started = thread_time()
        self._planner.begin()
        while self._dispatch.hungry and self._more(stream):
            found = stream.source.next_call(_BUDGET)
            if found is None:
                if not stream.source.ended:
                    stream.dry += 1
                    if stream.dry >= _DRY:
                        stream.source.ended = "scout-budget"
                break
            stream.dry = 0
            site = self._site_of(stream, found.ip, found.function)
            if site.refusal:
                continue
            planned = self._planner.plan(found, stream.source, site)
            if isinstance(planned, str):
                self._metrics.reasons[planned] += 1
                continue
            seconds = site.cost.seconds
            if seconds is None:
                seconds = self._sites.cost_of(found.function).seconds
            if not self._forced and sum(map(len, planned.groups)) * _BYTE_SECONDS > (seconds or 0.0):
                self._note(site, "large-inputs")
                continue
            stream.add(planned)
            stream.pending.append(planned)
            if len(stream.pending) >= self._calls_per_task(seconds):
                self._send(stream, seconds)
        if stream.pending and (stream.source.ended or self._dispatch.hungry):
            self._send(stream, None)
        spent = thread_time() - started
        self._overhead += spent
        self._metrics.ahead_seconds += spent

    def _site_of(self, stream: Stream, ip: int, function: Descriptor) -> Site:
        if stream.source.code is None:
            return self._sites.at((id(function["bytecode"]), ip), function)
        return self._sites.at((id(stream.source.code), ip), function)

    def _calls_per_task(self, seconds: float | None) -> int:
        if self._forced:
            return _FORCED_CALLS
        if not seconds:
            return 1
        return max(1, round(_TASK_SECONDS / seconds))

    def _send(self, stream: Stream, seconds: float | None) -> None:
        calls, stream.pending = stream.pending, []
        meter = self._execution.meter
        batch = self._dispatch.send(
            calls, stream.frame.depth, (meter.gas_used, meter.operation_count), seconds
        )
        if batch is None:
            stream.source.ended = stream.source.ended or "not-sent"
            for call in calls:
                queue = stream.queues[call.ip]
                if call in queue:
                    queue.remove(call)
                    stream.outstanding -= 1

    def _on_beat(self) -> None:
        """A call has been running in place for a while: look after the workers, and ahead of it."""
        if self._busy or not self._in_place or self._dispatch.failed:
            return
        self._busy = True
        begun = thread_time()
        before = self._overhead
        try:
            self._dispatch.look()
            for entry in reversed(self._in_place):
                elapsed = (
                    begun
                    - entry.started
                    - (self._overhead - self._metrics.committed_seconds - entry.overhead)
                )
                if elapsed < _LONG_SECONDS or elapsed < self._threshold:
                    continue
                self._sites.cost_of(entry.function).at_least(elapsed)
                entry.site.cost.at_least(elapsed)
                if entry.site.refusal:
                    continue
                if entry.stream is not None:
                    self._advance(entry.stream)
                elif not entry.looked:
                    entry.looked = True
                    self._planner.bold = True
                    entry.stream = self._open(entry.frame, entry.source, entry.site)
                    self._planner.bold = False
                if not self._dispatch.hungry:
                    break
        finally:
            self._planner.bold = False
            self._busy = False
            self._overhead = before + (thread_time() - begun)

    def finish(self) -> None:
        """The execution is over: give up everything that is left."""
        self.pulse.stop()
        self._busy = True
        for stream in list(self._streams):
            self._drop(stream)


def _is_caller(outer: Frame, frame: Frame) -> bool:
    current: Frame | None = frame
    while current is not None and current.depth > outer.depth:
        current = current.parent
    return current is outer


def _depth_of(stream: Stream) -> int:
    return stream.frame.depth


def _printable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode(sys.stdout.encoding or "utf-8", sys.stdout.errors or "strict")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
