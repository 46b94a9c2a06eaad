"""The views of the monitor, in the order of their keys."""

from __future__ import annotations

VIEWS = (
    "overview",
    "timeline",
    "tasks",
    "chunks",
    "graph",
    "functions",
    "source",
    "failures",
    "output",
    "log",
)
