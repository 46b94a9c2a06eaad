"""The scheduler in virtual time: one main process, any number of workers, no processes.

What is simulated is a loop whose ranges go to workers (`runtime/loops/run.py`): the main process sends ranges
of guided sizes until there are enough on their way, waits for the first one in the order of the program,
commits it, and sends more. Sizes and depths are the run time's own. A worker takes the next range as soon as
it has ended one; ranges are given to workers in the order in which they were sent.

It is a model: ranges that the pool would have bound to a worker ahead of their turn go to the one that is
free first, messages do not slow each other down, every process has a core, and times are those of a quiet
machine.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zexus_parallel_plugin.runtime.loops import run

__all__ = ["Costs", "Outcome", "guided", "scaled", "simulate", "static"]

Sizer = Callable[[int, float, int, int], int]
"""Iterations of the next range: of iterations left, seconds of one, ranges on their way, workers."""


@dataclass(frozen=True)
class Costs:
    """What is not the work itself, in seconds.

    The first three are time of the main process: to make and send a range, to read an answer and commit it,
    and to commit one iteration. ``latency`` is the time of a message on its way; ``begin`` what a worker
    needs around a range. The defaults are what `tests/pool/measure_pool.py` and the journals of runs show for
    ranges with small inputs and results.
    """

    send: float = 40e-6
    receive: float = 40e-6
    commit: float = 0.3e-6
    latency: float = 30e-6
    begin: float = 60e-6


@dataclass(frozen=True)
class Outcome:
    """What a simulated run has come to. Times in seconds.

    ``seconds``: from the first to the last moment. ``work``: of all iterations. ``central``: time that the
    main process was busy. ``ranges``: how many were sent. ``idle``: time that workers had nothing to do, on
    average. ``longest``: the longest iteration.
    """

    workers: int
    seconds: float
    work: float
    central: float
    ranges: int
    idle: float
    longest: float

    @property
    def bound(self) -> float:
        """The greatest speed-up that is possible: no iteration is divided."""
        return self.work / max(self.work / self.workers, self.longest)

    @property
    def speedup(self) -> float:
        """Over one core that does nothing but the work."""
        return self.work / self.seconds

    @property
    def efficiency(self) -> float:
        """Share of all workers' time that was work."""
        return self.speedup / self.workers

    @property
    def central_share(self) -> float:
        """Share of the time in which the main process was busy."""
        return self.central / self.seconds


def guided(left: int, seconds: float, pending: int, workers: int) -> int:
    """The run time's sizes: a share of what is left, within bounds of time (`LoopRun._size`)."""
    if not pending and left * seconds < run._LEAST_SECONDS:
        return 0
    share = left * seconds / (run._SHARES * workers)
    return min(left, max(1, int(min(max(share, run._LEAST_SECONDS), run._MOST_SECONDS) / seconds)))


def scaled(left: int, seconds: float, pending: int, workers: int) -> int:
    """As `guided`, with a least size that grows with the workers: the main process needs time for each range,
    so ranges must be so long that it can serve all workers meanwhile.
    """
    least = max(run._LEAST_SECONDS, _PER_WORKER * workers)
    if not pending and left * seconds < run._LEAST_SECONDS:
        return 0
    share = left * seconds / (run._SHARES * workers)
    most = -(-left // workers)
    return min(most, max(1, int(min(max(share, least), max(least, run._MOST_SECONDS)) / seconds)))


_PER_WORKER = 120e-6
"""Half as much again as the main process needs for a range."""


def static(left: int, seconds: float, pending: int, workers: int) -> int:  # noqa: ARG001 - a `Sizer`
    """Ranges of the same size, one for each worker: for comparison."""
    return -(-left // max(1, workers - pending))


def simulate(
    iterations: Sequence[float],
    workers: int,
    costs: Costs = Costs(),
    size: Sizer = guided,
    *,
    in_line: bool = False,
) -> Outcome:
    """Run a loop whose iterations take these times.

    :param in_line: ranges that are done but wait for an earlier one count as being on their way, too. The run
        time does not count them, as long as there are not too many.
    """
    total = len(iterations)
    pending: deque[tuple[int, float, float]] = deque()
    running: list[float] = []
    free = [0.0] * workers  # when each worker has ended what it has
    heapq.heapify(free)
    worked = 0.0
    ranges = 0
    most, kept = run._DEEP * workers, run._KEPT * workers
    sent, expected = _probe(iterations)
    now = central = sum(iterations[:sent])
    while sent < total or pending:
        while running and running[0] <= now:
            heapq.heappop(running)
        while sent < total and len(pending if in_line else running) < most and len(pending) < kept:
            count = size(total - sent, expected, len(pending), workers)
            if not count:
                break
            now += costs.send
            central += costs.send
            spent = sum(iterations[sent : sent + count])
            end = max(heapq.heappop(free), now + costs.latency) + costs.begin + spent
            heapq.heappush(free, end)
            heapq.heappush(running, end + costs.latency)
            pending.append((count, end + costs.latency, spent))
            worked += spent
            sent += count
            ranges += 1
        if not pending:
            # The rest is not worth a range: the main process does it.
            rest = sum(iterations[sent:])
            now += rest
            central += rest
            break
        first = pending[0][1]
        room = not in_line and len(pending) < kept
        if room and sent < total and running and running[0] < first:
            now = max(now, heapq.heappop(running))  # another one is done: there is room
            continue
        count, there, spent = pending.popleft()
        now = max(now, there) + costs.receive + count * costs.commit
        central += costs.receive + count * costs.commit
        expected += (spent / count - expected) / 2
    work, longest = sum(iterations), max(iterations, default=0.0)
    return Outcome(workers, now, work, central, ranges, now - worked / workers, longest)


def _probe(iterations: Sequence[float]) -> tuple[int, float]:
    """Iterations that the main process executes first, to see how long they take, and how long that is."""
    done, count, spent, expected = 0, 1, 0.0, 0.0
    while spent < run._PROBE_SECONDS and done < len(iterations):
        took = sum(iterations[done : done + count])
        done += count
        spent += took
        expected = took / count
        count *= 2
    return min(done, len(iterations)), expected
