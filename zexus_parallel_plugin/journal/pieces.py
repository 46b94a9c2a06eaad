"""What is known of a piece of code, and of a shared variable."""

from __future__ import annotations

from typing import Any

__all__ = ["ChunkInfo", "SharedInfo"]


class ChunkInfo:
    """A piece of code. Fields are those of `events.Chunk`, and the sums over its tasks."""

    __slots__ = (
        "busy", "calls", "committed", "depends", "end_line", "expected", "id", "inside", "line", "name",
        "reads", "reason", "seconds", "tasks", "thrown", "verdict", "what", "writes",
    )  # fmt: skip

    def __init__(self, ident: int) -> None:
        self.id = ident
        self.what = ""
        self.name = ""
        self.inside = ""
        self.line = 0
        self.end_line = 0
        self.verdict = "watching"
        self.reason = ""
        self.reads: list[str] = []
        self.writes: list[str] = []
        self.depends: list[dict[str, Any]] = []
        self.expected: int | None = None
        self.seconds: float | None = None
        self.tasks = 0
        self.calls = 0
        self.committed = 0
        self.thrown = 0
        self.busy = 0.0


class SharedInfo:
    """A shared variable."""

    __slots__ = ("name", "reads", "value", "writes")

    def __init__(self, name: str) -> None:
        self.name = name
        self.reads = 0
        self.writes = 0
        self.value = ""
