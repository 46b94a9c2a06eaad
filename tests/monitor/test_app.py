"""Every view and every key of the monitor, driven without a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Button

from tests.monitor.piloting import drive, press, screen_lines, screen_text, settle
from tests.monitor.views import VIEWS
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.codec import encode
from zexus_parallel_plugin.journal.processes import mark_of
from zexus_parallel_plugin.monitor.details import Selection
from zexus_parallel_plugin.monitor.feeds import ReplayFeed
from zexus_parallel_plugin.monitor.ink import plain
from zexus_parallel_plugin.monitor.tui.app import MonitorApp
from zexus_parallel_plugin.monitor.tui.screens import HELP, ConfirmScreen, HelpScreen, RunsScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    Journal = Callable[..., Path]


def view_of(pilot: Pilot[Any]) -> Any:
    return pilot.app.view  # type: ignore[attr-defined]


def test_each_view_has_its_key_and_shows_something(journal: Journal) -> None:
    said = {
        "overview": "Workers", "timeline": "a cell is", "tasks": "is_prime", "chunks": "effect-time",
        "graph": "3 chunks in 3 levels", "functions": "time on workers", "source": "action square(n) {",
        "failures": "SIGKILL", "output": "is done", "log": "run finished, exit code 0",
    }  # fmt: skip

    async def script(pilot: Pilot[Any]) -> None:
        for number, name in enumerate(VIEWS):
            await press(pilot, f"{(number + 1) % 10}")
            assert view_of(pilot).id == name
            assert said[name] in screen_text(pilot.app), name
            assert pilot.app.focused is not None

    drive(MonitorApp(journal(tasks=300)), script)


def test_tabs_can_be_clicked(journal: Journal) -> None:
    async def script(pilot: Pilot[Any]) -> None:
        for number, name in enumerate(VIEWS):
            column = screen_lines(pilot.app)[4].index(f"{(number + 1) % 10} ")
            await pilot.click("#tabs", offset=(column + 2, 0))
            await settle(pilot)
            assert view_of(pilot).id == name

    drive(MonitorApp(journal(tasks=50)), script, size=(80, 24))


@pytest.mark.parametrize("view", range(10))
def test_an_empty_pane_says_why_it_is_empty(journal: Journal, view: int) -> None:
    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, f"{(view + 1) % 10}")
        body = screen_lines(pilot.app)[5:-1]
        assert any(len(line.strip()) > 12 for line in body), body

    nothing = ev.RunStart(t=0, v=1, run="r", time=1e9, pid=4242, program="a.zx", workers=2)
    drive(MonitorApp(journal(nothing)), script, size=(80, 24))


def test_all_parts_of_the_overview_say_why_they_are_empty(journal: Journal) -> None:
    async def script(pilot: Pilot[Any]) -> None:
        shown = screen_text(pilot.app)
        for words in (
            "no worker was needed yet",
            "nothing runs ahead yet",
            "the program has printed nothing",
        ):
            assert words in shown

    nothing = ev.RunStart(t=0, v=1, run="r", time=1e9, pid=4242, program="a.zx", workers=2)
    drive(MonitorApp(journal(nothing)), script, size=(80, 24))


def test_it_waits_for_a_run_and_follows_the_next_one(journal: Journal, place: Path) -> None:
    clock = [0.0]
    app = MonitorApp(clock=lambda: clock[0])

    async def script(pilot: Pilot[Any]) -> None:
        assert "waiting for a run" in screen_text(app)
        assert "zexus run --backend parallel file.zx" in screen_text(app)
        first = ev.RunStart(t=0, v=1, run="1", time=1.0, pid=os.getpid(), program="one.zx")
        journal(first, path=place / "1.jsonl")
        await settle(pilot)
        assert "one.zx" not in screen_text(app)  # nobody has looked again yet
        clock[0] += 2
        await settle(pilot)
        assert "one.zx" in screen_text(app)
        journal(ev.RunStart(t=0, v=1, run="2", time=2.0, pid=4242, program="two.zx"), path=place / "2.jsonl")
        clock[0] += 2
        await settle(pilot)
        assert "one.zx" in screen_text(app)  # it is still running
        with (place / "1.jsonl").open("a") as file:
            file.write(encode(ev.RunEnd(t=1, state="finished")))
        await settle(pilot)
        clock[0] += 2
        await settle(pilot)
        assert "two.zx" in screen_text(app)

    drive(app, script)


def test_runs_can_be_chosen_and_the_newest_followed_again(journal: Journal, place: Path) -> None:
    for number in (1, 2, 3):
        start = ev.RunStart(t=0, v=1, run=f"{number}", time=float(number), pid=4242, program=f"p{number}.zx")
        journal(start, ev.RunEnd(t=1, state="finished"), path=place / f"{number}.jsonl")
    app = MonitorApp()

    async def script(pilot: Pilot[Any]) -> None:
        assert "p3.zx" in screen_lines(app)[0]
        await press(pilot, "r")
        assert isinstance(app.screen, RunsScreen)
        assert all(f"p{number}.zx" in screen_text(app) for number in (1, 2, 3))
        await press(pilot, "down", "down", "enter")
        assert "p1.zx" in screen_lines(app)[0]
        await settle(pilot)
        assert "p1.zx" in screen_lines(app)[0]
        await press(pilot, "r", "escape")
        assert "p1.zx" in screen_lines(app)[0]
        await press(pilot, "f")
        assert "p3.zx" in screen_lines(app)[0]

    drive(app, script)


def test_a_run_that_was_just_opened_is_on_the_next_picture(journal: Journal, place: Path) -> None:
    app = MonitorApp(journal(tasks=5))
    start = ev.RunStart(t=0, v=1, run="other", time=0.0, pid=4242, program="other.zx")
    other = journal(start, ev.RunEnd(t=1, state="finished"), path=place / "other.jsonl")

    async def script(pilot: Pilot[Any]) -> None:
        app.open(other)
        app.draw()
        assert "other.zx" in plain(app.head.lines[0])

    drive(app, script)


def test_details_open_and_close(journal: Journal) -> None:
    app = MonitorApp(journal(tasks=50))

    async def script(pilot: Pilot[Any]) -> None:
        assert not app.screen.has_class("details")
        await press(pilot, "3", "enter")
        assert app.screen.has_class("details")
        assert "task 50" in screen_text(app)
        await press(pilot, "home")
        assert "task 1\n" in screen_text(app)
        await press(pilot, "enter")
        assert app.detail.has_focus
        await press(pilot, "down", "up", "pagedown", "end", "home")
        await press(pilot, "escape")
        assert not app.screen.has_class("details")
        assert view_of(pilot).table.has_focus
        await press(pilot, "d")
        assert app.screen.has_class("details")
        await press(pilot, "d")
        assert not app.screen.has_class("details")

    drive(app, script, size=(80, 24))


def test_details_are_there_from_the_start_on_a_broad_screen(journal: Journal) -> None:
    app = MonitorApp(journal(tasks=50))

    async def script(pilot: Pilot[Any]) -> None:
        assert app.screen.has_class("details")
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert not app.screen.has_class("details")

    drive(app, script)


def test_tables_are_filtered(journal: Journal) -> None:
    app = MonitorApp(journal(tasks=200))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3", "slash")
        await press(pilot, *"square", "enter")
        assert len(view_of(pilot).table.keys) == 100
        assert "is_prime" not in "\n".join(screen_lines(app)[5:-2])
        await press(pilot, "4")
        assert len(view_of(pilot).table.keys) == 3
        await press(pilot, "3")
        assert len(view_of(pilot).table.keys) == 100  # each view keeps its own
        await press(pilot, "slash")
        await press(pilot, *" nothing")
        assert "no row passes the filter square nothing" in screen_text(app)
        await press(pilot, "escape")
        assert len(view_of(pilot).table.keys) == 200
        await press(pilot, "slash")
        await press(pilot, "enter")
        assert not app.screen.has_class("filtering")
        await press(pilot, "7", "slash")
        assert not app.screen.has_class("filtering")

    drive(app, script, size=(100, 30))


def test_tables_are_sorted_by_keys_and_clicks(journal: Journal) -> None:
    app = MonitorApp(journal(tasks=100))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3")
        table, listing = view_of(pilot).table, view_of(pilot).listing
        await press(pilot, "s")
        assert (listing.order, table.keys[0]) == ("task", 1)
        await press(pilot, "S")
        assert table.keys[0] == 100
        assert "▼ task" in screen_text(app)
        column = screen_lines(app)[5].index("action")
        await pilot.click(table, offset=(column, 0))
        await settle(pilot)
        assert listing.order == "name"
        assert app.model.state.tasks[table.keys[0]].name == "is_prime"
        await press(pilot, "1")
        await press(pilot, "tab", "tab")
        await press(pilot, "s")
        assert app.views[0].function_part.listing.order == "mean"  # type: ignore[attr-defined]
        await press(pilot, "7", "s", "S")

    drive(app, script, size=(100, 30))


def test_the_cursor_of_a_table(journal: Journal) -> None:
    app = MonitorApp(journal(tasks=100))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3")
        table = view_of(pilot).table
        assert table.cursor == 100
        await press(pilot, "up", "up")
        assert (table.cursor, table.follows) == (98, False)
        await press(pilot, "home")
        assert (table.cursor, table.scroll_offset.y) == (1, 0)
        await press(pilot, "down", "pagedown", "j")
        assert table.cursor == table.keys[2 + table.size.height - 2]
        await press(pilot, "pageup", "k", "k")
        assert table.cursor == 1
        await press(pilot, "end")
        assert (table.cursor, table.follows) == (100, True)
        await pilot.click(table, offset=(5, 3))
        await settle(pilot)
        clicked = table.cursor
        assert clicked == table.keys[round(table.scroll_offset.y) + 2]
        assert view_of(pilot).selection == Selection("task", clicked)
        assert f"task {clicked}" in screen_text(app)
        assert table.select(7)
        assert not table.select("no such row")
        await pilot.click(table, offset=(5, 3), times=2)
        await settle(pilot)
        assert app.detail.has_focus

    drive(app, script)


def test_the_table_follows_new_rows_until_somebody_looks_elsewhere(journal: Journal) -> None:
    path = journal(tasks=50, ended=False)
    app = MonitorApp(path)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3")
        table = view_of(pilot).table
        add(51)
        await settle(pilot)
        assert table.cursor == 51
        await press(pilot, "up")
        add(52)
        await settle(pilot)
        assert (table.cursor, len(table.keys)) == (50, 52)

    def add(ident: int) -> None:
        with path.open("a") as file:
            file.write(encode(ev.Task(t=9.0, id=ident, state="queued", name="later")))

    drive(app, script)


def test_the_timeline_is_zoomed_scrolled_and_pointed_at(journal: Journal) -> None:
    app = MonitorApp(journal(tasks=200))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "2")
        timeline = view_of(pilot).timeline
        whole = timeline.shown.cell
        assert "│0 s" in screen_text(app)
        await press(pilot, "plus", "plus", "equals_sign")
        assert timeline.shown.cell == pytest.approx(whole / 8)
        assert "#" in screen_text(app)  # long tasks have their names now
        place = timeline.shown.first
        await press(pilot, "left")
        assert timeline.shown.first < place
        await press(pilot, "right", "end")
        assert timeline.window.follows
        await press(pilot, "home")
        assert timeline.shown.first == 0
        await press(pilot, "minus")
        assert timeline.shown.cell == pytest.approx(whole / 4)
        await press(pilot, "down", "n")
        assert timeline.slot == 1
        first = timeline.chosen
        await press(pilot, "n")
        second = timeline.chosen
        assert first != second
        assert view_of(pilot).selection == Selection("task", second[0])
        assert f"task {second[0]}" in screen_text(app)
        await press(pilot, "b")
        assert timeline.chosen == first
        await press(pilot, "up", "a")
        assert (timeline.slot, timeline.shown.cell) == (0, whole)
        await pilot.click(timeline, offset=(20, 4))
        await settle(pilot)
        assert view_of(pilot).selection.key == timeline.chosen[0]
        await press(pilot, "enter")
        assert app.detail.has_focus

    drive(app, script)


def test_the_wheel_zooms_the_timeline(journal: Journal) -> None:
    from textual.events import MouseScrollDown, MouseScrollUp

    def wheel(kind: type[Any], timeline: Any, **keys: bool) -> Any:
        return kind(
            timeline, 20, 2, 0, 1, 0, keys.get("shift", False), False, keys.get("ctrl", False), 20, 2, None
        )

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "2")
        timeline = view_of(pilot).timeline
        whole = timeline.shown.cell
        timeline.on_mouse_scroll_up(wheel(MouseScrollUp, timeline, ctrl=True))
        assert timeline.shown.cell == whole / 2
        before = timeline.shown.first
        timeline.on_mouse_scroll_down(wheel(MouseScrollDown, timeline, shift=True))
        assert timeline.shown.first > before
        timeline.on_mouse_scroll_down(wheel(MouseScrollDown, timeline))
        timeline.on_mouse_scroll_down(wheel(MouseScrollDown, timeline, ctrl=True))
        assert timeline.shown.cell == whole

    drive(MonitorApp(journal(tasks=200)), script)


def test_many_workers_are_scrolled(journal: Journal) -> None:
    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "2")
        timeline = view_of(pilot).timeline
        assert "  0 " in screen_text(pilot.app)
        await press(pilot, *["down"] * 19)
        assert timeline.slot == 19
        assert any(line.lstrip().startswith("▸ 19 ") for line in screen_lines(pilot.app))
        assert "a cell is" in screen_text(pilot.app)  # axis and legend stay
        timeline.action_row(-100)
        assert timeline.slot == 0

    drive(MonitorApp(journal(tasks=100, workers=20)), script, size=(80, 24))


def test_a_replay_is_paused_stepped_sought_and_made_faster(journal: Journal) -> None:
    app = MonitorApp(journal(tasks=300), replay=1000.0)

    async def script(pilot: Pilot[Any]) -> None:
        feed = app.feed
        assert isinstance(feed, ReplayFeed)
        await press(pilot, "space")
        assert not feed.playing
        assert " paused " in screen_text(app)
        feed.seek(feed.duration / 30)
        await press(pilot, "less_than_sign")
        assert feed.position == 0.0
        await press(pilot, "full_stop", "full_stop", "full_stop", "full_stop")
        assert 0 < feed.position < feed.duration / 2
        here = feed.position
        await press(pilot, "comma")
        assert feed.position < here
        await press(pilot, "greater_than_sign")
        assert feed.position > feed.duration / 21
        await press(pilot, "left_square_bracket")
        assert feed.speed == 500.0
        await press(pilot, "right_square_bracket", "right_square_bracket")
        assert feed.speed == 2000.0
        bar = screen_lines(app)[-2]
        await pilot.click("#replay", offset=(bar.index("─") if "─" in bar else 60, 0))
        await settle(pilot)
        assert feed.position > 0
        feed.seek(feed.duration * 0.99)
        await press(pilot, "greater_than_sign")
        assert feed.position == feed.duration
        assert "finished" in screen_lines(app)[0]
        await press(pilot, "space")  # from the beginning again
        assert feed.playing
        await press(pilot, "c", "x")
        assert len(app.screen_stack) == 1  # a replay cannot be acted on

    drive(app, script)


def test_the_view_can_be_paused(journal: Journal) -> None:
    path = journal(tasks=50, ended=False)
    app = MonitorApp(path)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "space")
        assert "view paused" in screen_text(app)
        with path.open("a") as file:
            file.write(encode(ev.RunEnd(t=9.0, state="finished")))
        await settle(pilot)
        assert app.model.status != "finished"
        await press(pilot, "full_stop", "comma", "less_than_sign", "left_square_bracket")  # of replays only
        await press(pilot, "space")
        assert app.model.status == "finished"

    drive(app, script)


def test_help_tells_all_keys(journal: Journal) -> None:
    app = MonitorApp(journal(tasks=10))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        shown = "\n".join("".join(ink.text for ink in line) for line in app.screen.text.lines)
        for title, rows in HELP:
            assert title in shown
            assert all(keys in shown for keys, _ in rows)
        await press(pilot, "end", "pageup", "escape")
        assert not isinstance(app.screen, HelpScreen)
        await press(pilot, "f1", "q")
        assert len(app.screen_stack) == 1

    drive(app, script, size=(80, 24))


def test_help_has_every_key_that_is_bound() -> None:
    words = " ".join(keys for _, rows in HELP for keys, _ in rows)
    names = {
        "question_mark": "?", "slash": "/", "full_stop": ".", "comma": ",", "less_than_sign": "<",
        "greater_than_sign": ">", "left_square_bracket": "[", "right_square_bracket": "]",
    }  # fmt: skip
    for binding in MonitorApp.BINDINGS:
        key = binding.key.split(",")[0]  # type: ignore[union-attr]
        if not key.isdigit():
            assert names.get(key, key) in words.split(), key


def test_themes(journal: Journal) -> None:
    app = MonitorApp(journal(tasks=10), light=True)

    async def script(pilot: Pilot[Any]) -> None:
        assert app.theme == "zexus-light"
        light = app.palette()["ok"].color
        await press(pilot, "t")
        assert app.theme == "zexus-dark"
        assert app.palette()["ok"].color != light
        app.theme = "nord"  # any theme of the library will do
        await settle(pilot)
        await press(pilot, "t")
        assert app.theme == "zexus-light"

    drive(app, script)


def test_without_colours_nothing_is_coloured(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = MonitorApp(journal(tasks=50))

    async def script(pilot: Pilot[Any]) -> None:
        for view in "1234567890":
            await press(pilot, view)
            colours = set()
            for strip in app.screen._compositor.render_strips():
                for segment in strip.apply_filter(app._filters[-1], app.background_colors[1]):
                    style = segment.style
                    if style is not None:
                        colours |= {colour for colour in (style.color, style.bgcolor) if colour is not None}
            assert all(colour.is_default for colour in colours), view
        await press(pilot, "t")
        assert app.theme == "ansi-dark"

    drive(app, script, size=(80, 24))


def test_the_command_palette_offers_the_views(journal: Journal) -> None:
    app = MonitorApp(journal(tasks=10))

    async def script(pilot: Pilot[Any]) -> None:
        commands = {command.title: command for command in app.get_system_commands(app.screen)}
        assert {"View: Timeline", "Choose a run", "Cancel the run", "Theme", "Quit"} <= set(commands)
        commands["View: Chunks"].callback()
        await settle(pilot)
        assert view_of(pilot).id == "chunks"
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert len(app.screen_stack) == 2

    drive(app, script)


def test_leaving(journal: Journal) -> None:
    app = MonitorApp(journal(tasks=10))

    async def script(pilot: Pilot[Any]) -> None:
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running

    drive(app, script)


def test_it_ends_when_it_is_to_end(journal: Journal) -> None:
    ends = [False]
    app = MonitorApp(journal(tasks=10), until=lambda: ends[0])

    async def script(pilot: Pilot[Any]) -> None:
        assert app.is_running
        ends[0] = True
        app.tick()
        await pilot.pause()
        assert not app.is_running

    drive(app, script)


def test_a_journal_that_cannot_be_read_ends_it_with_a_message(tmp_path: Path) -> None:
    app = MonitorApp(tmp_path)  # a directory

    async def script(pilot: Pilot[Any]) -> None:
        await pilot.pause()

    drive(app, script)
    assert "cannot be read" in app.problem


# Acting on a run


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a run, or a worker."""
    code = "import time, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); print(flush=True); "
    code += "time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def running(pid: int) -> ev.RunStart:
    return ev.RunStart(
        t=0, v=1, run="r", time=1e9, pid=pid, started=mark_of(pid), program="[bold]a.zx", workers=1
    )


