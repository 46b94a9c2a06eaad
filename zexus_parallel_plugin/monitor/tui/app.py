"""The monitor's application: reads a journal four times a second, and shows what has changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.widgets import ContentSwitcher, Footer, Input

from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.journal import catalog, control
from zexus_parallel_plugin.monitor.details import details
from zexus_parallel_plugin.monitor.feeds import Feed, LiveFeed, ReplayFeed
from zexus_parallel_plugin.monitor.ink import UNICODE, Ink, Line, Look
from zexus_parallel_plugin.monitor.summary import head
from zexus_parallel_plugin.monitor.tui import views
from zexus_parallel_plugin.monitor.tui.bars import Bar, ReplayBar, Tab, TabBar
from zexus_parallel_plugin.monitor.tui.lines import Lines
from zexus_parallel_plugin.monitor.tui.paint import DARK, LIGHT, PLAIN, THEMES, Palette
from zexus_parallel_plugin.monitor.tui.screens import ConfirmScreen, HelpScreen, RunsScreen
from zexus_parallel_plugin.monitor.tui.table import Table
from zexus_parallel_plugin.monitor.tui.timeline import Timeline
from zexus_parallel_plugin.monitor.watch import Watch

if TYPE_CHECKING:
    from textual.screen import Screen

__all__ = ["MonitorApp", "PlainScrollBar"]

FRAME = 0.25
"""Seconds between two looks at the journal."""
_READ_SECONDS = 0.06
"""How long one look may take; what is left is read at once afterwards, between the keys."""
_REST_SECONDS = 10.0
_SEARCH_SECONDS = 1.0
"""How often a newer run is looked for."""
_DETAIL_FROM = 110
"""With so many columns the details are shown beside the view from the start."""


class PlainScrollBar(ScrollBarRender):
    """A scroll bar without characters of its own: its thumb is made of colours."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


