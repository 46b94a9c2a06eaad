"""What a pool tells about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .states import WorkerState


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker at the time of :meth:`WorkerSupervisor.stats`."""

    id: int
    pid: int | None
    state: WorkerState
    method: str  # start method
    served: int  # tasks that it has finished
    peak_rss: int  # bytes, after its latest task
    task: int | None  # number of the running task


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Counts since the pool was made, and its workers now."""

    method: str  # start method in use; empty before the first worker
    workers: tuple[WorkerInfo, ...]
    submitted: int
    done: int
    failed: dict[str, int]  # by cause, cancelled ones included
    retried: int
    queued: int
    open: int  # submitted and without an outcome
    launches: int
    deaths: int  # ends of workers that nobody asked for
    kills: int  # signals sent
    broken: str  # why the pool has given up; empty: it has not
