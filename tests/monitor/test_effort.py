"""How much is done per frame: counted, so that a slow machine does not matter."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from tests.monitor.piloting import drive, press, settle
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.codec import encode
from zexus_parallel_plugin.monitor.lanes import Lanes
from zexus_parallel_plugin.monitor.tui.app import MonitorApp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from textual.pilot import Pilot


def test_nothing_is_drawn_when_nothing_has_changed(journal: Callable[..., Path]) -> None:
    app = MonitorApp(journal(tasks=300))

    async def script(pilot: Pilot[Any]) -> None:
        for key in "12357":
            await press(pilot, key)
            await settle(pilot)
            before = drawn(app)
            await settle(pilot)
            await settle(pilot)
            assert drawn(app) == before, key

    drive(app, script)


def drawn(app: MonitorApp) -> int:
    return sum(widget.lines_drawn for widget in app.query("Table, Lines, Timeline"))  # type: ignore[attr-defined]


def test_one_changed_row_is_one_drawn_line(journal: Callable[..., Path]) -> None:
    path = journal(tasks=200, ended=False)
    app = MonitorApp(path)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3")
        await press(pilot, "home")
        table = app.view.table  # type: ignore[attr-defined]
        await settle(pilot)
        before = table.lines_drawn
        with path.open("a") as file:
            file.write(encode(ev.Task(t=9.0, id=table.keys[3], state="cancelled")))
        await settle(pilot)
        assert table.lines_drawn == before + 1

    drive(app, script)


def test_a_frame_makes_only_the_rows_on_the_screen(journal: Callable[..., Path]) -> None:
    app = MonitorApp(journal(tasks=2000))
    asked: list[object] = []

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3")
        table = app.view.table  # type: ignore[attr-defined]
        get = table._get
        table._get = lambda key: asked.append(key) or get(key)
        app.draw()
        assert len(table.keys) == 2000
        assert len(asked) <= table.size.height

    drive(app, script)


def test_a_span_is_added_up_once_per_size_of_cells(monkeypatch: Any) -> None:
    from zexus_parallel_plugin.monitor import lanes as module

    put, calls = module._put, []
    monkeypatch.setattr(module, "_put", lambda *given: calls.append(1) or put(*given))
    lanes = Lanes()
    for number in range(1000):
        lanes.record("w", number, number, number + 0.5, 0)
    for _ in range(10):
        lanes.cells("w", 10.0, 0, 100, 1000.0)
    assert len(calls) == 1000
    lanes.record("w", 1000, 1000.0, 1000.5, 0)
    lanes.cells("w", 10.0, 0, 100, 1001.0)
    assert len(calls) == 1001


def test_the_tasks_of_all_views_are_told_to_each(journal: Callable[..., Path]) -> None:
    # A view that is not shown learns later what has changed meanwhile.
    path = journal(tasks=60, ended=False)
    app = MonitorApp(path)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3", "slash")
        await press(pilot, *"cancelled", "enter")
        table = app.view.table  # type: ignore[attr-defined]
        assert list(table.keys) == []
        await press(pilot, "1")
        with path.open("a") as file:
            file.write(encode(ev.Task(t=9.0, id=5, state="cancelled")))
        await settle(pilot)
        await press(pilot, "3")
        assert list(table.keys) == [5]

    drive(app, script)


def counted(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> list[tuple[Any, ...]]:
    """The calls of a method from now on."""
    calls: list[tuple[Any, ...]] = []
    method = getattr(owner, name)

    def call(*given: Any, **named: Any) -> Any:
        calls.append(given)
        return method(*given, **named)

    monkeypatch.setattr(owner, name, call)
    return calls


def test_rows_that_come_in_below_do_not_lay_out_the_screen_anew(
    journal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = journal(tasks=200, ended=False)
    app = MonitorApp(path)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3")
        table = app.view.table  # type: ignore[attr-defined]
        await settle(pilot)
        laid_out = counted(monkeypatch, app.screen, "_refresh_layout")
        with path.open("a") as file:
            file.writelines(encode(ev.Task(t=9.0, id=500 + n, state="queued", name="late")) for n in range(5))
        await settle(pilot)
        assert len(table.keys) == 205
        assert table.scroll_offset.y == table.max_scroll_y == 206 - table.size.height
        assert table.vertical_scrollbar.window_virtual_size == 206
        assert not laid_out

    drive(app, script)


def test_a_long_journal_is_read_in_one_sequence_of_looks(
    journal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each look that leaves something plans the next one: several sequences would leave no time for keys.
    monkeypatch.setattr("zexus_parallel_plugin.monitor.tui.reading._READ_SECONDS", 0.0)
    monkeypatch.setattr("zexus_parallel_plugin.journal.reader._PIECE", 512)
    app = MonitorApp(journal(tasks=300))

    async def script(pilot: Pilot[Any]) -> None:
        planned = counted(monkeypatch, app, "set_timer")
        feed: Any = app.feed
        for _ in range(20):
            app.tick()
        assert feed.behind
        assert len(planned) <= 1
        while feed.behind:
            await pilot.pause(0.05)
        await settle(pilot)
        assert len(app.model.state.tasks) == 300
        assert gc.isenabled()

    drive(app, script)
