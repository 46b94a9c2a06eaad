"""Loops behind loops: while one loop runs that must be executed in place, workers execute those behind it
that do not depend on it.
"""

from __future__ import annotations

import logging
import sys
from time import thread_time
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.footprint import is_function
from zexus_parallel_plugin.analysis.loop_chunks import LoopChunk, chunks_behind
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.runtime.loops.messages import ChunkSpec, containers_of, decode_chunk, encode_chunk
from zexus_parallel_plugin.runtime.loops.site import MOST_FAILURES
from zexus_parallel_plugin.runtime.output import printable
from zexus_parallel_plugin.runtime.snapshot import NotPlainError, dumps
from zexus_parallel_plugin.runtime.visible import ABSENT, visible_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.runtime.loops.driver import Loops
    from zexus_parallel_plugin.runtime.loops.messages import ChunkResult

_LOG = logging.getLogger(__name__)

_ABSENT_MARK = ("absent",)
_ERROR_MODE = "_continue_on_error"
"""A frame that has this variable goes on after errors."""
_LONG_SECONDS = 0.005
"""Time that a loop must have been running for, in place, for a look behind it."""


class _Sent:
    """A chunk on its way: the names that it reads, and a pickle of their values when it was sent."""

    __slots__ = ("chunk", "code", "frame", "handle", "names", "pickle", "values")

    def __init__(
        self, chunk: LoopChunk, code: Code, frame: Frame, names: list[str], values: dict[str, Any],
        pickle: bytes, handle: Any,
    ) -> None:  # fmt: skip
        self.chunk = chunk
        self.code = code
        self.frame = frame
        self.names = names
        self.values = values
        self.pickle = pickle
        self.handle = handle


class Resident:
    """The loop that is being executed in place just now."""

    __slots__ = ("begun", "code", "frame", "head", "looked")

    def __init__(self, code: Code, head: int, frame: Frame) -> None:
        self.begun = thread_time()
        self.code = code
        self.head = head
        self.frame = frame
        self.looked = False


