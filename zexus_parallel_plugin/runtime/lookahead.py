"""Looking ahead: finds calls that will come, plans them, sends them in batches, and gives them up again."""

from __future__ import annotations

import logging
from bisect import bisect_right
from time import thread_time
from typing import TYPE_CHECKING

from zexus_parallel_plugin.config import available_cores
from zexus_parallel_plugin.runtime.pieces import piece
from zexus_parallel_plugin.runtime.stream import Source, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.analysis.footprint import Descriptor
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.metrics import RunMetrics
    from zexus_parallel_plugin.runtime.dispatch import Dispatch
    from zexus_parallel_plugin.runtime.lookout import Found
    from zexus_parallel_plugin.runtime.planner import Planner
    from zexus_parallel_plugin.runtime.sites import Site, Sites
    from zexus_parallel_plugin.runtime.task import Batch, PlannedCall

_LOG = logging.getLogger(__name__)

_TASK_SECONDS, _MOST_TASK_SECONDS = 0.003, 0.04
"""Work that a task should have, at least and at most."""
_FORCED_CALLS = 4
"""Calls in a task when everything that is legal is sent, however little it is."""
_BUDGET = 3000
"""Instructions that the scout executes from one call to the next before it gives up."""
_PLANNED = 4000
"""Planned calls that may wait for the program in one frame."""
_GUESSED = 16
"""The same for each worker, where the program may well leave the loop before."""
_BYTE_SECONDS = 2e-8
"""What a byte of a container costs until its call is committed: pickled twice, sent, and read."""
_LONG_CALL = 0.02
"""Seconds from which on a call is a long one; so is one of which nothing is known."""
_AT_ONCE = 256
"""Calls that are looked at in one go; looking goes on when results are committed."""
_UNPLANNED = 32
"""Calls in a row that could not be planned, after which a frame is not looked at any further."""
_DRY = 3
"""Looks in a row that found nothing, after which a frame is not looked at any further."""


