"""The lines above and below the views: tabs, the filter's field, and the controls of a replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from textual.message import Message
from textual.widget import Widget

from zexus_parallel_plugin.monitor.figures import duration
from zexus_parallel_plugin.monitor.ink import Ink, Line, Look, Tone, line_width
from zexus_parallel_plugin.monitor.place import Going, Place, place_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.strip import Strip

    from zexus_parallel_plugin.monitor.tui.paint import Palette

__all__ = ["Bar", "PlaceBar", "ReplayBar", "Tab", "TabBar"]


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


class Tab(NamedTuple):
    """A tab: its key, its title, a shorter one, and a number behind it, which is not shown if it is 0."""

    key: str
    title: str
    short: str
    number: int = 0


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

    def tabs(self, tabs: Sequence[Tab], active: int) -> None:
        """Show tabs, as long as there is room for."""
        for padding, short in ((2, False), (1, False), (1, True), (0, True)):
            inks, places = self._lay_out(tabs, active, padding=padding, short=short)
            if line_width(inks) <= self.size.width:
                break
        self._places = places
        self.show([inks])

    @staticmethod
    def _lay_out(
        tabs: Sequence[Tab], active: int, *, padding: int, short: bool
    ) -> tuple[list[Ink], list[tuple[int, int]]]:
        inks: list[Ink] = []
        places = []
        blank = " " * padding
        for number, tab in enumerate(tabs):
            title = tab.short if short else tab.title
            start = line_width(inks)
            if number == active:
                number_shown = f" {tab.number}" if tab.number else ""
                inks.append(Ink(f"{blank}{tab.key} {title}{number_shown}{blank}", "on_run"))
            else:
                inks += [Ink(f"{blank}{tab.key}", "key"), Ink(f" {title}", "dim")]
                inks.append(Ink(f" {tab.number}{blank}" if tab.number else blank, "bad"))
            inks += [Ink(" ")] if padding == 0 else []
            places.append((start, line_width(inks)))
        return inks, places

    def on_click(self, event: events.Click) -> None:
        """Go to the tab under the pointer."""
        for index, (start, end) in enumerate(self._places):
            if start <= event.x < end:
                self.post_message(self.Chosen(index))


class PlaceBar(Bar):
    """Below a view: where it is, and whether it goes along with what is new."""

    class Resumed(Message):
        """It was clicked: the newest is to be seen again."""

    def state(self, place: Place, going: Going) -> None:
        """Show it."""
        self.going: Going = going
        self.show([place_line(place, going, self._look, self.size.width)])

    def on_click(self) -> None:
        """Go to the newest."""
        self.post_message(self.Resumed())


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
        room = self.size.width - line_width(left) - len(keys) - 1
        if room < 12:
            keys, room = "", self.size.width - line_width(left) - 2
        share = position / total if total > 0 else 0.0
        filled, empty = self._look.bar_of(share, max(4, room))
        start = line_width(left) + 1
        self._bar = (start, start + max(4, room))
        self.show([[*left, Ink(" "), Ink(filled, "run"), Ink(empty, "dim"), Ink(keys, "dim")]])

    def on_click(self, event: events.Click) -> None:
        """Go to a place."""
        start, end = self._bar
        if start <= event.x <= end:
            self.post_message(self.Sought((event.x - start) / max(1, end - start)))
