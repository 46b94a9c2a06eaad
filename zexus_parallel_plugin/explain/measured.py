"""Runs a program, and says what the run time has done with its chunks."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.explain.model import Measured, Report
from zexus_parallel_plugin.explain.subject import Subject, code_pairs
from zexus_parallel_plugin.host.listing import list_program
from zexus_parallel_plugin.runtime.machine import ParallelMachine
from zexus_parallel_plugin.runtime.recorder import Recorder

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.runtime.task import Batch, PlannedCall, Record

__all__ = ["measure"]

Place = tuple[int, int]
"""Identity of a code object, and instruction."""


@dataclass(slots=True)
class _Counts:
    sent: int = 0
    used: int = 0
    seconds: float = 0.0
    thrown: Counter[str] = field(default_factory=Counter)
    loop: bool = False
    refusal: str = ""
    whole: bool = False


class _Listener(Recorder):
    """Counts what happens at each call instruction and at each loop. Times are those of the workers."""

    __slots__ = ("_places", "counts")

    def __init__(self) -> None:
        self.counts: dict[Place, _Counts] = {}
        self._places: dict[int, tuple[Any, Place]] = {}

    def sent(self, batch: Batch, code: Code | None) -> None:
        for call in batch.calls:
            bytecode = call.function["bytecode"] if code is None else code.bytecode
            self._place(call, (id(bytecode), call.ip)).sent += 1

    def committed(self, call: PlannedCall, record: Record) -> None:
        counts = self._of(call)
        counts.used += 1
        counts.seconds += record.seconds

    def thrown(self, call: PlannedCall, reason: str) -> None:
        self._of(call).thrown[reason] += 1

    def range_sent(self, handle: Any, code: Code, head: int, iterations: int) -> None:
        counts = self._place(handle, (id(code.bytecode), head))
        counts.loop = True
        counts.sent += iterations

    def block_sent(self, handle: Any, code: Code, start: int, end: int) -> None:
        # A block is what comes before a loop, and the loop to its end.
        head = min((head for head, last in code.ends.items() if start <= head and last < end), default=start)
        counts = self._place(handle, (id(code.bytecode), head))
        counts.loop = counts.whole = True
        counts.sent += 1

    def range_settled(
        self,
        handle: Any,
        used: int,
        reason: str = "",
        gas: int = 0,  # noqa: ARG002 - not wanted here
        seconds: float = 0.0,
    ) -> None:
        counts = self._of(handle)
        counts.used += used
        counts.seconds += seconds
        if reason:
            counts.thrown[reason] += 1

    def loop_refused(self, code: Code, head: int, reason: str) -> None:
        counts = self.counts.setdefault((id(code.bytecode), head), _Counts())
        counts.loop, counts.refusal = True, reason

    def _place(self, key: object, place: Place) -> _Counts:
        self._places[id(key)] = key, place  # kept alive, so that its identity stays its own
        return self.counts.setdefault(place, _Counts())

    def _of(self, key: object) -> _Counts:
        known = self._places.get(id(key))
        # What was never sent has nobody to count for; and a recorder must not fail.
        return self.counts[known[1]] if known is not None else _Counts()


def measure(subject: Subject, report: Report) -> None:
    """Execute the program once, on all workers, without its output, and add to the report what was measured.

    :raises HostError: the host cannot be imported.
    """
    listener = _Listener()
    listing = list_program(
        subject.path, lambda **arguments: ParallelMachine(subject.config, listener, **arguments)
    )
    machine: ParallelMachine = listing.vm
    error = ""
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            machine.execute(listing.bytecode)
    except Exception as raised:  # noqa: BLE001 - the program's own error, which is worth a line
        error = f"{type(raised).__name__}: {raised}"
    finally:
        machine.close()
    metrics = machine.last_metrics
    busy = metrics.total_seconds - metrics.waited_seconds
    report.measured = {
        "seconds": round(metrics.total_seconds, 4),
        "workers": metrics.worker_count,
        "worker_seconds": round(metrics.worker_seconds, 4),
        "main_process_seconds": round(busy, 4),
        "estimated_gain": round((busy + metrics.committed_seconds) / metrics.total_seconds, 2)
        if metrics.total_seconds
        else 1.0,
        "tasks": metrics.tasks_sent,
        "calls_used": metrics.calls_committed,
        "calls_thrown_away": metrics.calls_thrown_away,
        "ranges_used": metrics.ranges_committed,
        "iterations_used": metrics.iterations_committed,
        "error": error,
        "reasons": dict(metrics.reasons.most_common()),
    }
    pairs = code_pairs(subject.bytecode, machine._with_opcodes(listing.bytecode))
    _add_to_chunks(report, subject, listener, {id(run): mine for mine, run in pairs})


def _add_to_chunks(report: Report, subject: Subject, listener: _Listener, known: dict[int, Any]) -> None:
    """``known``: the subject's code objects by identity of those of the run."""
    assert subject.view is not None
    units = {id(unit.code.bytecode): unit.name for unit in subject.view.units}
    found: dict[tuple[str, int], Measured] = {}
    for (code, pc), counts in listener.counts.items():
        name = units.get(id(known.get(code)), "")
        found[name, pc] = Measured(
            counts.sent, counts.used, counts.seconds, dict(counts.thrown), counts.loop, counts.refusal,
            counts.whole,
        )  # fmt: skip
    for chunk in report.chunks:
        first, end = chunk.span
        chunk.measured = [
            (pc, measured) for (unit, pc), measured in sorted(found.items())
            if unit == chunk.unit and first <= pc < end
        ]  # fmt: skip