class MonitorApp(App[None]):
    """Shows a run.

    ``path`` is the journal; without it, the newest run is followed. ``replay`` is a speed, None to show the
    run as it is. ``problem`` is, after the end, why it could not go on.
    """

    TITLE = "zexus-parallel monitor"
    ENABLE_COMMAND_PALETTE = True
    CSS = """
    #head { height: 4; background: $surface; }
    #tabs { height: 1; background: $panel; }
    #body { height: 1fr; layout: horizontal; }
    #views { width: 1fr; height: 1fr; }
    View { height: 1fr; width: 1fr; padding: 0 0 0 1; }
    #detail { width: 42%; max-width: 76; height: 1fr; display: none; padding: 0 0 0 1;
        border-left: solid $secondary 40%; }
    .-narrow #body { layout: vertical; }
    .-narrow #detail { width: 1fr; max-width: 1000; height: 45%; border-left: none;
        border-top: solid $secondary 40%; }
    .details #detail { display: block; }
    .panel { padding: 0; border-top: solid $secondary 40%; border-title-color: $secondary;
        border-title-style: bold; }
    .panel:focus-within { border-top: solid $primary; border-title-color: $primary; }
    .note { height: 1; }
    #replay { display: none; height: 1; background: $panel; }
    .replay #replay { display: block; }
    #filter { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    .filtering #filter { display: block; }
    Footer { background: $surface; }
    .ascii .panel { border-top: ascii $secondary 40%; }
    .ascii .panel:focus-within { border-top: ascii $primary; }
    .ascii #detail { border-left: ascii $secondary 40%; }
    .ascii.-narrow #detail { border-left: none; border-top: ascii $secondary 40%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help", key_display="?"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "order(1)", "Sort", show=False),
        Binding("S", "reverse", "Reverse", show=False),
        Binding("d", "details", "Details"),
        Binding("space", "pause", "Pause"),
        Binding("r", "runs", "Runs"),
        Binding("f", "follow", "Follow", show=False),
        Binding("c", "cancel", "Cancel"),
        Binding("x", "kill", "Kill"),
        Binding("t", "theme", "Theme", show=False),
        Binding("escape", "close", "Close", show=False),
        Binding("full_stop", "step(1)", "Step", show=False),
        Binding("comma", "step(-1)", "Step back", show=False),
        Binding("less_than_sign", "seek(-1)", "Back", show=False),
        Binding("greater_than_sign", "seek(1)", "On", show=False),
        Binding("left_square_bracket", "speed(-1)", "Slower", show=False),
        Binding("right_square_bracket", "speed(1)", "Faster", show=False),
        *(Binding(f"{(n + 1) % 10}", f"view({n})", f"View {n + 1}", show=False) for n in range(10)),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(
        self,
        path: Path | None = None,
        *,
        replay: float | None = None,
        look: Look = UNICODE,
        light: bool = False,
        find_runs: Callable[[], list[catalog.Run]] = catalog.runs,
        until: Callable[[], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.colour = not os.environ.get("NO_COLOR")
        if self.colour:
            os.environ.pop("NO_COLOR", None)  # empty is as good as not there, which the library does not know
        super().__init__(ansi_color=None if self.colour else True)
        self.animation_level = "none"
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (_DETAIL_FROM, "-broad")]
        self.look = look
        self.problem = ""
        self.feed: Feed | None = None
        self.paused = False
        self.frames = 0
        self._find_runs = find_runs
        self._until = until
        self._clock = clock
        self._replay = replay
        self._follows = path is None
        self._first_path = path
        self._searched = -1e9
        self._empty = Watch()
        self.views: list[views.View] = []
        self._palettes: dict[str, Palette] = {}
        self._wants_details: bool | None = None
        self._columns = 0
        self._touched: dict[str, set[int] | None] = {}
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = PLAIN if not self.colour else LIGHT.name if light else DARK.name

    # What is on the screen

    def compose(self) -> ComposeResult:
        """The screen."""
        tools = (self.look, self.palette)
        by_name = {spec.name: spec for spec in views.specs()}
        self.views = [
            views.Overview(tools, id="overview"),
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
    def model(self) -> Watch:
        """The run that is shown, an empty one if there is none."""
        return self.feed.watch if self.feed is not None else self._empty

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
        if self._first_path is not None:
            self.open(self._first_path)
        self.theme_changed_signal.subscribe(self, lambda _theme: self.repaint())
        self.set_interval(FRAME, self.tick)
        self.call_after_refresh(self.tick)
        self._focus_view()

    def on_unmount(self) -> None:
        """Close the file."""
        if self.feed is not None:
            self.feed.close()

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

    # Reading

    def open(self, path: Path) -> None:
        """Show another run."""
        if self.feed is not None:
            self.feed.close()
        self._replay_from = 0.0
        self.feed = LiveFeed(path) if self._replay is None else ReplayFeed(path, self._replay)
        self.screen.set_class(self._replay is not None, "replay")
        self._touched.clear()
        self._draw_soon()

    def tick(self) -> None:
        """Look for what is new, and show it."""
        if self._until is not None and self._until():
            self.exit()
            return
        self._look_for_newer()
        self._read()
        self.draw()

    def _read(self) -> None:
        feed = self.feed
        if feed is None or (self.paused and self._replay is None):
            return
        try:
            feed.step(_READ_SECONDS)
        except ZexusParallelError as error:
            self.problem = str(error)
            self.exit(return_code=2)
            return
        if feed.behind:
            self.set_timer(0.01, self._read)
        touched = feed.watch.touched
        if touched:
            for known in self._touched.values():
                if known is not None:
                    known.update(touched)
            touched.clear()

    def read_rest(self) -> None:
        """After the end of the screen: read what the run has written since, for a summary."""
        if self.feed is None and (found := self._find_runs()):
            self.feed = LiveFeed(found[0].path)
        if self.feed is not None:
            self.feed.step(_REST_SECONDS)
            self.feed.close()

    def _look_for_newer(self) -> None:
        if not self._follows or self._clock() - self._searched < _SEARCH_SECONDS:
            return
        self._searched = self._clock()
        if self.feed is not None and self.model.status in {"running", "waiting"}:
            return
        found = self._find_runs()
        if found and (self.feed is None or found[0].path != self.feed.path):
            self.open(found[0].path)

    # Drawing

    def draw(self) -> None:
        """Show what has changed."""
        if not self.is_running or not self.switcher.is_mounted:
            return
        self.frames += 1
        self.head.show(head(self.model, self.look, self.head.size.width, self._badge()))
        self._draw_tabs()
        view = self.view
        name = str(view.id)
        watch = self.model
        touched = self._touched.get(name) if watch is view.model else None
        self._touched[name] = set()
        view.show(watch, touched=touched)
        self.draw_detail()
        if isinstance(self.feed, ReplayFeed):
            feed = self.feed
            self.replay_bar.state(feed.position, feed.duration, feed.speed, playing=feed.playing)

    def _draw_soon(self) -> None:
        self.call_after_refresh(self.tick)

    def _badge(self) -> str:
        if self.paused and self._replay is None:
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
        return details(self.model, self.view.selection, self.look, room)

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

    def action_pause(self) -> None:
        """Pause the view, or the replay."""
        if isinstance(self.feed, ReplayFeed):
            if not self.feed.playing and self.feed.position >= self.feed.duration:
                self.feed.seek(0.0)
            self.feed.playing = not self.feed.playing
        else:
            self.paused = not self.paused
        self.tick()

    def action_step(self, by: int) -> None:
        """To the next event of a replay, or to the one before."""
        if isinstance(self.feed, ReplayFeed):
            if by > 0:
                self.feed.next_event()
            else:
                self.feed.previous_event()
            self.tick()

    def action_seek(self, by: int) -> None:
        """Back or on in a replay."""
        if isinstance(self.feed, ReplayFeed):
            self.feed.seek(self.feed.position + by * self.feed.duration / 20)
            self.tick()

    @on(ReplayBar.Sought)
    def _sought(self, event: ReplayBar.Sought) -> None:
        if isinstance(self.feed, ReplayFeed):
            self.feed.seek(event.share * self.feed.duration)
            self.tick()

    def action_speed(self, by: int) -> None:
        """Make a replay slower or faster."""
        if isinstance(self.feed, ReplayFeed):
            self.feed.speed = max(1 / 64, min(4096.0, self.feed.speed * 2.0**by))
            self.draw()

    def action_runs(self) -> None:
        """Choose among the runs."""
        current = self.feed.path if self.feed is not None else None
        self.push_screen(RunsScreen(self.look, self.palette, self._find_runs, current), self._run_chosen)

    def _run_chosen(self, path: Path | None) -> None:
        if path is not None:
            self._follows = False
            self.open(path)

    def action_follow(self) -> None:
        """Show the newest run, and the next one when it starts."""
        self._follows, self._searched = True, -1e9
        found = self._find_runs()
        if found and (self.feed is None or found[0].path != self.feed.path):
            self.open(found[0].path)
        self.notify("Following the newest run.", markup=False)

    def action_theme(self) -> None:
        """Dark or light."""
        if not self.colour:
            self.notify("There are no themes without colours (NO_COLOR is set).", markup=False)
            return
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    # Acting on the run

    def action_cancel(self) -> None:
        """Cancel the run, after a question."""
        start = self.model.state.start
        if start is None or self.model.status != "running" or self._replay is not None:
            self.notify("There is no running program to cancel.", severity="warning", markup=False)
            return
        watch = self.model

        def answered(yes: bool | None) -> None:
            if yes:
                self._act(lambda: control.cancel(watch.state), "The run was asked to end.")

        program = start.program or "The program"
        text = f"{program} (process {start.pid}) is ended, as Ctrl-C in its terminal does."
        self.push_screen(
            ConfirmScreen(self.look, self.palette, "Cancel the run?", text, "Cancel it"), answered
        )

    def action_kill(self) -> None:
        """Kill the selected worker, after a question."""
        chosen, watch = self.view.selection, self.model
        worker = watch.state.workers.get(chosen.key) if isinstance(chosen.key, int) else None
        if chosen.kind == "task" and isinstance(chosen.key, int):
            task = watch.state.tasks.get(chosen.key)
            running = task is not None and task.state == "running" and task.worker is not None
            worker = watch.state.workers.get(task.worker or 0) if running and task is not None else None
        elif chosen.kind != "worker":
            worker = None
        if worker is None or not worker.alive or watch.status != "running" or self._replay is not None:
            self.notify("Select a worker of a running program first.", severity="warning", markup=False)
            return
        victim = worker

        def answered(yes: bool | None) -> None:
            if yes:
                self._act(lambda: control.kill_worker(watch.state, victim), f"Worker {victim.id} was killed.")

        text = (
            f"Worker {worker.id} (process {worker.pid}) is killed at once. The run replaces it, and does its"
            " task again or in place: what the program prints does not change."
        )
        self.push_screen(ConfirmScreen(self.look, self.palette, "Kill a worker?", text, "Kill it"), answered)

    def _act(self, step: Callable[[], None], done: str) -> None:
        try:
            step()
        except ZexusParallelError as error:
            self.notify(self.look.clean(str(error)), severity="error", markup=False)
        else:
            self.notify(done, markup=False)

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
