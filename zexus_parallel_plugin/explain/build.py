"""Makes the report on a program."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from zexus_parallel_plugin.analysis.cost import Costs
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.explain import graph, words
from zexus_parallel_plugin.explain.between import Between
from zexus_parallel_plugin.explain.chunking import Chunking
from zexus_parallel_plugin.explain.layout import closing
from zexus_parallel_plugin.explain.model import Graph, Report, Unit
from zexus_parallel_plugin.explain.verdicts import Verdicts

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.program import UnitView
    from zexus_parallel_plugin.explain.subject import Subject

__all__ = ["report"]


def report(subject: Subject) -> Report:
    """Say what of a program would run in parallel, and why the rest would not."""
    made = Report(subject.path, subject.source, subject.config.worker_count, subject.reason)
    original = subject.path.read_text(encoding="utf-8", errors="replace").splitlines()
    made.changed = bool(subject.listing.source) and original != subject.source
    if subject.listing.bytecode is None:
        made.problem = words.problem(subject.listing)
        made.rejected = subject.listing.rejected
        return made
    if subject.view is None:
        return made
    _Builder(subject, made).build()
    graph.estimate(made)
    return made


class _Builder:
    """Makes the units of a report."""

    def __init__(self, subject: Subject, made: Report) -> None:
        assert subject.view is not None
        self._subject = subject
        self._view = subject.view
        self._report = made
        self._verdicts = Verdicts(subject)
        self._costs = Costs(subject.view)
        self._numbers = count(1)
        self._places = self._first_lines()

    def build(self) -> None:
        """All units: the top-level code first, then the actions in the order of their lines."""
        units = sorted(self._view.units, key=lambda unit: (not unit.main, self._places.get(id(unit), 0)))
        where = self._where(units)
        for unit in units:
            self._report.units.append(self._unit(unit, where[id(unit)]))

    def _first_lines(self) -> dict[int, int]:
        """Lines on which actions are defined."""
        found: dict[int, int] = {}
        by_code = {id(unit.code.bytecode): unit for unit in self._view.units}
        for unit in self._view.units:
            for (op, operand, _gas), spot in zip(
                unit.code.instructions, self._subject.spots(unit.code), strict=False
            ):
                if op == isa.STORE_FUNC and id(operand[1].get("bytecode")) in by_code:
                    found[id(by_code[id(operand[1]["bytecode"])])] = spot.first
        return found

    def _where(self, units: list[UnitView]) -> dict[int, str]:
        """Which processes execute activations of each unit."""
        found = {id(unit): "unused" for unit in units}
        work = [(units[0], "main")]
        for unit in units:
            if unit.function in self._view.names.taken:
                found[id(unit)] = "value"
        while work:
            unit, process = work.pop()
            known = found[id(unit)]
            if known in {process, "main"}:
                continue
            found[id(unit)] = process
            split = Between({plan.head: plan for plan in self._verdicts.split_loops(unit)})
            for pc, verdict in self._verdicts.calls(unit).items():
                callee = self._view.unit(verdict.call.name)
                if callee is not None:
                    loop = split.before(pc + 1)
                    sent = (verdict.parallel and not verdict.first) or (loop is not None and pc < loop.end)
                    work.append((callee, "worker" if sent or process == "worker" else "main"))
            for pc, (op, _operand, _gas) in enumerate(unit.code.instructions):
                if op == isa.PARALLEL_MAP:
                    name, reason = self._verdicts.parallel_map(unit, pc)
                    callee = self._view.unit(name) if name else None
                    if callee is not None:
                        work.append((callee, "worker" if reason == "parallel-calls" else process))
        return found

    def _unit(self, unit: UnitView, where: str) -> Unit:
        report = self._report
        spots = self._subject.spots(unit.code)
        lines = [spot.line for spot in spots if spot.line]
        first = 1 if unit.main else self._places.get(id(unit), min(lines, default=0))
        last = max(lines, default=first)
        if not unit.main:
            last = closing(report.source, first, last)
        made = Unit(unit.name, first, last, [], Graph((), (), (), 0, 0), where)
        if unit.facts is None:
            made.host = "host-only-code" if unit.code.refusal else "scout-unverified"
            return made
        if report.reason and report.reason != "one-worker":
            return made
        made.chunks = Chunking(
            unit, report.source, spots, where, self._verdicts, self._costs, self._numbers
        ).chunks()
        made.graph = graph.of_unit(unit, made.chunks, spots, report.workers)
        return made
