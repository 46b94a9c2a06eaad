"""Machines for the judge that wait for their workers, and tell how the pool is when the program has ended.

The judge names what makes a machine as ``module:attribute``; here the attribute is the settings, as JSON.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.runtime import machine as machines
from zexus_parallel_plugin.runtime.dispatch import Dispatch
from zexus_parallel_plugin.runtime.pool.states import WORKER_USABLE, WorkerState

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.runtime.pool import WorkerSupervisor

_PATIENCE_SECONDS = 60.0
_SETTLE_SECONDS = 60.0


def __getattr__(name: str) -> Callable[..., Any]:
    if not name.startswith("{"):
        raise AttributeError(name)
    settings = json.loads(name)
    report = settings.pop("report", None)
    patch = settings.pop("patch", None)

    def create(**arguments: Any) -> Any:
        be_patient()
        if patch is not None:
            globals()[patch]()
        machine = machines.create_vm(ParallelConfig(**settings), **arguments)
        if report is not None:
            _report_after(machine, Path(report))
        return machine

    return create


def be_patient() -> None:
    """Have the main process wait until its tasks are begun; else it would execute short programs alone."""
    begun = Dispatch.begun

    def begun_at_last(self: Dispatch, handle: Any) -> bool:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not begun(self, handle) and time.monotonic() < deadline:
            self.look()
            time.sleep(0.0005)
        return begun(self, handle)

    Dispatch.begun = begun_at_last  # type: ignore[method-assign]


def _report_after(machine: Any, path: Path) -> None:
    execute = machine.execute

    def execute_and_report(code: Any) -> Any:
        try:
            return execute(code)
        finally:
            pool = machine._workers._pool
            path.write_text(json.dumps(None if pool is None else _settled(pool)), encoding="utf-8")

    machine.execute = execute_and_report


def _settled(pool: WorkerSupervisor) -> dict[str, Any]:
    """How a pool is when nothing is going on in it any more."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        pool.poll()
        stats = pool.stats()
        usable = [worker for worker in stats.workers if worker.state in WORKER_USABLE]
        settled = len(usable) == len(stats.workers) == pool._crew._wanted
        if stats.broken or settled or time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return {
        "usable": len(usable),
        "wanted": pool._crew._wanted,
        "size": pool.settings.size,
        "method": stats.method,
        "submitted": stats.submitted,
        "done": stats.done,
        "failed": stats.failed,
        "retried": stats.retried,
        "deaths": stats.deaths,
        "kills": stats.kills,
        "launches": stats.launches,
        "broken": stats.broken,
        "peaks": [worker.peak_rss for worker in stats.workers],
    }


def without_semaphores() -> None:
    """As if the system had no semaphores and no shared memory left."""
    import _multiprocessing
    import _posixshmem

    def none_left(*_args: Any, **_named: Any) -> Any:
        raise OSError(errno.ENOSPC, "none left")

    _multiprocessing.SemLock = none_left  # type: ignore[misc,assignment]
    _posixshmem.shm_open = none_left


def kill_idle_workers() -> None:
    """From the third task on, every other time, kill all workers while they have nothing to do."""
    submit = Dispatch.submit

    def submit_to_the_dead(self: Dispatch, *arguments: Any) -> Any:
        if self._pool is not None and self._metrics.tasks_sent % 4 == 3:
            _kill_all_idle(self._pool)
        return submit(self, *arguments)

    Dispatch.submit = submit_to_the_dead  # type: ignore[method-assign]


def _kill_all_idle(pool: Any) -> None:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while pool.stats().open and time.monotonic() < deadline:
        pool.wait(None, deadline)
    pids = [worker.pid for worker in pool.stats().workers if worker.state is WorkerState.IDLE]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        while _is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.005)


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
