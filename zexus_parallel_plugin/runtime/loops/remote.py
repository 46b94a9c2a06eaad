"""The worker's side of sub-ranges of loops."""

from __future__ import annotations

import dataclasses
from time import thread_time
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine.compiler.support import UNSET
from zexus_parallel_plugin.engine.compiler.trap import RangeStopped, Trap
from zexus_parallel_plugin.engine.interpreter import interpret
from zexus_parallel_plugin.runtime.loops.messages import (
    ChunkResult,
    RangeResult,
    References,
    encode_result,
)
from zexus_parallel_plugin.runtime.loops.replay import folded
from zexus_parallel_plugin.runtime.sandbox import RefusedError
from zexus_parallel_plugin.runtime.snapshot import NotPlainError, dumps, loads

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.compiler.unit import Unit
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.runtime.loops.messages import ChunkSpec, RangeSpec
    from zexus_parallel_plugin.runtime.remote import Handler

_MOST_BASES = 4
"""Loops whose bases are kept: ranges of a loop that another one interrupts come back to theirs."""


class _Base:
    """What all ranges of a loop share, made of its pickle."""

    def __init__(self, pickle: bytes, handler: Handler) -> None:
        self.pickle = pickle
        self._handler = handler
        self.restore()

    def restore(self) -> None:
        """Make it anew."""
        self.values, self.absent = loads(self.pickle, self._handler.shelf.get)
        self.references = References(self.values.values())

    def print(self, elements: Any) -> bytes:
        """A pickle of it and of some elements as they are now."""
        return _print((self.values, elements))


