"""Running ahead, from the moment on when a program turns out to be worth it.

Workers cost about a tenth of a second: what looks ahead has to be loaded, processes have to be started, and
the first results have to come. Short programs start and end without them. They are started at once when the
loop that is being executed is known to have enough work left, and else when the program has run for a while,
which is longer if its gas cannot last for long. Calls that are being executed then are handed over, so that
looking ahead begins from the first of them.
"""

from __future__ import annotations

from functools import partial
from time import thread_time
from typing import TYPE_CHECKING, Any, Final

from zexus_parallel_plugin.runtime.loops.extent import iterations_left
from zexus_parallel_plugin.runtime.loops.site import MOST_LANDINGS
from zexus_parallel_plugin.runtime.pulse import Pulse
from zexus_parallel_plugin.runtime.visible import visible_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.range_builder import RangePlan
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.engine.position import Position
    from zexus_parallel_plugin.runtime.ahead import Ahead
    from zexus_parallel_plugin.runtime.execution import WatchedTier

LEFT: Final = object()
"""A loop is left to whoever asked."""

_SOON_SECONDS = 0.1
"""Time of the program after which workers are started, if there is gas for a long run: about what they cost,
so that a program which ends right then has taken twice as long as it had to, at most."""
_LATER_SECONDS = 0.25
"""The same if there is not: a program that has run for so long may well run for as long again."""
_LONG_SECONDS, _SHORT_SECONDS = 2.0, 0.5
"""Time for which the gas that is left lasts in a long run; in one in which workers are of no use any more."""
_COST_SECONDS = 0.15
"""What workers cost the main process before they help, with a reserve: what they take over must be more."""
_GAS_SECONDS = 5e-9
"""Time that a unit of gas takes in compiled code, about, as long as nothing better is known."""
_KNOWN_SECONDS, _KNOWN_GAS = 0.1, 1_000_000
"""Time of the program and its gas after which it is known how long a unit of gas takes."""
_SURE_SECONDS = 0.002
"""Time of the iterations of a loop after which it is known how long they take."""
_PIECE_SECONDS = 0.001
"""Time of the iterations of a loop that are executed from one look at the clock to the next."""
_MOST_ITERATIONS = 1 << 14


class Flight:
    """A call that was begun before anybody looked ahead. ``begun``: CPU time then."""

    __slots__ = ("args", "begun", "frame", "function", "position", "visit")

    def __init__(
        self, frame: Frame, position: Position, function: dict[str, Any], args: list[Any], begun: float
    ) -> None:
        self.frame = frame
        self.position = position
        self.function = function
        self.args = args
        self.begun = begun
        self.visit: Any = None


class _Restless:
    """A loop that was left in the middle. ``proved``: again and again, and soon each time."""

    __slots__ = ("_landings", "_seconds", "code")

    def __init__(self, code: Code) -> None:
        self.code = code
        self._landings = 0
        self._seconds = 0.0

    def left(self, seconds: float) -> None:
        """It was left once more, after this time."""
        self._landings += 1
        self._seconds += seconds

    @property
    def proved(self) -> bool:
        return self._landings >= MOST_LANDINGS and self._seconds < self._landings * _PIECE_SECONDS


