"""What is known of a run, and what follows from it. All times are seconds since the start of the run."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from zexus_parallel_plugin.journal.compiled import Compiled
from zexus_parallel_plugin.journal.estimates import speedup
from zexus_parallel_plugin.journal.series import Series
from zexus_parallel_plugin.journal.tasks import ACTIVE, WAITING, Group, Slice, TaskInfo

if TYPE_CHECKING:
    from zexus_parallel_plugin.journal import events as ev
    from zexus_parallel_plugin.journal.pieces import ChunkInfo, SharedInfo
    from zexus_parallel_plugin.journal.workers import WorkerInfo

__all__ = ["RunFacts"]

_KEPT_LINES = 2000
"""Log lines, warnings, decisions and failures that are kept, the latest ones."""


class RunFacts:
    """What is known of a run after some of its events.

    Attributes:
        start, source, end: the events, None before they come.
        now: time of the latest event.
        tasks, workers, chunks, groups, shared: by id, or name.
        slots: number of slots that workers were in.
        counts: tasks by state; committed_calls and thrown_calls: over all tasks.
        timeline: for each slot, its slices in the order in which they began to be known.
        failures: the latest attempts that failed; failed_attempts: how many there were.
        reasons: decisions by reason code; metrics: the latest counts.
        output: what the program printed, in pieces; output_chars: length of all of it.
        throughput: finished tasks; busy: seconds of work that ended; both over time.
        changes: number of events taken, for those who draw only what has changed.
    """

    def __init__(self) -> None:
        self.start: ev.RunStart | None = None
        self.source: ev.Source | None = None
        self.end: ev.RunEnd | None = None
        self.now = 0.0
        self.tasks: dict[int, TaskInfo] = {}
        self.workers: dict[int, WorkerInfo] = {}
        self.chunks: dict[int, ChunkInfo] = {}
        self.groups: dict[str, Group] = {}
        self.shared: dict[str, SharedInfo] = {}
        self.barriers: dict[str, ev.Barrier] = {}
        self.slots = 0
        self.counts: Counter[str] = Counter()
        self.committed_calls = 0
        self.thrown_calls = 0
        self.work = 0.0
        self.committed_work = 0.0
        self.retries = 0
        self.failed_attempts = 0
        self.deaths = 0
        self.timeline: list[list[Slice]] = []
        self.failures: deque[ev.Attempt] = deque(maxlen=_KEPT_LINES)
        self.warnings: deque[ev.Warn] = deque(maxlen=_KEPT_LINES)
        self.decisions: deque[ev.Decision] = deque(maxlen=_KEPT_LINES)
        self.log: deque[ev.Log] = deque(maxlen=_KEPT_LINES)
        self.reasons: dict[str, int] = {}
        self.metrics: dict[str, float] = {}
        self.gas = 0
        self.operations = 0
        self.output: list[str] = []
        self.output_chars = 0
        self.output_dropped = 0
        self.rss = 0
        self.cpu = 0.0
        self.throughput = Series()
        self.busy = Series()
        self.changes = 0

    @property
    def live(self) -> bool:
        """No event says that the run has ended. Whether its process is there is another question."""
        return self.end is None

    @property
    def queued(self) -> int:
        """Tasks that wait for a worker."""
        return sum(self.counts[state] for state in WAITING)

    @property
    def finished(self) -> int:
        """Tasks that no worker has to do any more."""
        return len(self.tasks) - sum(self.counts[state] for state in ACTIVE)

    @property
    def expected_calls(self) -> int | None:
        """Calls in all, as far as the program has told; None if it has not."""
        known = [chunk.expected for chunk in self.chunks.values() if chunk.expected]
        return sum(known) if known else None

    @property
    def expected_done(self) -> int:
        """How many of the expected calls have been made."""
        return sum(
            min(chunk.expected, chunk.committed + chunk.thrown)
            for chunk in self.chunks.values()
            if chunk.expected
        )

    def speedup(self, now: float | None = None) -> float | None:
        """An estimate, see `estimates.speedup`; None before any work."""
        total = self.now if now is None else now
        waited, ahead = self.metrics.get("waited_seconds", 0.0), self.metrics.get("ahead_seconds", 0.0)
        return speedup(total, waited=waited, ahead=ahead, committed=self.committed_work)

    def efficiency(self, now: float | None = None) -> float | None:
        """An estimate: which part of the time of the workers was work, from 0 to 1."""
        total = self.now if now is None else now
        alive = sum(
            max(0.0, (total if worker.ended is None else worker.ended) - (worker.since or 0.0))
            for worker in self.workers.values()
        )
        if alive <= 0:
            return None
        running = sum(
            worker.busy_until(total, self.tasks.get(worker.task) if worker.task is not None else None)
            for worker in self.workers.values()
        )
        return min(1.0, running / alive)

    @property
    def compiled(self) -> Compiled | None:
        """What the compiled tier did, None if nothing."""
        return Compiled.of(self.metrics)

    def text_of_line(self, line: int) -> str:
        """A line of the program, from 1; empty if it is not known."""
        lines = self.source.lines if self.source is not None else []
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def is_slow(self, task: TaskInfo, now: float) -> bool:
        """Whether a running task has taken more than three times as long as its like, and half a second."""
        seconds = task.running_for(now)
        group = self.groups.get(task.name)
        mean = group.mean if group is not None else None
        return seconds is not None and mean is not None and seconds > 0.5 and seconds > 3 * mean
