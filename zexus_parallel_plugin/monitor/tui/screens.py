"""What comes over the views: help, the list of runs, questions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from zexus_parallel_plugin.monitor.columns import Column
from zexus_parallel_plugin.monitor.figures import size
from zexus_parallel_plugin.monitor.ink import Ink, Line, Look
from zexus_parallel_plugin.monitor.pane import wrap
from zexus_parallel_plugin.monitor.summary import STATUS_TONES
from zexus_parallel_plugin.monitor.tui.lines import Lines
from zexus_parallel_plugin.monitor.tui.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from textual import events
    from textual.app import ComposeResult

    from zexus_parallel_plugin.journal.catalog import Run
    from zexus_parallel_plugin.monitor.tui.paint import Palette

__all__ = ["HELP", "ConfirmScreen", "HelpScreen", "RunsScreen"]

HELP: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Views",
        (
            ("1-9  0", "go to a view; a click on its tab does the same"),
            ("tab", "go to the next part of the screen"),
            ("enter", "details of what is selected; again: go into them"),
            ("d", "show or hide the details"),
            ("escape", "close the details, the filter or this page"),
        ),
    ),
    (
        "Tables",
        (
            ("/", "filter: words that must occur, column:word, -word"),
            ("s  S", "sort by the next column; the other way round. A click on a heading sorts, too"),
            ("arrows, page up, page down, home, end", "move"),
            ("end", "in tasks, output and log: to the newest, and go along with what comes"),
        ),
    ),
    (
        "Timeline",
        (
            ("+  -", "zoom; also the wheel with Ctrl"),
            ("left  right", "earlier, later; also the wheel with Shift"),
            ("a", "the whole run"),
            ("up  down  n  b", "choose a row, the next task in it, the one before"),
        ),
    ),
    (
        "The run",
        (
            ("r", "choose among the runs"),
            ("f", "follow the newest run"),
            ("space", "pause the view, or the replay; the run itself goes on"),
            ("c", "cancel the run, as Ctrl-C in its terminal does (asks first)"),
            ("x", "kill the selected worker (asks first); the run replaces it, and does its task again"),
        ),
    ),
    (
        "Replay",
        (
            (".  ,", "to the next event, to the one before"),
            ("<  >", "back or on by a twentieth; a click on the bar goes there"),
            ("[  ]", "half or double speed"),
        ),
    ),
    (
        "Everything else",
        (
            ("t", "dark or light"),
            ("ctrl+p", "all commands, more themes, a picture of the screen"),
            ("?", "this page"),
            ("q", "leave; the run does not notice"),
        ),
    ),
    (
        "Words",
        (
            ("speed-up (est.)", "work done divided by time; an estimate: `zexus-parallel bench` measures it"),
            ("efficiency (est.)", "which part of the time of the workers was work"),
            ("committed", "the program came to the calls of the task, and used their results"),
            ("done", "the result is there, and the program has not come to it yet"),
            ("thrown-away", "finished, and no result was used; the calls were executed in place"),
            ("slow", "runs for more than three times as long as tasks of its action do"),
        ),
    ),
)


class _Box(ModalScreen[Any]):
    """A box in the middle of the screen."""

    DEFAULT_CSS = """
    _Box { align: center middle; background: $background 60%; }
    _Box > .box {
        width: 90%; max-width: 100; height: auto; max-height: 90%;
        background: $surface; border: round $primary; padding: 0 1; border-title-color: $primary;
        border-title-style: bold;
    }
    _Box Lines, _Box Table { background: $surface; }
    .ascii _Box > .box, _Box.ascii > .box { border: ascii $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close"),
    ]

    def __init__(self, look: Look, palette: Callable[[], Palette]) -> None:
        super().__init__(classes="ascii" if look.ascii_only else "")
        self.look = look
        self.palette = palette

    def on_click(self, event: events.Click) -> None:
        """A click beside the box closes it."""
        if event.widget is self:
            self.dismiss(None)


