"""The report as plain values, for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.explain.compiled import Compiled
    from zexus_parallel_plugin.explain.model import Chunk, Report, Unit

__all__ = ["SCHEMA", "record"]

SCHEMA = 1
"""Raised when something that was there means something else, or is gone."""


def record(report: Report, units: Iterable[Compiled] = ()) -> dict[str, Any]:
    """All of a report. The reason codes are those of the text.

    :param units: compiled code, if it is wanted.
    """
    return {
        "schema": SCHEMA,
        "program": str(report.path),
        "workers": report.workers,
        "reason": report.reason,
        "problem": report.problem,
        "text_changed_by_host": report.changed,
        "parallel_chunks": len(report.parallel),
        "estimate": {"gain": round(report.gain, 3), "assumed": report.assumed},
        "units": [_unit(unit) for unit in report.units],
        "measured": report.measured,
        "compiled": [
            {
                "title": unit.title,
                "reason": unit.reason,
                "source": [text for text, _note in unit.lines],
                "exits": {number: note for number, (_text, note) in enumerate(unit.lines, 1) if note},
                "variables": list(unit.variables),
            }
            for unit in units
        ],
    }


def _unit(unit: Unit) -> dict[str, Any]:
    return {
        "name": unit.name,
        "lines": [unit.first, unit.last],
        "executed_by": unit.where,
        "left_to_host": unit.host,
        "gain": round(unit.gain, 3),
        "chunks": [_chunk(chunk) for chunk in unit.chunks],
        "graph": {
            "edges": [
                {"source": edge.source, "target": edge.target, **asdict(edge.dependence)}
                for edge in unit.graph.edges
            ],
            "levels": [list(level) for level in unit.graph.levels],
            "width": unit.graph.width,
            "critical_path": list(unit.graph.path),
            "work": unit.graph.work,
            "critical_work": unit.graph.span,
        },
    }


def _chunk(chunk: Chunk) -> dict[str, Any]:
    return {
        "number": chunk.number,
        "parent": chunk.parent,
        "kind": chunk.kind,
        "lines": [chunk.first, chunk.last],
        "instructions": list(chunk.span),
        "verdict": chunk.verdict,
        "how": chunk.how,
        "reason": chunk.reason,
        "sentence": chunk.sentence,
        "hint": chunk.hint,
        "dependence": asdict(chunk.dependence) if chunk.dependence else None,
        "note": chunk.note,
        "facts": chunk.facts,
        "prints": chunk.prints,
        "work": asdict(chunk.work),
        "calls": [asdict(site) for site in chunk.sites],
        "measured": [{"instruction": pc, **asdict(measured)} for pc, measured in chunk.measured],
    }
