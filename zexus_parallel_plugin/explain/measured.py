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


class _Listener(Recorder):
    """Counts what happens with the calls of each place."""

    __slots__ = ("counts", "places")

    def __init__(self) -> None:
        self.counts: dict[Place, _Counts] = {}
        self.places: dict[int, Place] = {}

    def sent(self, batch: Batch, code: Code | None) -> None:
        for call in batch.calls:
            bytecode = call.function["bytecode"] if code is None else code.bytecode
            place = id(bytecode), call.ip
            self.places[id(call)] = place
            self._at(call).sent += 1

    def committed(self, call: PlannedCall, record: Record) -> None:
        counts = self._at(call)
        counts.used += 1
        counts.seconds += record.seconds

    def thrown(self, call: PlannedCall, reason: str) -> None:
        if id(call) in self.places:
            self._at(call).thrown[reason] += 1

    def _at(self, call: PlannedCall) -> _Counts:
        return self.counts.setdefault(self.places[id(call)], _Counts())


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
    written = {id(old): new for new, old in _run_codes(machine, listing.bytecode, subject)}
    _add_to_chunks(report, subject, machine, listener, written)


def _run_codes(machine: ParallelMachine, bytecode: Any, subject: Subject) -> list[tuple[Any, Any]]:
    """Pairs of code objects: of the subject, and of the run."""
    return code_pairs(subject.bytecode, machine._with_opcodes(bytecode))


def _add_to_chunks(
    report: Report, subject: Subject, machine: ParallelMachine, listener: _Listener, known: dict[int, Any]
) -> None:
    assert subject.view is not None
    units = {id(unit.code.bytecode): unit.name for unit in subject.view.units}
    found: dict[tuple[str, int], Measured] = {}
    for (code, pc), counts in listener.counts.items():
        if code in known:
            thrown = dict(counts.thrown)
            measured = Measured(counts.sent, counts.used, counts.seconds, thrown)
            found[units.get(id(known[code]), ""), pc] = measured
    execution = machine.last_execution
    ahead: Any = execution.ahead if execution is not None else None
    loops = getattr(ahead, "loops", None)
    if loops is not None:
        names = {id(code): units.get(id(known.get(id(code.bytecode))), "") for code in loops._codes}
        for (code, head), site in loops._sites.items():
            seconds = site.seconds or 0.0
            found[names.get(code, ""), head] = Measured(
                seconds=seconds, loop=True, worth=site.worth, refusal=site.refusal
            )
    for chunk in report.chunks:
        first, end = chunk.span
        chunk.measured = [
            (pc, measured) for (unit, pc), measured in sorted(found.items())
            if unit == chunk.unit and first <= pc < end
        ]  # fmt: skip
