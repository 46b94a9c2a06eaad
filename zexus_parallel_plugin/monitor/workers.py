"""The table of the workers, one row for each slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.monitor.columns import Column
from zexus_parallel_plugin.monitor.figures import count, duration, percent, size
from zexus_parallel_plugin.monitor.ink import Ink, Look, Tone
from zexus_parallel_plugin.monitor.tables import BAR, Source, number, some

if TYPE_CHECKING:
    from zexus_parallel_plugin.journal.tasks import TaskInfo
    from zexus_parallel_plugin.journal.workers import WorkerInfo
    from zexus_parallel_plugin.monitor.watch import Watch

__all__ = ["worker_columns", "workers_by_slot"]

_WORKER_TONES: dict[str, Tone] = {
    "starting": "wait", "ready": "ok", "stopping": "wait", "killed": "bad", "dead": "dim",
}  # fmt: skip


def workers_by_slot(watch: Watch) -> list[WorkerInfo]:
    """For each slot the worker that is in it, or was the last one."""
    latest: dict[int, WorkerInfo] = {}
    for worker in watch.state.workers.values():
        before = latest.get(worker.slot)
        if before is None or worker.id > before.id:
            latest[worker.slot] = worker
    return [latest[slot] for slot in sorted(latest)]


class _Cells:
    """The cells that need more than a field of the worker."""

    def __init__(self, source: Source, look: Look) -> None:
        self.source = source
        self.look = look

    def task_of(self, worker: WorkerInfo) -> TaskInfo | None:
        """What it is at."""
        return self.source().state.tasks.get(worker.task) if worker.task is not None else None

    def state(self, worker: WorkerInfo) -> Ink:
        """Busy, idle, or how it ended."""
        if worker.state == "dead":
            died = worker.expected is False
            return Ink(worker.signal or "died", "bad") if died else Ink("gone", "dim")
        if worker.state == "ready":
            return Ink("busy", "run") if worker.task is not None else Ink("idle", "wait")
        # A journal that has lost lines may tell of a worker's tasks, and not of the worker.
        return Ink(worker.state or "unknown", _WORKER_TONES.get(worker.state, "dim"))

    def memory(self, worker: WorkerInfo) -> Ink:
        """A bar, and the size."""
        if not worker.alive and not worker.rss:
            return Ink("-", "dim")
        share, tone = _memory_share(worker, self.source())
        filled, empty = self.look.bar_of(share, BAR)
        return Ink(f"{filled}{empty} {size(worker.rss):>6}", tone)

    def cpu(self, worker: WorkerInfo) -> Ink:
        """Its share of a core lately."""
        share = worker.cpu_share if worker.alive else None
        return Ink(percent(share), "dim" if share is None else ("run" if share > 0.5 else "text"))

    def history(self, worker: WorkerInfo) -> Ink:
        """The same over the last seconds."""
        values = [min(1.0, value) for value in worker.cpu_history][-BAR:]
        last = len(self.look.blocks) - 1
        return Ink(
            "".join(self.look.blocks[max(1, round(value * last))] for value in values).rjust(BAR), "run"
        )

    def task(self, worker: WorkerInfo) -> Ink:
        """What it is working on."""
        at = self.task_of(worker)
        if at is None:
            return Ink("-" if worker.alive else "", "dim")
        many = f" {self.look.times}{at.calls}" if at.calls > 1 else ""
        return Ink(f"#{at.id} {at.name or at.what}{many}", "strong")

    def time(self, worker: WorkerInfo) -> Ink:
        """For how long."""
        at = self.task_of(worker)
        if at is None:
            return Ink("", "dim")
        slow = self.source().state.is_slow(at, self.source().now)
        return Ink(duration(at.running_for(self.source().now)), "warn" if slow else "run")

    def code(self, worker: WorkerInfo) -> Ink:
        """The source line of that."""
        at = self.task_of(worker)
        if at is None or not at.line:
            return Ink("", "dim")
        return Ink(f"{at.line}: {self.source().state.text_of_line(at.line).strip()}", "dim")

    def busy(self, worker: WorkerInfo) -> Ink:
        """Which part of its life was work."""
        now = self.source().now
        end = now if worker.ended is None else worker.ended
        alive = end - (worker.since or 0.0)
        share = min(1.0, worker.busy_until(now, self.task_of(worker)) / alive) if alive > 0 else None
        return Ink(percent(share), "text")


def worker_columns(source: Source, look: Look) -> list[Column[WorkerInfo]]:
    """Of workers, one row for each slot."""
    cells = _Cells(source, look)
    return [
        Column("slot", "slot", 4, lambda w: Ink(f"{w.slot}", "text"), lambda w: w.slot, ">"),
        Column("pid", "pid", 8, lambda w: Ink(some(w.pid), "dim"), lambda w: w.pid or 0, ">"),
        Column("state", "state", 8, cells.state, lambda w: w.state),
        Column("cpu", "cpu", 5, cells.cpu, lambda w: w.cpu_share or 0.0, ">"),
        Column("history", "", BAR, cells.history, None, drop=6),
        Column("memory", "memory", BAR + 7, cells.memory, lambda w: w.rss),
        Column("busy", "busy", 5, cells.busy, lambda w: w.busy, ">", drop=3),
        Column(
            "done", "tasks", 7, lambda w: Ink(count(w.finished), "text"), lambda w: w.finished, ">", drop=2
        ),
        Column("failed", "failed", 6, lambda w: number(w.failed, "bad"), lambda w: w.failed, ">", drop=5),
        Column("task", "working on", 12, cells.task, lambda w: w.task or 0, grows=2),
        Column("time", "for", 7, cells.time, None, ">", drop=1),
        Column("source", "source", 14, cells.code, None, grows=4, drop=4),
    ]


def _memory_share(worker: WorkerInfo, watch: Watch) -> tuple[float, Tone]:
    """Of the limit if there is one; else of the largest process of the run."""
    start = watch.state.start
    limit = start.config.get("worker_memory") if start is not None else None
    if isinstance(limit, int | float) and limit > 0:
        share = worker.rss / limit
        return share, "bad" if share > 0.9 else ("warn" if share > 0.7 else "ok")
    largest = max(watch.state.rss, watch.largest_worker, worker.rss)
    return (worker.rss / largest if largest else 0.0), "ok" if worker.alive else "dim"
