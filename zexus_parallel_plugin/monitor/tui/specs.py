"""What is special about each of the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from zexus_parallel_plugin.monitor import tables
from zexus_parallel_plugin.monitor.workers import worker_columns, workers_by_slot

if TYPE_CHECKING:
    from zexus_parallel_plugin.monitor.columns import Column
    from zexus_parallel_plugin.monitor.ink import Look
    from zexus_parallel_plugin.monitor.watch import Watch

__all__ = ["Spec", "specs"]

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Spec(Generic[Row]):
    """What is special about a table.

    Attributes:
        name: of the view. title: on its tab. kind: of what is selected in it. columns, rows: as they are
        called. text: what the filter looks at. empty: said when there are no rows. order, descending: at
        first. by_task: the keys are those of tasks, and only rows of changed tasks have changed. follows: the
        last row stays in view.
    """

    name: str
    title: str
    kind: str
    columns: Callable[[Callable[[], Watch], Look], list[Column[Row]]]
    rows: Callable[[Watch], Mapping[Any, Row]]
    text: Callable[[Row], str]
    empty: str
    order: str = ""
    descending: bool = False
    by_task: bool = False
    follows: bool = False


def specs() -> tuple[Spec[Any], ...]:
    """The tables, in the order of their tabs."""
    return (
        Spec(
            "workers", "Workers", "worker", worker_columns,
            lambda watch: {worker.id: worker for worker in workers_by_slot(watch)},
            lambda w: f"{w.slot} {w.pid} {w.state} {w.signal} {w.reason}", "no worker was needed yet",
        ),
        Spec(
            "tasks", "Tasks", "task", tables.task_columns, lambda watch: watch.state.tasks,
            lambda t: f"#{t.id} {t.state} {t.name} {t.cause} {' '.join(t.thrown)}",
            "nothing runs ahead yet", by_task=True, follows=True,
        ),
        Spec(
            "chunks", "Chunks", "chunk", tables.chunk_columns, lambda watch: watch.state.chunks,
            lambda c: f"#{c.id} {c.name} {c.inside} {c.verdict} {c.reason} {c.what}",
            "no piece of code was looked at yet",
        ),
        Spec(
            "functions", "Functions", "function", tables.function_columns, lambda watch: watch.state.groups,
            lambda g: g.name, "nothing runs ahead yet", order="seconds", descending=True,
        ),
        Spec(
            "failures", "Failures", "failure", tables.failure_columns,
            lambda watch: {failure.number: failure for failure in tables.failures(watch)},
            lambda f: f"#{f.event.task} {f.event.cause} {f.event.detail} {f.event.error}",
            "no attempt has failed",
        ),
        Spec(
            "log", "Log", "log", lambda _source, _look: tables.log_columns(),
            lambda watch: {line.number: line for line in watch.log},
            lambda line: f"{line.level} {line.text}", "nothing has happened yet", follows=True,
        ),
    )  # fmt: skip
