"""In a worker process of the API: executes chunks.

Two kinds of work come. A *chunk* is bytecode, executed as the host's VM executes bytecode, with variables. A
*slice* is a part of prepared code, executed by the engine as it stands.
"""

from __future__ import annotations

import io
import pickle
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.api.machine import ApiMachine
from zexus_parallel_plugin.api.quiet import standard_builtins
from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.engine.execution import Execution
from zexus_parallel_plugin.engine.frame import Frame
from zexus_parallel_plugin.engine.interpreter import interpret
from zexus_parallel_plugin.host.instructions import Bytecode
from zexus_parallel_plugin.runtime.snapshot import SCALARS, NotPlainError, containers_in, dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.engine.code import Code

__all__ = ["ChunkTask", "Done", "SliceTask", "execute_chunk", "make_handler"]


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """A chunk and what it needs.

    Attributes:
        instructions: of the chunk; constants: what they refer to.
        variables: the variables that exist; written: names whose values are wanted afterwards.
        builtins: builtins by name, None for the host's own ones; standard: names of the host's standard ones.
        parent: variables of the caller, None if there is no caller.
    """

    instructions: list[Any]
    constants: list[Any]
    variables: dict[str, Any]
    written: tuple[str, ...]
    builtins: dict[str, Any] | None = None
    standard: tuple[str, ...] = ()
    parent: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SliceTask:
    """A part of prepared code that only computes, with the variables that it reads."""

    code: Code
    variables: dict[str, Any]
    gas_limit: float
    operation_limit: float


@dataclass(frozen=True, slots=True)
class Done:
    """What a task did. ``refusal`` is a reason code; with one, nothing else counts.

    Attributes:
        value: of a chunk; stack: operands that a slice left.
        variables: what was assigned, in the order of the first assignments.
        text: what was printed; seconds: wall-clock time; gas, operations: what was used.
        error: text of the exception that ended a chunk; trace: where it was raised.
    """

    value: Any = None
    stack: list[Any] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    seconds: float = 0.0
    gas: int = 0
    operations: int = 0
    error: str | None = None
    trace: str | None = None
    refusal: str = ""


def execute_chunk(machine: ApiMachine, task: ChunkTask) -> Done:
    """Execute a chunk as ``VM().execute`` executes bytecode; what it prints is captured."""
    builtins = task.builtins
    if task.standard:
        known = standard_builtins()
        builtins = {**{name: known[name] for name in task.standard}, **(builtins or {})}
    machine.renew(dict(task.variables), builtins, task.parent)
    value, error, trace = None, None, None
    stdout, sys.stdout = sys.stdout, io.StringIO()
    started = time.perf_counter()
    try:
        value = machine.execute(Bytecode(list(task.instructions), list(task.constants)))
    except Exception as raised:  # noqa: BLE001 - whatever the chunk raises is its result
        import traceback

        error, trace = f"{raised}" or type(raised).__name__, traceback.format_exc()
    finally:
        seconds = time.perf_counter() - started
        captured, sys.stdout = sys.stdout, stdout
    assert isinstance(captured, io.StringIO)
    env = machine.env
    written = {name: env[name] for name in task.written if name in env}
    return Done(value, [], written, captured.getvalue(), seconds, error=error, trace=trace)


class _Handler:
    """Runs tasks; made once per worker process by the pool."""

    def __init__(self) -> None:
        self._machine = ApiMachine(ParallelConfig(worker_count=1, mode="sequential"))
        self._run: dict[type, Callable[[Any], Done]] = {
            ChunkTask: lambda task: execute_chunk(self._machine, task),
            SliceTask: self._slice,
        }

    def blob(self, key: bytes, blob: Any) -> None:
        """Nothing is published to these workers."""
        raise NotImplementedError(f"unexpected blob {key!r} of {len(blob)} bytes")

    def run(self, payload: Any) -> bytes:
        """Do one task."""
        task = pickle.loads(payload)
        return pickle.dumps(self._run[type(task)](task), pickle.HIGHEST_PROTOCOL)

    def _slice(self, task: SliceTask) -> Done:
        machine = self._machine
        machine.renew({}, None, None)
        meter = machine.gas_metering
        meter.gas_limit, meter.max_operations = task.gas_limit, task.operation_limit
        execution = Execution(machine)
        given = containers_in(task.variables)
        stack: list[Any] = []
        written: dict[str, Any] = {}
        frame = Frame(_Recorded(task.variables, written), None)
        stdout, sys.stdout = sys.stdout, io.StringIO()
        stderr, sys.stderr = sys.stderr, io.StringIO()
        started = time.perf_counter()
        try:
            value = interpret(execution, task.code, frame, stack)
        except Exception:  # noqa: BLE001 - whatever it is, it is to happen in the main process
            return Done(refusal="raised")
        finally:
            seconds = time.perf_counter() - started
            out, sys.stdout = sys.stdout, stdout
            err, sys.stderr = sys.stderr, stderr
        assert isinstance(out, io.StringIO)
        assert isinstance(err, io.StringIO)
        if err.tell():
            return Done(refusal="warned")
        results = [value, stack, written]
        if len(given) > 1 and not given.isdisjoint(containers_in(results)):
            return Done(refusal="shares-input")
        try:
            if any(type(value) not in SCALARS for value in (value, *stack, *written.values())):
                dumps(results)
            text = out.getvalue()
            text.encode()
        except NotPlainError as error:
            return Done(refusal=error.reason)
        except UnicodeEncodeError:
            return Done(refusal="unprintable")
        return Done(value, stack, written, text, seconds, meter.gas_used, meter.operation_count)


class _Recorded(dict[str, Any]):
    """Variables that remember which of them were assigned, in order."""

    __slots__ = ("_written",)

    def __init__(self, values: dict[str, Any], written: dict[str, Any]) -> None:
        super().__init__(values)
        self._written = written

    def __setitem__(self, name: str, value: Any) -> None:
        self._written[name] = value
        super().__setitem__(name, value)


def make_handler(arguments: bytes) -> _Handler:  # noqa: ARG001 - the pool's signature
    """Entry point for the pool."""
    return _Handler()
