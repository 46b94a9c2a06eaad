"""Reports on small programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.explain.build import report
from zexus_parallel_plugin.explain.subject import Subject, load

if TYPE_CHECKING:
    from pathlib import Path

    from zexus_parallel_plugin.explain.model import Chunk, Report

WORK = """// A heading, which shifts the lines that the host's parser knows.
action work(n) {
    let wk = 0;
    while (wk < n) { wk = wk + 1; }
    return wk;
}
"""
"""Six lines, so that what follows begins on line seven."""


def subject(source: str, directory: Path, **settings: Any) -> Subject:
    path = directory / "program.zx"
    path.write_text(source, encoding="utf-8")
    return load(path, ParallelConfig(**{"worker_count": 2, **settings}))


def explained(source: str, directory: Path, **settings: Any) -> Report:
    return report(subject(source, directory, **settings))


def at(found: Report, line: int) -> Chunk:
    """The innermost chunk that a line belongs to."""
    there = [chunk for chunk in found.chunks if line in chunk.lines]
    assert there, [(chunk.number, sorted(chunk.lines), chunk.kind) for chunk in found.chunks]
    return min(there, key=lambda chunk: len(chunk.lines))
