"""Acting on a run from outside: by signals to its processes, once it is sure that they still are its own.

A process number is not enough: it may have been given to another process. So the journal has a *mark* for
each process, which tells when that was started, and nothing is sent to a process with another mark.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.journal.processes import is_running

if TYPE_CHECKING:
    from zexus_parallel_plugin.journal.model import RunState
    from zexus_parallel_plugin.journal.workers import WorkerInfo

__all__ = ["ControlError", "cancel", "kill_worker"]


class ControlError(ZexusParallelError):
    """A signal was not sent; the message says why."""


def cancel(run: RunState) -> None:
    """End a run, as Ctrl-C does.

    :raises ControlError: it is not going on, or cannot be reached.
    """
    start = run.start
    if start is None or run.end is not None:
        raise ControlError("the run has ended already")
    _send(start.pid, start.started, signal.SIGINT, "the run")


def kill_worker(run: RunState, worker: WorkerInfo) -> None:
    """End a worker process; the run replaces it, and does its task again.

    :raises ControlError: it is gone, or cannot be reached.
    """
    if run.end is not None or not worker.alive:
        raise ControlError(f"worker {worker.id} is gone already")
    if not worker.pid:
        raise ControlError(f"worker {worker.id} has not started yet")
    _send(worker.pid, worker.started, getattr(signal, "SIGKILL", signal.SIGTERM), f"worker {worker.id}")


def _send(pid: int, mark: str, number: signal.Signals, what: str) -> None:
    if not mark:
        raise ControlError(f"{what} was not touched: the journal does not tell which process {pid} it was")
    if not is_running(pid, mark):
        raise ControlError(f"{what} is not running any more (process {pid})")
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        raise ControlError(f"{what} is not running any more (process {pid})") from None
    except PermissionError:
        raise ControlError(f"{what} belongs to another user (process {pid})") from None
