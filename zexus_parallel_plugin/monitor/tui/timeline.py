"""The timeline on the screen: zoomed, scrolled and pointed at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView

from zexus_parallel_plugin.monitor.ink import Ink, Line, Look
from zexus_parallel_plugin.monitor.timeline import LABEL, MARGIN_LINES, Window, axis, legend, row
from zexus_parallel_plugin.monitor.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from rich.style import Style
    from textual import events
    from textual.strip import Strip

    from zexus_parallel_plugin.monitor.tui.paint import Palette

__all__ = ["Timeline"]


_PART = 4
"""A row is made anew when this part of a cell has passed."""


class Timeline(ScrollView, can_focus=True):
    """One row for each slot under an axis of time; the rows scroll, axis and legend stay."""

    DEFAULT_CSS = """
    Timeline { background: $background; color: $foreground; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom(1)", "Zoom", key_display="+-"),
        Binding("minus", "zoom(-1)", "Zoom out", show=False),
        Binding("a", "all", "All", show=False),
        Binding("left,h", "pan(-1)", "Earlier", show=False),
        Binding("right,l", "pan(1)", "Later", show=False),
        Binding("home", "edge(-1)", "Beginning", show=False),
        Binding("end", "edge(1)", "Now", show=False),
        Binding("up,k", "row(-1)", "Row up", show=False),
        Binding("down,j", "row(1)", "Row down", show=False),
        Binding("n", "next(1)", "Next task", show=False),
        Binding("b", "next(-1)", "Task before", show=False),
        Binding("enter", "open", "Details", show=False),
    ]

    class Picked(Message):
        """A task was pointed at."""

        def __init__(self, task: int, *, opened: bool) -> None:
            super().__init__()
            self.task = task
            self.opened = opened

    def __init__(self, look: Look, palette: Callable[[], Palette], **named: Any) -> None:
        super().__init__(**named)
        self.window = Window()
        self.slot = 0
        self.chosen: Hashable | None = None
        self.lines_drawn = 0
        self._look = look
        self._palette = palette
        self._watch = Watch()
        self._height = 1
        self._drawn: dict[int, Line] = {}
        self._made: dict[int, Line] = {}
        self._made_at: tuple[object, ...] = ()
        self._made_now = -1.0
        self._base: Style | None = None

    @property
    def chosen_task(self) -> int | None:
        """The task that is marked, None if none is."""
        task = self.chosen[0] if isinstance(self.chosen, tuple) else self.chosen
        return task if isinstance(task, int) else None

    @property
    def columns(self) -> int:
        """Cells for the time."""
        return max(1, self.size.width - LABEL - 1)

    @property
    def shown(self) -> Window:
        """The window as it is drawn now."""
        return self.window.on(self._watch.now, self.columns)

    def show(self, watch: Watch) -> None:
        """Take a run as it is now, and draw the rows that differ."""
        self._watch = watch
        self._base = None
        self._height = self._row_height()
        size = Size(self.size.width, watch.state.slots * self._height + MARGIN_LINES)
        if self.virtual_size != size:
            self.virtual_size = size
        if not self._is_old():
            return
        for y in range(self.size.height):
            line = self._made[y] = self._line(y)
            if self._drawn.get(y) != line:
                self.refresh(Region(0, y, self.size.width, 1))

    def _is_old(self) -> bool:
        """Whether what was made differs from what would be seen now: less than a part of a cell does not."""
        now, shown = self._watch.now, self.shown
        what = (
            id(self._watch), self._watch.status, shown, self.size, self.scroll_offset, self._height,
            self.chosen, self.slot, self.has_focus, self._palette(),
        )  # fmt: skip
        if what == self._made_at and 0 <= now - self._made_now < min(1.0, shown.cell / _PART):
            return False
        self._made_at, self._made_now = what, now
        self._made.clear()
        return True

    def repaint(self) -> None:
        """Draw everything anew."""
        self._drawn.clear()
        self._made_at = ()
        self._base = None
        self.refresh()

    def _row_height(self) -> int:
        """Lines for each slot: with much room, rows are taller, and apart."""
        return max(1, min(3, (self.size.height - MARGIN_LINES) // max(1, self._watch.state.slots)))

    def _slot_at(self, y: int) -> int:
        return (round(self.scroll_offset.y) + y - 1) // self._height

    def _line(self, y: int) -> Line:
        height, window = self.size.height, self.shown
        colour = self._palette().colour
        if not self._watch.state.slots:
            return [Ink("  no worker was needed yet", "dim")] if y == 1 else []
        if y == 0:
            return axis(window, self.columns, self._look)
        slot = self._slot_at(y)
        if y == height - 1 and height > MARGIN_LINES:
            return legend(self._watch, window, self.columns, self._look, colour=colour)
        if slot >= self._watch.state.slots:
            return []
        part = (round(self.scroll_offset.y) + y - 1) % self._height
        if part and part == self._height - 1:
            return []
        return row(
            self._watch, slot, window, self.columns, self._look,
            colour=colour, chosen=self.chosen, here=self.has_focus and slot == self.slot,
            part=(part, max(1, self._height - 1)),
        )  # fmt: skip

    def render_line(self, y: int) -> Strip:
        """A line of the screen."""
        self.lines_drawn += 1
        if self._base is None:
            self._base = self.rich_style
        if self._is_old() or y not in self._made:
            self._made[y] = self._line(y)
        line = self._drawn[y] = self._made[y]
        return self._palette().strip(line, self.size.width, self._base)

    # Keys and mouse

    def action_zoom(self, factor: int) -> None:
        """Make the cells shorter or longer."""
        centre = self._chosen_time()
        self.window = self.window.zoom(factor, self._watch.now, self.columns, centre)
        self.show(self._watch)

    def action_all(self) -> None:
        """Show the whole run."""
        self.window = Window()
        self.show(self._watch)

    def action_pan(self, by: int) -> None:
        """Go earlier or later by a quarter of the screen."""
        self.window = self.window.scroll(by * max(1, self.columns // 4), self._watch.now, self.columns)
        self.show(self._watch)

    def action_edge(self, side: int) -> None:
        """Go to the beginning or to the end of the run."""
        self.window = self.window.scroll(side * 10**9, self._watch.now, self.columns)
        self.show(self._watch)

    def action_row(self, by: int) -> None:
        """Go to another row."""
        self.slot = max(0, min(self._watch.state.slots - 1, self.slot + by))
        room = max(1, (self.size.height - MARGIN_LINES) // self._height)
        top = round(self.scroll_offset.y) // self._height
        if self.slot < top:
            self.scroll_to(y=self.slot * self._height, animate=False, immediate=True)
        elif self.slot >= top + room:
            self.scroll_to(y=(self.slot - room + 1) * self._height, animate=False, immediate=True)
        self.show(self._watch)

    def action_next(self, by: int) -> None:
        """Go to the next task of the row, or to the one before."""
        lane = self._watch.lanes.lanes.get(self.slot)
        if lane is None:
            return
        spans = [*lane.spans, *([lane.open] if lane.open is not None else [])]
        if not spans:
            return
        at = next((i for i, span in enumerate(spans) if span.key == self.chosen), None)
        if at is None:
            begin = self.shown.first * self.shown.cell
            at = next((i for i, span in enumerate(spans) if span.start >= begin), len(spans) - 1)
        else:
            at = max(0, min(len(spans) - 1, at + by))
        self._choose(spans[at].key, opened=False)
        self._reveal(spans[at].start)

    def _reveal(self, time: float) -> None:
        shown = self.shown
        column = shown.column(time)
        if self.window.cell and not 0 <= column < self.columns:
            first = max(0, int(time / shown.cell) - self.columns // 3)
            self.window = Window(shown.cell, first, follows=False)
        self.show(self._watch)

    def _chosen_time(self) -> float | None:
        lane = self._watch.lanes.lanes.get(self.slot)
        if lane is None or self.chosen is None:
            return None
        spans = [*lane.spans, *([lane.open] if lane.open is not None else [])]
        return next((span.start for span in spans if span.key == self.chosen), None)

    def _choose(self, key: Hashable, *, opened: bool) -> None:
        self.chosen = key
        if self.chosen_task is not None:
            self.post_message(self.Picked(self.chosen_task, opened=opened))

    def action_open(self) -> None:
        """Ask for the details of the chosen task."""
        if self.chosen is not None:
            self._choose(self.chosen, opened=True)

    def on_click(self, event: events.Click) -> None:
        """Choose the task under the pointer."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        slot = self._slot_at(offset.y)
        lane = self._watch.lanes.lanes.get(slot)
        if not 0 < offset.y < self.size.height - 1 or lane is None:
            return
        self.slot = slot
        shown = self.shown
        key = lane.at(shown.at(offset.x - LABEL))
        if key is None:
            near = shown.at(offset.x - LABEL)
            key = next((s.key for s in lane.between(near - shown.cell / 2, near + shown.cell / 2)), None)
        if key is not None:
            self._choose(key, opened=event.chain > 1)
        self.show(self._watch)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """With Ctrl the wheel zooms, with Shift it goes through time."""
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """With Ctrl the wheel zooms, with Shift it goes through time."""
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        if event.ctrl:
            centre = self.shown.at(event.x - LABEL)
            self.window = self.window.zoom(-by, self._watch.now, self.columns, centre)
        elif event.shift:
            self.window = self.window.scroll(by * max(1, self.columns // 8), self._watch.now, self.columns)
        else:
            return
        event.stop()
        event.prevent_default()
        self.show(self._watch)

    def on_focus(self) -> None:
        """The row is marked with the focus."""
        self.repaint()

    def on_blur(self) -> None:
        """The row is not marked without it."""
        self.repaint()
