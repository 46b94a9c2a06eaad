"""Tasks and workers as the journal is to show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.journal.tasks import TaskFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TaskEntry", "WorkerEntry"]

_WAITING = {"QUEUED": "queued", "DELAYED": "delayed", "SENT": "sent", "RUNNING": "running"}
_MOST_CALLS = 64
"""Calls of a task whose times are written one by one; of longer ones the last has the rest."""


class TaskEntry(TaskFacts):
    """A task, from when it is first heard of until its last line has been written.

    ``handle`` is the pool's, once it is told what the task is; ``shown`` the state in the latest line;
    ``ok`` whether its worker has answered.
    """

    __slots__ = ("handle", "ok", "shown", "written")

    def __init__(self, ident: int, t: float) -> None:
        super().__init__(ident)
        self.state = "queued"
        self.queued = t
        self.handle: Any = None
        self.ok = False
        self.shown = ""
        self.written = False

    def settle(self, t: float) -> None:
        """A call has been committed or thrown away: was it the last one?"""
        if self.committed + sum(self.thrown.values()) >= self.calls:
            self.settled = t

    @property
    def told(self) -> bool:
        """Whether it is known what the task is. A worker may begin with it before that is said."""
        return self.handle is not None or bool(self.what) or self.ended is not None

    def throw(self, reason: str, calls: int = 1) -> None:
        """The results of so many calls are not used."""
        self.thrown = {**self.thrown, reason: self.thrown.get(reason, 0) + calls}

    def state_now(self) -> str:
        """Where the task is."""
        if self.ended is None:
            if self.handle is not None:
                return _WAITING.get(self.handle.state.name, self.state)
            return self.state
        if not self.ok:
            return "cancelled" if self.cause == "cancelled" else "failed"
        if self.settled is None:
            return "done"
        return "committed" if self.committed else "thrown-away"

    @property
    def final(self) -> bool:
        """Nothing more will happen to it."""
        return self.ended is not None and (self.settled is not None or not self.ok)

    def fields(self, sent: float | None) -> dict[str, Any]:
        """What is to be written now."""
        fields: dict[str, Any] = {"id": self.id, "state": self.state}
        if not self.written:
            self.written = True
            fields["what"] = self.what
            fields["name"] = self.name
            fields["calls"] = self.calls
            fields["bytes"] = self.bytes
            fields["queued"] = round(self.queued or 0.0, 6)
            if self.chunk is not None:
                fields["chunk"] = self.chunk
                fields["line"] = self.line
            if self.expected is not None:
                fields["expected"] = round(self.expected, 6)
        if sent is not None:
            fields["sent"] = round(sent, 6)
        if self.worker is not None:
            fields["worker"] = self.worker
            fields["attempt"] = self.attempt
        for name in ("begun", "ended", "settled", "cpu"):
            value = getattr(self, name)
            if value is not None:
                fields[name] = round(value, 6)
        if self.rss:
            fields["rss"] = self.rss
        if self.seconds:
            fields["seconds"] = _shortened(self.seconds)
        if self.committed:
            fields["committed"] = self.committed
            fields["gas"] = self.gas
        if self.thrown:
            fields["thrown"] = dict(self.thrown)
        if self.cause:
            fields["cause"] = self.cause
            fields["detail"] = self.detail
        self.shown = self.state
        return fields


def _shortened(seconds: Sequence[float]) -> list[float]:
    values = [round(value, 6) for value in seconds[:_MOST_CALLS]]
    if len(seconds) > _MOST_CALLS:
        values[-1] = round(sum(seconds[_MOST_CALLS - 1 :]), 6)
    return values


class WorkerEntry:
    """A worker process."""

    __slots__ = ("id", "pid", "slot")

    def __init__(self, ident: int, slot: int) -> None:
        self.id = ident
        self.slot = slot
        self.pid: int | None = None
