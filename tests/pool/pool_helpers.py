"""Driving a pool in a test."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pool_handler import call

from zexus_parallel_plugin.runtime.pool import TaskHandle, TaskState, WorkerSupervisor

PATIENCE = 120.0
"""Seconds until a test gives up: more than any machine needs."""
# For what happens in the main process only: the start method does not matter.
any_method = pytest.mark.parametrize("method", ["template"], indirect=True)
# Without the pipes that Windows has: what a worker does with a file descriptor does not reach them.
unix_methods = pytest.mark.parametrize("method", ["template", "forkserver", "spawn"], indirect=True)


def finish(pool: WorkerSupervisor, *tasks: TaskHandle, seconds: float = PATIENCE) -> list[Any]:
    """Results of the tasks, or their causes of failure."""
    deadline = time.monotonic() + seconds
    while not all(task.done for task in tasks):
        assert time.monotonic() < deadline, [task.state for task in tasks]
        pool.wait([task for task in tasks if not task.done], deadline)
    return [task.outcome.result if task.outcome.ok else task.outcome.failure.cause for task in tasks]


def result(pool: WorkerSupervisor, *arguments: Any, **options: Any) -> Any:
    return finish(pool, pool.submit(call(*arguments), **options))[0]


def until_running(pool: WorkerSupervisor, *tasks: TaskHandle, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while any(task.state is not TaskState.RUNNING for task in tasks):
        assert time.monotonic() < deadline, [task.state for task in tasks]
        pool.wait(tasks, time.monotonic() + 0.02)
