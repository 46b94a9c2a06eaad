"""The lines above and below the views: tabs, the filter's field, and the controls of a replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.widget import Widget

from zexus_parallel_plugin.monitor.figures import duration
from zexus_parallel_plugin.monitor.ink import Ink, Line, Look, Tone, width

if TYPE_CHECKING:
    from textual import events
    from textual.strip import Strip

    from zexus_parallel_plugin.monitor.tui.paint import Palette

__all__ = ["Bar", "ReplayBar", "TabBar"]


class Bar(Widget):
    """Some lines of fixed text."""

    DEFAULT_CSS = "Bar { height: 1; background: $surface; color: $foreground; }"

    def __init__(self, look: Look, palette: Callable[[], Palette], **named: Any) -> None:
        super().__init__(**named)
        self._look = look
        self._palette = palette
        self.lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Take other lines; draws only if they are others."""
        if lines != self.lines:
            self.lines = lines
            self.refresh()

    def repaint(self) -> None:
        """Draw everything anew."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line of the screen."""
        line = self.lines[y] if y < len(self.lines) else []
        return self._palette().strip(line, self.size.width, self.rich_style)


class TabBar(Bar):
    """The names of the views with their keys."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, look: Look, palette: Callable[[], Palette], **named: Any) -> None:
        super().__init__(look, palette, **named)
        self._places: list[tuple[int, int]] = []

    def tabs(self, titles: Sequence[tuple[str, str, int]], active: int) -> None:
        """Show tabs: key, title and a number behind it, for each; 0 is not shown."""
        inks, places = self._lay_out(titles, active, padding=1, short=False)
        if _line_width(inks) > self.size.width:
            inks, places = self._lay_out(titles, active, padding=0, short=False)
        if _line_width(inks) > self.size.width:
            inks, places = self._lay_out(titles, active, padding=0, short=True)
        self._places = places
        self.show([inks])

    def _lay_out(
        self, titles: Sequence[tuple[str, str, int]], active: int, *, padding: int, short: bool
    ) -> tuple[list[Ink], list[tuple[int, int]]]:
        inks: list[Ink] = []
        places = []
        for number, (key, title, extra) in enumerate(titles):
            shown = title[:4] if short and number != active else title
            text = f"{key} {shown}"
            start = _line_width(inks)
            blank = " " * padding
            if number == active:
                plain = not self._palette().colour
                text = f"[{text}]" if plain and self._look.ascii_only else f" {text} "
                inks.append(Ink(f"{blank}{text}{blank}", "on_run"))
            else:
                inks += [Ink(f"{blank} {key}", "key"), Ink(f" {shown}", "dim")]
                inks.append(Ink(f" {extra}{blank} " if extra else f"{blank} ", "bad"))
            places.append((start, _line_width(inks)))
        return inks, places

    def on_click(self, event: events.Click) -> None:
        """Go to the tab under the pointer."""
        for index, (start, end) in enumerate(self._places):
            if start <= event.x < end:
                self.post_message(self.Chosen(index))


class ReplayBar(Bar):
    """Where a replay is, and how fast."""

    class Sought(Message):
        """A place was clicked: a share of the whole, from 0 to 1."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self, look: Look, palette: Callable[[], Palette], **named: Any) -> None:
        super().__init__(look, palette, **named)
        self._bar = (0, 0)

    def state(self, position: float, total: float, speed: float, *, playing: bool) -> None:
        """Show it."""
        tone: Tone = "on_run" if playing else "on_warn"
        left = [
            Ink(" replay " if playing else " paused ", tone),
            Ink(f" {duration(position):>7} of {duration(total)} ", "strong"),
            Ink(f" {speed:g}{self._look.times} ", "mark"),
        ]
        keys = "  space pause  . , step  < > seek  [ ] speed "
        room = self.size.width - _line_width(left) - len(keys) - 1
        if room < 12:
            keys, room = "", self.size.width - _line_width(left) - 2
        share = position / total if total > 0 else 0.0
        filled, empty = self._look.bar_of(share, max(4, room))
        start = _line_width(left) + 1
        self._bar = (start, start + max(4, room))
        self.show([[*left, Ink(" "), Ink(filled, "run"), Ink(empty, "dim"), Ink(keys, "dim")]])

    def on_click(self, event: events.Click) -> None:
        """Go to a place."""
        start, end = self._bar
        if start <= event.x <= end:
            self.post_message(self.Sought((event.x - start) / max(1, end - start)))


def _line_width(inks: Sequence[Ink]) -> int:
    return sum(width(ink.text) for ink in inks)
