"""A task as its submitter sees it: handle, outcome, failure, timing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .states import TaskEvent, TaskState, next_task_state

if TYPE_CHECKING:
    from .frames import Bytes

Cause = Literal[
    "died",  # the worker process ended while it ran the task
    "timeout",
    "error",  # the handler raised
    "memory",  # MemoryError in the worker, or more memory than it may have
    "unsendable",  # payload or result cannot be sent
    "undecodable",  # payload or result cannot be read
    "cancelled",
    "broken",  # the pool cannot start workers any more
]


@dataclass(frozen=True, slots=True)
class TaskTiming:
    """What the worker measured, in ``time.monotonic_ns()``: the same clock in all processes of a machine."""

    started_ns: int
    finished_ns: int
    cpu_ns: int
    peak_rss: int  # bytes, the highest of this worker so far; 0 where the system does not tell


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task has no result."""

    cause: Cause
    detail: str  # one line, or a line followed by what the worker left on its error output
    error_type: str = ""  # class of the exception in the worker
    traceback: str = ""
    exit_code: int | None = None  # of the worker process; negative: the number of the signal
    signal: str = ""  # name of the signal that ended the worker, e.g. "SIGKILL"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result or failure of a task, exactly one of them."""

    result: Bytes | None
    failure: Failure | None
    timing: TaskTiming | None

    @property
    def ok(self) -> bool:
        """Whether there is a result."""
        return self.failure is None


class TaskHandle:
    """A submitted task. Read only for the submitter; ``outcome`` is set exactly once.

    ``submitted_ns``, ``sent_ns``, ``head_ns`` and ``done_ns`` are ``time.monotonic_ns()`` in the main process
    (0: not yet); ``attempts`` counts how often it was at the head of a worker, ``failures`` has the failed
    attempts, oldest first.
    """

    __slots__ = (
        "attempts",
        "done_ns",
        "expected",
        "failures",
        "head_ns",
        "id",
        "needs",
        "outcome",
        "payload",
        "pid",
        "sent_ns",
        "state",
        "submitted_ns",
        "timeout",
        "worker_id",
    )

    def __init__(
        self,
        ident: int,
        payload: Bytes,
        needs: tuple[int, ...],
        timeout: float | None,
        expected: float | None,
    ) -> None:
        self.id = ident
        self.payload: Bytes = payload
        self.needs = needs
        self.timeout = timeout
        self.expected = expected
        self.state = TaskState.QUEUED
        self.outcome: Outcome | None = None
        self.worker_id: int | None = None
        self.pid: int | None = None
        self.attempts = 0
        self.failures: list[Failure] = []
        self.submitted_ns = time.monotonic_ns()
        self.sent_ns = self.head_ns = self.done_ns = 0

    @property
    def done(self) -> bool:
        """Whether there is an outcome."""
        return self.outcome is not None

    def move(self, event: TaskEvent) -> None:
        """Take a transition of the table (for the pool)."""
        self.state = next_task_state(self.state, event)

    def finish(self, event: TaskEvent, outcome: Outcome) -> None:
        """Take the last transition and let go of the payload (for the pool)."""
        self.move(event)
        self.outcome = outcome
        self.done_ns = time.monotonic_ns()
        self.payload = b""

    def __repr__(self) -> str:
        return f"<TaskHandle {self.id} {self.state.name} attempts={self.attempts}>"
