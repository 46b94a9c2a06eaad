"""The run as plain text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from zexus_parallel_plugin.report.document import decisions
from zexus_parallel_plugin.report.plain import printable, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zexus_parallel_plugin.report.load import Loaded

__all__ = ["duration", "size", "text_report"]

_MOST_ROWS = 20
_ITERATIONS = " (iterations of loops included)"


def text_report(run: Loaded) -> str:
    """The report, ends of lines included. Nothing in it can control a terminal."""
    parts = [_summary(run), _chunks(run), _functions(run), _workers(run), _failures(run), _decisions(run)]
    return "\n".join(part for part in parts if part)


def duration(seconds: float | None) -> str:
    """Seconds in a unit that fits; a dash for None."""
    if seconds is None:
        return "–"
    if seconds >= 100:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}:{rest:02d} min"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1 or unit == "µs":
            value = seconds * factor
            return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"
    raise AssertionError


def size(count: float) -> str:
    """Bytes in a unit that fits."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1000
    raise AssertionError


def _summary(run: Loaded) -> str:
    state, start = run.state, run.start
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(start.time))
    rows = [("program", start.program or "–"), ("run", f"{run.name}, {when}")]
    status = run.status
    if state.end is not None and state.end.left_to_host:
        status += f", executed by the host's own VM ({state.end.left_to_host})"
    if state.end is not None and state.end.error:
        status += f": {state.end.error}"
    rows.append(("state", status))
    rows.append(("time", duration(run.seconds)))
    counts = ", ".join(f"{count} {name}" for name, count in sorted(state.counts.items()) if count)
    rows.append(("tasks", f"{len(state.tasks)}" + (f": {counts}" if counts else "")))
    calls = f"{state.committed_calls} committed, {state.thrown_calls} thrown away"
    rows.append(("calls", calls + (_ITERATIONS if any_iterations(run) else "")))
    rows.append(("workers", f"{len(state.workers)} started, at most {start.workers} at a time"))
    rows.append(("speed-up", _estimate(state.speedup(), "x")))
    efficiency = state.efficiency()
    rows.append(("efficiency", _estimate(None if efficiency is None else efficiency * 100, " %")))
    rows.append(("gas", f"{state.gas:,}"))
    if state.compiled is not None:
        rows.append(("compiled", state.compiled.words(duration)))
    if run.corrupt:
        rows.append(("journal", f"{run.corrupt} lines could not be read"))
    return "".join(f"{name + ':':<12}{printable(value)}\n" for name, value in rows)


def any_iterations(run: Loaded) -> bool:
    """Whether tasks have iterations of loops, which count as calls."""
    return any(chunk.what == "loop" and chunk.tasks for chunk in run.state.chunks.values())


def _estimate(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.2f}{unit} (estimate)"


def table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], right: str) -> str:
    """A table with aligned columns; ``right`` has an ``r`` for each column of numbers. Empty without rows."""
    lines = [[printable(cell) for cell in row] for row in rows]
    if not lines:
        return ""
    hidden = len(lines) - _MOST_ROWS
    lines = lines[:_MOST_ROWS]
    widths = [max(len(row[column]) for row in [list(headings), *lines]) for column in range(len(headings))]
    out = [title]
    for row in [list(headings), *lines]:
        cells = [
            cell.rjust(width) if side == "r" else cell.ljust(width)
            for cell, width, side in zip(row, widths, right, strict=True)
        ]
        out.append("  " + "  ".join(cells).rstrip())
    if hidden > 0:
        out.append(f"  … and {hidden} more")
    return "\n".join(out) + "\n"


def _chunks(run: Loaded) -> str:
    rows = []
    for chunk in sorted(run.state.chunks.values(), key=lambda chunk: (chunk.line, chunk.id)):
        source = printable(run.state.text_of_line(chunk.line).strip(" \t"))
        verdict = f"{chunk.verdict} ({chunk.reason})" if chunk.reason else chunk.verdict
        rows.append(
            (
                str(chunk.line or "–"),
                shortened(printable(chunk.name), 24),
                verdict,
                str(chunk.tasks),
                str(chunk.committed),
                duration(chunk.busy) if chunk.tasks else "–",
                shortened(source, 48),
            )
        )
    headings = ("line", "call of", "verdict", "tasks", "committed", "work", "source")
    return table("Chunks", headings, rows, "rllrrrl")


def _functions(run: Loaded) -> str:
    groups = sorted(run.state.groups.values(), key=lambda group: -group.seconds)
    rows = [
        (
            shortened(printable(group.name) or "–", 32),
            str(group.tasks),
            str(group.calls),
            duration(group.seconds),
            duration(group.mean),
            duration(group.longest),
            str(group.failed),
        )
        for group in groups
    ]
    headings = ("action", "tasks", "calls", "work", "mean task", "longest", "failed")
    return table("Actions on workers", headings, rows, "lrrrrrr")


def _workers(run: Loaded) -> str:
    rows = []
    for worker in run.state.workers.values():
        end = "" if worker.expected is not False else worker.signal or f"exit code {worker.code}"
        rows.append(
            (
                str(worker.id),
                str(worker.pid or "–"),
                worker.state,
                str(worker.finished),
                str(worker.failed),
                duration(worker.busy),
                size(worker.rss) if worker.rss else "–",
                end,
            )
        )
    headings = ("worker", "pid", "state", "tasks", "failed", "work", "memory", "end")
    return table("Workers", headings, rows, "rrlrrrrl")


def _failures(run: Loaded) -> str:
    rows = [
        (
            duration(failure.t),
            str(failure.task),
            str(failure.attempt),
            failure.cause,
            "tried again" if failure.again else "executed in place",
            shortened(printable(failure.detail.partition("\n")[0]), 60),
        )
        for failure in run.state.failures
    ]
    return table("Failures", ("at", "task", "attempt", "cause", "then", "what happened"), rows, "rrrlll")


def _decisions(run: Loaded) -> str:
    found = decisions(run)
    if not found:
        return ""
    width = max(len(str(item["count"])) for item in found)
    lines = ["Decisions"]
    for item in found:
        lines.append(f"  {str(item['count']).rjust(width)}  {printable(item['reason'])}: {item['sentence']}")
        if item["hint"]:
            lines.append(f"  {' ' * width}  {item['hint']}")
    return "\n".join(lines) + "\n"
