"""The run for other programs: GNU parallel's job log, and Prometheus' text format."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from zexus_parallel_plugin.report.plain import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.report.load import Loaded

__all__ = ["joblog", "prometheus"]

_COLUMNS = ("Seq", "Host", "Starttime", "JobRuntime", "Send", "Receive", "Exitval", "Signal", "Command")


def joblog(run: Loaded) -> str:
    """Tab-separated, with the columns of ``parallel --joblog``: a line for each attempt of a task.

    ``Host`` is the worker, ``Send`` the bytes of the task; ``Exitval`` is 0 if the worker has answered, else
    1.
    """
    state = run.state
    lines = ["\t".join(_COLUMNS)]
    pieces = sorted((piece for row in state.timeline for piece in row), key=lambda piece: piece.begin)
    for piece in pieces:
        if piece.end is None:
            continue
        task = state.tasks[piece.task]
        worker = state.workers.get(piece.worker) if piece.cause == "died" else None
        number = _number(worker.signal) if worker is not None else 0
        command = f"{printable(task.name) or 'task'} x{task.calls}"
        where = f" line {task.line}" if task.line else ""
        lines.append(
            "\t".join(
                (
                    str(task.id),
                    f"worker-{piece.worker}",
                    f"{run.start.time + piece.begin:.3f}",
                    f"{piece.end - piece.begin:.6f}",
                    str(task.bytes),
                    "0",
                    "1" if piece.cause else "0",
                    str(number),
                    f"{command}{where} attempt {piece.attempt}",
                )
            )
        )
    return "\n".join(lines) + "\n"


def _number(name: str) -> int:
    try:
        return int(signal.Signals[name])
    except KeyError:
        return 0


def prometheus(run: Loaded) -> str:
    """Totals of the run, for the textfile collector of Prometheus' node exporter."""
    state = run.state
    tasks = sorted(state.counts.items())
    out: list[str] = []

    def metric(
        name: str, kind: str, text: str, values: Iterable[tuple[dict[str, str], float | None]]
    ) -> None:
        full = f"zexus_parallel_{name}"
        rows = [f"{full}{_labels(labels)} {_value(value)}" for labels, value in values if value is not None]
        if rows:
            out.extend((f"# HELP {full} {text}", f"# TYPE {full} {kind}", *rows))

    about = {"run": run.name, "program": run.start.program, "status": run.status}
    metric("run_info", "gauge", "The run; the value is always 1.", [(about, 1)])
    metric("run_start_time_seconds", "gauge", "When it started, since 1970.", [({}, run.start.time)])
    metric("run_seconds", "gauge", "How long it took.", [({}, run.seconds)])
    metric("tasks", "gauge", "Tasks by state.", [({"state": name}, count) for name, count in tasks])
    calls = [({"use": "committed"}, state.committed_calls), ({"use": "thrown_away"}, state.thrown_calls)]
    metric("calls", "gauge", "Calls on workers, by what became of the result.", calls)
    metric("work_seconds", "gauge", "Time that workers worked.", [({}, state.work)])
    metric("failed_attempts", "gauge", "Attempts of tasks that failed.", [({}, state.failed_attempts)])
    metric("worker_deaths", "gauge", "Ends of workers that nobody wanted.", [({}, state.deaths)])
    metric("gas", "gauge", "Gas that the program used.", [({}, state.gas)])
    if (compiled := state.compiled) is not None:
        units: list[tuple[dict[str, str], float | None]] = [
            ({"outcome": "translated"}, compiled.units - compiled.cached),
            ({"outcome": "cached"}, compiled.cached),
            ({"outcome": "refused"}, compiled.refused),
        ]
        metric("units", "gauge", "Actions and loops, by what the compiler did with them.", units)
        metric("translation_seconds", "gauge", "Time that compiling took.", [({}, compiled.seconds)])
    metric("speedup_estimate", "gauge", "Work done, divided by time.", [({}, state.speedup())])
    metric(
        "efficiency_estimate", "gauge", "Part of the workers' time that was work.", [({}, state.efficiency())]
    )
    decisions = [({"reason": code}, count) for code, count in sorted(state.reasons.items())]
    metric("decisions", "gauge", "Decisions by reason code.", decisions)
    return "\n".join(out) + "\n"


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _value(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6f}"
