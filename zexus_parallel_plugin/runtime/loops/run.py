"""One execution of a loop on all cores.

The first iterations are executed in place and timed; when what seems to be left is worth it, ranges of
iterations are sent, each of them large enough to pay and small enough that no worker is left with the last
big piece (guided scheduling). Whatever a worker cannot do is executed in place, from the iteration on where
it stopped.
"""

from __future__ import annotations

import logging
from time import thread_time
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.runtime.late import LEFT
from zexus_parallel_plugin.runtime.loops.commit import Committer
from zexus_parallel_plugin.runtime.loops.extent import iterations_left
from zexus_parallel_plugin.runtime.loops.inputs import Inputs
from zexus_parallel_plugin.runtime.loops.messages import RangeResult, decode_result
from zexus_parallel_plugin.runtime.loops.outbox import Outbox, Pending
from zexus_parallel_plugin.runtime.loops.site import MOST_FAILURES
from zexus_parallel_plugin.runtime.pieces import piece
from zexus_parallel_plugin.runtime.snapshot import NotPlainError
from zexus_parallel_plugin.runtime.visible import visible_from

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.runtime.execution import WatchedTier
    from zexus_parallel_plugin.runtime.loops.driver import Loops
    from zexus_parallel_plugin.runtime.loops.site import LoopSite

_LOG = logging.getLogger(__name__)

_START_SECONDS = 0.02
"""Work that must be left for the first worker processes to be started."""
_BOOT_SECONDS = 0.03
"""Time from the first task until workers have been started and begin with it, about."""
_LEFT_SECONDS = 0.002
"""Work that must be left in a loop for its ranges to be sent."""
_SURE_SECONDS = 0.005
"""Time of a single iteration that cannot be taken for that of compiling what it calls."""
_PROBE_SECONDS = 0.0005
"""Time of the iterations by which a loop is measured."""
_LEAST_SECONDS, _MOST_SECONDS = 0.001, 0.05
"""What a range should take, at least and at most."""
_RECORD_SECONDS = 1.5e-6
"""What an iteration must take for each value that goes back to the main process by itself."""
_SHARES = 3
"""A range is this share of what is left for one worker."""
_DEEP = 5
"""Ranges that are on their way for each worker. With more than three the pool sends some of them ahead, so
that no worker waits for this process to be scheduled."""
_KEPT = 32
"""Ranges for each worker that may wait to be committed, because an earlier one takes longer."""
_GUESS_SECONDS = 0.01
"""A loop whose end cannot be foreseen is expected to go on for as long as it has already, from here on."""
_PIECE_SECONDS = 0.02
"""Time that iterations take in place, while calls keep the other cores busy, from one look to the next."""
_FORCED_COUNT = 3


