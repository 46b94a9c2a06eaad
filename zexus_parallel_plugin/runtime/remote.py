"""The worker's side: executes the calls of a task on an engine of its own, and tells what happened.

Whatever could make a difference to an execution in place ends the call with a reason code: an effect, an
assignment to a variable of a caller, a change of an input, a name whose value was not sent, depth, an error.
Only values that share nothing with the inputs are given back.
"""

from __future__ import annotations

import io
import pickle
import sys
from time import thread_time
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.effects import PURE_BUILTINS
from zexus_parallel_plugin.engine.compiler.tier import Tier
from zexus_parallel_plugin.engine.frame import Frame
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.host.builtins import standard_builtins
from zexus_parallel_plugin.host.values import EvaluationError
from zexus_parallel_plugin.runtime.loops.messages import CHUNK_TAG, RANGE_TAG, ChunkSpec, RangeSpec
from zexus_parallel_plugin.runtime.loops.remote import RangeRunner
from zexus_parallel_plugin.runtime.sandbox import (
    CallerVariables,
    RefusedError,
    WorkerCode,
    WorkerExecution,
)
from zexus_parallel_plugin.runtime.snapshot import (
    SCALARS,
    NotPlainError,
    Shelf,
    containers_in,
    dumps,
    loads,
)
from zexus_parallel_plugin.runtime.task import (
    CallSpec,
    NamesSpec,
    Record,
    TaskSpec,
    decode_task,
    encode_records,
)

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.execution import Execution

LIMIT_RESERVE = 1_000_000
"""Gas above the program's limit. A call that stays below the program's can then not have met this one, even
if it caught the error: gas only grows, and no instruction costs as much as this."""

_MOST_ENGINES = 16


