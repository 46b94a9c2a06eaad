"""The first view: the most important parts of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on

from zexus_parallel_plugin.monitor.figures import duration
from zexus_parallel_plugin.monitor.tui.growing import Moved
from zexus_parallel_plugin.monitor.tui.specs import specs
from zexus_parallel_plugin.monitor.tui.views import OutputView, TableView, TimelineView, Tools, View

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from zexus_parallel_plugin.monitor.details import Selection
    from zexus_parallel_plugin.monitor.watch import Watch

__all__ = ["Overview"]

_OUTPUT = 10
"""Lines of output that are worth more than a taller timeline."""


class Overview(View):
    """The most important parts, one below the other."""

    def __init__(self, tools: Tools, **named: Any) -> None:
        super().__init__("Overview", **named)
        by_name = {spec.name: spec for spec in specs()}
        self.worker_part = TableView(by_name["workers"], tools, classes="panel", id="overview-workers")
        self.timeline_part = TimelineView(tools, classes="panel", id="overview-timeline")
        self.function_part = TableView(by_name["functions"], tools, classes="panel", id="overview-functions")
        self.output_part = OutputView(tools, classes="panel", id="overview-output")
        self.worker_part.border_title = "Workers"
        self.timeline_part.border_title = "Timeline"
        self.function_part.border_title = "Functions"
        self.output_part.border_title = "Output"
        self._chosen: View = self.worker_part
        self.parts: tuple[View, ...] = (
            self.worker_part,
            self.timeline_part,
            self.function_part,
            self.output_part,
        )

    def compose(self) -> ComposeResult:
        """The parts."""
        yield from self.parts

    def show(self, watch: Watch, *, touched: set[int] | None) -> None:
        """Show all parts."""
        self._share_room(watch)
        compiled = watch.state.compiled
        title = "Functions" if compiled is None else f"Functions, compiled: {compiled.words(duration)}"
        if self.function_part.border_title != title:
            self.function_part.border_title = title
        for part in self.parts:
            if part.display:
                part.show(watch, touched=touched)
        self._tell_of_output()

    @on(Moved)
    def _tell_of_output(self) -> None:
        """The output has no room for a line of its own that tells whether it follows."""
        held = self.output_part.going == "held"
        title = "Output, not following (end: to the newest)" if held else "Output"
        if self.output_part.border_title != title:
            self.output_part.border_title = title

    def _share_room(self, watch: Watch) -> None:
        """Give each part the lines that it can use, and the output what is left."""
        room = self.size.height
        slots, groups = max(1, watch.state.slots), max(1, len(watch.state.groups))
        workers = min(slots + 2, max(4, room * 35 // 100))
        timeline = min(slots + 3, max(5, room * 35 // 100))
        functions = min(groups + 2, max(3, room * 20 // 100))
        if room - workers - timeline - functions < 4:
            functions = 0
        spare = room - workers - timeline - functions - _OUTPUT
        timeline += slots * max(0, min(2, spare // slots))
        for part, height in (
            (self.worker_part, workers),
            (self.timeline_part, timeline),
            (self.function_part, functions),
        ):
            part.display = height > 0
            if height and (part.styles.height is None or part.styles.height.value != height):
                part.styles.height = height

    def on_descendant_focus(self) -> None:
        """Remember which part had the focus last."""
        self._chosen = next((part for part in self.parts if part.has_focus_within), self._chosen)

    @property
    def selection(self) -> Selection:
        """What is selected in the part that had the focus last."""
        return self._chosen.selection