class HelpScreen(_Box):
    """All keys, and what the words mean."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "dismiss(None)", "Close", show=False)
    ]

    def compose(self) -> ComposeResult:
        """The text."""
        self.text = Lines(self.look, self.palette)
        box = Vertical(self.text, classes="box")
        box.border_title = "Keys"
        yield box

    def on_mount(self) -> None:
        """Lay the text out."""
        self._lay_out()

    def on_resize(self) -> None:
        """Lay the text out anew."""
        self._lay_out()

    def _lay_out(self) -> None:
        room = max(30, min(93, self.app.size.width * 9 // 10 - 7))
        lines = self._lines(room)
        self.text.styles.height = min(len(lines), max(4, self.app.size.height * 9 // 10 - 2))
        self.text.show(lines)

    def _lines(self, room: int) -> list[Line]:
        lines: list[Line] = []
        label = 18
        for title, rows in HELP:
            lines += [[]] if lines else []
            lines.append([Ink(title, "head")])
            for keys, meaning in rows:
                shown = self.look.clean(keys)
                if len(shown) > label - 2:
                    lines.append([Ink("  "), Ink(shown, "key")])
                    shown = ""
                for piece in wrap(self.look.clean(meaning), room - label):
                    lines.append([Ink(f"  {shown:<{label - 2}}", "key"), Ink(piece)])
                    shown = ""
        return lines


class ConfirmScreen(_Box):
    """A question; the answer is True or False."""

    DEFAULT_CSS = """
    ConfirmScreen > #question { width: 64; max-width: 90%; padding: 1 2; }
    ConfirmScreen Lines { width: 1fr; height: auto; }
    ConfirmScreen Horizontal { height: 1; margin-top: 1; align-horizontal: right; }
    ConfirmScreen Button { margin-left: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n", "answer(False)", "No"),
    ]

    def __init__(self, look: Look, palette: Callable[[], Palette], title: str, text: str, yes: str) -> None:
        super().__init__(look, palette)
        self._question = title
        self.text = text
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        lines = Lines(self.look, self.palette, focusable=False)
        pieces = wrap(self.look.clean(self.text), 56)
        lines.styles.height = len(pieces)
        lines.show([[Ink(piece)] for piece in pieces])
        buttons = Horizontal(
            Button("No (n)", id="no", compact=True),
            Button(f"{self._yes} (y)", id="yes", variant="error", compact=True),
        )
        box = Vertical(lines, buttons, classes="box", id="question")
        box.border_title = self._question
        yield box

    def on_mount(self) -> None:
        """The harmless answer comes first."""
        self.query_one("#no", Button).focus()

    def action_answer(self, answer: bool) -> None:
        """Answer."""
        self.dismiss(answer)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by a button."""
        event.stop()
        self.dismiss(event.button.id == "yes")


class RunsScreen(_Box):
    """The runs to choose from; the answer is the path of a journal."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "dismiss(None)", "Close", show=False)]

    def __init__(
        self,
        look: Look,
        palette: Callable[[], Palette],
        find: Callable[[], Sequence[Run]],
        current: Path | None,
    ) -> None:
        super().__init__(look, palette)
        self._find = find
        self._current = current
        self._runs: dict[str, Run] = {}

    def compose(self) -> ComposeResult:
        """The table."""
        self.table: Table[Run] = Table(
            self._columns(), self._run, self.look, self.palette,
            "there are no runs yet: zexus run --backend parallel file.zx",
        )  # fmt: skip
        box = Vertical(self.table, classes="box")
        box.border_title = "Runs, the newest first"
        yield box

    def _run(self, key: str) -> Run | None:
        return self._runs.get(key)

    def _columns(self) -> list[Column[Run]]:
        def here(run: Run) -> Ink:
            return Ink(self.look.cursor if run.path == self._current else " ", "mark")

        return [
            Column("here", "", 1, here),
            Column("program", "program", 12, lambda run: Ink(run.start.program or "-", "strong"), grows=1),
            Column("state", "state", 11, lambda run: Ink(run.state, STATUS_TONES.get(run.state, "text"))),
            Column("started", "started", 19, lambda run: Ink(_local(run.start.time)), drop=1),
            Column("workers", "workers", 7, lambda run: Ink(f"{run.start.workers}"), align=">", drop=3),
            Column("size", "journal", 7, lambda run: Ink(size(run.size), "dim"), align=">", drop=4),
            Column("id", "run", 24, lambda run: Ink(run.id, "dim"), drop=2),
        ]

    def on_mount(self) -> None:
        """Look for runs now and then."""
        self._look()
        self.table.focus()
        self.set_interval(1.0, self._look)

    def _look(self) -> None:
        self._runs = {run.id: run for run in self._find()}
        self.table.styles.height = max(4, min(len(self._runs) + 1, self.app.size.height * 8 // 10))
        self.table.show(list(self._runs))

    def on_table_opened(self, event: Table.Opened) -> None:
        """Take a run."""
        event.stop()
        run = self._runs.get(str(event.key))
        if run is not None:
            self.dismiss(run.path)

    def on_table_selected(self, event: Table.Selected) -> None:
        """Not for the views below."""
        event.stop()


def _local(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "-"
