"""Straight-line code on several workers: slices of one code object, committed in the order of the program.

Used in mode ``parallel`` only: a slice seldom pays, since workers need longer for the way than for the work.
Code qualifies if it is a straight line of instructions that compute, load, assign and print. A slice is sent
as soon as the values of all variables that it reads are known. Its results are exact if

- its inputs are those of the program: they come from the slices before, or from the start;
- it changes nothing else: its instructions cannot;
- what it made shares nothing with what it was given: the worker looks at that;
- the limits of gas and operations are kept: checked with the values at the commit.

Otherwise, and after a failure of any kind, the slice is executed in place, and errors are those of that.
"""

from __future__ import annotations

import logging
import pickle
import sys
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.api.cuts import divide, legal_cuts
from zexus_parallel_plugin.api.instructions import COMPUTING
from zexus_parallel_plugin.api.worker import Done, SliceTask
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.interpreter import interpret
from zexus_parallel_plugin.runtime.snapshot import SCALARS, NotPlainError, dumps

if TYPE_CHECKING:
    from zexus_parallel_plugin.api.pool import WorkerPool
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.runtime.pool import TaskHandle

_LOG = logging.getLogger(__name__)

__all__ = ["Slice", "SliceError", "SliceRun", "slices_of"]


class SliceError(RuntimeError):
    """A slice could not be done by a worker, and doing it in place was not allowed."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Instructions ``start`` to ``end`` of a code object.

    ``sources`` has the names that it reads before it assigns them, each with the number of the slice that
    assigned them last, -1 for those that come from outside; ``writes`` the names that it assigns.
    """

    number: int
    code: Code
    sources: tuple[tuple[str, int], ...]
    writes: frozenset[str]

    @property
    def returns(self) -> bool:
        """Whether it ends by returning a value."""
        return bool(self.code.instructions[-1][0] == isa.RETURN)


def slices_of(code: Code, chunk_size: int, min_chunk_size: int) -> list[Slice]:
    """The slices of a code object; fewer than two if it is short or does anything that slices cannot."""
    instructions = code.instructions
    body = len(instructions)
    if body and instructions[-1][0] == isa.RETURN:
        body -= 1
    if code.bounds.checked or not all(_fits(number, operand) for number, operand, _ in instructions[:body]):
        return []
    cuts = legal_cuts([isa.stack_effect(number, operand) for number, operand, _ in instructions], [])
    writers: dict[str, int] = {}
    found: list[Slice] = []
    for start, end in divide(cuts, chunk_size, min_chunk_size):
        number = len(found)
        sources: dict[str, int] = {}
        own: set[str] = set()
        for op, operand, _gas in instructions[start:end]:
            if op == isa.LOAD_NAME and operand not in own:
                sources.setdefault(operand, writers.get(operand, -1))
            elif op == isa.STORE_NAME:
                own.add(operand)
        writers.update(dict.fromkeys(own, number))
        part = replace(
            code, bytecode=None, stream=code.stream[start:end], constants=(),
            instructions=instructions[start:end], loops={},
        )  # fmt: skip
        found.append(Slice(number, part, tuple(sources.items()), frozenset(own)))
    return found


def _fits(number: int, operand: Any) -> bool:
    # A constant that is a list is one object in the whole program, and a copy of it would be another.
    return number in COMPUTING and (number != isa.LOAD_CONST or type(operand) in SCALARS)


