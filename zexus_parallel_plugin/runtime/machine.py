"""The virtual machine that the backend puts in the place of the host's.

It *is* a host VM: the host's command line, its fallbacks, its modes and its bookkeeping work on it unchanged.
Only the execution of stack bytecode is taken over, where the engine is known to give the same results.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.names import assigned_names
from zexus_parallel_plugin.host.version import VERIFIED_VERSIONS, host_version
from zexus_parallel_plugin.host.vm import HostVM
from zexus_parallel_plugin.metrics import RunMetrics
from zexus_parallel_plugin.runtime.ahead import Ahead
from zexus_parallel_plugin.runtime.execution import WatchedExecution
from zexus_parallel_plugin.runtime.recorder import OFF, Recorder
from zexus_parallel_plugin.runtime.workers import Workers

if TYPE_CHECKING:
    from zexus_parallel_plugin.config import ParallelConfig
    from zexus_parallel_plugin.engine.execution import Execution

__all__ = ["ParallelMachine", "create_vm"]

_LOG = logging.getLogger(__name__)

_LANGUAGE_FUNCTIONS = frozenset({"parallel_map"})
"""Functions of the language that this project adds; a program that uses such a name for something of its own
keeps it."""

_TRACING = (
    "ZEXUS_VM_TRACE_MODE", "ZEXUS_VM_TRACE_INTERVAL", "ZEXUS_VM_TRACE_IP_RANGE", "ZEXUS_VM_TRACE_LOADS",
    "ZEXUS_VM_TRACE_CALLS", "ZEXUS_VM_TRACE_METHOD_TARGETS", "ZEXUS_VM_TRACE_STACK",
    "ZEXUS_VM_TRACE_METHOD_OPS", "ZEXUS_VM_TRACE_ERRORS", "ZEXUS_VM_PROFILE_OPS", "ZEXUS_VM_PROFILE_PRINT",
    "ZEXUS_VM_PROFILE_VERBOSE",
)  # fmt: skip
"""Variables of the host that make its loop print while it runs."""


@dataclass(frozen=True, slots=True)
class _Takeover:
    """Stands for the host's coroutine between the two steps of ``VM.execute``."""

    bytecode: Any


class ParallelMachine(HostVM):
    """A host VM whose bytecode runs on the engine.

    Attributes:
        config: the configuration of the run.
        last_execution: the engine's state after the latest :meth:`execute`, None if the host ran it.
        left_to_host: reason code why the latest :meth:`execute` was left to the host's VM, else empty.
        last_metrics: what was counted in the latest :meth:`execute`.
    """

    def __init__(self, config: ParallelConfig, recorder: Recorder = OFF, **host_arguments: Any) -> None:
        super().__init__(**host_arguments)
        self.config = config
        self.last_execution: Execution | None = None
        self.left_to_host = ""
        self.last_metrics = RunMetrics()
        self._recorder = recorder
        self._workers = Workers(config, self, host_arguments, recorder)
        self._apply_gas_limit()

    def _apply_gas_limit(self) -> None:
        """Raise the host's limits when the configuration asks for it: the one setting that changes what a
        program does.
        """
        if self.config.gas_limit is None or self.gas_metering is None:
            return
        limit = self.config.gas_limit_value
        self.gas_metering.gas_limit = float("inf") if limit is None else limit
        self.gas_metering.max_operations = max(self.gas_metering.max_operations, self.gas_metering.gas_limit)

    def _execute_stack(self, code: Any, debug: bool = False) -> Any:
        """Take stack bytecode over, or leave it to the host with a reason code."""
        self.left_to_host = self._reason_for_host(code, debug)
        self.last_metrics = RunMetrics()
        if self.left_to_host:
            self.last_metrics.reasons[self.left_to_host] += 1
            _LOG.info("left to the host's VM: %s", self.left_to_host)
            self._recorder.left_to_host(self.left_to_host)
            self.last_execution = None
            return super()._execute_stack(code, debug)
        return _Takeover(code)

    def _run_coroutine_sync(self, coro: Any) -> Any:
        if isinstance(coro, _Takeover):
            return self._execute_on_engine(coro.bytecode)
        return super()._run_coroutine_sync(coro)

    def _execute_on_engine(self, bytecode: Any) -> Any:
        metrics = self.last_metrics
        functions = _LANGUAGE_FUNCTIONS - assigned_names(bytecode)
        execution = WatchedExecution(self, functions, self.config.tier)
        self.last_execution = execution
        self._recorder.begin(execution, bytecode, metrics)
        ahead = self._ahead(execution, bytecode, functions, metrics)
        started = time.perf_counter()
        try:
            return execution.run(bytecode)
        except KeyboardInterrupt:
            self._workers.close(kill=True)
            raise
        finally:
            if ahead is not None:
                ahead.finish()
            metrics.total_seconds = time.perf_counter() - started
            metrics.reasons.update(execution.counters)
            self._recorder.ended(sys.exc_info()[1])
            _LOG.info("execution ended: %s", metrics.to_dict())

    def _ahead(
        self, execution: WatchedExecution, bytecode: Any, functions: frozenset[str], metrics: RunMetrics
    ) -> Ahead | None:
        """What runs ahead of this execution, None if nothing does."""
        reason = self._workers.reason_against()
        if reason:
            metrics.reasons[reason] += 1
            return None
        workers = self._workers
        ahead = Ahead(
            execution, self.config, workers.library, workers.program(execution, bytecode),
            lambda: workers.pool(execution, functions), workers.pure, metrics, self._recorder,
        )  # fmt: skip
        execution.ahead = ahead
        return ahead

    def await_on_loop(self, awaitable: Any) -> Any:
        """Wait for an awaitable on the host's event loop."""

        async def wait() -> Any:
            return await awaitable

        return super()._run_coroutine_sync(wait())

    def _reason_for_host(self, code: Any, debug: bool) -> str:
        if self.config.tier == "host":
            return "tier-host"
        if host_version() not in VERIFIED_VERSIONS:
            return "host-version"
        if _is_traced(os.environ):
            return "host-tracing"
        if debug or self._has_host_settings() or self._parent_env is not None or self._closure_cells:
            return "host-mode"
        if not hasattr(code, "instructions"):
            return "not-bytecode"
        return ""

    def _has_host_settings(self) -> bool:
        """Settings under which the host's loop does something else than the plain metered loop that the
        engine is.
        """
        jit = self.jit_compiler
        return bool(
            self.debug
            or self.enable_gas_light
            or not self.enable_gas_metering
            or self.gas_metering is None
            or self.use_memory_manager
            or self.enable_profiling
            or self.enable_ssa
            or self.fast_single_shot
            or self._rust_vm_available
            or (jit is not None and jit.compilation_cache)
        )

    def close(self) -> None:
        """End the worker processes of this machine; may be called twice."""
        self._workers.close(kill=True)
        self._recorder.close()


def _is_traced(environ: Mapping[str, str]) -> bool:
    return any(environ.get(name, "0").lower() not in {"", "0", "false", "off"} for name in _TRACING)


def create_vm(config: ParallelConfig, **host_arguments: Any) -> ParallelMachine:
    """Make the backend's VM.

    :param config: the configuration of the run.
    :param host_arguments: what the host's own VM would be made with.
    """
    from zexus_parallel_plugin.runtime.recording.open import open_recorder

    return ParallelMachine(config, open_recorder(config), **host_arguments)
