"""The monitor's application: reads a journal some times a second, and shows what has changed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult, SystemCommand
from textual.containers import Container, Horizontal
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.widgets import ContentSwitcher, Footer, Input

from zexus_parallel_plugin.journal import catalog
from zexus_parallel_plugin.monitor.details import details
from zexus_parallel_plugin.monitor.feeds import ReplayFeed
from zexus_parallel_plugin.monitor.ink import UNICODE, Ink, Line, Look
from zexus_parallel_plugin.monitor.summary import head
from zexus_parallel_plugin.monitor.tui import views
from zexus_parallel_plugin.monitor.tui.acting import ActingApp
from zexus_parallel_plugin.monitor.tui.bars import Bar, ReplayBar, Tab, TabBar
from zexus_parallel_plugin.monitor.tui.keys import KEYS
from zexus_parallel_plugin.monitor.tui.lines import Lines
from zexus_parallel_plugin.monitor.tui.overview import Overview
from zexus_parallel_plugin.monitor.tui.paint import DARK, LIGHT, PLAIN, THEMES, Palette
from zexus_parallel_plugin.monitor.tui.screens import HelpScreen
from zexus_parallel_plugin.monitor.tui.specs import specs
from zexus_parallel_plugin.monitor.tui.style import SHEET
from zexus_parallel_plugin.monitor.tui.table import Table
from zexus_parallel_plugin.monitor.tui.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from textual.binding import BindingType
    from textual.screen import Screen

    from zexus_parallel_plugin.monitor.details import Selection

__all__ = ["MonitorApp", "PlainScrollBar"]

FRAME = 0.25
"""Seconds between two looks at the journal, if nothing else is said."""
_DETAIL_FROM = 110
"""With so many columns the details are shown beside the view from the start."""


class PlainScrollBar(ScrollBarRender):
    """A scroll bar without characters of its own: its thumb is made of colours."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