class LateAhead:
    """Stands for an `Ahead` until there is one, and then passes everything on to it."""

    def __init__(self, execution: Execution, make: Callable[[], Ahead], cores: int, *, forced: bool) -> None:
        """:param make: makes the `Ahead`; ``forced``: at once.

        :param cores: how many the workers can keep busy.
        """
        self._execution = execution
        self._make = make
        self._enough = _COST_SECONDS * cores / (cores - 1) if cores > 1 else float("inf")
        self._flights: list[Flight] = []
        self._begun = thread_time()
        self._gas = execution.meter.gas_used
        self._asked = False
        self._waking = False
        self._plans: dict[tuple[int, int], RangePlan | None] = {}
        self._restless: dict[tuple[int, int], _Restless] = {}
        self.forced = forced
        self.real: Ahead | None = None
        self.pulse = Pulse(self._on_beat)

    def wake(self) -> Ahead:
        """The `Ahead`, made now if need be."""
        self._waking = True  # from here on no beat wakes; one that came before this may have
        if self.real is None:
            real = self._make()
            self.pulse.move_to(real.pulse)
            self.pulse = real.pulse
            for flight in self._flights:
                flight.visit = real.adopt(flight)
            for (_, head), loop in self._restless.items():
                if loop.proved:
                    real.loops.left_often(loop.code, head)
            self.real = self._execution.ahead = real
        return self.real

    def _on_beat(self) -> None:
        if not self._waking and self._worth():
            self.wake()

    def _worth(self) -> bool:
        """Whether it is time to look ahead: the program has been running for a while, and can go on for long.

        The meter may lag behind while compiled code runs. Then the program seems to be slower than it is, and
        workers may be started in vain.
        """
        left = self._left()
        if left < _SHORT_SECONDS:
            return False
        return self._elapsed() >= (_SOON_SECONDS if left >= _LONG_SECONDS else _LATER_SECONDS)

    def _elapsed(self) -> float:
        """Time of the program, without that of loading the compiler and compiling."""
        return thread_time() - self._begun - self._execution.translation.seconds

    def _left(self) -> float:
        """Seconds for which the gas lasts."""
        execution, elapsed = self._execution, self._elapsed()
        used = execution.meter.gas_used - self._gas
        known = elapsed > _KNOWN_SECONDS and used > _KNOWN_GAS
        return float(execution.gas_limit - self._gas - used) * (elapsed / used if known else _GAS_SECONDS)

    def _is_long(self, tier: WatchedTier, code: Code, head: int, frame: Frame, seconds: float) -> bool:
        """Whether a loop has enough work left, as far as can be told.

        :param seconds: what an iteration takes.
        """
        key = id(code), head
        if key not in self._plans:
            function = tier.function(code)
            plan = None if function is None else tier.builder.range_plan(function, head, frame)
            self._plans[key] = None if plan is None or isinstance(plan, Exception) else plan
        known = self._plans[key]
        if known is None:
            return False
        count = iterations_left(known, visible_from(frame))
        return count is not None and self._is_enough(count * seconds)

    def _is_enough(self, seconds: float) -> bool:
        """Whether work is worth starting workers for, and the gas lasts for it."""
        return min(seconds, self._left()) >= self._enough

    def call(self, frame: Frame, position: Position, function: dict[str, Any], args: list[Any]) -> Any:
        """The value of a call."""
        if self.real is not None or self.forced:
            return self.wake().call(frame, position, function, args)
        if not self.pulse.running:
            self.pulse.start()
        self._asked = True
        flight = Flight(frame, position, function, args, thread_time())
        self._flights.append(flight)
        try:
            return self._execution.call_action(frame, function, args)
        finally:
            self._flights.pop()
            if flight.visit is not None:
                self.wake().landed(flight.visit)

    def map(self, frame: Frame, function: Any, xs: list[Any]) -> list[Any]:
        """``parallel_map(function, xs)``: the values in order."""
        self._asked = True
        results: list[Any] = []
        timed, spent = 0, 0.0
        while len(results) < len(xs):
            left = len(xs) - len(results)
            known = timed and spent >= _SURE_SECONDS and self._is_enough(left * spent / timed)
            if self.real is not None or self.forced or known or self._worth():
                return self.wake().map(frame, function, xs, results)
            x = xs[len(results)]
            value, seconds, warm = self._timed(partial(self._execution.call, frame, function, [x]))
            results.append(value)
            if warm:
                timed, spent = timed + 1, spent + seconds
        return results

    def _timed(self, execute: Callable[[], Any]) -> tuple[Any, float, bool]:
        """What ``execute`` returns, the seconds that took, and whether nothing was compiled meanwhile: what
        was compiled only then was interpreted before, and its time tells nothing of what is left.
        """
        units = self._execution.translation.units
        begun = thread_time()
        value = execute()
        return value, thread_time() - begun, units == self._execution.translation.units

    def loop(self, tier: WatchedTier, code: Code, head: int, frame: Frame) -> Any:
        """Execute a loop from its head on, as far as workers help: where to go on, or `LEFT`."""
        if self.real is not None or self.forced:
            return self.wake().loop(tier, code, head, frame)
        self._asked = True
        count, spent = 32, 0.0
        seconds: float | None = None
        restless = self._restless.get((id(code), head))
        while not self._worth():
            if restless is not None and restless.proved:
                return LEFT  # most of the time would go into looking at it
            landing, took, warm = self._timed(partial(tier.run_counted, code, head, frame, count))
            if landing is None:
                return LEFT
            if landing[0] != -1:
                self._restless.setdefault((id(code), head), _Restless(code)).left(took)
                return landing
            spent += took
            seconds = took / count
            if warm and spent >= _SURE_SECONDS and self._is_long(tier, code, head, frame, seconds):
                break
            if took < _PIECE_SECONDS and count < _MOST_ITERATIONS:
                count *= 2
        real = self.wake()
        if real.wants_calls(tier, code, head, frame, seconds):
            # It was compiled when nobody looked ahead.
            code.loops[head] = 0
            return head, (), ()
        return real.loop(tier, code, head, frame)

    def stay(self, code: Code, head: int, frame: Frame) -> Any:
        """A loop is about to be executed in place; returns the one around it."""
        return None if self.real is None else self.real.stay(code, head, frame)

    def leave(self, outer: Any, code: Code, frame: Frame, landing: Any) -> Any:
        """It is over: where the interpreter goes on."""
        return landing if self.real is None else self.real.leave(outer, code, frame, landing)

    def may_compile(self, code: Code, instructions: Iterable[int]) -> bool:
        """Whether the calls at these instructions need not be looked at any more."""
        return self.real is None or self.real.may_compile(code, instructions)

    def calls_ahead(self, frame: Frame) -> bool:
        """Whether long calls of a frame are on their way."""
        return self.real is not None and self.real.calls_ahead(frame)

    def keeps(self, code: Code) -> bool:
        """Whether an action has loops that workers help with, so that it is not to be compiled as a whole."""
        return self.real is not None and self.real.keeps(code)

    def loop_refused(self, tier: WatchedTier, code: Code, head: int, last: int, frame: Frame) -> bool | None:
        """Whether a loop must be executed in place; None: it must, but loops inside of it need not."""
        return False if self.real is None else self.real.loop_refused(tier, code, head, last, frame)

    def finish(self) -> None:
        """The execution is over."""
        self.pulse.stop()
        if self.real is not None:
            self.real.finish()
        elif self._asked:
            self._execution.counters["short-run"] += 1
