"""The supervisor worker pool: opaque tasks on worker processes, faults as values.

The pool knows nothing of Zexus. A task is bytes, its result is bytes; what they mean is the business of the
caller and of the *handler*, an object that every worker makes once (``module:factory``). A fault of a worker
never raises in the main process: it is the :class:`Outcome` of the one task that it hit.

The public names are imported at their first use: a worker that is a fresh interpreter needs few of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

_MODULES = {
    "errors": (
        "BlobError",
        "PoolClosedError",
        "PoolError",
        "PoolFullError",
        "PoolNestedError",
        "PoolSettingsError",
        "UndecodablePayloadError",
        "UnsendableResultError",
    ),
    "settings": ("PoolSettings", "RetryBudget"),
    "states": ("TaskState", "WorkerState"),
    "supervisor": ("WorkerSupervisor",),
    "task": ("Cause", "Failure", "Outcome", "TaskHandle", "TaskTiming"),
}

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


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    for module, names in _MODULES.items():
        if name in names:
            from importlib import import_module

            value = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
