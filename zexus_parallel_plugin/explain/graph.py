"""The graph of the chunks of a code object, its critical path, and the gain that may be expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.analysis.aliases import AliasClasses
from zexus_parallel_plugin.analysis.dependences import accesses, dependences
from zexus_parallel_plugin.explain.model import Chunk, Dependence, Edge, Graph, Report, Unit

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.program import UnitView
    from zexus_parallel_plugin.host.listing import Spot

__all__ = ["estimate", "of_unit"]

_BINDING = frozenset({"RAW", "control"})
"""Dependences that work on snapshots cannot get around."""


def of_unit(unit: UnitView, chunks: list[Chunk], spots: list[Spot], workers: int) -> Graph:
    """The graph of the chunks of a unit that are in no other one."""
    assert unit.facts is not None
    top = [chunk for chunk in chunks if not chunk.parent]
    aliases = AliasClasses(unit.facts)
    found = accesses(unit.facts, aliases, [chunk.span for chunk in top])
    edges = []
    before: dict[int, list[int]] = {chunk.number: [] for chunk in top}
    for edge in dependences(found, aliases):
        source, target = top[edge.source].number, top[edge.target].number
        dependence = Dependence(
            edge.kind, edge.name, spots[edge.writer].line if edge.writer >= 0 else 0,
            spots[edge.reader].line if edge.reader >= 0 else 0, edge.proven,
        )  # fmt: skip
        edges.append(Edge(source, target, dependence))
        if edge.kind in _BINDING:
            before[target].append(source)
    level: dict[int, int] = {}
    ready: dict[int, int] = {}
    came: dict[int, int] = {}
    for chunk in top:
        number = chunk.number
        level[number] = max((level[other] + 1 for other in before[number]), default=0)
        last = max(before[number], key=lambda other: ready[other], default=0)
        ready[number] = (ready[last] if last else 0) + _span(chunk, workers)
        came[number] = last
    path: list[int] = []
    current = max(ready, key=lambda number: ready[number], default=0)
    span = ready.get(current, 0)
    while current:
        path.append(current)
        current = came[current]
    levels: list[list[int]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for number, depth in level.items():
        levels[depth].append(number)
    work = sum(chunk.work.instructions for chunk in top)
    return Graph(tuple(edges), tuple(map(tuple, levels)), tuple(reversed(path)), work, span)


def _span(chunk: Chunk, workers: int) -> int:
    """Estimated instructions until a chunk is done, on all workers."""
    work = chunk.work.instructions
    divided = chunk.verdict == "parallel" and chunk.kind == "loop" and chunk.how != "beside"
    return -(-work // max(1, workers)) if divided else work


def estimate(report: Report) -> None:
    """Estimate the speed-up of each unit, and of the program: that of its top-level code."""
    by_name: dict[str, Unit] = {unit.name: unit for unit in report.units}
    known: dict[str, float] = {}
    inside: dict[int, list[Chunk]] = {}
    for chunk in report.chunks:
        inside.setdefault(chunk.parent, []).append(chunk)

    def gain(unit: Unit) -> float:
        if unit.name in known:
            return known[unit.name]
        known[unit.name] = 1.0  # recursion: nothing is gained inside
        work = in_place = shared = longest = 0.0
        beside: list[float] = [0.0]
        for chunk in unit.chunks:
            if chunk.parent:
                continue
            size = float(chunk.work.instructions)
            work += size
            if chunk.how == "beside":
                beside.append(size)  # while the main process executes other loops
                continue
            parallel, rest = _split(chunk, inside.get(chunk.number, []), size)
            shared += parallel
            if chunk.kind == "call":
                longest = max(longest, parallel)  # a call is never divided
            for site in chunk.sites:
                callee = by_name.get(site.action)
                if callee is not None and not site.parallel and chunk.kind != "loop" and callee is not unit:
                    inner = gain(callee)
                    rest -= site.work.instructions * (1 - 1 / inner)
            in_place += max(0.0, rest)
        workers = max(1, report.workers)
        spent = in_place + max(longest, shared / workers)
        spent = max(spent, (spent + sum(beside)) / workers, *beside)
        known[unit.name] = max(1.0, work / spent) if spent else 1.0
        return known[unit.name]

    for each in report.units:
        each.gain = gain(each)
    report.gain = report.units[0].gain if report.units else 1.0
    report.assumed = any(chunk.work.assumed for chunk in report.chunks)


def _split(chunk: Chunk, inner: list[Chunk], size: float) -> tuple[float, float]:
    """Work of a chunk that workers share, and that the main process does."""
    if chunk.verdict == "parallel":
        return size, 0.0
    given = sum(other.work.instructions for other in inner if other.verdict == "parallel")
    shared = min(size, float(given))
    return shared, size - shared
