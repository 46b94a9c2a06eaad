"""The views: what is below the tabs. Each shows a watch, and tells what is selected in it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from textual import on
from textual.containers import Vertical

from zexus_parallel_plugin.monitor.details import Selection
from zexus_parallel_plugin.monitor.figures import duration
from zexus_parallel_plugin.monitor.graph import Graph, Node, graph_columns, lay_out
from zexus_parallel_plugin.monitor.ink import Ink, Line, Look
from zexus_parallel_plugin.monitor.listing import Listing
from zexus_parallel_plugin.monitor.source import source_lines
from zexus_parallel_plugin.monitor.tui.bars import PlaceBar
from zexus_parallel_plugin.monitor.tui.growing import Moved
from zexus_parallel_plugin.monitor.tui.lines import Lines
from zexus_parallel_plugin.monitor.tui.paint import Palette
from zexus_parallel_plugin.monitor.tui.table import Table
from zexus_parallel_plugin.monitor.tui.timeline import Timeline
from zexus_parallel_plugin.monitor.watch import Watch

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from zexus_parallel_plugin.monitor.place import Going
    from zexus_parallel_plugin.monitor.tui.specs import Spec


__all__ = [
    "GraphView",
    "OutputView",
    "SourceView",
    "TableView",
    "TimelineView",
    "View",
]

Row = TypeVar("Row")
Tools = tuple[Look, Callable[[], Palette]]


def _is_other_run(watch: Watch, shown: Watch) -> bool:
    """Whether it is not the run that was shown so far; a replay that goes back is the same run."""
    before, now = shown.state.start, watch.state.start
    return before is None or now is None or (before.run, before.pid) != (now.run, now.pid)


def _going(watch: Watch, *, follows: bool, may_follow: bool = True) -> Going:
    """What a view does about new lines of a run."""
    if watch.status not in {"running", "waiting"}:
        return "still"
    if not may_follow:
        return "sorted"
    return "following" if follows else "held"


_SHORT = {
    "Overview": "Main",
    "Timeline": "Time",
    "Functions": "Funcs",
    "Source": "Code",
    "Failures": "Fails",
    "Output": "Out",
}
"""Titles for narrow screens."""


class View(Vertical):
    """A view. ``listing`` is what can be filtered and sorted."""

    def __init__(self, title: str, **named: Any) -> None:
        super().__init__(**named)
        self.title = title
        self.short = _SHORT.get(title, title)
        self.model = Watch()
        self.listing: Listing[Any] | None = None

    @property
    def selection(self) -> Selection:
        """What the detail pane shows."""
        return Selection("run")

    def show(self, watch: Watch, *, touched: set[int] | None) -> None:
        """Show a run as it is now. ``touched``: tasks that have changed since the last time, None: all."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Draw everything anew, as after a change of colours."""
        for widget in self.query("Table, Lines, Timeline"):
            widget.repaint()  # type: ignore[attr-defined]


class TableView(View):
    """One table that fills the view, or a part of another one."""

    def __init__(self, spec: Spec[Any], tools: Tools, **named: Any) -> None:
        super().__init__(spec.title, **named)
        look, palette = tools
        self.spec = spec
        self.rows: Mapping[Any, Any] = {}
        self._shown_version = -1
        columns = spec.columns(lambda: self.model, look)
        self.listing = Listing(
            columns, spec.text, order=spec.order, descending=spec.descending, by_key=spec.by_task
        )
        self.table: Table[Any] = Table(columns, self._row, look, palette, spec.empty)
        self.table.may_follow = self.table.follows = spec.follows
        self.place_bar = PlaceBar(look, palette) if spec.follows else None

    def _row(self, key: Hashable) -> Any:
        return self.rows.get(key)

    def compose(self) -> ComposeResult:
        """The table, and below it where it is."""
        yield self.table
        if self.place_bar is not None:
            yield self.place_bar

    def show(self, watch: Watch, *, touched: set[int] | None) -> None:
        """Show the rows of a run."""
        listing = self.listing
        assert listing is not None
        other = watch is not self.model
        if other:
            if _is_other_run(watch, self.model):
                self.table.follows = self.spec.follows
            self.model = watch
            listing.reset()
        if other or watch.version != self._shown_version or touched is None:
            self._shown_version = watch.version
            self.rows = self.spec.rows(watch)
        self.table.empty = f"no row passes the filter {listing.query}" if self.rows else self.spec.empty
        changed: set[int] | None = touched if self.spec.by_task and not other else None
        keys = listing.update(self.rows, changed)
        self.table.may_follow = self.spec.follows and not listing.order and not listing.descending
        self.table.follows = self.table.follows and self.table.may_follow
        self.table.show(keys, ordered_by=listing.order, descending=listing.descending)
        self._show_place()

    @on(Moved)
    def _show_place(self) -> None:
        if self.place_bar is not None:
            table = self.table
            self.place_bar.state(
                table.place, _going(self.model, follows=table.follows, may_follow=table.may_follow)
            )

    @on(PlaceBar.Resumed)
    def _resume(self) -> None:
        self.table.action_edge(1)

    @property
    def selection(self) -> Selection:
        """The row with the cursor."""
        return Selection(self.spec.kind, self.table.cursor)

    def on_table_ordered(self, event: Table.Ordered) -> None:
        """Sort by a column."""
        if self.listing is not None:
            self.listing.order_by(event.column)


