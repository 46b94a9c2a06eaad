"""The virtual machine that the backend puts in the place of the host's.

It *is* a host VM: the host's command line, its fallbacks, its modes and its bookkeeping work on it unchanged.
Only the execution of stack bytecode is taken over, where the engine is known to give the same results.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin import __version__
from zexus_parallel_plugin.analysis.names import assigned_names
from zexus_parallel_plugin.config import available_cores
from zexus_parallel_plugin.engine import parallel
from zexus_parallel_plugin.host import compiler_pass
from zexus_parallel_plugin.host.lines import line_of
from zexus_parallel_plugin.host.version import VERIFIED_VERSIONS, host_version
from zexus_parallel_plugin.host.vm import HostVM, VMRuntimeError
from zexus_parallel_plugin.metrics import RunMetrics
from zexus_parallel_plugin.reasons import reason
from zexus_parallel_plugin.runtime.execution import WatchedExecution
from zexus_parallel_plugin.runtime.late import LateAhead
from zexus_parallel_plugin.runtime.recorder import OFF, Recorder
from zexus_parallel_plugin.runtime.workers import Workers

if TYPE_CHECKING:
    from zexus_parallel_plugin.config import ParallelConfig
    from zexus_parallel_plugin.engine.compiler.translations import Translations
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.opcodes import ParallelOpcode
    from zexus_parallel_plugin.runtime.ahead import Ahead
    from zexus_parallel_plugin.runtime.forks.home import Forks

__all__ = ["ParallelMachine", "create_vm"]

_LOG = logging.getLogger(__name__)

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
        is_parallel_program: whether the program of the latest :meth:`execute` uses functions that only this
            backend has, so that no other VM could run it.
    """

    def __init__(self, config: ParallelConfig, recorder: Recorder = OFF, **host_arguments: Any) -> None:
        super().__init__(**host_arguments)
        self.config = config
        self.last_execution: Execution | None = None
        self.left_to_host = ""
        self.last_metrics = RunMetrics()
        self.is_parallel_program = False
        self._recorder = recorder
        self._host_arguments = host_arguments
        self._workers = Workers(config, self, host_arguments, recorder)
        self._forks: Forks | None = None
        self._program: Any = None
        self._compilable: Any = None
        self._translations: Translations | None = None
        self._told_of_cache = False
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
        code = self._with_opcodes(code)
        if self.left_to_host:
            self.last_metrics.reasons[self.left_to_host] += 1
            _LOG.info("left to the host's VM: %s", self.left_to_host)
            self._recorder.left_to_host(self.left_to_host)
            self.last_execution = None
            if self.is_parallel_program:
                names = ", ".join(compiler_pass.parallel_names(code))
                raise VMRuntimeError(
                    f"{names}: only the engine of the backend parallel executes this, and it is off:"
                    f" {reason(self.left_to_host).sentence}"
                )
            return super()._execute_stack(code, debug)
        return _Takeover(code)

    def _execute_register(self, bytecode: Any, debug: bool = False) -> Any:
        self._leave("host-mode")
        return super()._execute_register(bytecode, debug)

    def _execute_parallel(self, bytecode: Any, debug: bool = False) -> Any:
        self._leave("host-mode")
        return super()._execute_parallel(bytecode, debug)

    def _leave(self, reason: str) -> None:
        """Note that the host's VM executes the program, in a mode of its own."""
        self.left_to_host = reason
        self.last_metrics = RunMetrics()
        self.last_metrics.reasons[reason] += 1
        self.last_execution = None
        self._recorder.left_to_host(reason)
        _LOG.info("left to the host's VM: %s", reason)

    def _with_opcodes(self, code: Any) -> Any:
        """The code with the six opcodes in place of calls of the language functions."""
        self.is_parallel_program = False
        if not hasattr(code, "instructions") or not compiler_pass.concerns(code):
            return code
        made = compiler_pass.rewrite(code, assigned_names(code) | self.env.keys() | self.builtins.keys())
        self.is_parallel_program = made is not code
        return made

    def failed_at(self, error: BaseException) -> tuple[int, str]:
        """Line in which the latest :meth:`execute` failed with this error, and the action that it is in.

        The line is 0 where it is not known, the name empty at the top level.
        """
        failure = None if self.last_execution is None else self.last_execution.failure
        if failure is None or failure[0] is not error:
            return 0, ""
        _error, code, index = failure
        name = "" if code.bytecode is self._program else code.name
        return line_of(code.bytecode, code.stream, index), name

    def _run_coroutine_sync(self, coro: Any) -> Any:
        if isinstance(coro, _Takeover):
            return self._execute_on_engine(coro.bytecode)
        return super()._run_coroutine_sync(coro)

    def _execute_on_engine(self, bytecode: Any) -> Any:
        metrics = self.last_metrics
        profiled = self.config.exact_gas_profile
        execution = WatchedExecution(self, "interpreter" if profiled else self.config.tier)
        if profiled:
            execution.keep_profile()
        self.last_execution = execution
        self._program = bytecode
        # Now, before the program puts its own actions into the variables.
        self._compilable = self._workers.program(execution, bytecode)
        self._recorder.begin(execution, bytecode, metrics)
        ahead = self._ahead(execution, metrics)
        started = time.perf_counter()
        try:
            return execution.run(bytecode)
        except KeyboardInterrupt:
            self.close()
            raise
        finally:
            if ahead is not None:
                ahead.finish()
            self._finish_forks(execution)
            metrics.total_seconds = time.perf_counter() - started
            self._note_translation(execution, metrics)
            metrics.reasons.update(execution.counters)
            self._recorder.ended(sys.exc_info()[1])
            _LOG.info("execution ended: %s", metrics.to_dict())
            if profiled:
                _LOG.info("gas profile: %s", self.gas_metering.get_stats())

    def _ahead(self, execution: WatchedExecution, metrics: RunMetrics) -> LateAhead | None:
        """What runs ahead of this execution, None if nothing does."""
        reason = "gas-profile" if self.config.exact_gas_profile else self._workers.reason_against()
        if reason:
            metrics.reasons[reason] += 1
            return None

        def make() -> Ahead:
            # Loaded when it is worth it: short programs start without it.
            from zexus_parallel_plugin.runtime.ahead import Ahead

            workers = self._workers
            return Ahead(
                execution, self.config, workers.library, self._compilable,
                lambda: workers.pool(execution), workers.pure, metrics, self._recorder,
            )  # fmt: skip

        forced = self.config.mode == "parallel" or self.config.min_task_seconds <= 0
        cores = min(self.config.worker_count, available_cores())
        execution.ahead = ahead = LateAhead(execution, make, cores, forced=forced)
        return ahead

    @property
    def keeps_translations(self) -> bool:
        """Whether there is a cache of translations."""
        setting = self.config.cache
        return setting != "off" and (bool(self.config.program) or setting != "auto")

    def open_translations(self) -> Translations | None:
        """The cache of translations, None if there is none. Loaded when code gets warm."""
        setting, program = self.config.cache, self.config.program
        if self._translations is None and self.keeps_translations:
            from zexus_parallel_plugin.engine.compiler.translations import Translations, cache_directory

            self._translations = Translations(
                cache_directory(setting), str(Path(program).absolute()), f"{__version__} {host_version()}"
            )
        return self._translations

    def _note_translation(self, execution: WatchedExecution, metrics: RunMetrics) -> None:
        done, cache = execution.translation, self._translations
        metrics.units_translated, metrics.units_refused = done.units, done.refused
        metrics.translation_seconds = done.seconds
        if cache is not None:
            if execution.tier is not None:
                execution.tier.experience.hand_over(execution.code)
            cache.save()
            metrics.units_cached, cache.hits = cache.hits, 0
            metrics.reasons.update(cache.problems)
            if cache.failure and not self._told_of_cache:
                self._told_of_cache = True
                self._tell_of_cache(cache)
            cache.problems.clear()

    def _tell_of_cache(self, cache: Translations) -> None:
        """Say once that the cache cannot be used: wherever somebody has named it, else on a terminal."""
        text = f"the cache cannot be used: {cache.failure}; the run is the same without it"
        if not self.config.program:
            _LOG.warning("%s", text)
            return
        told = self._recorder.warn(text, "".join(list(cache.problems)[-1:]), aloud=True)
        if not told and self.config.cache != "auto" and not self.config.quiet:
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"zexus-parallel: {text}\n")
                sys.stderr.flush()

    def open_forks(self, execution: WatchedExecution) -> Forks:
        """What executes forks and shared variables. Loaded at the first use: few programs need it."""
        from zexus_parallel_plugin.runtime.forks.home import Forks

        if self._forks is None:
            self._forks = Forks(self.config, self._host_arguments, self._workers.library, self._recorder)
        self._forks.begin(execution, self._compilable)
        return self._forks

    def forget_shared(self) -> None:
        """Begin anew with shared variables, as a new machine does."""
        forks, self._forks = self._forks, None
        if forks is not None:
            forks.close()

    def _finish_forks(self, execution: WatchedExecution) -> None:
        execution.cooperation = None
        left = 0 if self._forks is None else self._forks.finish()
        if left:
            self.last_metrics.reasons["not-joined"] += left
            sys.stderr.write(
                f"zexus-parallel: the program ended without join_workers(), so {left} copies were ended\n"
            )

    def execute_parallel_opcode(self, opcode: ParallelOpcode, stack: list[Any], operand: Any) -> None:
        """Execute one of the six opcodes on an operand stack; the handlers in the host's kernel call this.

        :param operand: as in an instruction, with names instead of indices of constants.
        :raises VMRuntimeError: whatever is wrong with it.
        """
        execution = self.last_execution
        if execution is None:
            execution = self.last_execution = WatchedExecution(self, "interpreter")
        parallel.execute(execution, execution.frame, opcode, stack, operand)

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
        """End the worker processes and copies of this machine; may be called twice."""
        if self._forks is not None:
            self._forks.close()
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

    if config.program:
        # A process of our own for one program: what is loaded now stays until its end, and need not be looked
        # at again by each collection, nor be copied by forked workers because of one.
        gc.freeze()
    return ParallelMachine(config, open_recorder(config, command=bool(config.program)), **host_arguments)
