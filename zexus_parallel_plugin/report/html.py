"""The run as a page for a browser: one file, without a network.

Everything that comes from the run is data in the page, as JSON, and is put into it as text by its script; no
text of a program or of its output is ever part of the markup. The page's policy allows its own script and
style, by their hashes, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin import __version__
from zexus_parallel_plugin.report.document import decisions, figures
from zexus_parallel_plugin.report.plain import printable
from zexus_parallel_plugin.report.text import text_report
from zexus_parallel_plugin.report.trace import placed

if TYPE_CHECKING:
    from zexus_parallel_plugin.report.load import Loaded

__all__ = ["page", "page_data"]

_ASSETS = Path(__file__).with_name("assets")
_DETAIL = 4000
_BINS = 120


def page(run: Loaded) -> str:
    """The page."""
    style = (_ASSETS / "page.css").read_text(encoding="utf-8")
    script = (_ASSETS / "page.js").read_text(encoding="utf-8")
    template = Template((_ASSETS / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=html.escape(printable(f"{run.start.program or 'a program'} · {run.name}")),
        policy=html.escape(
            f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'"
        ),
        style=style,
        script=script,
        data=embedded(page_data(run)),
        plain=html.escape(text_report(run)),
    )


def embedded(data: Any) -> str:
    """JSON that can stand between script tags: nothing in it can end them."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def page_data(run: Loaded) -> dict[str, Any]:
    """What the script of the page shows. Rows of tasks and slices are arrays, since there may be many."""
    state = run.state
    source = state.source.lines if state.source is not None else []
    return {
        "summary": {**figures(run), "program": printable(run.start.program), "error": _error(run)},
        "version": __version__,
        "facts": _facts(run),
        "slots": state.slots,
        "tasks": [_task(run, ident) for ident in state.tasks],
        "slices": _slices(run),
        "rate": _rate(run),
        "chunks": [_chunk(chunk) for chunk in state.chunks.values()],
        "actions": _actions(run),
        "workers": _workers(run),
        "failures": _failures(run),
        "warnings": [[round(item.t, 6), printable(item.text, lines=True)] for item in state.warnings],
        "decisions": [
            [printable(item["reason"]), item["count"], item["sentence"], item["hint"]]
            for item in decisions(run)
        ],
        "shared": [
            [printable(item.name), item.reads, item.writes, printable(item.value)]
            for item in state.shared.values()
        ],
        "source": [printable(line, lines=True) for line in source[: len(source) - (source[-1:] == [""])]],
        "output": printable("".join(state.output), lines=True),
        "outputCut": state.output_dropped > 0,
    }


def _error(run: Loaded) -> str:
    return printable(run.state.end.error) if run.state.end is not None else ""


def _facts(run: Loaded) -> list[list[str]]:
    start = run.start
    rows = [
        ["journal", printable(str(run.path))],
        ["process", str(start.pid)],
        ["system", printable(start.system)],
    ]
    rows += [[printable(name), printable(str(value))] for name, value in start.versions.items()]
    rows += [[printable(name), printable(str(value))] for name, value in start.config.items()]
    return rows


def _task(run: Loaded, ident: int) -> list[Any]:
    task = run.state.tasks[ident]
    thrown = ", ".join(f"{count} {printable(code)}" for code, count in task.thrown.items())
    note = printable(task.cause) if task.cause else thrown
    return [
        task.id,
        task.state,
        printable(task.name),
        task.line,
        task.calls,
        task.committed,
        task.worker,
        task.attempt,
        _time(task.queued),
        _time(task.begun),
        _time(task.duration),
        _time(task.settled),
        task.bytes,
        note,
    ]


def _time(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _slices(run: Loaded) -> list[list[Any]]:
    """For each slot: task, begin, end, state, attempt."""
    rows = []
    for slot in range(run.state.slots):
        row: list[Any] = []
        for piece, begin, end in placed(run, slot):
            state = (
                "failed" if piece.cause and piece.cause != "cancelled" else run.state.tasks[piece.task].state
            )
            row.append([piece.task, _time(begin), _time(end), state, piece.attempt])
        rows.append(row)
    return rows


def _rate(run: Loaded) -> dict[str, Any]:
    """Finished tasks per second, over the run."""
    width = max(run.seconds / _BINS, 1e-6)
    bins = [0] * _BINS
    for task in run.state.tasks.values():
        if task.duration is not None and task.ended is not None:
            bins[min(_BINS - 1, int(task.ended / width))] += 1
    return {"width": width, "values": [round(count / width, 3) for count in bins]}


def _chunk(chunk: Any) -> dict[str, Any]:
    return {
        "id": chunk.id,
        "what": printable(chunk.what),
        "name": printable(chunk.name),
        "inside": printable(chunk.inside),
        "line": chunk.line,
        "end": max(chunk.line, chunk.end_line),
        "verdict": chunk.verdict,
        "reason": printable(chunk.reason),
        "reads": [printable(name) for name in chunk.reads],
        "writes": [printable(name) for name in chunk.writes],
        "depends": [
            [item.get("on"), printable(str(item.get("name", ""))), printable(str(item.get("type", "")))]
            for item in chunk.depends
        ],
        "tasks": chunk.tasks,
        "calls": chunk.calls,
        "committed": chunk.committed,
        "thrown": chunk.thrown,
        "busy": _time(chunk.busy),
        "seconds": _time(chunk.seconds),
    }


def _actions(run: Loaded) -> list[list[Any]]:
    groups = sorted(run.state.groups.values(), key=lambda group: -group.seconds)
    return [
        [
            printable(group.name) or "–",
            group.tasks,
            group.calls,
            group.committed,
            group.thrown,
            group.failed,
            _time(group.seconds),
            _time(group.mean),
            _time(group.longest),
        ]
        for group in groups
    ]


def _workers(run: Loaded) -> list[list[Any]]:
    return [
        [
            worker.id,
            worker.slot,
            worker.pid,
            worker.state,
            worker.finished,
            worker.failed,
            _time(worker.busy),
            worker.rss,
            _time(worker.cpu),
            "" if worker.expected is not False else printable(worker.signal or f"exit code {worker.code}"),
        ]
        for worker in run.state.workers.values()
    ]


def _failures(run: Loaded) -> list[list[Any]]:
    return [
        [
            _time(failure.t),
            failure.task,
            failure.attempt,
            failure.worker,
            printable(failure.cause),
            failure.again,
            printable(failure.detail[:_DETAIL], lines=True),
            printable(failure.traceback[:_DETAIL], lines=True),
        ]
        for failure in run.state.failures
    ]
