"""Chunks on worker processes: the API's pool, on top of the project's own."""

from __future__ import annotations

import logging
import pickle
import sys
import time
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.api.instructions import COMPUTING, names_of, opcode_name
from zexus_parallel_plugin.api.listening import report
from zexus_parallel_plugin.api.machine import ApiMachine
from zexus_parallel_plugin.api.quiet import standard_builtins
from zexus_parallel_plugin.api.records import BytecodeChunk, ExecutionResult
from zexus_parallel_plugin.api.worker import ChunkTask, Done, execute_chunk
from zexus_parallel_plugin.config import ParallelConfig, available_cores
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.runtime.workers import open_pool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.api.shared import SharedState
    from zexus_parallel_plugin.runtime.pool import TaskHandle, WorkerSupervisor

__all__ = ["WorkerPool"]

_LOG = logging.getLogger(__name__)
_HANDLER = "zexus_parallel_plugin.api.worker:make_handler"
_COMPUTING = frozenset(name for name, number in isa.NUMBERS.items() if number in COMPUTING)
_PATIENCE = 0.1
"""Seconds that tasks have to end by themselves, which spares starting the workers again."""
_IN_PLACE_CAUSES = frozenset({"unsendable", "undecodable", "broken"})


class WorkerPool:
    """Worker processes that execute chunks.

    They are started by the first use, or by :meth:`start`, and ended by :meth:`shutdown` or at the end of a
    ``with`` block.

    >>> from zexus.vm.bytecode import BytecodeBuilder
    >>> from zexus_parallel_plugin import BytecodeChunker, SharedState
    >>> builder = BytecodeBuilder()
    >>> for n in range(4):
    ...     _ = builder.emit_constant(n), builder.emit_store(f"v{n}")
    >>> state = SharedState()
    >>> with WorkerPool(2) as pool:
    ...     results = pool.submit_chunks(BytecodeChunker(2).chunk_bytecode(builder.build()), state)
    >>> [result.variables_modified for result in results]
    [{'v0': 0}, {'v1': 1}, {'v2': 2}, {'v3': 3}]
    >>> state.batch_read(["v0", "v1", "v2", "v3"])
    {'v0': 0, 'v1': 1, 'v2': 2, 'v3': 3}

    Attributes:
        worker_count: processes, by default as many as there are cores for this process.
        tasks_submitted, tasks_completed: chunks that were given to workers, and that came back.
    """

    def __init__(
        self,
        worker_count: int | None = None,
        *,
        num_workers: int | None = None,
        config: ParallelConfig | None = None,
    ) -> None:
        wanted = worker_count if worker_count is not None else num_workers
        if wanted is None:
            wanted = config.worker_count if config is not None else available_cores()
        self.config = config or ParallelConfig(worker_count=wanted)
        if wanted != self.config.worker_count:
            raise ValueError(f"worker_count is {wanted!r}, but the config says {self.config.worker_count}")
        self.worker_count = wanted
        self.tasks_submitted = 0
        self.tasks_completed = 0
        self._supervisor: WorkerSupervisor | None = None
        self._machine: ApiMachine | None = None

    @property
    def num_workers(self) -> int:
        """The same as ``worker_count``."""
        return self.worker_count

    def supervisor(self) -> WorkerSupervisor:
        """The pool of processes below, made at the first use."""
        if self._supervisor is None:
            self._supervisor = open_pool(
                self.config, handler=_HANDLER, preload="zexus_parallel_plugin.api.worker", listener=_report
            )
        return self._supervisor

    @property
    def machine(self) -> ApiMachine:
        """The machine for chunks that are executed in this process."""
        if self._machine is None:
            self._machine = ApiMachine(ParallelConfig(worker_count=1, mode="sequential"))
        return self._machine

    def start(self) -> None:
        """Start the workers, without waiting for them; harmless if they run already."""
        self.supervisor().start(self.worker_count)

    def shutdown(self) -> None:
        """End all workers; harmless if there are none. The pool may be started again."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.close(kill=True)

    def abandon(self, tasks: Iterable[TaskHandle]) -> None:
        """Let go of tasks whose results nobody wants any more; long ones are ended with all workers."""
        supervisor = self.supervisor()
        left = [task for task in tasks if not task.done]
        deadline = time.monotonic() + _PATIENCE
        while left and time.monotonic() < deadline:
            supervisor.wait(left, deadline)
            left = [task for task in left if not task.done]
        if left:
            self.shutdown()

    def __enter__(self) -> WorkerPool:  # noqa: PYI034 - typing.Self came with Python 3.11
        self.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.shutdown()

    def execute_chunk(
        self,
        chunk: BytecodeChunk,
        shared_state: SharedState,
        builtins: dict[str, Any] | None = None,
        parent_env: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Execute one chunk here, in this process, with variables of the shared state.

        The shared state is read, not written: the new values are in ``variables_modified`` of the result. An
        error of the chunk is in the result, too, and not raised.
        """
        done = execute_chunk(self.machine, _task(chunk, shared_state, builtins, (), parent_env))
        sys.stdout.write(done.text)
        return _result(chunk, done, 0)

    def submit_chunks(
        self,
        chunks: list[BytecodeChunk],
        shared_state: SharedState,
        config: ParallelConfig | None = None,
        builtins: dict[str, Any] | None = None,
        parent_env: dict[str, Any] | None = None,
    ) -> list[ExecutionResult]:
        """Execute chunks in an order that their ``dependencies`` allow; results have the order of ``chunks``.

        Those that may run in parallel are executed by the workers, each as soon as everything that it depends
        on is done, with the variables of the shared state at that moment; the others here. What a chunk
        assigns is written to the shared state, and what it prints appears in the order of ``chunks``. A chunk
        that depends on a failed one is not executed.

        :param config: its ``timeout_seconds`` is what each chunk may take; by default that of the pool.
        :raises ValueError: two chunks have one id, or chunks wait for each other.
        """
        return _Submission(self, chunks, shared_state, config or self.config, builtins, parent_env).run()

    def __repr__(self) -> str:
        state = "running" if self._supervisor is not None else "not running"
        return f"WorkerPool(workers={self.worker_count}, {state})"


