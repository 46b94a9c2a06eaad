"""A copy: one process that executes one call of an action on a snapshot, with all effects allowed."""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.engine.code import CodeCache
from zexus_parallel_plugin.engine.compiler.tier import Tier
from zexus_parallel_plugin.engine.execution import Execution
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.host.builtins import standard_builtins
from zexus_parallel_plugin.runtime.forks.messages import (
    Answer,
    Ask,
    Outcome,
    encode_outcome,
)
from zexus_parallel_plugin.runtime.forks.variables import SharedVariables
from zexus_parallel_plugin.runtime.forks.visible import Visible, inside_update, restored, sent
from zexus_parallel_plugin.runtime.machine import ParallelMachine
from zexus_parallel_plugin.runtime.pool.frames import Kind
from zexus_parallel_plugin.runtime.snapshot import NotPlainError, Shelf

if TYPE_CHECKING:
    from types import FrameType

    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.runtime.pool.endpoint import Endpoint
    from zexus_parallel_plugin.runtime.pool.frames import Bytes

_INDEX_SIZE = 8


class _BrokenError(host.VMRuntimeError):
    """Another copy has ended, so this one cannot go on."""


class CopyHandler:
    """Runs the one task of a copy; made by the pool's worker loop."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._shelf = Shelf()
        self._line: Line | None = None

    def attach(self, endpoint: Endpoint) -> None:
        """Take the pipe, on which the copy asks the main process."""
        self._line = Line(endpoint)

    def blob(self, key: bytes, blob: Bytes) -> None:
        """Take a code object."""
        self._shelf.put(bytes(key), blob)

    def run(self, payload: Bytes) -> bytes:
        """Run the copy; its outcome."""
        line = self._line
        assert line is not None, "attach() comes first"
        data = memoryview(payload)
        index = int.from_bytes(data[:4], "little")
        task = restored(data[_INDEX_SIZE:], self._shelf.get)
        settings = self._settings
        vm = _machine(settings, task)
        execution = _execution(settings, vm, task, CopyCooperation(line, index))
        streams = sys.stdout, sys.stderr
        limit = sys.getrecursionlimit()
        sys.stdout, sys.stderr = out, err = io.StringIO(), io.StringIO()
        line.on_termination(lambda: Outcome("killed", printed=out.getvalue(), warned=err.getvalue()))
        sys.setrecursionlimit(execution.recursion_limit + 5 * max(execution.deepest, 0))
        try:
            outcome = _outcome(execution, task, index)
        finally:
            sys.setrecursionlimit(limit)
            sys.stdout, sys.stderr = streams
        meter = execution.meter
        line.on_termination(None)
        return encode_outcome(
            outcome._replace(
                printed=out.getvalue(),
                warned=err.getvalue(),
                gas=meter.gas_used - task.gas,
                operations=meter.operation_count - task.operations,
            )
        )


def _machine(settings: dict[str, Any], task: Visible) -> ParallelMachine:
    config = ParallelConfig(worker_count=1, tier=settings["tier"])
    vm = ParallelMachine(config, **settings["host_arguments"])
    standard = standard_builtins()
    for name in settings["builtins"]:
        if name not in vm.builtins:
            vm.builtins[name] = standard.get(name) or _unavailable(name)
    for name, value in settings["vm"].items():
        setattr(vm, name, value)
    vm.env = task.variables
    return vm


def _unavailable(name: str) -> Any:
    def builtin(*_args: Any) -> Any:
        raise RuntimeError(f"{name} is not one of the host's builtins, so copies do not have it")

    return builtin


def _execution(
    settings: dict[str, Any], vm: ParallelMachine, task: Visible, cooperation: CopyCooperation
) -> Execution:
    execution = Execution(vm, settings["tier"])
    execution.deepest = settings["deepest"]
    execution.gas_limit = settings["gas_limit"]
    execution.operation_limit = settings["operation_limit"]
    execution.recursion_limit = settings["recursion_limit"]
    execution.root.depth = task.depth
    execution.cooperation = cooperation
    execution.meter.gas_used, execution.meter.operation_count = task.gas, task.operations
    cooperation.execution = execution
    if task.main is not None and settings["tier"] in {"auto", "compiled"}:
        execution.code = CodeCache(vm)
        execution.tier = Tier(execution, task.main, eager=settings["tier"] == "compiled")
    return execution


def _outcome(execution: Execution, task: Visible, index: int) -> Outcome:
    try:
        value = execution.call_action(execution.root, task.function, [index])
    except _BrokenError as error:
        return Outcome("broken", text=str(error))
    except SystemExit:
        return Outcome("raised", text="it ended its process (exit_program)")
    except Exception as error:  # noqa: BLE001 - whatever the program failed with
        return Outcome("raised", text=str(error.args[0] if error.args else error))
    try:
        return Outcome("returned", sent(value))
    except (NotPlainError, host.VMRuntimeError) as error:
        return Outcome("unsendable", text=str(error))


class Line:
    """The pipe to the main process, for questions."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._last_words: Any = None
        self._busy = False
        self._terminated = False
        signal.signal(signal.SIGTERM, self._on_term)

    def ask(self, question: Ask, name: str = "", body: bytes = b"") -> tuple[Answer, Bytes]:
        """The main process's answer."""
        self._send(Kind.ASK, question, body, name.encode())
        frame = self._endpoint.receive()
        if frame is None:
            os._exit(0)  # the main process has gone
        return Answer(frame.number), frame.body

    def _send(self, kind: int, number: int, body: bytes, extra: bytes = b"") -> None:
        self._busy = True
        self._endpoint.send(kind, number, body, extra)
        self._busy = False
        if self._terminated:
            self._leave()

    def on_termination(self, last_words: Any) -> None:
        """What to tell the main process when it ends this one."""
        self._last_words = last_words

    def _on_term(self, _number: int, _frame: FrameType | None) -> None:
        if self._busy:
            self._terminated = True
        else:
            self._leave()

    def _leave(self) -> NoReturn:
        try:
            if self._last_words is not None:
                self._endpoint.send(Kind.RESULT, 0, encode_outcome(self._last_words()))
        finally:
            os._exit(0)


