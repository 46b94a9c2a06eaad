"""``ParallelVM``: executes bytecode as the host's VM does, on all cores."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.api.chunks import BytecodeChunker
from zexus_parallel_plugin.api.machine import ApiMachine
from zexus_parallel_plugin.api.merger import ResultMerger
from zexus_parallel_plugin.api.pool import WorkerPool
from zexus_parallel_plugin.api.records import ExecutionMetrics, ExecutionMode
from zexus_parallel_plugin.api.slices import SliceRun, slices_of
from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.host.vm import VMRuntimeError

if TYPE_CHECKING:
    from zexus_parallel_plugin.api.shared import SharedState
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.execution import Execution

__all__ = ["ParallelVM", "execute_parallel"]

_LOG = logging.getLogger(__name__)
_HOST_STATE = frozenset({"env", "builtins", "parent_env"})
_FALLBACK_IS_OFF = "the setting fallback is off"  # in the text of the error of runtime/ahead.py


class ParallelVM:
    """Executes bytecode with the result, the variables and the output of the host's ``VM().execute``.

    Each execution begins with new variables and builtins, as a new host VM does. The worker processes are
    ended after each execution; in a ``with`` block they stay until its end.

    >>> from zexus.vm.bytecode import BytecodeBuilder
    >>> builder = BytecodeBuilder()
    >>> for emit in (builder.emit_constant(20), builder.emit_constant(22), builder.emit_add()):
    ...     pass
    >>> vm = ParallelVM(worker_count=2)
    >>> vm.execute(builder.build())
    42
    >>> vm
    ParallelVM(workers=2, chunk_size=50, mode=hybrid)

    :param config: settings; by default those of ``ParallelConfig()``.
    :param mode: sequential, parallel or hybrid; by default as in the config; ``execution_mode`` is the same.
    :param enable_stats: count executions in ``stats``.
    :param worker_count: replaces the one of the config.
    :param chunk_size: replaces the one of the config.
    :raises ValueError: a setting is wrong; the text names it and what would be right.

    Attributes:
        env: variables after the latest execution.
        last_metrics: what was measured in it, None before the first one.
        stats: numbers of executions: ``parallel_executions``, ``sequential_executions``, and
            ``fallback_executions``, in which something had to be done in place because a worker failed.
        config, mode, chunker, worker_pool, merger, cumulative_metrics: as in the host's class.
    """

    def __init__(
        self,
        config: ParallelConfig | None = None,
        mode: ExecutionMode | str | None = None,
        enable_stats: bool = True,
        *,
        worker_count: int | None = None,
        chunk_size: int | None = None,
        execution_mode: ExecutionMode | str | None = None,
    ) -> None:
        config = config or ParallelConfig()
        changes: dict[str, Any] = {"worker_count": worker_count, "chunk_size": chunk_size}
        changes["mode"] = execution_mode if mode is None else mode
        changes = {name: value for name, value in changes.items() if value is not None}
        self.config = replace(config, **changes) if changes else config
        self.mode = ExecutionMode(self.config.mode)
        self.enable_stats = enable_stats
        self.chunker = BytecodeChunker(self.config.chunk_size, self.config.min_chunk_size)
        self.worker_pool = WorkerPool(config=self.config)
        self.shared_state: SharedState | None = None
        self.merger = ResultMerger()
        self.env: dict[str, Any] = {}
        self.last_metrics: ExecutionMetrics | None = None
        self.cumulative_metrics = ExecutionMetrics(worker_count=self.config.worker_count)
        self.stats = dict.fromkeys(("parallel_executions", "sequential_executions", "fallback_executions"), 0)
        self._machines: dict[tuple[str, bool], ApiMachine] = {}
        self._chunks = (0, 0)
        self._open = False
        _LOG.info(
            "ParallelVM initialized: %d workers, chunk_size=%d, mode=%s",
            self.config.worker_count, self.config.chunk_size, self.mode.value,
        )  # fmt: skip

    def execute(
        self,
        bytecode: Any,
        sequential_fallback: bool = True,
        initial_state: dict[str, Any] | None = None,
    ) -> Any:
        """Execute bytecode; its value is that of ``VM().execute(bytecode)``, and so are errors.

        Bytecode of fewer instructions than two chunks that calls nothing of its own is executed in place.

        :param bytecode: a ``Bytecode`` of the host.
        :param sequential_fallback: do in place what no worker can do.
        :param initial_state: variables by name, or a dictionary with some of ``env``, ``builtins`` and
            ``parent_env``.
        :raises RuntimeError: a worker failed, and ``sequential_fallback`` or the config's ``enable_fallback``
            is off.
        :raises Exception: whatever the program raises.
        """
        return self._execute(bytecode, self.mode, sequential_fallback, initial_state)

    def execute_parallel(self, bytecode: Any, initial_state: dict[str, Any] | None = None) -> Any:
        """Execute bytecode in the mode ``parallel``, whatever the mode of this VM is.

        >>> from zexus.vm.bytecode import BytecodeBuilder
        >>> builder = BytecodeBuilder()
        >>> for emit in (builder.emit_load("n"), builder.emit_constant(1), builder.emit_add()):
        ...     pass
        >>> ParallelVM(worker_count=2).execute_parallel(builder.build(), initial_state={"n": 100})
        101
        """
        return self._execute(bytecode, ExecutionMode.PARALLEL, True, initial_state)

    def _execute(
        self, bytecode: Any, mode: ExecutionMode, fallback: bool, initial_state: dict[str, Any] | None
    ) -> Any:
        metrics = ExecutionMetrics(worker_count=self.config.worker_count)
        fallback = fallback and self.config.enable_fallback
        started = time.perf_counter()
        in_place = mode is ExecutionMode.SEQUENTIAL or not self._is_large(bytecode)
        machine = self._machine(ExecutionMode.SEQUENTIAL if in_place else mode, fallback)
        machine.renew(**_state(initial_state))
        self.env = machine.env
        self._chunks = (0, 0)
        if in_place:
            _LOG.info("executing in place: mode %s", mode.value)
        else:
            self._count_chunks(bytecode, metrics)
        try:
            return machine.execute(bytecode)
        except VMRuntimeError as error:
            metrics.errors.append(str(error))
            if _FALLBACK_IS_OFF not in str(error):
                raise
            raise RuntimeError(str(error)) from error
        except BaseException as error:
            metrics.errors.append(f"{type(error).__name__}: {error}")
            raise
        finally:
            self.env = machine.env
            if not self._open:
                self._end_workers()
            self._measure(metrics, machine, time.perf_counter() - started, in_place=in_place)

    def _is_large(self, bytecode: Any) -> bool:
        """Whether there may be something for workers: two chunks, or actions, whose cost is unknown."""
        instructions = getattr(bytecode, "instructions", ())
        if len(instructions) >= 2 * self.config.chunk_size:
            return True
        return any(isinstance(one, dict) and "bytecode" in one for one in getattr(bytecode, "constants", ()))

    def _count_chunks(self, bytecode: Any, metrics: ExecutionMetrics) -> None:
        _LOG.info(
            "starting: %d instructions, %d workers", len(bytecode.instructions), self.config.worker_count
        )
        started = time.perf_counter()
        chunks = self.chunker.split(bytecode)
        self._chunks = len(chunks), sum(chunk.can_parallelize for chunk in chunks)
        metrics.chunk_count = len(chunks)
        _LOG.info("created %d chunks in %.4fs", len(chunks), time.perf_counter() - started)

    def _machine(self, mode: ExecutionMode, fallback: bool) -> ApiMachine:
        machine = self._machines.get((mode.value, fallback))
        if machine is None:
            machine = ApiMachine(replace(self.config, mode=mode.value, enable_fallback=fallback))
            if mode is ExecutionMode.PARALLEL:

                def slicing(execution: Execution, code: Code) -> SliceRun | None:
                    slices = slices_of(code, self.config.chunk_size, self.config.min_chunk_size)
                    if len(slices) < 2:
                        return None
                    return SliceRun(execution, slices, self.worker_pool, fallback=fallback)

                machine.slicing = slicing
            self._machines[mode.value, fallback] = machine
        return machine

    # -- metrics

    def _measure(
        self, metrics: ExecutionMetrics, machine: ApiMachine, seconds: float, *, in_place: bool
    ) -> None:
        run = machine.last_metrics
        metrics.total_time = seconds
        metrics.reasons = dict(run.reasons)
        work, waited = run.committed_seconds, run.waited_seconds
        done, failed = run.calls_committed + run.ranges_committed, len(machine.heard.errors)
        metrics.chunks_retried = machine.heard.retried
        metrics.errors += machine.heard.errors
        sliced = machine.sliced
        if sliced is not None:
            work, waited = sliced.worker_seconds, sliced.waited_seconds
            done, failed = sliced.on_workers, sliced.failed
            metrics.chunk_count = len(sliced.slices)
            self._chunks = (metrics.chunk_count, metrics.chunk_count)
            metrics.chunks_retried = sliced.retried
            metrics.errors += sliced.errors
        else:
            metrics.chunk_count += done + failed
        metrics.chunks_on_workers = done
        metrics.chunks_failed = failed
        metrics.chunks_succeeded = max(0, metrics.chunk_count - failed)
        if done or failed:
            metrics.parallel_time = run.total_seconds
        metrics.merge_time = waited
        here = max(0.0, run.total_seconds - waited - run.ahead_seconds)
        if done and run.total_seconds > 0:
            metrics.speedup = (here + work) / run.total_seconds
        if not in_place:
            metrics.efficiency = metrics.speedup / metrics.worker_count
        self._count(metrics, in_place=in_place)
        self.last_metrics = metrics
        _LOG.info("completed in %.4fs, waited %.4fs for workers", seconds, metrics.merge_time)
        if self.config.enable_metrics:
            _LOG.info("metrics: %s", metrics.to_dict())

    def _count(self, metrics: ExecutionMetrics, *, in_place: bool) -> None:
        total = self.cumulative_metrics
        for name in (
            "total_time", "parallel_time", "merge_time", "chunk_count", "chunks_succeeded", "chunks_failed",
            "chunks_retried", "chunks_on_workers",
        ):  # fmt: skip
            setattr(total, name, getattr(total, name) + getattr(metrics, name))
        if not self.enable_stats:
            return
        self.stats["sequential_executions" if in_place else "parallel_executions"] += 1
        if any(code.startswith("worker-") for code in metrics.reasons):
            self.stats["fallback_executions"] += 1

    def get_statistics(self) -> dict[str, Any]:
        """The metrics of the latest execution as texts and counts; empty before the first one."""
        return self.last_metrics.to_dict() if self.last_metrics is not None else {}

    def get_stats(self) -> dict[str, Any]:
        """Numbers of the latest execution, and how many executions there were.

        ``chunks_created`` are the chunks that the program was divided into, ``chunks_parallelizable`` those
        of them that only compute, ``chunks_on_workers`` chunks and calls of actions that workers did.
        """
        metrics = self.last_metrics or ExecutionMetrics(worker_count=self.config.worker_count)
        created, parallelizable = self._chunks
        return {
            "chunks_created": created,
            "chunks_parallelizable": parallelizable,
            "chunks_on_workers": metrics.chunks_on_workers,
            "chunks_succeeded": metrics.chunks_succeeded,
            "chunks_failed": metrics.chunks_failed,
            "chunks_retried": metrics.chunks_retried,
            "total_time": metrics.total_time,
            "parallel_time": metrics.parallel_time,
            "merge_time": metrics.merge_time,
            "speedup": metrics.speedup,
            "efficiency": metrics.efficiency,
            "worker_count": metrics.worker_count,
            "execution_mode": self.mode.value,
            "reasons": dict(metrics.reasons),
            **self.stats,
        }

    def get_cumulative_statistics(self) -> dict[str, Any]:
        """Sums over all executions since the start or :meth:`reset_statistics`."""
        return self.cumulative_metrics.to_dict()

    def reset_statistics(self) -> None:
        """Forget what was measured and counted."""
        self.last_metrics = None
        self.cumulative_metrics = ExecutionMetrics(worker_count=self.config.worker_count)
        self.stats = dict.fromkeys(self.stats, 0)
        self._chunks = (0, 0)

    # -- workers

    def close(self) -> None:
        """End the worker processes, if there are any; the VM can be used again."""
        self._open = False
        self._end_workers()

    def _end_workers(self) -> None:
        for machine in self._machines.values():
            machine.close()
        self._machines.clear()
        self.worker_pool.shutdown()

    def __enter__(self) -> ParallelVM:  # noqa: PYI034 - typing.Self came with Python 3.11
        self._open = True
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()

    def __repr__(self) -> str:
        workers, size = self.config.worker_count, self.config.chunk_size
        return f"ParallelVM(workers={workers}, chunk_size={size}, mode={self.mode.value})"


def _state(initial: dict[str, Any] | None) -> dict[str, Any]:
    """The arguments of a VM in either form of an initial state."""
    if not initial:
        return {}
    if initial.keys() <= _HOST_STATE and all(
        value is None or isinstance(value, dict) or hasattr(value, "env") for value in initial.values()
    ):
        return dict(initial)
    return {"env": dict(initial)}


def execute_parallel(
    bytecode: Any, config: ParallelConfig | None = None, **settings: Any
) -> tuple[Any, ExecutionMetrics]:
    """Execute bytecode once; the value and what was measured.

    >>> from zexus.vm.bytecode import BytecodeBuilder
    >>> builder = BytecodeBuilder()
    >>> _ = builder.emit_constant(42)
    >>> value, metrics = execute_parallel(builder.build(), worker_count=2, chunk_size=25)
    >>> value, metrics.worker_count
    (42, 2)

    :param config: settings; or else ``settings``, which are fields of ``ParallelConfig``.
    :raises Exception: as :meth:`ParallelVM.execute`.
    """
    if config is not None and settings:
        config = replace(config, **settings)
    vm = ParallelVM(config or ParallelConfig(**settings))
    value = vm.execute(bytecode)
    assert vm.last_metrics is not None
    return value, vm.last_metrics
