"""Views that go along with what is new, and stay where somebody has scrolled to; how often they look."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from textual.scrollbar import ScrollBar

from tests.journal.synthetic import Shape, synthetic
from tests.monitor.piloting import drive, press, screen_lines, screen_text, settle
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.codec import encode
from zexus_parallel_plugin.journal.processes import mark_of
from zexus_parallel_plugin.monitor.ink import ASCII, UNICODE, plain
from zexus_parallel_plugin.monitor.place import Going, Place, place_line
from zexus_parallel_plugin.monitor.tui.app import MonitorApp, PlainScrollBar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    Journal = Callable[..., Path]


class Growing:
    """A journal of a run that goes on: each step adds a task, a line of output and a line of the log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps = 0

    async def step(self, pilot: Pilot[Any]) -> None:
        """Let something happen, and show it."""
        self.steps += 1
        at, number = 100.0 + self.steps, 1000 + self.steps
        with self.path.open("a", encoding="ascii") as file:
            file.write(encode(ev.Task(t=at, id=number, state="queued", name="later")))
            file.write(encode(ev.Output(t=at, text=f"step {self.steps}\n")))
            file.write(encode(ev.Log(t=at, level="info", text=f"step {self.steps}")))
        await settle(pilot)


@pytest.fixture
def growing(journal: Journal) -> Growing:
    start, *rest = synthetic(Shape(tasks=60, ended=False))
    alive = replace(start, pid=os.getpid(), started=mark_of(os.getpid()))
    log = [ev.Log(t=50.0, level="info", text=f"line {number}") for number in range(40)]
    return Growing(journal(alive, *rest, *log))


