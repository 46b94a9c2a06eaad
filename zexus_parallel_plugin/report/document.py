"""The run as one JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.reasons import REASONS

if TYPE_CHECKING:
    from zexus_parallel_plugin.report.load import Loaded

__all__ = ["decisions", "document", "figures"]


def figures(run: Loaded) -> dict[str, Any]:
    """The totals."""
    state = run.state
    return {
        "run": run.name,
        "program": run.start.path or run.start.program,
        "status": run.status,
        "error": state.end.error if state.end is not None else "",
        "left_to_host": state.end.left_to_host if state.end is not None else "",
        "exit_code": state.end.code if state.end is not None else None,
        "started": run.start.time,
        "seconds": run.seconds,
        "workers": run.start.workers,
        "workers_started": len(state.workers),
        "tasks": dict(sorted((name, count) for name, count in state.counts.items() if count)),
        "calls_committed": state.committed_calls,
        "calls_thrown_away": state.thrown_calls,
        "failed_attempts": state.failed_attempts,
        "retries": state.retries,
        "worker_deaths": state.deaths,
        "work_seconds": state.work,
        "speedup_estimate": state.speedup(),
        "efficiency_estimate": state.efficiency(),
        "gas": state.gas,
        "operations": state.operations,
        "compiled": None if state.compiled is None else asdict(state.compiled),
        "corrupt_lines": run.corrupt,
    }


def decisions(run: Loaded) -> list[dict[str, Any]]:
    """The decisions of the run with what their codes mean, the most frequent first."""
    found = []
    for code, count in sorted(run.state.reasons.items(), key=lambda item: (-item[1], item[0])):
        known = REASONS.get(code)
        sentence, hint = (known.sentence, known.hint) if known is not None else ("", "")
        found.append({"reason": code, "count": count, "sentence": sentence, "hint": hint})
    return found


def document(run: Loaded) -> dict[str, Any]:
    """Everything, as plain values. Times are in seconds since the start of the run."""
    state = run.state
    tasks = []
    for task in state.tasks.values():
        fields = {name: getattr(task, name) for name in _TASK_FIELDS} | {"thrown": dict(task.thrown)}
        tasks.append({**fields, "duration": task.duration})
    return {
        "version": run.start.v,
        "summary": figures(run),
        "config": dict(run.start.config),
        "versions": dict(run.start.versions),
        "system": run.start.system,
        "decisions": decisions(run),
        "metrics": dict(state.metrics),
        "chunks": [{name: getattr(chunk, name) for name in _CHUNK_FIELDS} for chunk in state.chunks.values()],
        "functions": [
            {**{name: getattr(group, name) for name in _GROUP_FIELDS}, "mean": group.mean}
            for group in state.groups.values()
        ],
        "workers": [
            {**{name: getattr(worker, name) for name in _WORKER_FIELDS}, "ended": worker.ended}
            for worker in state.workers.values()
        ],
        "tasks": tasks,
        "failures": [asdict(failure) for failure in state.failures],
        "warnings": [asdict(warning) for warning in state.warnings],
        "shared": [
            {"name": shared.name, "reads": shared.reads, "writes": shared.writes, "value": shared.value}
            for shared in state.shared.values()
        ],
        "output": "".join(state.output),
        "output_dropped": state.output_dropped,
    }


_TASK_FIELDS = (
    "id", "state", "what", "name", "chunk", "line", "calls", "bytes", "expected", "worker", "attempt",
    "queued", "sent", "begun", "ended", "settled", "cpu", "rss", "seconds", "committed", "thrown", "gas",
    "cause", "detail",
)  # fmt: skip
_CHUNK_FIELDS = (
    "id", "what", "name", "inside", "line", "end_line", "verdict", "reason", "reads", "writes", "depends",
    "expected", "seconds", "tasks", "calls", "committed", "thrown", "busy",
)  # fmt: skip
_GROUP_FIELDS = ("name", "tasks", "calls", "finished", "failed", "committed", "thrown", "seconds", "longest")
_WORKER_FIELDS = (
    "id", "slot", "pid", "state", "method", "since", "ready", "finished", "failed", "busy", "rss", "cpu",
    "code", "signal", "expected", "reason",
)  # fmt: skip
