"""What is known of a worker process."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zexus_parallel_plugin.journal.tasks import TaskInfo

__all__ = ["WorkerInfo"]

_SAMPLES = 240


class WorkerInfo:
    """A worker process. ``task`` is what it is at, None if it is idle or gone."""

    __slots__ = (
        "_cpu_at", "_end", "busy", "code", "cpu", "cpu_history", "cpu_share", "expected", "failed",
        "finished", "id", "method", "pid", "ready", "reason", "rss", "rss_history", "signal", "since",
        "slot", "started", "state", "task",
    )  # fmt: skip

    def __init__(self, ident: int) -> None:
        self.id = ident
        self.state = ""
        self.slot = 0
        self.pid: int | None = None
        self.started = ""
        self.method = ""
        self.since: float | None = None
        self.ready: float | None = None
        self.code: int | None = None
        self.signal = ""
        self.expected: bool | None = None
        self.reason = ""
        self.task: int | None = None
        self.finished = 0
        self.failed = 0
        self.busy = 0.0
        self.rss = 0
        self.cpu = 0.0
        self.cpu_share: float | None = None
        self.rss_history: deque[int] = deque(maxlen=_SAMPLES)
        self.cpu_history: deque[float] = deque(maxlen=_SAMPLES)
        self._cpu_at: tuple[float, float] | None = None
        self._end: float | None = None

    @property
    def alive(self) -> bool:
        """Whether the process was there at the latest event."""
        return self.state != "dead"

    @property
    def ended(self) -> float | None:
        """When it was gone."""
        return self._end

    def busy_until(self, now: float, task: TaskInfo | None) -> float:
        """Seconds of work so far, the running task included."""
        running = task.running_for(now) if task is not None else None
        return self.busy + (running or 0.0)