class MonitorApp(ActingApp):
    """Shows a run.

    ``path`` is the journal; without it, the newest run is followed. ``replay`` is a speed, None to show the
    run as it is. ``refresh`` are the seconds between two looks at the journal. ``problem`` is, after the end,
    why it could not go on.
    """

    TITLE = "zexus-parallel monitor"
    ENABLE_COMMAND_PALETTE = True
    CSS = SHEET
    BINDINGS: ClassVar[list[BindingType]] = list(KEYS)

    def __init__(
        self,
        path: Path | None = None,
        *,
        replay: float | None = None,
        look: Look = UNICODE,
        light: bool = False,
        refresh: float = FRAME,
        find_runs: Callable[[], list[catalog.Run]] = catalog.runs,
        until: Callable[[], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.colour = not os.environ.get("NO_COLOR")
        if self.colour:
            os.environ.pop("NO_COLOR", None)  # empty is as good as not there, which the library does not know
        super().__init__(
            path,
            replay=replay,
            look=look,
            find_runs=find_runs,
            until=until,
            clock=clock,
            ansi_color=None if self.colour else True,
        )
        self.animation_level = "none"
        self.refresh_seconds = refresh
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (_DETAIL_FROM, "-broad")]
        self.views: list[views.View] = []
        self._palettes: dict[str, Palette] = {}
        self._wants_details: bool | None = None
        self._columns = 0
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = PLAIN if not self.colour else LIGHT.name if light else DARK.name

    # What is on the screen

    def compose(self) -> ComposeResult:
        """The screen."""
        tools = (self.look, self.palette)
        by_name = {spec.name: spec for spec in specs()}
        self.views = [
            Overview(tools, id="overview"),
            views.TimelineView(tools, id="timeline"),
            *(views.TableView(by_name[name], tools, id=name) for name in ("tasks", "chunks")),
            views.GraphView(tools, id="graph"),
            views.TableView(by_name["functions"], tools, id="functions"),
            views.SourceView(tools, id="source"),
            views.TableView(by_name["failures"], tools, id="failures"),
            views.OutputView(tools, id="output"),
            views.TableView(by_name["log"], tools, id="log"),
        ]
        self.head = Bar(*tools, id="head")
        self.tabs = TabBar(*tools, id="tabs")
        self.detail = Lines(*tools)
        self.detail_box = Container(self.detail, id="detail")
        self.replay_bar = ReplayBar(*tools, id="replay")
        self.filter_input = Input(
            placeholder="words, column:word, -word; enter: keep, escape: no filter",
            id="filter",
            compact=True,
            select_on_focus=False,
        )
        self.switcher = ContentSwitcher(*self.views, initial="overview", id="views")
        yield self.head
        yield self.tabs
        yield Horizontal(self.switcher, self.detail_box, id="body")
        yield self.replay_bar
        yield self.filter_input
        yield Footer(show_command_palette=not self.look.ascii_only, compact=True)

    @property
    def chosen(self) -> Selection:
        """What is selected in the view that is shown."""
        return self.view.selection

    @property
    def view(self) -> views.View:
        """The view that is shown."""
        return next(view for view in self.views if view.id == self.switcher.current)

    def palette(self) -> Palette:
        """The colours of the theme."""
        found = self._palettes.get(self.theme)
        if found is None:
            found = self._palettes[self.theme] = Palette(self.theme_variables, colour=self.colour)
        return found

    def on_mount(self) -> None:
        """Begin to read."""
        if self.look.ascii_only:
            ScrollBar.renderer = PlainScrollBar
            self.screen.add_class("ascii")
        self.open_first()
        self.theme_changed_signal.subscribe(self, lambda _theme: self.repaint())
        self.set_interval(self.refresh_seconds, self.tick)
        self.call_after_refresh(self.tick)
        self._focus_view()

    def on_resize(self, event: events.Resize) -> None:
        """Details that nobody has asked for are there only where there is room."""
        self._columns = event.size.width
        self._show_details()
        self.call_after_refresh(self.draw)

    def repaint(self) -> None:
        """Draw everything anew, in other colours."""
        for bar in (self.head, self.tabs, self.replay_bar):
            bar.repaint()
        for view in self.views:
            view.repaint()
        self.detail.repaint()
        self.draw()

    # Drawing

    def draw(self) -> None:
        """Show what has changed."""
        if not self.is_running or not self.switcher.is_mounted:
            return
        self.head.show(head(self.model, self.look, self.head.size.width, self._badge()))
        self._draw_tabs()
        view, watch = self.view, self.model
        touched = self.take_touched(str(view.id))
        view.show(watch, touched=touched if watch is view.model else None)
        self.draw_detail()
        if isinstance(self.feed, ReplayFeed):
            feed = self.feed
            self.replay_bar.state(feed.position, feed.duration, feed.speed, playing=feed.playing)

    def _badge(self) -> str:
        if self.paused and not self.is_replay:
            return "view paused"
        if self.feed is not None and self.feed.behind:
            return f"reading {self.feed.read_share * 100:.0f} %"
        return ""

    def _draw_tabs(self) -> None:
        failed = self.model.state.failed_attempts
        tabs = [
            Tab(f"{(number + 1) % 10}", view.title, view.short, failed if view.id == "failures" else 0)
            for number, view in enumerate(self.views)
        ]
        self.tabs.tabs(tabs, next(i for i, view in enumerate(self.views) if view is self.view))

    def draw_detail(self) -> None:
        """Show the details of what is selected."""
        if not self.detail_box.display:
            return
        title, lines = self._detail_lines()
        heading = [Ink(self.look.clean(title), "mark" if self.detail.has_focus else "head")]
        self.detail.show([heading, [], *lines])

    def _detail_lines(self) -> tuple[str, list[Line]]:
        room = self.detail.size.width - 1
        return details(self.model, self.chosen, self.look, room)

    def _show_details(self) -> None:
        broad = self._columns >= _DETAIL_FROM
        shown = broad if self._wants_details is None else self._wants_details
        self.screen_stack[0].set_class(shown, "details")

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that do nothing in the view at hand are not in the footer."""
        del parameters
        if action == "filter" and self.views:
            return self.view.listing is not None
        return True

    def action_view(self, index: int) -> None:
        """Go to a view."""
        self.switcher.current = self.views[index].id
        self.refresh_bindings()
        self._sync_filter()
        self._focus_view()
        self.draw()
        self.call_after_refresh(self.draw)

    def _focus_view(self) -> None:
        for widget in self.view.query("Table, Timeline, Lines"):
            if widget.can_focus:
                widget.focus()
                return

    @on(TabBar.Chosen)
    def _tab_chosen(self, event: TabBar.Chosen) -> None:
        self.action_view(event.index)

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen(self.look, self.palette))

    def action_details(self) -> None:
        """Show or hide the details."""
        self._wants_details = not self.screen.has_class("details")
        self._show_details()
        if not self._wants_details and self.detail.has_focus:
            self._focus_view()
        self.call_after_refresh(self.draw)

    def _open_details(self) -> None:
        if self.screen.has_class("details"):
            self.detail.focus()
            return
        self._wants_details = True
        self._show_details()
        self.call_after_refresh(self.draw)

    @on(Table.Selected)
    @on(Timeline.Picked)
    def _selected(self) -> None:
        self.draw_detail()

    @on(Table.Opened)
    def _opened(self) -> None:
        self._open_details()

    @on(Timeline.Picked)
    def _picked(self, event: Timeline.Picked) -> None:
        if event.opened:
            self._open_details()

    def action_close(self) -> None:
        """Close what was opened last: the filter, then the details."""
        if self.screen.has_class("filtering"):
            self.filter_input.value = ""
            self.screen.remove_class("filtering")
            self._focus_view()
        elif self.detail.has_focus or self.screen.has_class("details"):
            self._wants_details = False
            self._show_details()
            self._focus_view()
        self.call_after_refresh(self.draw)

    def action_filter(self) -> None:
        """Ask for a filter."""
        if self.view.listing is None:
            self.notify("This view has nothing to filter.", severity="warning", markup=False)
            return
        self.screen.add_class("filtering")
        self.filter_input.cursor_position = len(self.filter_input.value)
        self.call_after_refresh(self.filter_input.focus)

    def _sync_filter(self) -> None:
        query = self.view.listing.query if self.view.listing is not None else ""
        self.filter_input.value = query
        self.screen.set_class(bool(query), "filtering")

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        if self.view.listing is not None:
            self.view.listing.filter(event.value)
            if self.refresh_seconds > FRAME:
                self.set_timer(FRAME, self.draw)  # who types does not wait for the next look

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        if not self.filter_input.value:
            self.screen.remove_class("filtering")
        self._focus_view()
        self.draw()

    def action_order(self, step: int) -> None:
        """Sort by the next column."""
        listing = self._listing()
        if listing is not None:
            listing.next_order(step)
            self.draw()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        listing = self._listing()
        if listing is not None:
            listing.order_by(listing.order, descending=not listing.descending)
            self.draw()

    def _listing(self) -> Any:
        """The listing of the part with the focus, else that of the view."""
        focused = self.focused
        owner = focused.parent if focused is not None else None
        listing = owner.listing if isinstance(owner, views.View) else None
        if listing is None:
            listing = self.view.listing
        if listing is None:
            self.notify("This view has nothing to sort.", severity="warning", markup=False)
        return listing

    def action_theme(self) -> None:
        """Dark or light."""
        if not self.colour:
            self.notify("There are no themes without colours (NO_COLOR is set).", markup=False)
            return
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the command palette offers."""
        for number, view in enumerate(self.views):
            yield SystemCommand(
                f"View: {view.title}", f"Key {(number + 1) % 10}", _call(self.action_view, number)
            )
        yield SystemCommand("Choose a run", "Key r", self.action_runs)
        yield SystemCommand("Follow the newest run", "Key f", self.action_follow)
        yield SystemCommand("Cancel the run", "Key c; asks first", self.action_cancel)
        yield SystemCommand("Kill the selected worker", "Key x; asks first", self.action_kill)
        yield SystemCommand("Pause or go on", "Key space", self.action_pause)
        yield SystemCommand("Details", "Key d", self.action_details)
        yield SystemCommand("Keys", "Key ?", self.action_help)
        for command in super().get_system_commands(screen):
            if command.title not in {"Keys", "Maximize", "Minimize"}:
                yield command


def _call(action: Callable[[int], None], number: int) -> Callable[[], None]:
    return lambda: action(number)
