"""A table of any length: only the rows on the screen are made, and only those that have changed are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from zexus_parallel_plugin.monitor.columns import Column, Placed, heading, place, row_line
from zexus_parallel_plugin.monitor.ink import Ink, Line, Look
from zexus_parallel_plugin.monitor.place import Place
from zexus_parallel_plugin.monitor.tui.growing import Moved, grow_to

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from textual import events

    from zexus_parallel_plugin.monitor.tui.paint import Palette

__all__ = ["Table"]

Row = TypeVar("Row")


class Table(ScrollView, Generic[Row], can_focus=True):
    """Rows with a cursor under headings.

    The rows are keys; ``get`` makes a row of a key when it is to be seen, and may return None for one that is
    no more. Whoever has new data calls :meth:`show`.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--cursor", "table--cursor-blurred"}
    DEFAULT_CSS = """
    Table { background: $background; color: $foreground; scrollbar-size-vertical: 1; overflow-x: hidden;
        & > .table--cursor { background: $primary 28%; }
        & > .table--cursor-blurred { background: $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(-1)", "First row", show=False),
        Binding("end,G", "edge(1)", "Last row", show=False),
        Binding("enter", "open", "Details", show=False),
    ]

    class Selected(Message):
        """The cursor is on another row."""

        def __init__(self, table: Table[Any], key: Hashable) -> None:
            super().__init__()
            self.table = table
            self.key = key

    class Opened(Selected):
        """A row was asked for by Enter or a second click."""

    class Ordered(Message):
        """A heading was clicked."""

        def __init__(self, table: Table[Any], column: str) -> None:
            super().__init__()
            self.table = table
            self.column = column

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        get: Callable[[Any], Row | None],
        look: Look,
        palette: Callable[[], Palette],
        empty: str = "",
        **named: Any,
    ) -> None:
        super().__init__(**named)
        self.columns = list(columns)
        self.empty = empty
        self.keys: Sequence[Hashable] = ()
        self.ordered_by, self.descending = "", False
        self.cursor: Hashable | None = None
        self.may_follow = self.follows = False
        self.lines_drawn = 0
        self._get = get
        self._look = look
        self._palette = palette
        self._placed: list[Placed[Row]] = []
        self._placed_for: tuple[int, int] = (-1, -1)
        self._index = 0
        self._base: Style | None = None
        self._said = empty
        self._drawn: dict[int, Line | None] = {}
        self._made: dict[int, Line | None] = {}

    # What is shown

    @property
    def place(self) -> Place:
        """Which rows are in view."""
        top, total = round(self.scroll_offset.y), len(self.keys)
        return Place(min(top + 1, total), min(top + max(0, self.size.height - 1), total), total)

    def show(self, keys: Sequence[Hashable], *, ordered_by: str = "", descending: bool = False) -> None:
        """Take new rows, and draw what differs from what is on the screen."""
        said = "" if keys else self.empty
        redraw = (ordered_by, descending, said) != (self.ordered_by, self.descending, self._said)
        self._said = said
        self.keys, self.ordered_by, self.descending = keys, ordered_by, descending
        grow_to(self, Size(self.size.width, len(keys) + 1))
        if not self.follows:
            self._find_cursor()
        if self.follows and keys and self.cursor != keys[-1]:
            self._touch(self._index)
            self._index, self.cursor = len(keys) - 1, keys[-1]
            self.post_message(self.Selected(self, self.cursor))
        if self.follows and keys:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)
        if redraw:
            self.repaint()
            return
        top, height = round(self.scroll_offset.y), self.size.height
        self._made.clear()
        changed = []
        for index in range(top, min(len(keys), top + height)):
            line = self._made[index] = self._line(index)
            if self._drawn.get(index) != line:
                changed.append(index)
        changed += [index for index in self._drawn if index >= len(keys)]
        self._base = None
        if len(changed) > height // 2:
            self.refresh()
            return
        for index in changed:
            self.refresh_lines(index + 1)

    def set_columns(self, columns: Sequence[Column[Row]]) -> None:
        """Show other columns."""
        self.columns = list(columns)
        self._placed_for = (-1, -1)
        self.repaint()

    def repaint(self) -> None:
        """Draw everything anew, as after a change of colours."""
        self._drawn.clear()
        self._made.clear()
        self._base = None
        self.refresh()

    def _find_cursor(self) -> None:
        keys = self.keys
        if not keys:
            return
        if self._index < len(keys) and keys[self._index] == self.cursor:
            return
        try:
            index = keys.index(self.cursor)
        except ValueError:
            index = min(self._index, len(keys) - 1)
        was, self._index = self._index, index
        self._touch(was)
        self._touch(index)
        if keys[index] != self.cursor:
            self.cursor = keys[index]
            self.post_message(self.Selected(self, self.cursor))

    def _touch(self, index: int) -> None:
        self._drawn.pop(index, None)
        self.refresh_lines(index + 1)

    def _line(self, index: int) -> Line | None:
        row = self._get(self.keys[index])
        return None if row is None else row_line(self._layout(), row, self._look)

    def _layout(self) -> list[Placed[Row]]:
        room = max(0, self.size.width - 1)
        if self._placed_for != (room, len(self.columns)):
            self._placed_for = (room, len(self.columns))
            self._placed = place(self.columns, room)
            self._drawn.clear()
            self._made.clear()
        return self._placed

    def render_line(self, y: int) -> Strip:
        """A line of the screen; the first one is the heading."""
        base = self._base = self._base or self.rich_style
        palette, width = self._palette(), self.size.width
        self.lines_drawn += 1
        if y == 0:
            line = heading(self._layout(), self._look, self.ordered_by, descending=self.descending)
            return palette.strip(line, width, base)
        index = round(self.scroll_offset.y) + y - 1
        if not self.keys:
            text = self._look.clean(self.empty) if y == min(2, self.size.height - 1) else ""
            return palette.strip([Ink("  " + text, "dim")], width, base)
        if index >= len(self.keys):
            self._drawn.pop(index, None)
            return Strip.blank(width, base)
        found = self._made[index] if index in self._made else self._line(index)
        line = [] if found is None else list(found)
        self._drawn[index] = found
        over: Style | None = None
        if index == self._index:
            name = "table--cursor" if self.has_focus else "table--cursor-blurred"
            over = Style(bgcolor=self.get_component_rich_style(name).bgcolor)
            if not palette.colour:
                over = Style(reverse=True) if self.has_focus else Style(underline=True)
        return palette.strip(line, width, base, over)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Whoever scrolls up wants to stay there; at the end new rows come into view again."""
        super().watch_scroll_y(old_value, new_value)
        if new_value < self.max_scroll_y:
            self.follows = False
        elif new_value > old_value:
            self.follows = self.may_follow
        self.post_message(Moved())

    # The cursor

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, and make it visible."""
        if not self.keys:
            return
        index = max(0, min(len(self.keys) - 1, index))
        self.follows = self.may_follow and index == len(self.keys) - 1
        if index != self._index or self.keys[index] != self.cursor:
            self._touch(self._index)
            self._index, self.cursor = index, self.keys[index]
            self._touch(index)
            self.post_message(self.Selected(self, self.cursor))
            self.post_message(Moved())
        top, room = round(self.scroll_offset.y), self.size.height - 1
        if index < top:
            self.scroll_to(y=index, animate=False, immediate=True)
        elif room > 0 and index >= top + room:
            self.scroll_to(y=index - room + 1, animate=False, immediate=True)

    def select(self, key: Hashable) -> bool:
        """Put the cursor on a row by its key; False if there is no such row."""
        try:
            self.move_to(self.keys.index(key))
        except ValueError:
            return False
        return True

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.move_to(self._index + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by screens."""
        self.move_to(self._index + by * max(1, self.size.height - 2))

    def action_edge(self, side: int) -> None:
        """Move the cursor to the first or the last row."""
        self.move_to(0 if side < 0 else len(self.keys) - 1)

    def action_open(self) -> None:
        """Ask for the details of the row under the cursor."""
        if self.cursor is not None and self.keys:
            self.post_message(self.Opened(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """Select a row, open it at a second click, or order by a column."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            for item in self._layout():
                if item.start <= offset.x <= item.start + item.width and item.column.order is not None:
                    self.post_message(self.Ordered(self, item.column.name))
            return
        index = round(self.scroll_offset.y) + offset.y - 1
        if index < len(self.keys):
            self.move_to(index)
            if event.chain > 1:
                self.action_open()

    def on_focus(self) -> None:
        """The cursor is brighter with the focus."""
        self._touch(self._index)

    def on_blur(self) -> None:
        """The cursor is darker without it."""
        self._touch(self._index)
