"""The loops of an execution: which of them workers help with."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.config import available_cores
from zexus_parallel_plugin.host.vm import VMRuntimeError
from zexus_parallel_plugin.runtime.late import LEFT
from zexus_parallel_plugin.runtime.loops.behind import Behind
from zexus_parallel_plugin.runtime.loops.extent import counters_now
from zexus_parallel_plugin.runtime.loops.run import LoopRun
from zexus_parallel_plugin.runtime.loops.site import MOST_FAILURES, MOST_LANDINGS, LoopSite
from zexus_parallel_plugin.runtime.visible import visible_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.metrics import RunMetrics
    from zexus_parallel_plugin.runtime.dispatch import Dispatch
    from zexus_parallel_plugin.runtime.execution import WatchedTier
    from zexus_parallel_plugin.runtime.planner import Planner
    from zexus_parallel_plugin.runtime.snapshot import Library

_LOG = logging.getLogger(__name__)


class Loops:
    """All loops of one execution. Loops inside a loop that is on its way are not looked at.

    ``forced``: everything that is legal is sent, however little it is. ``fallback``: what fails on a worker
    is executed in place. ``start_pulse``: has `LoopRun.beat` called now and then from now on.
    """

    def __init__(
        self, execution: Execution, dispatch: Dispatch, planner: Planner, library: Library, main: Any,
        metrics: RunMetrics, start_pulse: Callable[[], None],
        calls_go_on: Callable[[WatchedTier, float], bool], *, forced: bool, fallback: bool,
    ) -> None:  # fmt: skip
        """:param main: the program's code object; None: workers cannot have it.
        :param calls_go_on: whether calls keep the other cores busy; gets the seconds that a loop will take.
        """
        self.execution = execution
        self.dispatch = dispatch
        self.planner = planner
        self.library = library
        self.main = main if library.has(main) else None
        self.metrics = metrics
        self.forced = forced
        self.fallback = fallback
        self.start_pulse = start_pulse
        self.calls_go_on = calls_go_on
        self.active: LoopRun | None = None
        self.behind = Behind(self)
        # While the main process computes, it takes a core from the workers.
        self.beside = max(1, min(dispatch.workers, available_cores() - 1))
        self._keys = 0
        self._sites: dict[tuple[int, int], LoopSite] = {}
        self._codes: list[Code] = []

    def new_key(self) -> bytes:
        """A key for a blob."""
        self._keys += 1
        return b"base-%d" % self._keys

    def worth(self, code: Code, first: int = 0, last: int = 1 << 30) -> bool:
        """Whether a loop between two instructions of a code object has been executed on workers."""
        return any(
            site.worth and not site.refusal and first <= site.head <= last
            for (known, _), site in self._sites.items()
            if known == id(code)
        )

    def refused(self, tier: WatchedTier, code: Code, head: int, frame: Frame) -> bool:
        """Whether a loop must be executed in place."""
        if self.main is None or self.dispatch.failed:
            return True
        site = self._site(code, head)
        return bool(site.refusal) or not self._planned(site, tier, code, frame)

    def _site(self, code: Code, head: int) -> LoopSite:
        key = id(code), head
        site = self._sites.get(key)
        if site is None:
            site = self._sites[key] = LoopSite(head)
            self._codes.append(code)  # kept alive, so that its identity stays its own
        return site

    def at_head(self, tier: WatchedTier, code: Code, head: int, frame: Frame) -> Any:
        """Execute a loop from its head on, or as much as pays.

        Returns where the interpreter goes on, as a loop unit does, or `LEFT`.
        """
        if self.active is not None or self.main is None or self.dispatch.failed:
            return LEFT
        site = self._site(code, head)
        if site.refusal:
            return LEFT
        if site.skip and not self.forced:
            site.skip -= 1
            return LEFT
        if not self._planned(site, tier, code, frame):
            return LEFT
        assert site.plan is not None
        start = counters_now(site.plan, visible_from(frame))
        if start is None:
            return LEFT
        run = self.active = LoopRun(self, site, tier, code, frame, start)
        try:
            landing = run.execute()
        finally:
            lost = run.give_up()
            self.active = None
        if run.is_inside(landing):
            self._left_in_the_middle(site, code, lost=lost)
        return landing

    def _left_in_the_middle(self, site: LoopSite, code: Code, *, lost: bool) -> None:
        """A loop goes on in the interpreter; with ``lost``, ranges of it were on their way."""
        if lost:
            site.failures += 1
        else:
            site.landings += 1
        useless = site.failures >= MOST_FAILURES or site.landings >= MOST_LANDINGS
        if useless and not self.forced:
            self.refuse(site, code, "loop-left")

    def left_often(self, code: Code, head: int) -> None:
        """A loop was left in the middle again and again before anybody looked ahead: once more is enough."""
        site = self._site(code, head)
        site.landings, site.failures = MOST_LANDINGS - 1, MOST_FAILURES - 1

    def refuse(self, site: LoopSite, code: Code, reason: str, detail: str = "") -> None:
        """Leave a loop alone from now on; the first reason counts."""
        if site.refusal:
            return
        site.refusal = reason
        self.dispatch.recorder.loop_refused(code, site.head, reason)
        self.metrics.reasons[reason] += 1
        _LOG.info("the loop at %d of %s is executed in place: %s", site.head, code.name, detail or reason)

    def allow_fallback(self, reason: str) -> None:
        """Say that a part of the program is about to be executed in place, and why.

        :raises VMRuntimeError: it has failed on a worker, and the setting is that this ends the program.
        """
        if reason == "worker-failed" and not self.fallback:
            raise VMRuntimeError("a task failed on its worker, and the setting fallback is off")

    def _planned(self, site: LoopSite, tier: WatchedTier, code: Code, frame: Frame) -> bool:
        if site.plan is None:
            function = tier.function(code)
            if function is None:
                self.refuse(site, code, "loop-not-compiled", "its action is not part of the program")
                return False
            with self.dispatch.guarded():
                found = tier.builder.range_plan(function, site.head, frame)
                if isinstance(found, Exception):
                    self.refuse(site, code, found.reason, str(found))
                else:
                    site.plan = found
        return site.plan is not None