class Handler:
    """Runs tasks; made once per worker process by the pool."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.shelf = Shelf()
        vm = host.HostVM(**settings["host_arguments"])
        standard = standard_builtins()
        self.effect = ""
        pure = frozenset(settings["pure"]) & standard.keys()
        vm.builtins.clear()
        for name in settings["builtins"]:
            vm.builtins[name] = self._watched(standard[name]) if name in pure else self._forbidden(name)
        for name, value in settings["vm"].items():
            setattr(vm, name, value)
        execution = WorkerExecution(vm, tier=settings["tier"])
        execution.deepest = settings["deepest"]
        execution.gas_limit = settings["gas_limit"] + LIMIT_RESERVE
        execution.operation_limit = settings["operation_limit"] + LIMIT_RESERVE
        # As for the main process's own frames, see `Execution.run`.
        execution.recursion_limit = settings["recursion_limit"]
        self._recursion_limit = execution.recursion_limit + 5 * max(execution.deepest, 0)
        self.names = CallerVariables()
        # One frame for all calls, since compiled code keeps hold of it: it stands for all callers.
        execution.root = Frame(self.names, None)
        self.execution = execution
        self._pure = pure
        self._engines: dict[Any, tuple[WorkerCode, Tier | None]] = {}
        self._ranges = RangeRunner(self)

    def _forbidden(self, name: str) -> Any:
        def builtin(*_args: Any) -> Any:
            self.effect = "effect-builtin"  # the host catches what a builtin raises
            raise RuntimeError(f"{name} is not for workers")

        return builtin

    def _watched(self, standard: Any) -> Any:
        """A builtin whose error values are noticed: how they are shown depends on the main process."""
        function = standard.fn

        def builtin(*args: Any) -> Any:
            result = function(*args)
            if isinstance(result, EvaluationError):
                self.effect = "value-error"
            return result

        return type(standard)(builtin, standard.name)

    def blob(self, key: bytes, blob: Any) -> None:
        """Take a code object."""
        self.shelf.put(bytes(key), blob)

    def run(self, payload: Any) -> bytes:
        """Run all calls of a task; a refused one does not keep the others from running."""
        data = loads(payload, self.shelf.get)
        streams = sys.stdout, sys.stderr
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(self._recursion_limit)
        try:
            if data[0] == RANGE_TAG:
                return self._ranges.run(RangeSpec(*data[1:]))
            if data[0] == CHUNK_TAG:
                return self._ranges.run_chunk(ChunkSpec(*data[1:]))
            spec = decode_task(data)
            inputs = _Inputs(spec, self.shelf)
            records = [self._call(spec, call, inputs) for call in spec.calls]
        finally:
            sys.stdout, sys.stderr = streams
            sys.setrecursionlimit(limit)
        return encode_records(records)

    def _call(self, spec: TaskSpec, call: CallSpec, inputs: _Inputs) -> Record:
        execution = self.execution
        args, values, absent = inputs.of(call)
        used = spec.gas, spec.operations
        out, err = self.begin(values, absent, frozenset(), spec.depth, used)
        self.use_engine(spec.main)
        frame, meter = execution.root, execution.meter
        started = thread_time()
        try:
            value = execution.call_action(frame, call.function, args)
        except RefusedError as refused:
            inputs.spoiled(call)
            return Record(refused.reason, seconds=thread_time() - started)
        except Exception:  # noqa: BLE001 - whatever it is, it is to happen in the main process
            inputs.spoiled(call)
            return Record("raised", seconds=thread_time() - started)
        seconds = thread_time() - started
        reason = self.effect or ("warned" if err.tell() else "") or inputs.reason_against(call, value)
        if not reason:
            try:
                if type(value) not in SCALARS:
                    dumps(value)
                text = out.getvalue()
                text.encode()
                gas, operations = meter.gas_used - spec.gas, meter.operation_count - spec.operations
                return Record("", value, gas, operations, text, seconds)
            except NotPlainError as error:
                reason = error.reason
            except UnicodeEncodeError:
                reason = "unprintable"
        return Record(reason, seconds=seconds)

    def begin(
        self, values: dict[str, Any], absent: frozenset[str], own: frozenset[str], depth: int,
        used: tuple[int, int],
    ) -> tuple[io.StringIO, io.StringIO]:  # fmt: skip
        """Prepare the engine for a task: what it prints and what the host says go to the two texts.

        :param own: variables that the task may assign. ``used``: gas and operations of the program.
        """
        execution = self.execution
        execution.meter.gas_used, execution.meter.operation_count = used
        out, err = io.StringIO(), io.StringIO()
        sys.stdout, sys.stderr = out, err
        self.effect = ""
        self.names.become(values, absent, own)
        frame = execution.frame = execution.root
        frame.depth = depth
        frame.version += 1
        return out, err

    def use_engine(self, main: Any) -> None:
        """Take the prepared and compiled code that fits: what is compiled depends on which variables of
        callers exist.
        """
        execution = self.execution
        key = id(main), frozenset(dict.keys(self.names))
        engine = self._engines.get(key)
        if engine is None:
            if len(self._engines) >= _MOST_ENGINES:
                self._engines.clear()
            execution.code = code = WorkerCode(execution.vm, self._pure)
            tier = None
            if main is not None and execution.tier_name in {"auto", "compiled"}:
                tier = Tier(execution, main, eager=execution.tier_name == "compiled")
            engine = self._engines[key] = code, tier
        execution.code, execution.tier = engine


class _Inputs:
    """The inputs of the calls of a task, made of their pickles, and made again when a call has changed
    them.
    """

    def __init__(self, spec: TaskSpec, shelf: Shelf) -> None:
        self._spec = spec
        self._shelf = shelf
        self._groups: dict[int, tuple[Any, ...]] = {}
        self._before: dict[int, bytes] = {}

    def of(self, call: CallSpec) -> tuple[list[Any], dict[str, Any], frozenset[str]]:
        """Arguments of a call, variables of its callers, and names that are nowhere."""
        groups = [self._group(number) for number in call.groups]
        args = list(call.args)
        for position, (group, index) in call.arg_slots:
            args[position] = groups[group][index]
        table = self._spec.names[call.names]
        values = table.values
        if table.slots:
            values = dict(values)
            for name, (group, index) in table.slots:
                values[name] = groups[group][index]
        return args, values, table.absent

    def _group(self, number: int) -> tuple[Any, ...]:
        if number < 0:
            return ()
        group = self._groups.get(number)
        if group is None:
            group = self._groups[number] = loads(self._spec.groups[number], self._shelf.get)
        return group

    def _pickle(self, number: int) -> bytes:
        return dumps(self._groups[number], lambda code: b"%d" % id(code))

    def table(self, call: CallSpec) -> NamesSpec:
        """The names that the call sees."""
        return self._spec.names[call.names]

    def spoiled(self, call: CallSpec) -> None:
        """The call ended early: it may have changed its inputs, so the next ones get new copies."""
        for number in call.groups:
            self._groups.pop(number, None)
            self._before.pop(number, None)

    def reason_against(self, call: CallSpec, value: Any) -> str:
        """Why the result cannot be used: the call has changed an input, or the result shares something with
        one.
        """
        numbers = [number for number in call.groups if number >= 0]
        if not numbers:
            return ""
        if self.table(call).mutates:
            for number in numbers:
                before = self._before.get(number)
                if before is None:
                    fresh = loads(self._spec.groups[number], self._shelf.get)
                    before = self._before[number] = dumps(fresh, lambda code: b"%d" % id(code))
                if self._pickle(number) != before:
                    self.spoiled(call)
                    return "changes-input"
        if type(value) not in SCALARS:
            shared = containers_in([self._groups[number] for number in numbers])
            if not shared.isdisjoint(containers_in(value)):
                return "shares-input"
        return ""


def make_handler(arguments: bytes) -> Handler:
    """Entry point for the pool: ``arguments`` is a pickle made by :func:`handler_arguments`."""
    return Handler(pickle.loads(arguments))


def engine_settings(vm: Any, host_arguments: dict[str, Any], execution: Execution) -> dict[str, Any]:
    """What the engine of another process needs to be like this VM and this execution."""
    return {
        "host_arguments": host_arguments,
        "builtins": sorted(vm.builtins),
        "deepest": execution.deepest,
        "recursion_limit": execution.recursion_limit,
        "gas_limit": execution.gas_limit,
        "operation_limit": execution.operation_limit,
        "tier": execution.tier_name,
        "vm": {
            "enable_bytecode_optimizer": vm.enable_bytecode_optimizer,
            "enable_peephole_optimizer": vm.enable_peephole_optimizer,
        },
    }


def handler_arguments(
    vm: Any,
    host_arguments: dict[str, Any],
    execution: Execution,
    pure: frozenset[str],
) -> bytes:
    """What a worker needs to be like this VM and this execution.

    :raises Exception: an argument of the host's VM cannot be pickled.
    """
    settings = engine_settings(vm, host_arguments, execution) | {"pure": sorted(pure)}
    return pickle.dumps(settings, 5)


def pure_builtins(vm: Any) -> frozenset[str]:
    """Builtins without effects, as far as this VM has the host's own ones."""
    standard = standard_builtins()
    found = set()
    for name in PURE_BUILTINS:
        mine, theirs = vm.builtins.get(name), standard.get(name)
        if mine is not None and theirs is not None and _code_of(mine) is _code_of(theirs):
            found.add(name)
    return frozenset(found)


def _code_of(builtin: Any) -> Any:
    function = getattr(builtin, "fn", builtin)
    function = getattr(function, "__func__", function)
    return getattr(function, "__code__", function)


__all__ = ["Handler", "engine_settings", "handler_arguments", "make_handler", "pure_builtins"]