class LoopRun:
    """One execution of a loop, from its head on.

    ``yielding``: it is executed in place because calls keep the other cores busy.
    """

    def __init__(
        self, loops: Loops, site: LoopSite, tier: WatchedTier, code: Code, frame: Frame, start: dict[str, int]
    ) -> None:
        """:param start: values of the induction variables."""
        assert site.plan is not None
        self._loops = loops
        self._site = site
        self._plan = site.plan
        self.tier = tier
        self._code = code
        self._frame = frame
        self._visible = visible_from(frame)
        self._outbox = Outbox(
            site.plan, code, frame, start, loops.execution, loops.dispatch, loops.library, loops.main,
            loops.metrics, self._visible,
        )  # fmt: skip
        self._committer = Committer(site.plan, frame, self._visible, loops.execution, loops.metrics)
        self._done = 0
        self._begun = 0.0
        self._until = 0
        self.yielding = False

    @property
    def computing(self) -> bool:
        """Whether iterations are being executed in place just now."""
        return self._begun > 0.0

    def is_inside(self, landing: Any) -> bool:
        """Whether the interpreter goes on in the middle of the loop."""
        return landing is not LEFT and bool(self._plan.head < landing[0] <= self._plan.last)

    def execute(self) -> Any:
        """All of the loop: where the interpreter goes on, or `LEFT` when staying here gains nothing."""
        landing = self._probe() or self._beside_calls()
        if landing is not None:
            return landing
        try:
            self._prepare()
        except NotPlainError as error:
            self._loops.refuse(self._site, self._code, error.reason, str(error))
            return LEFT
        if self._outbox.inputs is None:
            return LEFT
        if not self._worth_recording(self._outbox.inputs):
            self._site.short()
            self._loops.metrics.reasons["loop-short"] += 1
            return LEFT
        self._site.pays()
        self._keep_first()
        while True:
            self._fill(self._loops.dispatch.workers * _DEEP)
            if not self._outbox.pending or self._loops.dispatch.failed:
                return LEFT  # the rest is not worth sending, or there is nobody to send it to
            landing = self._next()
            if landing is not None:
                return landing

    def _keep_first(self) -> None:
        """Workers have yet to be started: what is computed here meanwhile need not be sent to them."""
        if not self._loops.dispatch.opened and not self._loops.forced:
            seconds = self._site.seconds or _PROBE_SECONDS
            self._outbox.sent = self._done + max(1, int(_BOOT_SECONDS / seconds))

    def _worth_recording(self, inputs: Inputs) -> bool:
        """Whether iterations take longer than handing back what they record, value by value."""
        values = inputs.folds.count("")
        return self._loops.forced or (self._site.seconds or 0.0) >= values * _RECORD_SECONDS

    def give_up(self) -> bool:
        """Nothing of what is still on its way is needed; whether there was any."""
        return self._outbox.give_up()

    # -- in place

    def _probe(self) -> Any:
        """Execute iterations in place until it is clear whether the rest is worth sending; then None."""
        loops, site = self._loops, self._site
        if not self.tier.prepare_counted(self._code, self._plan.head, self._frame):
            return LEFT
        count, spent = 1, 0.0
        while True:
            left = self._left()
            if loops.forced:
                if self._done:
                    return None
            elif left is not None and left < 2:
                site.short()
                return LEFT
            elif site.seconds is not None and (self._done > 1 or spent > _SURE_SECONDS or not self._done):
                verdict = self._verdict(left, spent)
                if verdict is not None:
                    return verdict or None
            begun = thread_time()
            landing = self._in_place(count if left is None else min(count, max(1, left // 4)))
            took = thread_time() - begun
            spent += took
            if landing is not None:
                if spent < _PROBE_SECONDS and not self.is_inside(landing):
                    site.short()
                return landing
            if self._outbox.pending:
                return None
            # The first iterations are slower: what they call is compiled.
            site.seconds = took / count
            if took < _PROBE_SECONDS:
                count *= 2

    def _beside_calls(self) -> Any:
        """Execute iterations in place as long as calls keep the other cores busy; None if the loop goes on
        then.
        """
        if self._loops.forced:
            return None
        while True:
            seconds = self._site.seconds or _PROBE_SECONDS
            left = self._left()
            if not self._loops.calls_go_on(self.tier, seconds * (1 if left is None else left)):
                return None
            count = max(1, int(_PIECE_SECONDS / seconds))
            begun = thread_time()
            self.yielding = True
            try:
                landing = self._in_place(count)
            finally:
                self.yielding = False
            if landing is not None:
                return landing
            self._site.seconds = (thread_time() - begun) / count

    def _verdict(self, left: int | None, spent: float) -> Any:
        """False: ranges pay. `LEFT`: they do not. None: that cannot be told yet."""
        enough = _LEFT_SECONDS if self._loops.metrics.worker_count else _START_SECONDS
        if left is None:
            return False if spent >= max(enough, _GUESS_SECONDS) else None
        if (self._site.seconds or 0.0) * left >= enough:
            return False
        if spent >= _PROBE_SECONDS or not self._done:
            self._site.short()
            return LEFT
        return None

    def _in_place(self, count: int) -> Any:
        """Execute iterations here; None when they are complete, else where the interpreter goes on."""
        self._until = self._done + count
        self._loops.start_pulse()
        self._begun = thread_time()
        try:
            landing = self.tier.run_counted(self._code, self._plan.head, self._frame, count)
        finally:
            self._begun = 0.0
        if landing is None:
            return LEFT
        if landing[0] != -1:
            return landing
        self._done += count
        return None

    def beat(self) -> None:
        """A long iteration is being executed in place: the next ones can be sent meanwhile."""
        if not self.computing or self._plan.mutates or self._outbox.inputs or self._loops.forced:
            return
        elapsed = thread_time() - self._begun
        left = self._left()
        running = self._until - self._done
        if elapsed < _LEFT_SECONDS or (left is not None and left <= running):
            return
        try:
            self._prepare()
        except NotPlainError:
            return  # it will be said when the loop gets there
        if self._outbox.inputs is None or self._outbox.inputs.mutates:
            self._outbox.inputs = None  # it may have been caught in the middle of a change
            return
        self._outbox.sent = self._until
        self._site.seconds = max(self._site.seconds or 0.0, elapsed / running)
        self._fill(max(1, self._loops.dispatch.workers - 1))

    # -- sending

    def _left(self) -> int | None:
        return iterations_left(self._plan, self._visible)

    def _prepare(self) -> None:
        """Pickle what all ranges share.

        :raises NotPlainError: the loop must be executed in place.
        """
        loops = self._loops
        if self._outbox.inputs is None:
            with loops.dispatch.guarded():
                self._outbox.inputs = Inputs(
                    self._plan, self._visible, loops.planner, loops.library, loops.new_key()
                )

    def _fill(self, most: int) -> None:
        """Send ranges until so many are on their way; those that only wait to be committed do not count."""
        with self._loops.dispatch.guarded():
            self._fill_up(most)

    def _fill_up(self, most: int) -> None:
        outbox = self._outbox
        outbox.sent = max(outbox.sent, self._done)
        kept = _KEPT * self._loops.dispatch.workers
        while outbox.unfinished < most and len(outbox.pending) < kept and not self._loops.dispatch.failed:
            left = self._left()
            if left is not None:
                left -= outbox.sent - self._done
                if left < 1:
                    return
                self._loops.dispatch.recorder.loop_left(self._code, self._plan.head, left)
            count = self._size(left)
            if not count or not outbox.send(count, self._site.seconds or 0.0):
                return

    def _size(self, left: int | None) -> int:
        """How many iterations the next range should have."""
        if self._loops.forced:
            return _FORCED_COUNT if left is None else min(left, _FORCED_COUNT)
        seconds = self._site.seconds or _PROBE_SECONDS
        if left is None:
            work = piece(self._done * seconds, _MOST_SECONDS / 4, _MOST_SECONDS)
            return max(1, int(work / seconds))
        if not self._outbox.pending and left * seconds < _LEAST_SECONDS:
            return 0
        share = left * seconds / (_SHARES * self._loops.dispatch.workers)
        return min(left, max(1, int(min(max(share, _LEAST_SECONDS), _MOST_SECONDS) / seconds)))

    # -- results

    def _next(self) -> Any:
        """Wait for the next range and commit it; None if the loop goes on."""
        first = self._outbox.pending[0]
        if first.begin > self._done:
            return self._in_place(first.begin - self._done)
        recorder = self._loops.dispatch.recorder
        result = self._answer(first)
        self._outbox.pending.popleft()
        if isinstance(result, str):
            recorder.range_settled(first.handle, 0, result)
            return self._instead(first, result)
        before, reason = self._done, result.reason
        if result.done:
            failure = self._committer.commit(first, result)
            if not failure:
                self._done += result.done
                if 2 * result.done >= first.end - first.begin:
                    self._site.failures = 0
            reason = failure or reason
        recorder.range_settled(first.handle, self._done - before, reason, result.gas, result.seconds)
        if not reason:
            return None
        self._loops.metrics.reasons[reason] += 1
        return self._instead(first, reason)

    def _answer(self, first: Pending) -> RangeResult | str:
        """The answer to the next range, or the reason code why there is none."""
        dispatch = self._loops.dispatch
        answer: RangeResult | str = "internal-error"
        with dispatch.guarded():
            dispatch.look()
            if dispatch.begun(first.handle):
                self._wait(first)
                answer = self._result(first) or "worker-failed"
            else:
                # Workers are still being started: what they would have begun with is done by then.
                dispatch.cancel(first.handle, first.seconds)
                self._loops.metrics.reasons["not-started"] += 1
                answer = "not-started"
        return answer

    def _wait(self, first: Pending) -> None:
        most = _DEEP * self._loops.dispatch.workers
        while not first.handle.done:
            self._loops.dispatch.wait_for(first.handle, wake_for_any=self._may_send())
            if not first.handle.done:
                self._fill(most)

    def _may_send(self) -> bool:
        """Whether there may be more to send once a range is done."""
        left = self._left()
        return left is None or left > self._outbox.sent - self._done

    def _result(self, done: Pending) -> RangeResult | None:
        """The answer to a range, None if there is none."""
        loops, inputs = self._loops, self._outbox.inputs
        assert inputs is not None
        outcome = done.handle.outcome
        if not outcome.ok:
            loops.dispatch.note_failure(outcome.failure)
            return None
        try:
            result = decode_result(outcome.result, lambda: inputs.containers(done.elements))
        except ValueError as error:
            _LOG.warning("%s", error)
            loops.metrics.reasons["worker-undecodable"] += 1
            return None
        loops.metrics.worker_seconds += result.seconds
        if result.done:
            self._site.measured(result.seconds / result.done)
        return result

    def _instead(self, first: Pending, reason: str) -> Any:
        """Execute in place what a worker has not done; None if the loop goes on."""
        loops, inputs = self._loops, self._outbox.inputs
        assert inputs is not None
        loops.allow_fallback(reason)
        self._site.failures += reason != "not-started"
        useless = self._site.failures >= MOST_FAILURES
        if useless:
            loops.refuse(self._site, self._code, reason)
        stopped = reason in {"loop-stopped", "loop-left"} and self._done > first.begin
        landing = self._in_place(1 if stopped else first.end - self._done)
        if landing is not None:
            return landing
        if not useless and not inputs.unchanged():
            useless = True
            loops.refuse(self._site, self._code, "changes-input")
        if useless:
            return LEFT
        return self._in_place(first.end - self._done) if self._done < first.end else None
