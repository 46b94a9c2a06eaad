"""Whole screens as text, compared with files beside this one.

``UPDATE_SCREENS=1 pytest tests/monitor/test_screens.py`` writes the files anew; look at them before a commit.
Nothing in them depends on the version of the library that draws but the last line, which is left out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.scrollbar import ScrollBar

from tests.journal.synthetic import Shape, write
from tests.monitor.piloting import drive, press, screen_lines
from tests.report.hostile import hostile
from zexus_parallel_plugin.monitor.ink import ASCII, UNICODE
from zexus_parallel_plugin.monitor.tui.app import MonitorApp, PlainScrollBar

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

SCREENS = Path(__file__).parent / "screens"
RECORDED = Path(__file__).parent / "recorded.jsonl"
SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.fixture(autouse=True)
def _scroll_bars_of_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a scroll bar is drawn is not for this test to say, so nothing of it is in the text."""
    monkeypatch.setattr(ScrollBar, "renderer", PlainScrollBar)


def compare(name: str, text: str) -> None:
    file = SCREENS / f"{name}.txt"
    if os.environ.get("UPDATE_SCREENS"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), f"the screen differs from {file.name}"


def screens(path: Path, size: tuple[int, int], keys: str, **settings: Any) -> str:
    """The screens after each of the keys, one below the other."""
    app = MonitorApp(path, **settings)
    found: list[str] = []

    async def script(pilot: Pilot[Any]) -> None:
        for key in keys.split():
            await press(pilot, key)
            found.extend(screen_lines(app)[:-1])
            found.append("=" * size[0])

    drive(app, script, size=size)
    assert max(map(len, found)) <= size[0]
    return "\n".join(found) + "\n"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_recorded_run(size: tuple[int, int]) -> None:
    compare(f"recorded-{size[0]}x{size[1]}", screens(RECORDED, size, "1 2 4 7"))


def test_a_run_with_failures(journal: Callable[..., Path]) -> None:
    path = journal(tasks=120, failures=0.05, lost=0.03, thrown=0.05, workers=3)
    compare("failures-100x24", screens(path, (100, 24), "1 3 5 8 0", look=UNICODE))


def test_only_ascii(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", Shape(tasks=120, workers=2))
    text = screens(path, (80, 24), "1 2 3 4 5 6 7 8 9 0 d question_mark", look=ASCII)
    assert text.isascii()


def test_hostile_text_stays_inside_its_cells(tmp_path: Path) -> None:
    path = hostile(tmp_path / "run.jsonl")
    text = screens(path, (130, 30), "1 2 3 4 5 6 7 8 9 0")
    assert not [char for char in text if char != "\n" and not char.isprintable()]
    assert screens(path, (80, 24), "3 enter", look=ASCII).isascii()


@pytest.mark.parametrize("size", [(1, 1), (30, 8), (300, 80)], ids=str)
def test_no_size_is_too_small_or_too_large(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write(tmp_path / "run.jsonl", Shape(tasks=40))
    app = MonitorApp(path)

    async def script(pilot: Pilot[Any]) -> None:
        for key in ["2", "4", "5", "1", "d"]:
            await press(pilot, key)
        assert app.is_running

    drive(app, script, size=size)
