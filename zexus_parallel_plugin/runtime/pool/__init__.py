"""The supervisor worker pool: opaque tasks on worker processes, faults as values.

The pool knows nothing of Zexus. A task is bytes, its result is bytes; what they mean is the business of the
caller and of the *handler*, an object that every worker makes once (``module:factory``). A fault of a worker
never raises in the main process: it is the :class:`Outcome` of the one task that it hit.
"""

from __future__ import annotations

from .errors import (
    BlobError,
    PoolClosedError,
    PoolError,
    PoolFullError,
    PoolNestedError,
    PoolSettingsError,
    UndecodablePayloadError,
    UnsendableResultError,
)
from .settings import PoolSettings, RetryBudget
from .states import TaskState, WorkerState
from .supervisor import WorkerSupervisor
from .task import Cause, Failure, Outcome, TaskHandle, TaskTiming

__all__ = [
    "BlobError",
    "Cause",
    "Failure",
    "Outcome",
    "PoolClosedError",
    "PoolError",
    "PoolFullError",
    "PoolNestedError",
    "PoolSettings",
    "PoolSettingsError",
    "RetryBudget",
    "TaskHandle",
    "TaskState",
    "TaskTiming",
    "UndecodablePayloadError",
    "UnsendableResultError",
    "WorkerState",
    "WorkerSupervisor",
]
