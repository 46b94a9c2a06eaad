"""The workers of one machine: made when the first task is sent, kept for its later executions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.footprint import is_function
from zexus_parallel_plugin.runtime.recorder import OFF, Recorder
from zexus_parallel_plugin.runtime.snapshot import CONTAINERS, Library

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zexus_parallel_plugin.config import ParallelConfig
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.runtime.pool import RetryBudget, WorkerSupervisor
    from zexus_parallel_plugin.runtime.pool.starter import Emit

_MARKER = "ZEXUS_PARALLEL_WORKER"
_HANDLER = "zexus_parallel_plugin.runtime.remote:make_handler"
_CHAOS_HANDLER = "zexus_parallel_plugin.runtime.chaos:make_handler"
_CHAOS_VARIABLE = "ZEXUS_PARALLEL_CHAOS"


class Workers:
    """The pool of a machine, and the library of code that its workers have.

    What only programs with workers need is imported when it is needed: most programs are short.
    """

    def __init__(
        self, config: ParallelConfig, vm: Any, host_arguments: dict[str, Any], recorder: Recorder = OFF
    ) -> None:
        self._config = config
        self._recorder = recorder
        self._vm = vm
        self._host_arguments = host_arguments
        self._pool: WorkerSupervisor | None = None
        self._made_for: bytes = b""
        self.library = Library()

    def pure(self) -> frozenset[str]:
        """Builtins of the machine that workers may use."""
        from zexus_parallel_plugin.runtime.remote import pure_builtins

        return pure_builtins(self._vm)

    def reason_against(self) -> str:
        """Reason code why there are no workers; empty if there may be."""
        if self._config.mode == "sequential":
            return "mode-sequential"
        if self._config.worker_count == 1:
            return "one-worker"
        return "inside-worker" if os.environ.get(_MARKER) else ""

    def program(self, execution: Execution, bytecode: Any) -> Any:
        """The code object that workers need to compile actions; None if they must not.

        What can be compiled follows from all actions of the program, and those that the embedder has put into
        the variables before the run are not in its code.
        """
        given = any(
            is_function(value) or type(value) in CONTAINERS - {tuple} for value in execution.root.env.values()
        )
        return None if given else bytecode

    def pool(self, execution: Execution) -> WorkerSupervisor:
        """The pool; workers start with the first task.

        :raises Exception: there cannot be one.
        """
        from zexus_parallel_plugin.runtime.remote import handler_arguments

        arguments = handler_arguments(self._vm, self._host_arguments, execution, self.pure())
        if self._pool is not None and self._made_for != arguments:
            self.close(kill=True)
        if self._pool is None:
            chaos = self._config.chaos
            self._pool = open_pool(
                self._config,
                handler=_CHAOS_HANDLER if chaos else _HANDLER,
                handler_args=arguments,
                preload="zexus_parallel_plugin.runtime.remote",
                env={_CHAOS_VARIABLE: chaos} if chaos else {},
                listener=self._recorder.pool_listener(),
            )
            self._made_for = arguments
        return self._pool

    def close(self, *, kill: bool) -> None:
        """End all workers; may be repeated."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close(kill=kill)


def open_pool(
    config: ParallelConfig, *, handler: str, preload: str, listener: Emit | None, handler_args: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> WorkerSupervisor:  # fmt: skip
    """A pool as the configuration wants it; its workers start with the first task.

    :param handler: what workers do, as ``module:function``. ``preload``: the module that a template loads.
    :param listener: is told of workers and tasks.
    """
    from zexus_parallel_plugin.runtime.pool import PoolSettings, WorkerSupervisor

    settings = PoolSettings(
        size=config.worker_count,
        handler=handler,
        handler_args=handler_args,
        start_method=config.start_method,
        preload=(preload,),
        task_timeout=config.timeout_seconds,
        env=env or {},
        retries=_budget(config.retry_attempts),
        memory_limit=config.worker_memory,
        recycle_after_tasks=config.recycle_after,
        recycle_above_rss=config.recycle_above,
        max_queue_size=config.max_queue_size,
    )
    pool = WorkerSupervisor(settings, listener)
    try:
        if config.start_method in {None, "template"}:
            pool.prepare()
    except BaseException:
        pool.close(kill=True)
        raise
    return pool


def _budget(attempts: int) -> RetryBudget:
    """How often a task is tried again, by what went wrong.

    Another worker may do better where the fault was the process's: it died, its memory was full of something
    else, what it said was damaged. A task that took too long would do so again, and what cannot be sent
    cannot be sent: both are executed in place at once.
    """
    from zexus_parallel_plugin.runtime.pool import RetryBudget

    once = min(1, attempts)
    return RetryBudget(died=attempts, memory=once, undecodable=once, poison_limit=attempts + 1)