class Behind:
    """Chunks that were sent, of one execution."""

    def __init__(self, loops: Loops) -> None:
        self._loops = loops
        self._sent: list[_Sent] = []
        self._failures: dict[tuple[int, int], int] = {}
        self.resident: Resident | None = None

    def look(self) -> None:
        """The resident loop takes long: send chunks behind it."""
        resident = self.resident
        loops = self._loops
        if resident is None or resident.looked or loops.main is None or loops.dispatch.failed:
            return
        if not loops.forced and thread_time() - resident.begun < _LONG_SECONDS:
            return  # it may be the short rest of a loop, and what is behind it do better in ranges
        most = loops.dispatch.workers if loops.forced else loops.beside
        if self._busy() >= most:
            return
        code, frame = resident.code, resident.frame
        try:
            with self._loops.dispatch.guarded():
                start = code.ends[resident.head] + 1
                written = self._stores_between(code, resident.head, start, frame)
                resident.looked = self._look(code, frame, start, written, most)
        except NotPlainError as error:
            resident.looked = True
            self._loops.metrics.reasons[error.reason] += 1

    def _look_behind(self, sent: _Sent) -> None:
        """The main process waits for a chunk, and leaves its core to the workers: send chunks behind it."""
        chunk, code, frame = sent.chunk, sent.code, sent.frame
        most = self._loops.dispatch.workers - 1
        if self._busy() >= most:
            return
        try:
            _names, writes = self._needs(chunk, frame)
            self._look(code, frame, chunk.end, set(chunk.stores | writes), most)
        except NotPlainError as error:
            self._loops.metrics.reasons[error.reason] += 1

    def _busy(self) -> int:
        if self._sent:
            self._loops.dispatch.look()
        return sum(not sent.handle.done for sent in self._sent)

    def _look(self, code: Code, frame: Frame, start: int, written: set[str], most: int) -> bool:
        """Send chunks from an instruction on; whether nothing more can be sent from here.

        Those with most work go first, as far as that can be told: the last one to end then ends soonest
        (Graham, "Bounds on multiprocessing timing anomalies", 1969).

        :param written: names that may have other values when the program gets there.
        :param most: chunks that may be on their way.
        :raises NotPlainError: one of them must be executed in place, so what is behind it is not looked at.
        """
        ready, refused = self._ready(code, frame, start, written)
        for chunk, names in sorted(ready, key=lambda found: -found[0].weight):
            if self._busy() >= most:
                return False
            self._send(chunk, code, frame, names)
        if refused is not None:
            raise refused
        return True

    def _ready(
        self, code: Code, frame: Frame, start: int, written: set[str]
    ) -> tuple[list[tuple[LoopChunk, list[str]]], NotPlainError | None]:
        """Chunks that may be sent, each with the names that it reads, and why there are no more of them."""
        ready: list[tuple[LoopChunk, list[str]]] = []
        for chunk in chunks_behind(code, start):
            if any(sent.frame is frame and sent.chunk.start == chunk.start for sent in self._sent):
                written |= chunk.stores
                continue
            try:
                names, writes = self._needs(chunk, frame)
            except NotPlainError as error:
                return ready, error
            if self._failures.get((id(code), chunk.start), 0) < MOST_FAILURES and names.isdisjoint(written):
                ready.append((chunk, sorted(names)))
            written |= chunk.stores | writes
        return ready, None

    def _stores_between(self, code: Code, first: int, last: int, frame: Frame) -> set[str]:
        """Names that the instructions of a loop, or what it calls, may assign."""
        stores, calls = _stores(code, first, last), _calls(code, first, last)
        loop = LoopChunk(first, last, frozenset(), frozenset(stores), tuple(calls))
        _names, writes = self._needs(loop, frame)
        return set(loop.stores) | writes

    def _needs(self, chunk: LoopChunk, frame: Frame) -> tuple[set[str], set[str]]:
        """Names whose values a chunk may need, callees included, and names that callees may assign.

        :raises NotPlainError: it calls something with an effect, or something that cannot be told.
        """
        visible = visible_from(frame)
        names = set(chunk.exposed)
        writes: set[str] = set()
        planner = self._loops.planner
        for name, count in chunk.calls:
            names.add(name)
            function = visible(name)
            if planner.is_builtin(name) or not is_function(function):
                continue
            footprint = planner.footprint(function, [None] * count, visible)
            if footprint.effect:
                raise NotPlainError(footprint.effect, name)
            names.update(footprint.reads, footprint.stores)
            writes |= footprint.writes
        return names, writes

    def _send(self, chunk: LoopChunk, code: Code, frame: Frame, names: list[str]) -> None:
        loops = self._loops
        visible = visible_from(frame)
        if any(name not in frame.env and visible(name) is not ABSENT for name in chunk.stores):
            loops.metrics.reasons["writes-caller-variable"] += 1
            return
        if visible(_ERROR_MODE) is not ABSENT:
            return
        found = {name: visible(name) for name in names}
        values = {name: value for name, value in found.items() if value is not ABSENT}
        loops.library.start()
        pickle = self._pickle(values, names)
        meter = loops.execution.meter
        spec = ChunkSpec(
            loops.main, code.bytecode, chunk.start, chunk.end, values,
            frozenset(found.keys() - values.keys()) | {_ERROR_MODE}, tuple(sorted(chunk.stores)),
            frame.depth, meter.gas_used, meter.operation_count,
        )  # fmt: skip
        payload = encode_chunk(spec, loops.library.key_of)
        handle = loops.dispatch.submit(payload, loops.library.needed(), None)
        if handle is not None:
            loops.dispatch.recorder.block_sent(handle, code, chunk.start, chunk.end)
            loops.metrics.chunks_sent += 1
            self._sent.append(_Sent(chunk, code, frame, names, values, pickle, handle))

    def _pickle(self, values: dict[str, Any], names: Iterable[str]) -> bytes:
        return dumps([values.get(name, _ABSENT_MARK) for name in names], self._loops.library.key_of)

    def arrive(self, code: Code, frame: Frame, landing: Any) -> Any:
        """The program has come to an instruction: where it goes on, behind the chunks that begin there."""
        while landing is not None and self._sent and not landing[1] and not landing[2]:
            if self._loops.dispatch.failed:
                return landing
            sent = next((s for s in self._sent if s.frame is frame and s.chunk.start == landing[0]), None)
            if sent is None:
                return landing
            self._sent.remove(sent)
            reason = self._commit(sent)
            key = id(code), sent.chunk.start
            if reason:
                self._loops.dispatch.recorder.range_settled(sent.handle, 0, reason)
                self._failures[key] = self._failures.get(key, 0) + 1
                self._loops.metrics.reasons[reason] += 1
                self._loops.allow_fallback(reason)
                return landing
            landing = sent.chunk.end, (), ()
        return landing

    def _commit(self, sent: _Sent) -> str:
        """Wait for a chunk, and do to the program what it did; or the reason code why not."""
        result: ChunkResult | str = "internal-error"
        with self._loops.dispatch.guarded():
            result = self._answer(sent)
        if isinstance(result, str):
            return result
        return result.reason or self._apply(sent, result)

    def _answer(self, sent: _Sent) -> ChunkResult | str:
        """The answer to a chunk if its inputs are what they were, else the reason code why there is none."""
        dispatch = self._loops.dispatch
        dispatch.look()
        visible = visible_from(sent.frame)
        try:
            now = {name: visible(name) for name in sent.names}
            same = self._pickle({n: v for n, v in now.items() if v is not ABSENT}, sent.names) == sent.pickle
        except NotPlainError:
            same = False
        if not same or not dispatch.begun(sent.handle):
            dispatch.cancel(sent.handle, None)
            return "not-started" if same else "changed-names"
        if not sent.handle.done:
            self._look_behind(sent)
        while not sent.handle.done:
            dispatch.wait_for(sent.handle, wake_for_any=False)
        if not sent.handle.outcome.ok:
            dispatch.note_failure(sent.handle.outcome.failure)
            return "worker-failed"
        try:
            inputs = [now[name] for name in sent.values]
            return decode_chunk(sent.handle.outcome.result, lambda: containers_of(inputs))
        except ValueError as error:
            _LOG.warning("%s", error)
            return "worker-undecodable"

    def _apply(self, sent: _Sent, result: ChunkResult) -> str:
        execution, metrics = self._loops.execution, self._loops.metrics
        meter = execution.meter
        gas, operations = meter.gas_used + result.gas, meter.operation_count + result.operations
        if gas > execution.gas_limit or operations > execution.operation_limit:
            return "near-limit"
        if not printable(result.text):
            return "unprintable"
        if result.text:
            sys.stdout.write(result.text)
        meter.gas_used, meter.operation_count = gas, operations
        for name, value in result.values:
            sent.frame.store(name, value)
        self._loops.dispatch.recorder.range_settled(sent.handle, 1, "", result.gas, result.seconds)
        metrics.chunks_committed += 1
        metrics.committed_seconds += result.seconds
        metrics.worker_seconds += result.seconds
        metrics.worker_gas += result.gas
        return ""

    def finish(self) -> None:
        """The execution is over."""
        for sent in self._sent:
            self._loops.dispatch.recorder.range_settled(sent.handle, 0, "not-reached")
            self._loops.dispatch.cancel(sent.handle, None)
        self._sent.clear()


def _stores(code: Code, first: int, last: int) -> list[str]:
    return [arg for op, arg, _gas in code.instructions[first:last] if op == isa.STORE_NAME]


def _calls(code: Code, first: int, last: int) -> list[tuple[str, int]]:
    return [(arg[0], arg[1]) for op, arg, _gas in code.instructions[first:last] if op == isa.CALL_NAME]