class TimelineView(View):
    """The timeline alone."""

    def __init__(self, tools: Tools, **named: Any) -> None:
        super().__init__("Timeline", **named)
        self.timeline = Timeline(*tools)

    def compose(self) -> ComposeResult:
        """The timeline."""
        yield self.timeline

    def show(self, watch: Watch, *, touched: set[int] | None) -> None:  # noqa: ARG002 - the method of all views
        """Show the rows of a run."""
        self.timeline.show(watch)

    @property
    def selection(self) -> Selection:
        """The task that is marked."""
        task = self.timeline.chosen_task
        return Selection("run") if task is None else Selection("task", task)


class GraphView(View):
    """The dependences between pieces of code."""

    def __init__(self, tools: Tools, **named: Any) -> None:
        super().__init__("Graph", **named)
        self._look, palette = tools
        self._graph = Graph((), 0, 0, 0.0, 0)
        self._by_chunk: dict[Hashable, Node] = {}
        self._version = -1
        self.note = Lines(self._look, palette, focusable=False, classes="note")
        self.table: Table[Node] = Table(
            graph_columns(self._graph), self._by_chunk.get, self._look, palette,
            "no piece of code was looked at yet",
        )  # fmt: skip

    def compose(self) -> ComposeResult:
        """The picture, and a line about it."""
        yield self.note
        yield self.table

    def show(self, watch: Watch, *, touched: set[int] | None) -> None:  # noqa: ARG002 - the method of all views
        """Show the pieces of code of a run."""
        if watch is not self.model or watch.version != self._version:
            self.model, self._version = watch, watch.version
            graph = lay_out(watch.state.chunks, self._look)
            if graph.rail_width != self._graph.rail_width:
                self.table.set_columns(graph_columns(graph))
            self._graph = graph
            self._by_chunk.clear()
            self._by_chunk.update({node.chunk.id: node for node in graph.nodes})
        self.note.show([self._about()])
        self.table.show(list(self._by_chunk))

    def _about(self) -> Line:
        graph = self._graph
        if not graph.nodes:
            return []
        chunks = "1 chunk" if len(graph.nodes) == 1 else f"{len(graph.nodes)} chunks"
        levels = "1 level" if graph.levels == 1 else f"{graph.levels} levels"
        text = f" {chunks} in {levels}, at most {graph.width} side by side"
        inks = [Ink(text, "dim")]
        if graph.critical and any(node.critical for node in graph.nodes):
            inks += [Ink("   longest chain ", "dim"), Ink(duration(graph.critical), "mark")]
        return inks

    @property
    def selection(self) -> Selection:
        """The row with the cursor."""
        return Selection("chunk", self.table.cursor)


class SourceView(View):
    """The program with what is known about its lines."""

    def __init__(self, tools: Tools, **named: Any) -> None:
        super().__init__("Source", **named)
        self._look, palette = tools
        self._shown: tuple[int, int, int] = (-1, -1, -1)
        self.lines = Lines(self._look, palette, empty="the journal does not have the text of the program")

    def compose(self) -> ComposeResult:
        """The text."""
        yield self.lines

    def show(self, watch: Watch, *, touched: set[int] | None) -> None:  # noqa: ARG002 - the method of all views
        """Show the program of a run."""
        room = max(20, self.lines.size.width - 1)
        now = (id(watch), watch.version, room)
        if now != self._shown:
            self._shown = now
            self.lines.show(source_lines(watch, self._look, room) if watch.state.source is not None else [])


class OutputView(View):
    """What the program printed."""

    def __init__(self, tools: Tools, **named: Any) -> None:
        super().__init__("Output", **named)
        self._look, palette = tools
        self._pieces = 0
        self._rest = ""
        self._text: list[Line] = []
        self.lines = Lines(self._look, palette, follows=True, empty="the program has printed nothing yet")
        self.place_bar = PlaceBar(self._look, palette)

    def compose(self) -> ComposeResult:
        """The text, and below it where it is."""
        yield self.lines
        yield self.place_bar

    @property
    def going(self) -> Going:
        """What it does about new lines."""
        return _going(self.model, follows=self.lines.following)

    @on(Moved)
    def _show_place(self) -> None:
        self.place_bar.state(self.lines.place, self.going)

    @on(PlaceBar.Resumed)
    def _resume(self) -> None:
        self.lines.action_edge(1)

    def show(self, watch: Watch, *, touched: set[int] | None) -> None:  # noqa: ARG002 - the method of all views
        """Show the output of a run."""
        output = watch.state.output
        if watch is not self.model or len(output) < self._pieces:
            if _is_other_run(watch, self.model):
                self.lines.follow()
            self.model, self._pieces, self._rest, self._text = watch, 0, "", []
        if len(output) > self._pieces:
            parts = (self._rest + "".join(output[self._pieces :])).split("\n")
            self._pieces, self._rest = len(output), parts.pop()
            self._text += [[Ink(self._look.clean(part.rstrip("\r")))] for part in parts]
        lines = list(self._text)
        if self._rest:
            lines.append([Ink(self._look.clean(self._rest))])
        if watch.state.output_dropped:
            more = f"{watch.state.output_dropped} more characters, which the journal does not keep"
            text = f"{self._look.more} {more}"
            lines.append([Ink(text, "dim")])
        self.lines.show(lines)
        self._show_place()
