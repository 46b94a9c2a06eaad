"""What is known of a task, of its attempts, and of all tasks of an action."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ACTIVE", "NOTHING", "WAITING", "Group", "Slice", "TaskFacts", "TaskInfo"]

WAITING = frozenset({"queued", "sent", "delayed"})
ACTIVE = frozenset({"queued", "sent", "delayed", "running"})
"""States of tasks that are not finished."""
NOTHING: Mapping[str, int] = MappingProxyType({})
"""No call was thrown away."""


class Slice:
    """An attempt of a task on a worker: what a timeline shows. ``end`` is None while it is going on."""

    __slots__ = ("attempt", "begin", "cause", "end", "slot", "task", "worker")

    def __init__(self, task: int, attempt: int, worker: int, slot: int, begin: float) -> None:
        self.task = task
        self.attempt = attempt
        self.worker = worker
        self.slot = slot
        self.begin = begin
        self.end: float | None = None
        self.cause = ""


class TaskFacts:
    """What there is to know of a task: the fields of `events.Task`. What is not known is None, or empty."""

    __slots__ = (
        "attempt", "begun", "bytes", "calls", "cause", "chunk", "committed", "cpu", "detail", "ended",
        "expected", "gas", "id", "line", "name", "queued", "rss", "seconds", "sent", "settled", "state",
        "thrown", "what", "worker",
    )  # fmt: skip

    def __init__(self, ident: int) -> None:
        self.id = ident
        self.state = ""
        self.what = ""
        self.name = ""
        self.chunk: int | None = None
        self.line = 0
        self.calls = 1
        self.bytes = 0
        self.expected: float | None = None
        self.worker: int | None = None
        self.attempt = 0
        self.queued: float | None = None
        self.sent: float | None = None
        self.begun: float | None = None
        self.ended: float | None = None
        self.settled: float | None = None
        self.cpu: float | None = None
        self.rss: int | None = None
        self.seconds: Sequence[float] = ()
        self.committed = 0
        self.thrown: Mapping[str, int] = NOTHING
        self.gas = 0
        self.cause = ""
        self.detail = ""


class TaskInfo(TaskFacts):
    """A task as its journal tells of it, with its latest attempt."""

    __slots__ = ("slice",)

    def __init__(self, ident: int) -> None:
        super().__init__(ident)
        self.slice: Slice | None = None

    @property
    def duration(self) -> float | None:
        """Seconds on the worker, in its last attempt; None if that has not ended, or never began."""
        if self.begun is None or self.ended is None:
            return None
        return max(0.0, self.ended - self.begun)

    def running_for(self, now: float) -> float | None:
        """Seconds since the worker began with it, None if it is not running."""
        if self.state != "running" or self.begun is None:
            return None
        return max(0.0, now - self.begun)


class Group:
    """All tasks of one action."""

    __slots__ = (
        "calls", "committed", "failed", "finished", "longest", "name", "running", "seconds", "tasks",
        "thrown",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.tasks = 0
        self.calls = 0
        self.running = 0
        self.finished = 0
        self.failed = 0
        self.committed = 0
        self.thrown = 0
        self.seconds = 0.0
        self.longest = 0.0

    @property
    def mean(self) -> float | None:
        """Seconds of a finished task."""
        return self.seconds / self.finished if self.finished else None
