"""What the runtime tells about a run. The base class does nothing with it: nobody wants to know.

All methods are called on the main thread, are quick, and never raise. `recording.live.LiveRecorder` keeps a
journal and the lines on the terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.metrics import RunMetrics
    from zexus_parallel_plugin.runtime.pool.starter import Emit
    from zexus_parallel_plugin.runtime.sites import Sites
    from zexus_parallel_plugin.runtime.task import Batch, PlannedCall, Record

__all__ = ["OFF", "Recorder"]


class Recorder:
    """Hears what happens in a run, and forgets it."""

    __slots__ = ()

    def begin(self, execution: Execution, bytecode: Any, metrics: RunMetrics) -> None:
        """A program begins."""

    def looks_at(self, sites: Sites) -> None:
        """The sites of the program that has begun, which will be filled."""

    def ended(self, error: BaseException | None) -> None:
        """The program has ended, by an error or without one."""

    def left_to_host(self, reason: str) -> None:
        """The host's VM executes the program."""

    def close(self) -> None:
        """The command is over; may be repeated."""

    def tick(self) -> None:
        """Some time has passed."""

    def due(self) -> float | None:
        """``time.monotonic()`` at which :meth:`tick` should be called next, None if it need not be."""
        return None

    def pool_listener(self) -> Emit | None:
        """What a pool is to tell of its workers and tasks; None: nothing."""
        return None

    def sent(self, batch: Batch, code: Code | None) -> None:
        """A batch was given to the pool; its calls are made in ``code`` (None: by ``parallel_map``)."""

    def results(self, batch: Batch) -> None:
        """The answer to a batch is there."""

    def committed(self, call: PlannedCall, record: Record) -> None:
        """The result of a call is used."""

    def thrown(self, call: PlannedCall, reason: str) -> None:
        """The result of a call is not used."""

    def range_sent(self, handle: Any, code: Code, head: int, iterations: int) -> None:
        """Iterations of the loop at ``head`` in ``code`` were given to the pool."""

    def block_sent(self, handle: Any, code: Code, start: int, end: int) -> None:
        """The instructions of ``code`` from ``start`` to before ``end`` were given to the pool, as a task."""

    def range_settled(
        self, handle: Any, used: int, reason: str = "", gas: int = 0, seconds: float = 0.0
    ) -> None:
        """The program came to such iterations (or to a block, which is one): so many were used, the others
        not, for a reason.

        ``gas`` is that of those that were used, ``seconds`` what all of them took on the worker.
        """

    def loop_left(self, code: Code, head: int, iterations: int) -> None:
        """So many iterations of a loop have not been given to the pool yet."""

    def loop_refused(self, code: Code, head: int, reason: str) -> None:
        """A loop is left alone from now on."""

    def fork_listener(self, name: str) -> Emit | None:  # noqa: ARG002
        """What the copies of the action ``name`` are to tell, in the words of a pool; None: nothing."""
        return None

    def fork_joined(self, *, used: bool) -> None:
        """The program has waited for the copies of the latest fork; whether their results are used."""

    def shared(self, name: str, *, write: bool, value: Callable[[], object] | None = None) -> None:
        """A shared variable was read, or written: ``value`` gives what it is now."""

    def decision(self, reason: str, detail: str = "") -> None:
        """Something was decided that is worth a line."""

    def warn(self, text: str, reason: str = "", *, aloud: bool = False) -> bool:  # noqa: ARG002
        """Something is not as it should be. ``aloud``: on the terminal, too; returns whether it was said."""
        return False


OFF = Recorder()
"""For runs that nobody wants to know anything of."""