class CopyCooperation(SharedVariables):
    """Implements `engine.parallel.Cooperation` in a copy: it asks the main process."""

    def __init__(self, line: Line, index: int) -> None:
        super().__init__()
        self._line = line
        self._index = index
        self.execution: Execution | None = None

    def fork(self, _frame: Frame, _count: int, _function: dict[str, Any]) -> None:
        """Not here."""
        raise host.VMRuntimeError(
            f"fork_execution: copy {self._index} of a fork cannot fork again; fork in the program itself"
        )

    def join(self, _timeout: float | None) -> list[Any]:
        """Not here."""
        raise host.VMRuntimeError(
            f"join_workers: copy {self._index} of a fork has no copies of its own to wait for"
        )

    def barrier(self, key: Any) -> None:
        """Wait for all copies."""
        self._ask("barrier_sync", Ask.BARRIER, "", sent(key))

    def _running(self) -> Execution:
        assert self.execution is not None
        return self.execution

    def _let_go(self, name: str) -> None:
        self._ask("shared_update", Ask.DROP, name)

    def _ask(self, function: str, question: Ask, name: str, body: bytes = b"") -> Bytes:
        if self._updating:
            raise host.VMRuntimeError(inside_update(function, self._updating))
        answer, found = self._line.ask(question, name, body)
        if answer is not Answer.VALUE:
            kind = _BrokenError if answer is Answer.BROKEN else host.VMRuntimeError
            raise kind(bytes(found).decode())
        return found


def make_handler(arguments: bytes) -> CopyHandler:
    """Entry point for the worker loop: ``arguments`` is a pickle made by `forks.home`."""
    return CopyHandler(pickle.loads(arguments))