class _Submission:
    """One call of `submit_chunks`."""

    def __init__(
        self, pool: WorkerPool, chunks: list[BytecodeChunk], state: SharedState, config: ParallelConfig,
        builtins: dict[str, Any] | None, parent: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        self.pool = pool
        self.supervisor = pool.supervisor()
        self.chunks = chunks
        self.state = state
        self.config = config
        self.builtins, self.standard = _split_builtins(builtins)
        self.all_builtins = builtins
        self.parent = parent
        self.place = {chunk.chunk_id: place for place, chunk in enumerate(chunks)}
        if len(self.place) != len(chunks):
            raise ValueError("two chunks have the same chunk_id")
        place_of = self.place
        self.waits = [{place_of[one] for one in chunk.dependencies if one in place_of} for chunk in chunks]
        self.followers: list[list[int]] = [[] for _ in chunks]
        for place, before in enumerate(self.waits):
            before.discard(place)
            for other in before:
                self.followers[other].append(place)
        self._check_for_cycles()
        self.results: list[ExecutionResult | None] = [None] * len(chunks)
        self.texts = [""] * len(chunks)
        self.shown = 0
        self.ready = [place for place, before in enumerate(self.waits) if not before]  # a heap
        self.tasks: dict[TaskHandle, int] = {}

    def _check_for_cycles(self) -> None:
        counts = [len(before) for before in self.waits]
        free = [place for place, count in enumerate(counts) if not count]
        for place in free:
            for follower in self.followers[place]:
                counts[follower] -= 1
                if not counts[follower]:
                    free.append(follower)
        if len(free) < len(self.chunks):
            stuck = [self.chunks[place].chunk_id for place, count in enumerate(counts) if count]
            raise ValueError(f"chunks wait for each other: {', '.join(map(str, stuck))}")

    def run(self) -> list[ExecutionResult]:
        """Execute all chunks."""
        try:
            while self.ready or self.tasks:
                self._send()
                if self.tasks:
                    for task in self.supervisor.wait(list(self.tasks)):
                        self._finished(task)
        finally:
            self.pool.abandon(self.tasks)
        return [result for result in self.results if result is not None]

    def _send(self) -> None:
        here: list[int] = []
        while self.ready and self.supervisor.room:
            place = heappop(self.ready)
            if not self.chunks[place].can_parallelize or not self._submit(place):
                here.append(place)
        # Only now, so that the workers have something to do meanwhile.
        for place in here:
            self._here(place)

    def _submit(self, place: int) -> bool:
        chunk = self.chunks[place]
        task = _task(chunk, self.state, self.builtins, self.standard, self.parent)
        try:
            payload = pickle.dumps(task, pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # noqa: BLE001 - whatever pickle has against it
            _LOG.info("chunk %d is executed here, it cannot be sent: %s", chunk.chunk_id, error)
            return False
        self.tasks[self.supervisor.submit(payload, timeout=self.config.timeout_seconds)] = place
        self.pool.tasks_submitted += 1
        return True

    def _here(self, place: int) -> None:
        task = _task(self.chunks[place], self.state, self.all_builtins, (), self.parent)
        done = execute_chunk(self.pool.machine, task)
        self._take(place, _result(self.chunks[place], done, 0), done.text)

    def _finished(self, task: TaskHandle) -> None:
        place = self.tasks.pop(task)
        chunk = self.chunks[place]
        outcome = task.outcome
        assert outcome is not None
        retries = max(0, len(task.failures) - (outcome.failure is not None))
        if outcome.failure is None:
            assert outcome.result is not None
            done = pickle.loads(outcome.result)
            self.pool.tasks_completed += 1
            self._take(place, _result(chunk, done, retries), done.text)
            return
        cause, detail = outcome.failure.cause, outcome.failure.detail.partition("\n")[0]
        _LOG.warning("chunk %d was not done by a worker: %s: %s", chunk.chunk_id, cause, detail)
        if cause in _IN_PLACE_CAUSES:
            self._here(place)
            return
        text = f"Timeout after {self.config.timeout_seconds}s" if cause == "timeout" else f"{cause}: {detail}"
        trace = outcome.failure.traceback or None
        failed = ExecutionResult(chunk.chunk_id, False, error=text, error_trace=trace, retry_count=retries)
        self._take(place, failed, "")

    def _take(self, place: int, result: ExecutionResult, text: str) -> None:
        """A chunk is done, one way or the other."""
        self.results[place] = result
        self.texts[place] = text
        if result.success:
            self.state.batch_write(result.variables_modified)
            for follower in self.followers[place]:
                waits = self.waits[follower]
                waits.discard(place)
                if not waits and self.results[follower] is None:
                    heappush(self.ready, follower)
        else:
            self._skip_after(place)
        while self.shown < len(self.results) and self.results[self.shown] is not None:
            sys.stdout.write(self.texts[self.shown])
            self.texts[self.shown] = ""
            self.shown += 1

    def _skip_after(self, place: int) -> None:
        """Everything that depends on a failed chunk, directly or not, has failed."""
        work = [place]
        while work:
            failed = work.pop()
            for follower in self.followers[failed]:
                if self.results[follower] is None:
                    error = f"depends on chunk {self.chunks[failed].chunk_id}, which failed"
                    self.results[follower] = ExecutionResult(
                        self.chunks[follower].chunk_id, False, error=error
                    )
                    work.append(follower)


def _task(
    chunk: BytecodeChunk, state: SharedState, builtins: dict[str, Any] | None, standard: tuple[str, ...],
    parent: dict[str, Any] | None,
) -> ChunkTask:  # fmt: skip
    """What a chunk needs. All variables go along if it may look for any of them."""
    reads, writes = set(chunk.variables_read), set(chunk.variables_written)
    plain = True
    for instruction in chunk.instructions:
        opcode, operand = instruction
        plain = plain and opcode_name(opcode) in _COMPUTING
        names = names_of(opcode, operand, chunk.constants)
        reads |= names[0]
        writes |= names[1]
    with state.lock:
        if plain:
            variables = {name: state.read(name) for name in sorted(reads) if state.has(name)}
        else:
            variables = state.snapshot()
    written = tuple(sorted(writes))
    return ChunkTask(chunk.instructions, chunk.constants, variables, written, builtins, standard, parent)


def _result(chunk: BytecodeChunk, done: Done, retries: int) -> ExecutionResult:
    return ExecutionResult(
        chunk.chunk_id, done.error is None, done.value, done.error, done.trace, done.seconds,
        done.variables if done.error is None else {}, retries,
    )  # fmt: skip


def _split_builtins(builtins: dict[str, Any] | None) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Builtins that must be sent, and the names of those that every process has."""
    if not builtins:
        return builtins, ()
    known = standard_builtins()

    def is_standard(name: str) -> bool:
        mine, theirs = (getattr(one, "fn", one) for one in (builtins[name], known.get(name)))
        return theirs is not None and getattr(mine, "__code__", mine) is getattr(theirs, "__code__", theirs)

    standard = tuple(name for name in builtins if is_standard(name))
    bound = {name for name, value in builtins.items() if hasattr(value, "__self__")}
    rest = {name: value for name, value in builtins.items() if name not in standard and name not in bound}
    return rest, standard


def _report(kind: str, **fields: Any) -> None:
    report(kind, fields)