class RangeRunner:
    """Executes ranges on the engine of a worker."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._bases: dict[bytes, _Base] = {}
        self._relearned = False

    def run(self, spec: RangeSpec) -> bytes:
        """The answer to a range task: as many iterations as can be computed here."""
        result, inputs = self._attempt(spec)
        while result.reason == "loop-stopped" and self._relearned:
            result, inputs = self._attempt(spec)
        if result.reason and result.done:
            # The iteration that failed has left traces in what was recorded: compute again what is whole.
            again, inputs = self._attempt(spec._replace(iterations=result.done))
            result = again if again.reason else again._replace(reason=result.reason)
            if again.reason:
                result = RangeResult(0, again.reason)
        if result.reason and not result.done:
            return dumps(tuple(result))
        try:
            return encode_result(result, inputs)
        except NotPlainError as error:
            return dumps(tuple(RangeResult(0, error.reason, seconds=result.seconds)))

    def _base(self, key: bytes) -> _Base:
        base = self._bases.get(key)
        if base is None:
            pickle = self._handler.shelf.take(key) if key.startswith(b"base-") else key
            while len(self._bases) >= _MOST_BASES:
                del self._bases[next(iter(self._bases))]
            base = self._bases[key] = _Base(pickle, self._handler)
        return base

    def _attempt(self, spec: RangeSpec) -> tuple[RangeResult, References]:
        handler = self._handler
        execution = handler.execution
        base = self._base(spec.base)
        inputs = base.references
        own = frozenset((*spec.private, *spec.counters, *spec.extrema))
        values = {**dict.fromkeys(spec.private), **base.values, **spec.counters, **spec.extrema}
        if spec.elements is not None:
            name, elements = spec.elements
            values[name] = elements
            inputs = References(elements, inputs)
        before = base.print(spec.elements) if spec.mutates and inputs.count else b""
        out, err = handler.begin(values, base.absent, own, spec.depth, (spec.gas, spec.operations))
        handler.use_engine(spec.main)
        frame, meter = execution.root, execution.meter
        unit = self._unit(spec, frame)
        if isinstance(unit, str):
            return RangeResult(0, "loop-not-compiled"), inputs
        started = thread_time()
        done, reason, answer = self._iterate(unit, frame, spec.iterations)
        seconds = thread_time() - started
        if before and base.print(spec.elements) != before:
            base.restore()
            return RangeResult(0, "changes-input", seconds=seconds), inputs
        reason = handler.effect or ("warned" if err.tell() else "") or reason
        if handler.effect or err.tell():
            done = 0
        if reason:
            return RangeResult(done, reason, seconds=seconds), inputs
        counters, *rest = self._named(spec, answer[2])
        private = tuple((name, value) for name, value in rest if value is not UNSET)
        size = len(spec.folds)
        records = tuple(map(folded, spec.folds, answer[3][:size]))
        replacements = tuple(answer[3][size:])
        text = out.getvalue()
        try:
            text.encode()
        except UnicodeEncodeError:
            return RangeResult(0, "unprintable", seconds=seconds), inputs
        return RangeResult(
            done, "", counters, private, records, replacements, text, meter.gas_used - spec.gas,
            meter.operation_count - spec.operations, seconds,
        ), inputs  # fmt: skip

    def run_chunk(self, spec: ChunkSpec) -> bytes:
        """The answer to a chunk task."""
        result, inputs = self._execute(spec)
        if result.reason:
            return dumps(tuple(result))
        try:
            return encode_result(result, inputs)
        except NotPlainError as error:
            return dumps(tuple(ChunkResult(error.reason)))

    def _execute(self, spec: ChunkSpec) -> tuple[ChunkResult, References]:
        handler = self._handler
        execution = handler.execution
        inputs = References(spec.values.values())
        before = _print(spec.values) if inputs.count else b""
        own = frozenset(spec.stores)
        names = {**dict.fromkeys(spec.stores, UNSET), **spec.values}
        for name in spec.absent & own:
            del names[name]
        out, err = handler.begin(names, spec.absent, own, spec.depth, (spec.gas, spec.operations))
        handler.use_engine(spec.main)
        code = execution.code.get(spec.code)
        piece = dataclasses.replace(code, instructions=code.instructions[: spec.end], loops={})
        stack: list[Any] = []
        started = thread_time()
        try:
            interpret(execution, piece, execution.root, stack, spec.start, [])
        except RefusedError as refused:
            return ChunkResult(refused.reason), inputs
        except Exception:  # noqa: BLE001 - whatever it is, it is to happen in the main process
            return ChunkResult("raised"), inputs
        seconds = thread_time() - started
        reason = handler.effect or ("warned" if err.tell() else "")
        if not reason and before and _print(spec.values) != before:
            reason = "changes-input"
        if reason or stack:
            return ChunkResult(reason or "raised", seconds=seconds), inputs
        values = [(name, dict.get(handler.names, name, UNSET)) for name in spec.stores]
        meter = execution.meter
        return ChunkResult(
            "", tuple((name, value) for name, value in values if value is not UNSET), out.getvalue(),
            meter.gas_used - spec.gas, meter.operation_count - spec.operations, seconds,
        ), inputs  # fmt: skip

    def _named(self, spec: RangeSpec, values: tuple[Any, ...]) -> list[Any]:
        """The values of counters, and pairs for the private variables behind them."""
        size = len(spec.counters)
        return [values[:size], *zip(spec.private, values[size:], strict=True)]

    def _unit(self, spec: RangeSpec, frame: Frame) -> Unit | str:
        tier = self._handler.execution.tier
        if tier is None:
            return "no compiler"
        code = self._handler.execution.code.get(spec.code)
        function = tier.function(code)
        if function is None:
            return "not part of the program"
        results = (*spec.counters, *spec.private)
        return tier.builder.range_unit(
            function, spec.head, frame, frozenset(spec.accumulators), frozenset(spec.extrema), results
        )

    def _iterate(self, unit: Unit, frame: Frame, count: int) -> tuple[int, str, Any]:
        """Iterations that were completed, why no more, and what the unit has answered."""
        self._relearned = False
        try:
            answer = unit.function(frame, count)
        except RangeStopped as stopped:
            tier = self._handler.execution.tier
            assert tier is not None
            self._relearned = tier.builder.relearn(unit, stopped)
            return stopped.iteration, "loop-stopped", None
        except Trap:
            return 0, "loop-stopped", None
        except RefusedError as refused:
            return _completed(refused, unit), refused.reason, None
        if answer[1] >= 0:
            return answer[0], "loop-left", None
        return answer[0], "", answer


def _print(values: Any) -> bytes:
    return dumps(values, lambda code: b"%d" % id(code))


def _completed(error: BaseException, unit: Unit) -> int:
    """Iterations that a unit had completed when an error went through it; ``K`` is the number of the next."""
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code is unit.function.__code__:
            return int(traceback.tb_frame.f_locals.get("K", 1)) - 1
        traceback = traceback.tb_next
    return 0
