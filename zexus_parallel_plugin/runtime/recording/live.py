"""The recorder that keeps a journal and draws on the terminal.

The runtime only sets fields here. What has changed is written a few times a second, so a short task costs
one line: see ``docs/journal.md``. There is no thread: between two steps of the program somebody calls
:meth:`LiveRecorder.tick`. The waiting for workers ends for it; pulse and output of the program come by.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.runtime.recorder import Recorder
from zexus_parallel_plugin.runtime.recording.chunks import Chunks
from zexus_parallel_plugin.runtime.recording.guard import careful
from zexus_parallel_plugin.runtime.recording.head import outcome, source_fields, start_fields, text_of
from zexus_parallel_plugin.runtime.recording.listener import PoolListener
from zexus_parallel_plugin.runtime.recording.logs import listen
from zexus_parallel_plugin.runtime.recording.news import KeptOutput, SharedVariables
from zexus_parallel_plugin.runtime.recording.processes import sample
from zexus_parallel_plugin.runtime.recording.tee import Tee

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.config import ParallelConfig
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.journal.writer import JournalWriter
    from zexus_parallel_plugin.metrics import RunMetrics
    from zexus_parallel_plugin.runtime.pool.starter import Emit
    from zexus_parallel_plugin.runtime.recording.console import Console
    from zexus_parallel_plugin.runtime.sites import Sites
    from zexus_parallel_plugin.runtime.task import Batch, PlannedCall, Record

__all__ = ["LiveRecorder"]

_FLUSH = 0.25
"""Seconds between two looks at what has changed."""
_SAMPLE = 1.0
_LINE_END = "\n"
_MOST_BYTES = 1 << 27
"""Size of a journal from which on new tasks are no longer written: the place may be in memory."""


_AFTER_AN_ERROR = (
    "the VM ended with an error: the host's command reports it, "
    "and may run the program once more in its interpreter"
)


class LiveRecorder(Recorder):
    """Keeps the journal of one VM, from its making to the end of the command.

    :param writer: None for no journal. console: None for no lines on the terminal.
    :param complain: is told, once, when the journal cannot be written any more.
    """

    __slots__ = (
        "_chunks", "_closed", "_complain", "_console", "_error", "_execution", "_flushing", "_fork",
        "_kept", "_left_to_host", "_listeners", "_main", "_metrics", "_metrics_at",
        "_metrics_shown", "_next", "_sample_at", "_says_warnings", "_shared", "_tasks", "_tee", "_unlisten",
        "_workers", "_writer", "_zero", "dead", "full",
    )  # fmt: skip

    def __init__(
        self,
        config: ParallelConfig,
        writer: JournalWriter | None,
        console: Console | None,
        complain: Callable[[str], None],
    ) -> None:
        self._zero = time.monotonic()
        self._writer = writer
        self._console = console
        self._complain = complain
        self._says_warnings = config.log_level is None  # else somebody else does
        self._next = self._zero + _FLUSH
        self._sample_at = self._metrics_at = self._zero + _SAMPLE
        self._flushing = self._closed = self.dead = False
        self.full = False
        self._execution: Execution | None = None
        self._metrics: RunMetrics | None = None
        self._listeners: list[PoolListener] = []
        self._main: PoolListener | None = None
        self._fork: PoolListener | None = None
        self._workers = self._tasks = 0
        self._tee: Tee | None = None
        self._kept = KeptOutput()
        self._shared = SharedVariables()
        self._error = ""
        self._left_to_host = ""
        self._metrics_shown: dict[str, Any] = {}
        text = text_of(config.program)
        self._chunks = Chunks(self.add, text)
        self._unlisten = listen(self._on_log)
        if writer is not None:
            self._head(config, text)

    # -- writing

    def now(self) -> float:
        """Seconds since the start of the run."""
        return time.monotonic() - self._zero

    def at_ns(self, ns: int) -> float:
        """The time of a reading of ``time.monotonic_ns()``."""
        return max(0.0, ns / 1e9 - self._zero)

    def add(self, kind: str, fields: dict[str, Any], t: float | None = None) -> None:
        """Write an event."""
        if self._writer is not None:
            self._writer.add(kind, self.now() if t is None else t, fields)

    def _head(self, config: ParallelConfig, text: str) -> None:
        assert self._writer is not None
        self._writer.add("run.start", 0.0, start_fields(config, self._writer.run))
        if text:
            self._writer.add("source", 0.0, source_fields(config.program, text))
        self._writer.flush()

    # -- the run

    @careful
    def begin(self, execution: Execution, bytecode: Any, metrics: RunMetrics) -> None:  # noqa: ARG002
        """A program begins: listen to what it prints."""
        self._execution, self._metrics = execution, metrics
        self._chunks.begin(execution)
        if self._tee is None and (self._writer is not None or self._console is not None):
            self._tee = Tee(sys.stdout, self._on_output)
            sys.stdout = self._tee
            if self._console is not None:
                self._console.listen(self._tee)

    @careful
    def looks_at(self, sites: Sites) -> None:
        """The sites of the program that has begun."""
        self._chunks.sites = sites

    def ended(self, error: BaseException | None) -> None:
        """The program has ended."""
        if self._tee is not None:
            if sys.stdout is self._tee:
                sys.stdout = self._tee.stream
            self._tee = None
        self._conclude(error)

    @careful
    def _conclude(self, error: BaseException | None) -> None:
        if self._console is not None:
            self._console.clear()
        if error is not None:
            self._error = " ".join(f"{type(error).__name__}: {error}".split())[:1000]
            self.add("warning", {"text": _AFTER_AN_ERROR})
        self._flush(everything=True)

    @careful
    def left_to_host(self, reason: str) -> None:
        """The host's VM executes the program."""
        self._left_to_host = reason
        self.add("decision", {"reason": reason})
        self._flush()

    def close(self) -> None:
        """The command is over: the last line, and the summary."""
        if self._closed:
            return
        self._closed = True
        self._unlisten()
        self._finish(sys.exc_info()[1])

    @careful
    def _finish(self, error: BaseException | None) -> None:
        self._flush(everything=True)
        state, code = outcome(error, self._error)
        fields: dict[str, Any] = {"state": state, "code": code}
        if self._error:
            fields["error"] = self._error
        if self._left_to_host:
            fields["left_to_host"] = self._left_to_host
        self.add("run.end", fields)
        where = ""
        if self._writer is not None:
            self._writer.close()
            self._check()
            where = "" if self._writer.failure else self._writer.name
        if self._console is not None:
            from zexus_parallel_plugin.runtime.recording.console import summary

            self._console.say(summary(self._metrics, self.now(), self._left_to_host, where))

    # -- time

    @careful
    def due(self) -> float | None:
        """When to come by next."""
        return self._next

    @careful
    def tick(self) -> None:
        """Write what has changed, if it is time."""
        if time.monotonic() >= self._next:
            self._flush()

    def _flush(self, *, everything: bool = False) -> None:
        if self._flushing:  # a signal handler has interrupted it
            return
        self._flushing = True
        try:
            now = time.monotonic()
            self._next = now + _FLUSH
            t = now - self._zero
            running = waiting = 0
            if self._writer is not None:
                self._chunks.write(t, final=everything)
            for listener in self._listeners:
                one, other = listener.write(t)
                running += one
                waiting += other
            if self._writer is not None:
                self._write_rest(now, t, everything=everything)
                self._writer.flush()
                self._check()
                self._limit()
            if (
                self._console is not None
                and not everything
                and self._metrics is not None
                and self._console.due()
            ):
                from zexus_parallel_plugin.runtime.recording.console import progress

                self._console.draw(progress(self._metrics, t, running, waiting))
        finally:
            self._flushing = False

    def _limit(self) -> None:
        if not self.full and self._writer is not None and self._writer.written > _MOST_BYTES:
            self.full = True
            self.warn(f"the journal has {self._writer.written} bytes: new tasks are no longer written")

    def _write_rest(self, now: float, t: float, *, everything: bool) -> None:
        if output := self._kept.news():
            self.add("output", output, t)
        for fields in self._shared.news():
            self.add("shared", fields, t)
        if now >= self._metrics_at or everything:
            self._metrics_at = now + _SAMPLE
            self._write_metrics(t)
        if now >= self._sample_at:
            self._sample_at = now + _SAMPLE
            self._write_sample(t)

    def _write_metrics(self, t: float) -> None:
        metrics, execution = self._metrics, self._execution
        if metrics is None or execution is None:
            return
        counts = metrics.to_dict()
        reasons = counts.pop("reasons")
        numbers = {name: round(value, 6) for name, value in counts.items()}
        meter = execution.meter
        fields = {
            "gas": int(meter.gas_used),
            "operations": int(meter.operation_count),
            "counts": numbers,
            "reasons": reasons,
        }
        if fields != self._metrics_shown:
            self._metrics_shown = fields
            self.add("metrics", fields, t)

    def _write_sample(self, t: float) -> None:
        fields = sample([listener.workers.values() for listener in self._listeners], int(t))
        if fields:
            self.add("sample", fields, t)

    def broken(self, error: Exception) -> None:
        """A mistake in here must not become one of the program: no more journal."""
        self.dead = True
        self._writer = None
        self._complain(f"no more journal: {type(error).__name__}: {error}; the run goes on")

    def _check(self) -> None:
        """When the journal has failed, say so, once."""
        if self._writer is not None and self._writer.failure:
            failure, path, self._writer = self._writer.failure, self._writer.path, None
            self._complain(f"no more journal: {path}: {failure}; the run goes on")

    @careful
    def _on_log(self, level: str, text: str, logger: str) -> None:
        self.add("log", {"level": level, "text": text, "logger": logger})
        if self._console is not None and self._says_warnings and level not in {"debug", "info"}:
            self._console.say(f"zexus-parallel: {text.partition(_LINE_END)[0]}")

    # -- output

    @careful
    def _on_output(self, text: str) -> bool:
        """The program has printed something; whether more is wanted."""
        if self._console is not None:
            self._console.heard(text)
        if self._writer is not None:
            self._kept.add(text)
        self.tick()
        return self._console is not None or (not self._kept.full and self._writer is not None)

    # -- tasks

    @careful
    def pool_listener(self) -> Emit | None:
        """What a pool is to tell."""
        self._main = PoolListener(self, self.slots_taken)
        self._listeners.append(self._main)
        return self._main

    @careful
    def heard(self, handler: Callable[..., None] | None, fields: dict[str, Any]) -> None:
        """A pool has told something."""
        if handler is not None:
            handler(**fields)
        self.tick()

    def slots_taken(self) -> set[int]:
        """Slots that workers are in."""
        return {entry.slot for listener in self._listeners for entry in listener.workers.values()}

    def next_worker(self) -> int:
        """A number for a worker."""
        self._workers += 1
        return self._workers

    def next_task(self) -> int:
        """A number for a task."""
        self._tasks += 1
        return self._tasks

    @careful
    def sent(self, batch: Batch, code: Code | None) -> None:
        """A batch was given to the pool."""
        if self._main is not None and self._writer is not None:
            chunk = self._chunks.of(batch, code)
            what = "map" if chunk.what == "map" else "calls"
            self._main.describe(batch.handle, chunk, what, len(batch.calls), batch.weight)

    @careful
    def results(self, batch: Batch) -> None:
        """The answer to a batch is there."""
        if self._main is not None:
            entry = self._main.entry_of(batch)
            if entry is not None and batch.records is not None:
                entry.seconds = [record.seconds for record in batch.records]
                entry.shown = ""

    @careful
    def committed(self, call: PlannedCall, record: Record) -> None:
        """The result of a call is used."""
        entry = self._main.entry_of(call.batch) if self._main is not None else None
        if entry is not None:
            entry.committed += 1
            entry.gas += record.gas
            entry.settle(self.now())

    @careful
    def thrown(self, call: PlannedCall, reason: str) -> None:
        """The result of a call is not used."""
        entry = self._main.entry_of(call.batch) if self._main is not None else None
        if entry is not None:
            entry.throw(reason)
            entry.settle(self.now())

    @careful
    def range_sent(self, handle: Any, code: Code, head: int, iterations: int) -> None:
        """Iterations of a loop were given to the pool."""
        if self._main is not None and self._writer is not None:
            chunk = self._chunks.loop(code, head)
            chunk.verdict = "parallel", ""
            chunk.calls += iterations
            self._main.describe(handle, chunk, "iterations", iterations)

    @careful
    def block_sent(self, handle: Any, code: Code, start: int, end: int) -> None:
        """A block of instructions was given to the pool."""
        if self._main is not None and self._writer is not None:
            chunk = self._chunks.block(code, start, end)
            chunk.verdict = "parallel", ""
            self._main.describe(handle, chunk, "block", 1)

    @careful
    def range_settled(
        self, handle: Any, used: int, reason: str = "", gas: int = 0, seconds: float = 0.0
    ) -> None:
        """The program came to iterations of a loop."""
        entry = None if self._main is None else self._main.tasks.get(handle.id)
        if entry is not None:
            entry.committed += used
            entry.gas += gas
            if seconds:
                entry.seconds = [seconds]
            left = entry.calls - entry.committed - sum(entry.thrown.values())
            if left > 0:
                entry.throw(reason or "loop-left", left)
            entry.settle(self.now())
            entry.shown = ""

    @careful
    def loop_left(self, code: Code, head: int, iterations: int) -> None:
        """So many iterations of a loop have not been given to the pool yet."""
        if self._writer is not None:
            chunk = self._chunks.loop(code, head)
            chunk.expected = chunk.calls + iterations

    @careful
    def loop_refused(self, code: Code, head: int, reason: str) -> None:
        """A loop is left alone from now on."""
        if self._writer is not None:
            self._chunks.loop(code, head).verdict = "in-place", reason

    # -- the rest

    @careful
    def fork_listener(self, name: str) -> Emit | None:
        """What the copies of an action are to tell."""
        self._fork = PoolListener(self, self.slots_taken, what="fork", name=name)
        self._listeners.append(self._fork)
        return self._fork

    @careful
    def fork_joined(self, *, used: bool) -> None:
        """The program has waited for the copies."""
        if self._fork is not None:
            self._fork.settle_all(used=used)

    @careful
    def shared(self, name: str, *, write: bool, value: Callable[[], object] | None = None) -> None:
        """A shared variable was read or written."""
        self._shared.used(name, write=write, value=value)
        self.tick()

    @careful
    def decision(self, reason: str, detail: str = "") -> None:
        """Something was decided that is worth a line."""
        self.add("decision", {"reason": reason, "detail": detail} if detail else {"reason": reason})

    @careful
    def warn(self, text: str, reason: str = "", *, aloud: bool = False) -> bool:
        """Something is not as it should be. ``aloud``: on the terminal, too; returns whether it was said."""
        self.add("warning", {"text": text, "reason": reason} if reason else {"text": text})
        if not aloud or self._console is None:
            return False
        self._console.say(f"zexus-parallel: {text}")
        return True