class SliceRun:
    """One execution of a code object slice by slice.

    Attributes:
        execution: the engine's state; slices: all of them.
        on_workers: slices whose result came from a worker; failed: those that no worker could do.
        retried: attempts that were repeated; errors: one line for each failure of a worker.
        worker_seconds: time in slices on workers, of the results that were used.
        waited_seconds: time that was spent in waiting for results.
    """

    def __init__(
        self, execution: Execution, slices: list[Slice], pool: WorkerPool, *, fallback: bool
    ) -> None:
        self.execution = execution
        self.slices = slices
        self.on_workers = self.failed = self.retried = 0
        self.errors: list[str] = []
        self.worker_seconds = self.waited_seconds = 0.0
        self._pool = pool
        self._supervisor = pool.supervisor()
        self._fallback = fallback
        self._tasks: dict[TaskHandle, Slice] = {}
        self._sent: set[int] = set()
        self._results: dict[int, Done] = {}
        meter = execution.meter
        self._gas = execution.gas_limit - meter.gas_used
        self._operations = execution.operation_limit - meter.operation_count
        # Values by the slice that assigned them; what comes from outside is never assigned again before it is
        # read by those that need it, since those got it when they were sent.
        self._values: dict[int, dict[str, Any]] = {-1: dict(execution.root.env)}
        self._missing = [{source for _, source in one.sources if source >= 0} for one in slices]
        self._users: dict[int, list[Slice]] = {}
        for one in slices:
            for source in self._missing[one.number]:
                self._users.setdefault(source, []).append(one)
        self._ready = deque(one for one in slices if not self._missing[one.number])

    def execute(self) -> Any:
        """Execute all slices; the value is the returned one, or the top of the leftover operand stack.

        :raises SliceError: a worker failed, and falling back is off.
        :raises Exception: whatever the program raises.
        """
        stack: list[Any] = []
        value = None
        try:
            for one in self.slices:
                self._send()
                done = self._result_of(one)
                if done is not None and self._fits(done):
                    value = self._commit(done, stack, returns=one.returns)
                else:
                    value = interpret(self.execution, one.code, self.execution.root, stack)
                if one.number not in self._values:
                    env = self.execution.root.env
                    self._known(one.number, {name: env[name] for name in one.writes})
        finally:
            self._pool.abandon(self._tasks)
        return value

    # -- sending

    def _send(self) -> None:
        """Send all slices whose inputs are known, as far as there is room."""
        while self._ready and self._supervisor.room:
            one = self._ready.popleft()
            if one.number in self._values:
                continue
            values = {
                name: self._values[source][name]
                for name, source in one.sources
                if source >= 0 or name in self._values[-1]
            }
            try:
                dumps(list(values.values()))
            except NotPlainError as error:
                self.execution.counters[error.reason] += 1
                continue
            task = SliceTask(one.code, values, self._gas, self._operations)
            self._tasks[self._supervisor.submit(pickle.dumps(task, pickle.HIGHEST_PROTOCOL))] = one
            self._sent.add(one.number)

    def _known(self, number: int, values: dict[str, Any]) -> None:
        """The variables that a slice assigned are known: others may become ready."""
        self._values[number] = values
        for user in self._users.get(number, ()):
            missing = self._missing[user.number]
            missing.discard(number)
            if not missing:
                self._ready.append(user)

    # -- results

    def _result_of(self, one: Slice) -> Done | None:
        """The result of a slice that was sent, None if it must be executed in place."""
        if one.number not in self._sent:
            return None
        started = time.perf_counter()
        while one.number not in self._results:
            for task in self._supervisor.wait(list(self._tasks)):
                self._finished(task)
            self._send()
        self.waited_seconds += time.perf_counter() - started
        done = self._results.pop(one.number)
        return None if done.refusal else done

    def _finished(self, task: TaskHandle) -> None:
        one = self._tasks.pop(task)
        outcome = task.outcome
        assert outcome is not None
        self.retried += max(0, len(task.failures) - (outcome.failure is not None))
        if outcome.failure is not None:
            cause, detail = outcome.failure.cause, outcome.failure.detail.partition("\n")[0]
            self.failed += 1
            self.errors.append(f"Chunk {one.number}: {cause}: {detail}")
            _LOG.warning("chunk %d was not done by a worker: %s: %s", one.number, cause, detail)
            if not self._fallback:
                raise SliceError(f"chunk {one.number} was not done by a worker: {cause}: {detail}")
            done = Done(refusal=f"worker-{cause}")
        else:
            assert outcome.result is not None
            done = pickle.loads(outcome.result)
        self._results[one.number] = done
        if done.refusal:
            self.execution.counters[done.refusal] += 1
        else:
            self._known(one.number, done.variables)

    def _fits(self, done: Done) -> bool:
        """Whether a result may be committed now."""
        execution, meter = self.execution, self.execution.meter
        near = (
            meter.gas_used + done.gas > execution.gas_limit
            or meter.operation_count + done.operations > execution.operation_limit
        )
        reason = "near-limit" if near else "" if _printable(done.text) else "unprintable"
        if reason:
            execution.counters[reason] += 1
        return not reason

    def _commit(self, done: Done, stack: list[Any], *, returns: bool) -> Any:
        """Take a result over, as if the slice had been executed here."""
        meter = self.execution.meter
        if done.text:
            sys.stdout.write(done.text)
        self.execution.root.env.update(done.variables)
        stack += done.stack
        meter.gas_used += done.gas
        meter.operation_count += done.operations
        self.on_workers += 1
        self.worker_seconds += done.seconds
        return done.value if returns else stack[-1] if stack else None


def _printable(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8", sys.stdout.errors or "strict")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
