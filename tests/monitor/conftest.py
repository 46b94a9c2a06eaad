"""Journals for the monitor's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.journal.synthetic import Shape, synthetic
from zexus_parallel_plugin.journal.codec import encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from zexus_parallel_plugin.journal import events as ev


@pytest.fixture(autouse=True)
def _no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the runs of the person, and all see colours."""
    place = tmp_path / "runtime"
    place.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where journals are looked for."""
    found = tmp_path / "runtime" / "zexus-parallel"
    found.mkdir(mode=0o700)
    return found


@pytest.fixture
def journal(tmp_path: Path) -> Callable[..., Path]:
    """Writes a journal: events, or those of a synthetic run with a shape; its process is number 4242."""

    def write(*events: ev.Event, path: Path | None = None, **shape: object) -> Path:
        target = path or tmp_path / "run.jsonl"
        shown = events or tuple(synthetic(Shape(**shape), pid=4242))  # type: ignore[arg-type]
        target.write_text("".join(map(encode, shown)), encoding="ascii")
        return target

    return write
