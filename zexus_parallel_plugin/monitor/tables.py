"""The tables: which columns they have, and what their rows are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from zexus_parallel_plugin.monitor.columns import Column
from zexus_parallel_plugin.monitor.figures import count, duration, percent, ratio, size
from zexus_parallel_plugin.monitor.ink import Ink, Look, Tone
from zexus_parallel_plugin.monitor.summary import STATE_TONES
from zexus_parallel_plugin.monitor.watch import LogLine, Watch, level_tone, told

if TYPE_CHECKING:
    from zexus_parallel_plugin.journal.events import Attempt
    from zexus_parallel_plugin.journal.pieces import ChunkInfo
    from zexus_parallel_plugin.journal.tasks import Group, TaskInfo

__all__ = [
    "VERDICT_TONES",
    "Failure",
    "chunk_columns",
    "dependences",
    "failure_columns",
    "failures",
    "function_columns",
    "log_columns",
    "task_columns",
    "task_time",
]

Source: TypeAlias = Callable[[], Watch]

VERDICT_TONES: dict[str, Tone] = {"parallel": "ok", "watching": "wait", "in-place": "warn", "host": "dim"}
BAR = 8
"""Cells of a bar in a table."""


class Failure(NamedTuple):
    """A failed attempt, and its number among those of the run."""

    number: int
    event: Attempt


def failures(watch: Watch) -> list[Failure]:
    """The failed attempts that are kept, the latest one first."""
    kept = watch.state.failures
    first = watch.state.failed_attempts - len(kept) + 1
    return [Failure(number, event) for number, event in enumerate(kept, first)][::-1]


def dependences(chunk: ChunkInfo) -> list[dict[str, Any]]:
    """What a chunk depends on, without what is no object: a journal may say anything."""
    given: Sequence[object] = chunk.depends
    return [item for item in given if isinstance(item, dict)]


def task_time(task: TaskInfo, now: float) -> float | None:
    """Seconds of the last attempt, so far or in all."""
    running = task.running_for(now)
    return task.duration if running is None else running


def task_columns(source: Source, look: Look) -> list[Column[TaskInfo]]:
    """Of tasks."""

    def state(task: TaskInfo) -> Ink:
        slow = task.state == "running" and source().state.is_slow(task, source().now)
        return Ink(f"{task.state}{' slow' if slow else ''}", "warn" if slow else STATE_TONES[task.state])

    def time(task: TaskInfo) -> Ink:
        return Ink(duration(task_time(task, source().now)), "run" if task.state == "running" else "text")

    def used(task: TaskInfo) -> Ink:
        text = ratio(task.committed, task.calls, 9)
        tone: Tone = "ok" if task.committed == task.calls else ("warn" if task.thrown else "dim")
        return Ink(text, tone)

    def code(task: TaskInfo) -> Ink:
        return Ink(source().state.text_of_line(task.line).strip(), "dim")

    def why(task: TaskInfo) -> Ink:
        reasons = [f"{reason} {look.times}{number}" for reason, number in task.thrown.items()]
        words = [*reasons, *([task.cause] if task.cause else [])]
        return Ink(", ".join(words), "bad" if task.state == "failed" else "warn")

    return [
        Column("task", "task", 7, lambda t: Ink(f"{t.id}", "text"), lambda t: t.id, ">"),
        Column("state", "state", 12, state, lambda t: t.state),
        Column("name", "action", 16, lambda t: Ink(t.name or t.what, "strong"), lambda t: t.name, grows=2),
        Column("line", "line", 6, lambda t: Ink(_line(t.line), "dim"), lambda t: t.line, ">", drop=3),
        Column(
            "worker", "wkr", 4, lambda t: Ink(some(t.worker), "dim"), lambda t: t.worker or 0, ">", drop=4
        ),
        Column("attempt", "try", 4, _try, lambda t: t.attempt, ">", drop=6),
        Column(
            "begun", "begun", 9, lambda t: Ink(_at(t.begun), "dim"), lambda t: t.begun or 0.0, ">", drop=7
        ),
        Column("time", "time", 8, time, lambda t: task_time(t, source().now) or 0.0, ">"),
        Column("used", "used", 9, used, lambda t: t.committed / max(1, t.calls), ">", drop=2),
        Column("size", "sent", 7, lambda t: Ink(size(t.bytes), "dim"), lambda t: t.bytes, ">", drop=8),
        Column("reason", "reason", 10, why, lambda t: (t.cause, *t.thrown), grows=2, drop=5),
        Column("source", "source", 16, code, None, grows=4, drop=9),
    ]


def function_columns(source: Source, look: Look) -> list[Column[Group]]:
    """Of actions: all their tasks together."""

    def share_of(group: Group) -> float:
        total = source().state.work
        return group.seconds / total if total else 0.0

    def bar(group: Group) -> Ink:
        filled, empty = look.bar_of(share_of(group), BAR)
        return Ink(f"{filled}{empty} {percent(share_of(group)):>5}", "run")

    return [
        Column(
            "name", "action", 12, lambda g: Ink(g.name or "(no name)", "strong"), lambda g: g.name, grows=1
        ),
        Column("share", "time on workers", BAR + 7, bar, share_of),
        Column("seconds", "total", 8, lambda g: Ink(duration(g.seconds), "text"), lambda g: g.seconds, ">"),
        Column(
            "mean", "mean", 8, lambda g: Ink(duration(g.mean), "text"), lambda g: g.mean or 0, ">", drop=2
        ),
        Column(
            "longest",
            "longest",
            8,
            lambda g: Ink(duration(g.longest if g.finished else None), "text"),
            lambda g: g.longest,
            ">",
            drop=3,
        ),
        Column("tasks", "tasks", 7, lambda g: Ink(count(g.tasks), "text"), lambda g: g.tasks, ">", drop=1),
        Column("calls", "calls", 8, lambda g: number(g.calls, "text"), lambda g: g.calls, ">", drop=4),
        Column("running", "running", 7, lambda g: number(g.running, "run"), lambda g: g.running, ">", drop=5),
        Column("used", "used", 8, lambda g: number(g.committed, "ok"), lambda g: g.committed, ">", drop=6),
        Column("thrown", "thrown", 8, lambda g: number(g.thrown, "warn"), lambda g: g.thrown, ">", drop=7),
        Column("failed", "failed", 6, lambda g: number(g.failed, "bad"), lambda g: g.failed, ">"),
    ]


def chunk_columns(source: Source, _look: Look) -> list[Column[ChunkInfo]]:
    """Of pieces of code, with the decisions about them."""

    def lines(chunk: ChunkInfo) -> Ink:
        if not chunk.line:
            return Ink("-", "dim")
        last = f"-{chunk.end_line}" if chunk.end_line > chunk.line else ""
        return Ink(f"{chunk.line}{last}", "text")

    def calls(chunk: ChunkInfo) -> Ink:
        done = chunk.committed + chunk.thrown
        return Ink(ratio(done, chunk.expected, 13), "text" if done else "dim")

    def code(chunk: ChunkInfo) -> Ink:
        return Ink(source().state.text_of_line(chunk.line).strip(), "dim")

    def needs(chunk: ChunkInfo) -> Ink:
        return Ink(" ".join(f"#{item.get('on')}" for item in dependences(chunk)), "dim")

    return [
        Column("chunk", "chunk", 5, lambda c: Ink(f"{c.id}", "text"), lambda c: c.id, ">"),
        Column("line", "lines", 9, lines, lambda c: (c.line, c.id), ">"),
        Column("what", "kind", 6, lambda c: Ink(c.what, "dim"), lambda c: c.what, drop=4),
        Column("name", "about", 10, lambda c: Ink(c.name, "strong"), lambda c: c.name, grows=2),
        Column("inside", "inside", 9, _inside, lambda c: c.inside, drop=7),
        Column("verdict", "verdict", 9, _verdict, lambda c: c.verdict),
        Column("reason", "reason", 16, lambda c: Ink(c.reason, "warn"), lambda c: c.reason, grows=2),
        Column("depends", "needs", 8, needs, lambda c: len(c.depends), drop=8),
        Column("tasks", "tasks", 6, lambda c: number(c.tasks, "text"), lambda c: c.tasks, ">", drop=3),
        Column("calls", "calls", 13, calls, lambda c: c.calls, ">", drop=1),
        Column("thrown", "thrown", 8, lambda c: number(c.thrown, "warn"), lambda c: c.thrown, ">", drop=6),
        Column("busy", "time", 8, lambda c: Ink(duration(c.busy or None)), lambda c: c.busy, ">", drop=2),
        Column(
            "seconds", "a call", 8, _per_call, lambda c: c.seconds or 0.0, ">", drop=5,
        ),
        Column("source", "source", 16, code, None, grows=4, drop=9),
    ]  # fmt: skip


def failure_columns(source: Source, _look: Look) -> list[Column[Failure]]:
    """Of attempts that failed."""

    def task(failure: Failure) -> Ink:
        found = source().state.tasks.get(failure.event.task)
        return Ink(f"#{failure.event.task} {found.name if found is not None else ''}", "strong")

    def then(failure: Failure) -> Ink:
        return Ink("tried again", "ok") if failure.event.again else Ink("executed in place", "warn")

    def what(failure: Failure) -> Ink:
        event = failure.event
        return Ink(told(source(), event.worker, event.detail) or event.error or "-", "text")

    return [
        Column("at", "at", 9, lambda f: Ink(_at(f.event.t), "dim"), lambda f: f.event.t, ">"),
        Column("task", "task", 12, task, lambda f: f.event.task, grows=1),
        Column("attempt", "try", 3, lambda f: Ink(f"{f.event.attempt}"), lambda f: f.event.attempt, ">"),
        Column(
            "worker",
            "wkr",
            4,
            lambda f: Ink(some(f.event.worker), "dim"),
            lambda f: f.event.worker or 0,
            ">",
        ),
        Column("cause", "cause", 11, lambda f: Ink(f.event.cause, "bad"), lambda f: f.event.cause),
        Column("then", "then", 17, then, lambda f: f.event.again, drop=1),
        Column("what", "what happened", 13, what, lambda f: f.event.detail, grows=3),
    ]


def log_columns() -> list[Column[LogLine]]:
    """Of the log."""
    return [
        Column("at", "at", 9, lambda line: Ink(_at(line.t), "dim"), lambda line: line.number, ">"),
        Column(
            "level", "level", 8, lambda line: Ink(line.level, level_tone(line.level)), lambda line: line.level
        ),
        Column("text", "what", 20, lambda line: Ink(line.text, level_tone(line.level)), None, grows=1),
    ]


def _verdict(chunk: ChunkInfo) -> Ink:
    return Ink(chunk.verdict, VERDICT_TONES.get(chunk.verdict, "text"))


def _per_call(chunk: ChunkInfo) -> Ink:
    return Ink(duration(chunk.seconds))


def _inside(chunk: ChunkInfo) -> Ink:
    return Ink(chunk.inside or "top level", "dim")


def _try(task: TaskInfo) -> Ink:
    return Ink(f"{task.attempt or '-'}", "warn" if task.attempt > 1 else "dim")


def number(value: int, tone: Tone) -> Ink:
    """A count; none is dim."""
    return Ink(count(value, 8), tone if value else "dim")


def _line(number: int) -> str:
    return f"{number}" if number else "-"


def some(value: int | None) -> str:
    """A number, or a dash."""
    return "-" if value is None else f"{value}"


def _at(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.3f}"


def names(columns: Sequence[Column[Any]]) -> list[str]:
    """Columns that rows can be ordered by."""
    return [column.name for column in columns if column.order is not None]
