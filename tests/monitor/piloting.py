"""Drives the monitor without a terminal, and reads its screen."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from textual.scrollbar import ScrollBar

from zexus_parallel_plugin.monitor.tui.app import MonitorApp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from textual.pilot import Pilot

_MOST_WAITS = 200


def drive(
    app: MonitorApp, script: Callable[[Pilot[Any]], Awaitable[None]], size: tuple[int, int] = (120, 40)
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
    await pilot.pause()
    app.tick()
    for _ in range(_MOST_WAITS):
        if app.feed is None or not app.feed.behind:
            break
        app.tick()
        await pilot.pause()
    app.draw()
    await pilot.pause()
    app.draw()
    await pilot.pause()


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, and wait until the screen shows it."""
    await pilot.press(*keys)
    await settle(pilot)


def screen_lines(app: Any) -> list[str]:
    """The screen as text, without blanks at the ends of lines."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def screen_text(app: Any) -> str:
    """The screen as one text."""
    return "\n".join(screen_lines(app)) + "\n"
