"""The machine behind the API: made once, as new for every program, with slices in mode parallel."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.api.listening import Listening
from zexus_parallel_plugin.api.odd import is_odd
from zexus_parallel_plugin.api.quiet import standard_builtins
from zexus_parallel_plugin.host.vm import HostVM
from zexus_parallel_plugin.runtime.execution import WatchedExecution
from zexus_parallel_plugin.runtime.machine import ParallelMachine
from zexus_parallel_plugin.runtime.recording.open import open_recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.api.slices import SliceRun
    from zexus_parallel_plugin.config import ParallelConfig
    from zexus_parallel_plugin.engine.code import Code

__all__ = ["ApiMachine"]


class ApiMachine(ParallelMachine):
    """A machine that executes one program after another, each as if by a VM of its own.

    Attributes:
        slicing: makes a run of slices of a prepared code object; None if that is not wanted.
        sliced: the run of slices of the latest program, None if there was none.
        heard: what happened to workers and tasks of the latest program.
    """

    def __init__(self, config: ParallelConfig) -> None:
        self.heard = Listening(open_recorder(config, command=False))
        super().__init__(config, self.heard)
        pure = self._workers.pure

        def quietly() -> frozenset[str]:
            standard_builtins()
            return pure()

        # Only where it is needed: the builtins take a while to be made.
        self._workers.pure = quietly  # type: ignore[method-assign]
        self.slicing: Callable[[WatchedExecution, Code], SliceRun | None] | None = None
        self.sliced: SliceRun | None = None

    def renew(
        self,
        env: dict[str, Any] | None = None,
        builtins: dict[str, Any] | None = None,
        parent_env: dict[str, Any] | None = None,
    ) -> None:
        """Become as new, as ``VM(builtins, env, parent_env)`` is; the workers stay."""
        HostVM.__init__(self, builtins=builtins, env=env, parent_env=parent_env)
        self._apply_gas_limit()
        self.forget_shared()
        self.heard.forget()
        self.sliced = None

    def _reason_for_host(self, code: Any, debug: bool) -> str:
        reason = super()._reason_for_host(code, debug)
        return reason or ("host-only-code" if is_odd(code) else "")

    def _execute_on_engine(self, bytecode: Any) -> Any:
        run = self._slices(bytecode)
        if run is None:
            return super()._execute_on_engine(bytecode)
        self.sliced = run
        metrics = self.last_metrics
        self._recorder.begin(run.execution, bytecode, metrics)
        started = time.perf_counter()
        try:
            return run.execute()
        finally:
            metrics.total_seconds = time.perf_counter() - started
            metrics.reasons.update(run.execution.counters)
            self._recorder.ended(sys.exc_info()[1])

    def _slices(self, bytecode: Any) -> SliceRun | None:
        if self.slicing is None or self._workers.reason_against() or self.is_parallel_program:
            return None
        execution = WatchedExecution(self, "interpreter")
        execution.ahead = None
        self.last_execution = execution
        code = execution.code.get(bytecode, "<main>")
        return None if code.refusal else self.slicing(execution, code)
