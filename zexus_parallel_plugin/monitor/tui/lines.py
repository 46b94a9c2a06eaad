"""Lines of text that can be scrolled; only those that have changed are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from zexus_parallel_plugin.monitor.ink import Ink, Line, Look
from zexus_parallel_plugin.monitor.place import Place
from zexus_parallel_plugin.monitor.tui.growing import Moved, grow_to

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.style import Style

    from zexus_parallel_plugin.monitor.tui.paint import Palette

__all__ = ["Lines"]


class Lines(ScrollView, can_focus=True):
    """Shows clean lines. With ``follows`` the last one stays in view until somebody scrolls up."""

    DEFAULT_CSS = """
    Lines { background: $background; color: $foreground; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go(-1)", "Up", show=False),
        Binding("down,j", "go(1)", "Down", show=False),
        Binding("pageup", "go(-1, True)", "Page up", show=False),
        Binding("pagedown", "go(1, True)", "Page down", show=False),
        Binding("home,g", "edge(-1)", "Beginning", show=False),
        Binding("end,G", "edge(1)", "End", show=False),
    ]

    def __init__(
        self,
        look: Look,
        palette: Callable[[], Palette],
        *,
        follows: bool = False,
        empty: str = "",
        focusable: bool = True,
        **named: Any,
    ) -> None:
        super().__init__(**named)
        self.follows = follows
        self.can_focus = focusable
        self.empty = empty
        self.lines_drawn = 0
        self._look = look
        self._palette = palette
        self._lines: Sequence[Line] = ()
        self._at_end = True
        self._base: Style | None = None

    @property
    def lines(self) -> Sequence[Line]:
        """What is shown."""
        return self._lines

    @property
    def following(self) -> bool:
        """Whether new lines come into view."""
        return self.follows and self._at_end

    @property
    def place(self) -> Place:
        """Which lines are in view."""
        top = round(self.scroll_offset.y)
        total = len(self._lines)
        return Place(min(top + 1, total), min(top + self.size.height, total), total)

    def show(self, lines: Sequence[Line]) -> None:
        """Take other lines, and draw those that differ."""
        old, self._lines = self._lines, lines
        self._base = None
        grow_to(self, Size(self.size.width, len(lines)))
        self._stay_at_end()
        if bool(old) != bool(lines):
            self.refresh()
            return
        top = round(self.scroll_offset.y)
        for y in range(top, top + self.size.height):
            before = old[y] if y < len(old) else None
            after = lines[y] if y < len(lines) else None
            if before != after:
                self.refresh_lines(y)

    def follow(self) -> None:
        """From now on new lines come into view, as long as nobody scrolls up."""
        self._at_end = True

    def _stay_at_end(self) -> None:
        if self.follows and self._at_end:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Remember whether the end is in view."""
        super().watch_scroll_y(old_value, new_value)
        self._at_end = new_value >= self.max_scroll_y
        self.post_message(Moved())

    def on_resize(self) -> None:
        """The end stays in view."""
        self.call_after_refresh(self._stay_at_end)

    def repaint(self) -> None:
        """Draw everything anew."""
        self._base = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line of the screen."""
        self.lines_drawn += 1
        index = round(self.scroll_offset.y) + y
        base = self._base = self._base or self.rich_style
        width = self.size.width
        if not self._lines and self.empty:
            text = self._look.cut(self._look.clean(self.empty), width - 2)
            return self._palette().strip([Ink("  " + text, "dim")] if y == 1 else [], width, base)
        if index >= len(self._lines):
            return Strip.blank(width, base)
        return self._palette().strip(self._lines[index], width, base)

    def action_go(self, by: int, page: bool = False) -> None:
        """Scroll by lines or screens."""
        by *= max(1, self.size.height - 1) if page else 1
        self.scroll_to(y=self.scroll_offset.y + by, animate=False, immediate=True)

    def action_edge(self, side: int) -> None:
        """Scroll to the beginning or the end."""
        self.scroll_to(y=0 if side < 0 else self.max_scroll_y, animate=False, immediate=True)