@pytest.fixture(autouse=True)
def _scroll_bars_of_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of the screen is that of the views alone."""
    monkeypatch.setattr(ScrollBar, "renderer", PlainScrollBar)


def bar(app: Any) -> str:
    """The line below the view."""
    return screen_lines(app)[-2].strip()


VIEWS = [("3", "1001 ", "1003 "), ("9", "step 1", "step 3"), ("0", "step 1", "step 3")]
SCROLLING = ["home", "pageup", "wheel"]


@pytest.mark.parametrize("how", SCROLLING)
@pytest.mark.parametrize(("key", "first", "third"), VIEWS, ids=["tasks", "output", "log"])
def test_a_view_goes_along_until_somebody_scrolls_up(
    growing: Growing, key: str, first: str, third: str, how: str
) -> None:
    app = MonitorApp(growing.path)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, key)
        await growing.step(pilot)
        assert first in screen_text(app)
        assert bar(app).startswith("following ")
        if how == "wheel":
            await pilot._post_mouse_events(_wheel_up(), app.focused, offset=(5, 3), button=0)
            await settle(pilot)
        else:
            await press(pilot, how)
        assert bar(app).startswith("not following ")
        body = screen_lines(app)[5:-2]
        await growing.step(pilot)
        await growing.step(pilot)
        assert screen_lines(app)[5:-2] == body
        assert " below " in bar(app)
        await press(pilot, "end")
        assert bar(app).startswith("following ")
        assert third in screen_text(app)
        await growing.step(pilot)
        assert third.replace("3", "4") in screen_text(app)

    drive(app, script, size=(100, 24))


def _wheel_up() -> list[type[Any]]:
    from textual.events import MouseScrollUp

    return [MouseScrollUp]


@pytest.mark.parametrize("key", ["3", "9", "0"])
def test_a_click_on_the_line_below_goes_to_the_newest(growing: Growing, key: str) -> None:
    app = MonitorApp(growing.path)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, key)
        await press(pilot, "home")
        await growing.step(pilot)
        assert "a click" in bar(app)
        await pilot.click(app.view.place_bar)  # type: ignore[attr-defined]
        await settle(pilot)
        assert bar(app).startswith("following ")

    drive(app, script, size=(100, 24))


def test_the_wheel_at_the_end_follows_again(growing: Growing) -> None:
    app = MonitorApp(growing.path)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3")
        table = app.view.table  # type: ignore[attr-defined]
        table.scroll_to(y=table.scroll_offset.y - 3, animate=False, immediate=True)
        assert not table.follows
        table.scroll_to(y=table.max_scroll_y, animate=False, immediate=True)
        assert table.follows

    drive(app, script, size=(100, 24))


def test_sorted_rows_do_not_follow_and_say_so(growing: Growing) -> None:
    app = MonitorApp(growing.path)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3", "s")
        assert bar(app).startswith("sorted, not following ")
        await press(pilot, "end")
        assert bar(app).startswith("sorted, not following ")

    drive(app, script, size=(100, 24))


def test_after_the_end_of_the_run_there_is_nothing_to_follow(growing: Growing) -> None:
    app = MonitorApp(growing.path)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3")
        await press(pilot, "home")
        with growing.path.open("a") as file:
            file.write(encode(ev.RunEnd(t=200.0, state="finished")))
        await settle(pilot)
        assert bar(app).startswith("1 to ")
        assert "follow" not in bar(app)

    drive(app, script, size=(100, 24))


def test_another_run_is_followed_from_its_beginning(
    growing: Growing, journal: Journal, tmp_path: Path
) -> None:
    app = MonitorApp(growing.path)
    start = ev.RunStart(t=0, v=1, run="other", time=1e9, pid=os.getpid(), program="other.zx", workers=1)
    tasks = [ev.Task(t=1, id=number, state="queued", name="other") for number in range(1, 90)]
    output = [ev.Output(t=1, text=f"other {number}\n") for number in range(1, 90)]
    other = journal(start, *tasks, *output, path=tmp_path / "other.jsonl")

    async def script(pilot: Pilot[Any]) -> None:
        for key in ("9", "home", "3", "home"):
            await press(pilot, key)
        app.open(other)
        await settle(pilot)
        assert bar(app).startswith("following  74 to 89 of 89")
        await press(pilot, "9")
        assert "other 89" in screen_text(app)

    drive(app, script, size=(100, 24))


def test_the_output_in_the_overview_tells_it_in_its_title(growing: Growing) -> None:
    app = MonitorApp(growing.path)

    async def script(pilot: Pilot[Any]) -> None:
        output = app.view.output_part  # type: ignore[attr-defined]
        output.lines.focus()
        await press(pilot, "home")
        assert "Output, not following (end: to the newest)" in screen_text(app)
        await press(pilot, "end")
        assert "not following" not in screen_text(app)

    drive(app, script, size=(100, 30))


HINT = "end or a click: to the newest"


@pytest.mark.parametrize(
    ("going", "room", "text"),
    [
        ("following", 80, " following  11 to 20 of 1 234"),
        ("held", 90, f" not following  11 to 20 of 1 234  · 1 214 below  · {HINT}"),
        ("held", 50, " not following  11 to 20 of 1 234  · 1 214 below"),
        ("held", 20, " not following"),
        ("still", 80, " 11 to 20 of 1 234  · 1 214 below"),
    ],
)  # fmt: skip
def test_the_line_about_it(going: Going, room: int, text: str) -> None:
    assert plain(place_line(Place(11, 20, 1234), going, UNICODE, room)) == text
    assert plain(place_line(Place(11, 20, 1234), going, ASCII, room)).isascii()


def test_nothing_to_be_seen_is_not_counted() -> None:
    assert plain(place_line(Place(0, 0, 0), "following", UNICODE, 80)) == " following"


# How often


@pytest.mark.parametrize("seconds", [0.05, 0.25, 7.5])
def test_the_time_between_two_looks(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    intervals: list[float] = []
    monkeypatch.setattr(
        MonitorApp, "set_interval", lambda self, interval, callback: intervals.append(interval)
    )
    app = MonitorApp(journal(tasks=5), refresh=seconds)

    async def script(pilot: Pilot[Any]) -> None:
        assert intervals == [seconds]

    drive(app, script)


def test_with_seldom_looks_keys_are_answered_at_once(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = MonitorApp(journal(tasks=60), refresh=60.0)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "3")
        await press(pilot, "home")
        assert screen_text(app).count("committed") > 5
        timers: list[tuple[float, Any]] = []
        monkeypatch.setattr(app, "set_timer", lambda delay, callback: timers.append((delay, callback)))
        await press(pilot, "slash")
        await press(pilot, "x")
        assert (0.25, app.draw) in timers

    drive(app, script)


def test_the_option_reaches_the_screen(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    from zexus_parallel_plugin.cli import monitor as command

    made: list[MonitorApp] = []
    monkeypatch.setattr(command, "has_terminal", lambda: True)
    monkeypatch.setattr(MonitorApp, "run", lambda self: made.append(self))  # noqa: PLW0108 - a method
    path = str(journal(tasks=5))
    command.monitor_command.main(["--refresh", "2.5", path], standalone_mode=False)
    command.monitor_command.main([path], standalone_mode=False)
    assert [app.refresh_seconds for app in made] == [2.5, 0.25]
