"""Forks and shared variables in the main process."""

from __future__ import annotations

import pickle
import sys
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.host.builtins import standard_builtins
from zexus_parallel_plugin.runtime.forks.alarm import Alarm
from zexus_parallel_plugin.runtime.forks.desk import MAIN, Desk
from zexus_parallel_plugin.runtime.forks.group import ForkGroup
from zexus_parallel_plugin.runtime.forks.messages import Answer, Ask, Outcome, value_of
from zexus_parallel_plugin.runtime.forks.variables import SharedVariables
from zexus_parallel_plugin.runtime.forks.visible import encode, inside_update
from zexus_parallel_plugin.runtime.pool.errors import PoolError
from zexus_parallel_plugin.runtime.recorder import OFF, Recorder
from zexus_parallel_plugin.runtime.remote import engine_settings
from zexus_parallel_plugin.runtime.snapshot import NotPlainError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zexus_parallel_plugin.config import ParallelConfig
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.runtime.pool.frames import Bytes
    from zexus_parallel_plugin.runtime.snapshot import Library


class Forks(SharedVariables):
    """Implements `engine.parallel.Cooperation` for the program itself.

    Shared variables stay from one execution of a machine to the next, like its variables; copies do not.
    """

    def __init__(
        self,
        config: ParallelConfig,
        host_arguments: dict[str, Any],
        library: Library,
        recorder: Recorder = OFF,
    ) -> None:
        super().__init__()
        self._config = config
        self._recorder = recorder
        self._host_arguments = host_arguments
        self._library = library
        self._execution: Execution | None = None
        self._main: Any = None
        self._group: ForkGroup | None = None
        self._answers: deque[tuple[Answer, Bytes]] = deque()
        self._desk = Desk(self._reply, recorder)
        self._alarm = Alarm(self._on_alarm)
        self._busy = False
        self._missed = False

    def begin(self, execution: Execution, main: Any) -> None:
        """An execution begins. ``main``: the program's code object, None if copies must not compile it."""
        self._execution = execution
        self._main = main if self._library.has(main) else None

    def finish(self) -> int:
        """The execution is over: copies that are left are ended. How many there were."""
        group = self._group
        left = 0 if group is None else len(group.running)
        self.close()
        self._execution = None
        return left

    def close(self) -> None:
        """End all copies; may be repeated."""
        group, self._group = self._group, None
        if group is not None:
            self._alarm.stop()
            group.close()

    # -- forks

    def fork(self, frame: Frame, count: int, function: dict[str, Any]) -> None:
        """Start ``count`` copies of an action."""
        self._outside("fork_execution")
        if self._group is not None:
            raise host.VMRuntimeError(
                "fork_execution: the copies of the last fork have not been joined; call join_workers() first"
            )
        most = self._config.max_forks
        if count > most:
            raise host.VMRuntimeError(
                f"fork_execution: {count} copies are more than the setting max_forks allows ({most})"
            )
        execution = self._running()
        used = execution.meter.gas_used, execution.meter.operation_count
        group = None
        try:
            task, blobs = encode(frame, function, self._main, used, self._library)
            emit = self._recorder.fork_listener(str(function.get("name") or "an action"))
            group = ForkGroup(count, self._arguments(execution), self._config.start_method, self._desk, emit)
            with self._attention():
                self._group = group
                group.start(blobs, task)
            self._alarm.start(group.sources)
        except (PoolError, NotPlainError, OSError) as error:
            self.close()
            raise host.VMRuntimeError(f"fork_execution: the copies cannot be started: {error}") from None
        except BaseException:
            self.close()
            raise
        self._on_alarm()

    def _arguments(self, execution: Execution) -> bytes:
        vm = execution.vm
        standard_builtins()  # so that a template has them
        settings = engine_settings(vm, self._host_arguments, execution)
        return pickle.dumps(settings, 5)

    def join(self, timeout: float | None) -> list[Any]:
        """Wait for the copies, ``timeout`` seconds at most; their results."""
        self._outside("join_workers")
        group = self._group
        if group is None:
            raise host.VMRuntimeError(
                "join_workers: there are no copies to wait for; call fork_execution first"
            )
        try:
            with self._attention():
                overdue = group.wait(timeout)
            outcomes = [group.outcomes[index] for index in range(group.size)]
        finally:
            self.close()
        for outcome in outcomes:
            if outcome.printed:
                sys.stdout.write(outcome.printed)
            if outcome.warned:
                sys.stderr.write(outcome.warned)
        self._charge(outcomes)
        error = _error(outcomes, overdue, timeout)
        self._recorder.fork_joined(used=not error)
        if error:
            raise host.VMRuntimeError(f"join_workers: {error}")
        return [value_of(outcome.value) for outcome in outcomes]

    def _charge(self, outcomes: list[Outcome]) -> None:
        """What the copies have used counts as used by the program."""
        execution = self._running()
        meter = execution.meter
        meter.gas_used += sum(outcome.gas for outcome in outcomes)
        meter.operation_count += sum(outcome.operations for outcome in outcomes)
        if meter.operation_count > execution.operation_limit:
            raise host.OperationLimitExceededError(meter.operation_count, execution.operation_limit)
        if meter.gas_used > execution.gas_limit:
            raise host.OutOfGasError(meter.gas_used, execution.gas_limit, "JOIN_WORKERS")

    def barrier(self, key: Any) -> None:
        """Not here."""
        raise host.VMRuntimeError(
            f"barrier_sync({key}): only the copies of fork_execution can wait for each other"
        )

    # -- the desk

    def _running(self) -> Execution:
        assert self._execution is not None, "begin() comes first"
        return self._execution

    def _let_go(self, _name: str) -> None:
        self._desk.gone(MAIN)

    def _outside(self, function: str) -> None:
        if self._updating:
            raise host.VMRuntimeError(inside_update(function, self._updating))

    def _reply(self, client: int, answer: Answer, body: Bytes) -> None:
        if client == MAIN:
            self._answers.append((answer, body))
        elif self._group is not None:
            self._group.reply(client, answer, body)

    def _ask(self, function: str, question: Ask, name: str, body: bytes = b"") -> Bytes:
        self._outside(function)
        group = self._group
        if group is None:
            self._desk.ask(MAIN, question, name, body)
        else:
            with self._attention():
                group.serve(0)
                self._desk.ask(MAIN, question, name, body)
                while not self._answers:
                    # A copy has taken the variable; if it ends meanwhile, that is noticed here.
                    group.serve(None)
        answer, found = self._answers.popleft()
        if answer is not Answer.VALUE:
            raise host.VMRuntimeError(bytes(found).decode())
        return found

    @contextmanager
    def _attention(self) -> Iterator[None]:
        """While the main process looks after the copies by itself: no alarms."""
        self._busy = True
        self._alarm.pause()
        try:
            yield
        finally:
            self._alarm.resume()
            self._busy = False
            self._on_alarm()

    def _on_alarm(self) -> None:
        """Copies have asked something."""
        self._missed = True
        if self._busy:
            return
        self._busy = True
        try:
            while self._missed and self._group is not None:
                self._missed = False
                self._group.serve(0)
        finally:
            self._busy = False


def _error(outcomes: list[Outcome], overdue: list[int], timeout: float | None) -> str:
    """What is wrong with the outcomes; empty if nothing is."""
    size = len(outcomes)
    if overdue:
        names = ", ".join(map(str, overdue))
        which = f"copy {names}" if len(overdue) == 1 else f"copies {names}"
        verb = ("was", "it was") if len(overdue) == 1 else ("were", "they were")
        return f"{which} of {size} {verb[0]} still running after {timeout:g} s; {verb[1]} killed"
    failed = [(index, outcome) for index, outcome in enumerate(outcomes) if outcome.status != "returned"]
    if not failed:
        return ""
    # What broke a barrier comes before those that it broke.
    index, outcome = next((item for item in failed if item[1].status != "broken"), failed[0])
    said = {
        "died": outcome.text,
        "unsendable": f"returned a value that cannot be sent: {outcome.text}",
    }.get(outcome.status, f"failed: {outcome.text}")
    more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
    return f"copy {index} of {size} {said}{more}"
