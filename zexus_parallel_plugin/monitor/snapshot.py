"""One look at a run, without a screen: a page of text for people, an object for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from zexus_parallel_plugin.monitor.columns import Column, heading, place, row_line
from zexus_parallel_plugin.monitor.ink import Ink, Line, Look
from zexus_parallel_plugin.monitor.summary import cut_line, head
from zexus_parallel_plugin.monitor.tables import (
    failure_columns,
    failures,
    function_columns,
)
from zexus_parallel_plugin.monitor.workers import worker_columns, workers_by_slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zexus_parallel_plugin.monitor.watch import Watch

__all__ = ["page", "record"]

Row = TypeVar("Row")

_ROWS = 12


def page(watch: Watch, look: Look, room: int) -> list[Line]:
    """A screen of lines, none longer than ``room``."""

    def source() -> Watch:
        return watch

    lines: list[Line] = [line for line in head(watch, look, room) if line]
    if watch.state.start is None:
        return lines
    workers = workers_by_slot(watch)
    lines += _table("workers", worker_columns(source, look), workers, look, room, "no worker was needed yet")
    groups = sorted(watch.state.groups.values(), key=lambda group: -group.seconds)
    lines += _table("functions", function_columns(source, look), groups, look, room, "nothing runs ahead yet")
    failed = failures(watch)
    if failed:
        lines += _table("failures", failure_columns(source, look), failed, look, room, "")
    for warning in list(watch.state.warnings)[-3:]:
        lines.append(cut_line([Ink(f" {look.clean(warning.text)}", "warn")], room, look))
    return lines


def _table(
    title: str, columns: Sequence[Column[Row]], rows: Sequence[Row], look: Look, room: int, empty: str
) -> list[Line]:
    rule = look.rule * max(0, room - len(title) - 3)
    lines: list[Line] = [[], [Ink(f" {title} ", "head"), Ink(rule, "dim")]]
    if not rows:
        return [*lines, [Ink(f"  {empty}", "dim")]]
    placed = place(columns, room - 2)
    lines.append([Ink("  "), *heading(placed, look)])
    lines += [[Ink("  "), *row_line(placed, row, look)] for row in rows[:_ROWS]]
    if len(rows) > _ROWS:
        lines.append([Ink(f"  {look.more} {len(rows) - _ROWS} more", "dim")])
    return lines


def record(watch: Watch) -> dict[str, Any]:
    """Everything as plain values. What is an estimate is called so."""
    state, start, end = watch.state, watch.state.start, watch.state.end
    progress = watch.progress()
    return {
        "status": watch.status,
        "run": None if start is None else start.run,
        "program": None if start is None else start.program,
        "pid": None if start is None else start.pid,
        "started": None if start is None else start.time,
        "seconds": round(watch.now, 3),
        "exit_code": None if end is None else end.code,
        "error": None if end is None else end.error,
        "progress": {
            "done": progress.done,
            "expected": progress.total,
            "unit": progress.unit,
            "estimated_seconds_left": progress.left,
        },
        "tasks": {name: number for name, number in state.counts.items() if number},
        "calls": {"committed": state.committed_calls, "thrown_away": state.thrown_calls},
        "estimated_speedup": state.speedup(watch.now),
        "estimated_efficiency": state.efficiency(watch.now),
        "tasks_per_second": watch.recent_rate(),
        "gas": state.gas,
        "operations": state.operations,
        "compiled": None if state.compiled is None else asdict(state.compiled),
        "workers": [
            {
                "id": worker.id,
                "slot": worker.slot,
                "pid": worker.pid,
                "state": worker.state,
                "task": worker.task,
                "cpu_share": worker.cpu_share,
                "rss": worker.rss,
                "finished": worker.finished,
                "failed": worker.failed,
                "exit_code": worker.code,
                "reason": worker.reason,
            }
            for worker in workers_by_slot(watch)
        ],
        "functions": [
            {
                "name": group.name,
                "tasks": group.tasks,
                "calls": group.calls,
                "committed": group.committed,
                "thrown_away": group.thrown,
                "failed": group.failed,
                "seconds": group.seconds,
                "longest": group.longest,
            }
            for group in state.groups.values()
        ],
        "chunks": [
            {
                "id": chunk.id,
                "kind": chunk.what,
                "name": chunk.name,
                "line": chunk.line,
                "verdict": chunk.verdict,
                "reason": chunk.reason,
                "expected": chunk.expected,
                "committed": chunk.committed,
                "thrown_away": chunk.thrown,
            }
            for chunk in state.chunks.values()
        ],
        "failures": [
            {
                "task": event.task,
                "attempt": event.attempt,
                "worker": event.worker,
                "cause": event.cause,
                "detail": event.detail,
                "tried_again": event.again,
            }
            for event in state.failures
        ],
        "slow_tasks": [task.id for task in watch.slow_tasks()],
        "reasons": state.reasons,
        "warnings": [warning.text for warning in state.warnings],
    }
