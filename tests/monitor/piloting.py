"""Drives the monitor without a terminal, and reads its screen."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from textual.events import Key
from textual.keys import _character_to_key
from textual.scrollbar import ScrollBar

from zexus_parallel_plugin.monitor.tui.app import MonitorApp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from textual.pilot import Pilot

_MOST_WAITS = 200
_FRAME = 0.02
_CHARACTERS = {"space": " "}


def drive(
    app: MonitorApp, script: Callable[[Pilot[Any]], Awaitable[None]], size: tuple[int, int] = (110, 28)
) -> None:
    """Run an app, wait until it has read its journal, then do what the script does."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            await script(pilot)

    with usual_scroll_bars():
        asyncio.run(run())


@contextmanager
def usual_scroll_bars() -> Iterator[None]:
    """The look of scroll bars is one for all apps of a process."""
    before = ScrollBar.renderer
    try:
        yield
    finally:
        ScrollBar.renderer = before


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until what there is has been read, and drawn."""
    app = pilot.app
    assert isinstance(app, MonitorApp)
    await _has_answered(app)
    app.tick()
    for _ in range(_MOST_WAITS):
        if app.feed is None or not app.feed.behind:
            break
        app.tick()
        await asyncio.sleep(0)
    await _laid_out(app)  # widgets that have just appeared have their sizes now
    app.draw()
    await pilot._wait_for_screen()
    await _laid_out(app)


async def _has_answered(app: MonitorApp) -> None:
    """Wait until the app has done what it was asked for so far, such as what a closed screen answers."""
    answered = asyncio.Event()
    app.call_later(answered.set)
    for _ in range(_MOST_WAITS):
        if answered.is_set() or not app.is_running:
            return
        await asyncio.sleep(0)
        if not answered.is_set():
            await asyncio.sleep(_FRAME)


async def _laid_out(app: MonitorApp) -> None:
    """Wait until the screen has been laid out and drawn."""
    for _ in range(_MOST_WAITS):
        await asyncio.sleep(_FRAME)
        if not app.is_running:
            return
        screen = app.screen
        if not (screen._layout_required or screen._dirty_widgets):
            return


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, one after the other, and wait until the screen shows it."""
    driver = pilot.app._driver
    assert driver is not None
    for key in keys:
        name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
        event = Key(name, _CHARACTERS.get(name, key if len(key) == 1 else None))
        event.set_sender(pilot.app)
        before = pilot.app.screen, pilot.app.focused
        driver.send_message(event)
        await pilot._wait_for_screen()
        if before != (pilot.app.screen, pilot.app.focused):
            await pilot._wait_for_screen()  # what got the focus has work to do, too
        await _has_focus(pilot.app)
    await settle(pilot)
    await _has_focus(pilot.app)


async def _has_focus(app: Any) -> None:
    """Wait until the next key has somebody who takes it, as on a new screen."""
    for _ in range(_MOST_WAITS):
        if not app.is_running or app.focused is not None:
            return
        await asyncio.sleep(_FRAME)


def screen_lines(app: Any) -> list[str]:
    """The screen as text, without blanks at the ends of lines."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def screen_text(app: Any) -> str:
    """The screen as one text."""
    return "\n".join(screen_lines(app)) + "\n"