class Lookahead:
    """The streams of all frames that are looked ahead in, innermost last.

    ``threshold`` is what a call must take to be worth sending, in seconds; 0: everything is sent that may be.
    ``overhead`` is the time spent in here.
    """

    def __init__(
        self,
        execution: Execution,
        sites: Sites,
        planner: Planner,
        dispatch: Dispatch,
        threshold: float,
        metrics: RunMetrics,
    ) -> None:
        self._execution = execution
        self._sites = sites
        self._metrics = metrics
        self._forced = threshold <= 0
        # While the main process computes, it takes a core from the workers.
        self._beside = max(1, min(dispatch.workers, available_cores() - 1))
        self.planner = planner
        self.dispatch = dispatch
        self.streams: list[Stream] = []
        self.overhead = 0.0

    def stream_of(self, frame: Frame) -> Stream | None:
        """The stream of a frame; streams of frames that have ended are dropped on the way."""
        streams = self.streams
        while streams:
            top = streams[-1]
            if top.frame is frame:
                return top
            if top.frame.depth < frame.depth and _is_caller(top.frame, frame):
                return None
            self.drop(top)
        return None

    def open(self, frame: Frame, source: Callable[[], Source], site: Site) -> Stream | None:
        """Begin to look ahead in a frame, from a call that is about to be executed.

        Returns None if nothing was found.
        """
        stream: Stream | None = None
        with self.dispatch.guarded():
            stream = Stream(frame, source())
        if stream is None:
            self._ended_by_failure()
            return None
        self.streams.insert(bisect_right(self.streams, frame.depth, key=_depth_of), stream)
        self.advance(stream, in_place=True)
        if stream.source.ended and not stream.outstanding:
            self.drop(stream)
            self._metrics.reasons[stream.source.ended] += 1
            if not self._forced:
                site.useless("nothing-ahead")
            return None
        return stream

    def drop(self, stream: Stream) -> None:
        """Give up what is left of a stream."""
        if stream in self.streams:
            self.streams.remove(stream)
        if not stream.source.ended:
            stream.source.ended = "dropped"
        for queue in stream.queues.values():
            for call in queue:
                self.not_reached(call)
            queue.clear()
        stream.pending.clear()
        stream.outstanding = 0

    def not_reached(self, call: PlannedCall) -> None:
        """The program did not make a planned call."""
        if call.batch is not None:
            self._metrics.reasons["not-reached"] += 1
            self.leave(call, "not-reached")

    def leave(self, call: PlannedCall, reason: str) -> None:
        """A planned call is not needed from its batch."""
        batch = call.batch
        if batch is not None:
            self.dispatch.recorder.thrown(call, reason)
            batch.left -= 1
            if not batch.left:
                self.dispatch.give_up(batch)

    def more(self, stream: Stream) -> bool:
        """Whether a stream may have more planned calls."""
        most = _GUESSED * self.dispatch.workers if stream.source.guesses else _PLANNED
        return not stream.source.ended and stream.outstanding < most

    def learn(self, stream: Stream) -> None:
        """Learn what calls take on workers, which have compiled code for them: not only when the program gets
        there, as by then far too many could be on their way, or far too few.
        """
        with self.dispatch.guarded():
            for batch in stream.news():
                if batch.left:  # else it has been given up, and has no results
                    self._learn(stream, batch)

    def _learn(self, stream: Stream, batch: Batch) -> None:
        self.dispatch.collect(batch)
        if batch.records is None:
            return  # it has failed
        for call, record in zip(batch.calls, batch.records, strict=True):
            if not record.refusal:
                key = _key(stream, call.function, call.ip)
                self._sites.at(key, call.function).cost.measured(record.seconds)
                self._sites.cost_of(call.function).measured(record.seconds)

    def advance(self, stream: Stream, *, in_place: bool = False) -> None:
        """Plan and send more calls, as long as the workers could use them.

        :param in_place: the main process is about to compute for a while.
        """
        started = thread_time()
        with self.dispatch.guarded():
            self._advance(stream, in_place=in_place)
        self._ended_by_failure()
        spent = thread_time() - started
        self.overhead += spent
        self._metrics.ahead_seconds += spent

    def _advance(self, stream: Stream, *, in_place: bool) -> None:
        self.learn(stream)
        self.planner.begin()
        unplanned = 0
        for _ in range(_AT_ONCE):
            if not self._hungry(stream, in_place=in_place) or not self.more(stream):
                break
            found = stream.source.next_call(_BUDGET)
            if found is None:
                if not stream.source.ended:
                    stream.dry += 1
                    if stream.dry >= _DRY:
                        stream.source.ended = "scout-budget"
                break
            stream.dry = 0
            if not self._plan(stream, found):
                unplanned += 1
                if unplanned >= _UNPLANNED:
                    stream.source.ended = "scout-budget"
                    break
                continue
            unplanned = 0
            if len(stream.pending) >= self._calls_per_task(stream):
                self._send(stream)
        if stream.pending and (stream.source.ended or self._hungry(stream, in_place=in_place)):
            self._send(stream)

    def _hungry(self, stream: Stream, *, in_place: bool) -> bool:
        if not self.dispatch.hungry:
            return False
        if not in_place or self._forced or (stream.seconds or _LONG_CALL) < _LONG_CALL:
            return True
        # Few long tasks end soonest when no core is shared: the rest is sent when the main process waits.
        return self.dispatch.unfinished < self._beside

    def _plan(self, stream: Stream, found: Found) -> bool:
        key = _key(stream, found.function, found.ip)
        site = self._sites.at(key, found.function)
        if site.refusal:
            return False
        planned = self.planner.plan(found, stream.source, site)
        if isinstance(planned, str):
            self._metrics.reasons[planned] += 1
            return False
        seconds = self._sites.expected(key, found.function)
        if not self._forced and sum(map(len, planned.groups)) * _BYTE_SECONDS > (seconds or 0.0):
            self.note(site, "large-inputs")
            return False
        stream.seconds = seconds
        stream.add(planned)
        stream.pending.append(planned)
        return True

    def _calls_per_task(self, stream: Stream) -> int:
        if self._forced:
            return _FORCED_CALLS
        work = piece(stream.sent, _TASK_SECONDS, _MOST_TASK_SECONDS)
        return max(1, round(work / stream.seconds)) if stream.seconds else 1

    def _send(self, stream: Stream) -> None:
        calls, stream.pending = stream.pending, []
        meter = self._execution.meter
        used = meter.gas_used, meter.operation_count
        batch = self.dispatch.send(calls, stream.frame.depth, used, stream.seconds)
        if batch is None:
            stream.source.ended = stream.source.ended or "not-sent"
            for call in calls:
                stream.forget(call)
        else:
            stream.batches.append(batch)
            stream.sent += (stream.seconds or 0.0) * len(calls)
            self.dispatch.recorder.sent(batch, stream.source.code)

    def note(self, site: Site, reason: str) -> None:
        """Count why a call of a site is not run ahead, or its result not used."""
        self._metrics.reasons[reason] += 1
        if site.useless(reason):
            self._metrics.reasons["site-refused"] += 1
            _LOG.info("no more tasks of %s: %s", site.name, reason)

    def _ended_by_failure(self) -> None:
        """After a mistake in here, nobody looks any further."""
        if self.dispatch.failed != "internal-error":
            return
        for stream in self.streams:
            stream.source.ended = stream.source.ended or "internal-error"


def _key(stream: Stream, function: Descriptor, ip: int) -> tuple[int, int]:
    """By which the site of a call is known."""
    code = stream.source.code
    return id(function["bytecode"] if code is None else code), ip


def _is_caller(outer: Frame, frame: Frame) -> bool:
    current: Frame | None = frame
    while current is not None and current.depth > outer.depth:
        current = current.parent
    return current is outer


def _depth_of(stream: Stream) -> int:
    return stream.frame.depth
