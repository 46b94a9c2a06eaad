"""Settings of a pool: validated, immutable."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from .errors import PoolSettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

START_METHODS = ("template", "forkserver", "spawn")


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """How many more attempts a task gets after a failure, by cause.

    Only tasks without effects may be retried; whoever submits others sets every field to 0.
    """

    died: int = 1
    timeout: int = 0
    memory: int = 0
    undecodable: int = 0
    unsendable: int = 0
    error: int = 0
    poison_limit: int = 3  # attempts of one task that may fail, whatever the causes

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if type(value) is not int or value < 0:
                raise PoolSettingsError(f"retries.{item.name} must be a whole number >= 0, not {value!r}")


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Settings of a :class:`WorkerSupervisor`. Times are in seconds, sizes in bytes."""

    size: int
    handler: str  # "package.module:factory", called once per worker with handler_args
    handler_args: bytes = b""
    start_method: str | None = None  # None: the template if prepare() made one, else what the system allows
    preload: tuple[str, ...] = ()  # modules that a template imports before it makes workers
    env: Mapping[str, str] = field(default_factory=dict)  # added to the environment of workers
    task_timeout: float | None = None  # from the moment a task is at the head of its worker
    start_timeout: float = 30.0
    grace: float = 0.5  # between SIGTERM and SIGKILL
    retries: RetryBudget = field(default_factory=RetryBudget)
    retry_delay: float = 0.01  # first delay; doubles with every failed attempt of the task
    retry_delay_cap: float = 1.0
    max_queue_size: int = 1000
    max_start_failures: int = (
        4  # workers in a row that die before they finish anything, then the pool is broken
    )
    depth: int = 2  # tasks in a worker's pipe, the running one included
    prefetch_bytes: int = 32768  # only tasks up to this size are sent ahead
    prefetch_seconds: float = (
        0.005  # ... and only behind tasks that are expected to be this short, near the end
    )
    memory_limit: int | None = (
        None  # that tasks of a worker may take beyond what it has after its start; then it is ended (POSIX)
    )
    recycle_after_tasks: int | None = None
    recycle_above_rss: int | None = None

    def __post_init__(self) -> None:
        module, colon, factory = self.handler.partition(":")
        if not (module and colon and factory):
            raise PoolSettingsError(f"handler must be 'module:factory', not {self.handler!r}")
        if self.start_method is not None and self.start_method not in START_METHODS:
            raise PoolSettingsError(
                f"start_method must be one of {', '.join(START_METHODS)}, not {self.start_method!r}"
            )
        for name in ("size", "max_queue_size", "max_start_failures", "depth"):
            self._whole(name, 1)
        self._whole("prefetch_bytes", 0)
        for name in ("memory_limit", "recycle_after_tasks", "recycle_above_rss"):
            if getattr(self, name) is not None:
                self._whole(name, 1)
        for name in ("start_timeout", "grace", "retry_delay", "retry_delay_cap", "prefetch_seconds"):
            self._seconds(name)
        if self.task_timeout is not None:
            self._seconds("task_timeout")

    def _whole(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if type(value) is not int or value < least:
            raise PoolSettingsError(f"{name} must be a whole number >= {least}, not {value!r}")

    def _seconds(self, name: str) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
            raise PoolSettingsError(f"{name} must be seconds >= 0, not {value!r}")