def test_a_run_is_cancelled_after_a_question(journal: Journal, victim: subprocess.Popen[bytes]) -> None:
    app = MonitorApp(journal(running(victim.pid)))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "c")
        assert isinstance(app.screen, ConfirmScreen)
        assert "[bold]a.zx" in screen_text(app)
        assert app.focused is not None
        assert app.focused.id == "no"  # Enter does no harm
        await press(pilot, "enter")
        assert len(app.screen_stack) == 1
        await press(pilot, "c", "n")
        await press(pilot, "c", "escape")
        assert victim.poll() is None
        await press(pilot, "c", "y")
        assert victim.wait(60) == -signal.SIGINT

    drive(app, script)


def test_a_worker_is_killed_after_a_question(journal: Journal, victim: subprocess.Popen[bytes]) -> None:
    worker = ev.Worker(t=0, id=1, state="ready", slot=0, pid=victim.pid, started=mark_of(victim.pid))
    app = MonitorApp(journal(running(os.getpid()), worker))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "x")
        assert isinstance(app.screen, ConfirmScreen)
        app.screen.query_one("#yes", Button).press()
        await settle(pilot)
        assert victim.wait(60) == -signal.SIGKILL

    drive(app, script)


def test_the_worker_of_a_selected_task_can_be_killed(
    journal: Journal, victim: subprocess.Popen[bytes]
) -> None:
    worker = ev.Worker(t=0, id=1, state="ready", slot=0, pid=victim.pid, started=mark_of(victim.pid))
    task = ev.Task(t=1, id=1, state="running", name="f", worker=1, attempt=1, begun=0.5)
    app = MonitorApp(journal(running(os.getpid()), worker, task))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3", "x", "y")
        assert victim.wait(60) == -signal.SIGKILL

    drive(app, script)


def test_another_process_with_the_number_is_left_alone(
    journal: Journal, victim: subprocess.Popen[bytes]
) -> None:
    worker = ev.Worker(t=0, id=1, state="ready", slot=0, pid=victim.pid, started="another one")
    app = MonitorApp(journal(running(os.getpid()), worker))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "x")
        await press(pilot, "y")
        assert any("not running any more" in note.message for note in app._notifications)
        assert victim.poll() is None

    drive(app, script)


@pytest.mark.parametrize("key", ["c", "x"])
def test_a_run_that_has_ended_cannot_be_acted_on(journal: Journal, key: str) -> None:
    app = MonitorApp(journal(tasks=20))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, key)
        assert len(app.screen_stack) == 1
        assert len(app._notifications) == 1

    drive(app, script)
