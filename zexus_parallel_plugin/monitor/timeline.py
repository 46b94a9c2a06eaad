"""The timeline as lines: an axis, a row for each slot, and what the colours mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from zexus_parallel_plugin.monitor.figures import duration
from zexus_parallel_plugin.monitor.ink import Ink, Line, Look, Tone, line_width, width
from zexus_parallel_plugin.monitor.lanes import IDLE, KINDS, Cell, steps

if TYPE_CHECKING:
    from collections.abc import Hashable

    from zexus_parallel_plugin.monitor.watch import Watch

__all__ = ["LABEL", "MARGIN_LINES", "Window", "axis", "legend", "row"]

LABEL = 5
"""Cells for the number of the slot."""
MARGIN_LINES = 2
"""Axis and legend."""
_TONES: dict[str, tuple[Tone, Tone]] = {
    "committed": ("ok", "on_ok"),
    "done": ("mark", "on_mark"),
    "thrown-away": ("warn", "on_warn"),
    "failed": ("bad", "on_bad"),
    "cancelled": ("wait", "on_wait"),
    "running": ("run", "on_run"),
}
_MARKS = {"committed": "#", "done": "o", "thrown-away": "~", "failed": "x", "cancelled": "/", "running": "="}
_LEAST_CELL = 1e-5
_AXIS_EVERY = 10
"""Cells between two times of the axis, at least."""
_GROWTH = 1.03
_NAMED = 8
"""A span this many cells long gets a name."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which stretch of time is on the screen: cells of ``cell`` seconds from number ``first`` on.

    ``cell`` 0 shows the whole run; with ``follows`` the end of the run stays in view.
    """

    cell: float = 0.0
    first: int = 0
    follows: bool = True

    def on(self, now: float, columns: int) -> Window:
        """The window as it is drawn: with a size of its cells, and at the end of the run if it follows it."""
        columns = max(1, columns)
        if not self.cell:
            return Window(_whole(now, columns), 0, follows=True)
        if self.follows:
            return replace(self, first=max(0, int(now / self.cell) + 1 - columns))
        return self

    def zoom(self, factor: int, now: float, columns: int, centre: float | None = None) -> Window:
        """Larger (1) or smaller (-1), around a time: the end of the run or the middle of the screen."""
        shown = self.on(now, columns)
        wanted = shown.cell * 2 if factor < 0 else shown.cell / 2
        if wanted >= _whole(now, columns) * 0.99:
            return Window()
        if wanted < _LEAST_CELL:
            return self
        if centre is None:
            centre = min(now, (shown.first + columns / 2) * shown.cell)
        inside = centre / shown.cell - shown.first
        follows = shown.follows and bool(self.cell)
        return Window(wanted, max(0, round(centre / wanted - inside)), follows=follows)

    def scroll(self, cells: int, now: float, columns: int) -> Window:
        """Earlier or later; at the end of the run it follows again."""
        if not self.cell:
            return self
        shown = self.on(now, columns)
        last = max(0, int(now / shown.cell) + 1 - columns)
        first = max(0, shown.first + cells)
        return Window(shown.cell, min(first, last), follows=first >= last)

    def at(self, column: int) -> float:
        """The time in the middle of a cell of the screen, for a window as it is drawn."""
        return (self.first + column + 0.5) * self.cell

    def column(self, time: float) -> int:
        """The cell of the screen for a time, for a window as it is drawn."""
        return math.floor(time / self.cell + 1e-9) - self.first


def _whole(now: float, columns: int) -> float:
    """A size of cells with which the whole run fits. It changes only when the run is some percent longer."""
    return float(_GROWTH ** math.ceil(math.log(max(now, 0.001) / columns, _GROWTH)))


def axis(window: Window, columns: int, look: Look) -> Line:
    """Times above the rows, for a window as it is drawn."""
    labels = [" "] * columns
    step = steps(_AXIS_EVERY * window.cell)
    number = math.ceil(window.first * window.cell / step)
    while (start := window.column(number * step)) < columns:
        mark = f"{look.bar}{_time(number * step)}"
        if 0 <= start <= columns - len(mark):
            labels[start : start + len(mark)] = mark
        number += 1
    return [Ink(" " * LABEL), Ink("".join(labels), "dim")]


def _time(seconds: float) -> str:
    if seconds >= 600:
        return duration(seconds)
    if seconds == 0:
        return "0 s"
    digits = 0 if seconds == int(seconds) else 1 if round(seconds, 1) == round(seconds, 4) else 3
    return f"{seconds:.{digits}f} s" if seconds >= 0.01 else f"{seconds * 1000:g} ms"


def row(
    watch: Watch,
    slot: int,
    window: Window,
    columns: int,
    look: Look,
    *,
    colour: bool = True,
    chosen: Hashable | None = None,
    here: bool = False,
    part: tuple[int, int] = (0, 1),
) -> Line:
    """A worker's row, for a window as it is drawn. ``chosen`` is the span that is marked, by its key.

    ``part`` is which line of how many it is: in more than one the bars are as many lines high, and only the
    first one has text in it.
    """
    named = not part[0]
    cells = watch.lanes.cells(slot, window.cell, window.first, columns, watch.now)
    inks = [_cell(cell, look, part, colour=colour and not look.ascii_only) for cell in cells]
    _name(inks, watch, slot, window, columns, look, chosen, named=named)
    label = f"{look.cursor if here else ' '}{slot:>{LABEL - 2}} " if named else " " * LABEL
    return [Ink(label, "mark" if here else "dim"), *_merge(inks)]


def _cell(cell: Cell, look: Look, part: tuple[int, int], *, colour: bool) -> Ink:
    line, lines = part
    if cell.kind == IDLE:
        if line < lines - 1:
            return Ink(" ", "dim")
        return Ink(look.point if not colour else look.blocks[1], "dim")
    kind = KINDS[cell.kind]
    tone = _TONES[kind][0]
    full = len(look.blocks) - 1
    # Never the full height: rows would melt into one another.
    height = max(1, round(cell.share * (full * lines - 1))) - full * (lines - 1 - line)
    if not colour:
        return Ink(_MARKS[kind] if height > 0 else " ", tone)
    return Ink(look.blocks[max(0, min(full, height))], tone)


def _name(
    inks: list[Ink],
    watch: Watch,
    slot: int,
    window: Window,
    columns: int,
    look: Look,
    chosen: Hashable | None,
    *,
    named: bool,
) -> None:
    """Write the names of long spans over them, and mark the chosen one."""
    lane = watch.lanes.lanes.get(slot)
    if lane is None:
        return
    begin, end = window.first * window.cell, (window.first + columns) * window.cell
    for number, span in enumerate(lane.between(begin, end)):
        if number > columns:
            return
        stop = watch.now if span.end is None else span.end
        left = max(0, window.column(span.start))
        right = min(columns, window.column(max(stop, span.start)) + 1)
        is_chosen = chosen is not None and span.key == chosen
        if right - left < (1 if is_chosen else _NAMED):
            continue
        filled: Tone = "on_mark" if is_chosen else _TONES[KINDS[span.kind]][1]
        ident = span.key[0] if isinstance(span.key, tuple) else span.key
        task = watch.state.tasks.get(ident) if isinstance(ident, int) else None
        room = right - left
        if room >= _NAMED and task is not None:
            name = f"{look.bar}{look.clean(task.name or task.what)}" if named else look.bar
            numbered = f"{name} #{task.id}" if named else name
            text = look.fit(numbered if width(numbered) <= room else name, room)
        elif is_chosen:
            text = "#" * room if look.ascii_only else " " * room
        else:
            continue
        # Wide characters take two cells, and must not be split over the list of cells.
        if len(text) == room:
            inks[left:right] = [Ink(char, filled) for char in text]


def _merge(inks: list[Ink]) -> list[Ink]:
    merged: list[Ink] = []
    for ink in inks:
        if merged and merged[-1].tone == ink.tone:
            merged[-1] = Ink(merged[-1].text + ink.text, ink.tone)
        else:
            merged.append(ink)
    return merged


def legend(watch: Watch, window: Window, columns: int, look: Look, *, colour: bool = True) -> Line:
    """What the colours that occur mean, and how long a cell is, if there is room for that."""
    inks = [Ink(" " * LABEL)]
    counts = watch.state.counts
    for kind in KINDS:
        if (
            not counts[kind]
            and kind != "committed"
            and not (kind == "failed" and watch.state.failed_attempts)
        ):
            continue
        mark = look.blocks[-2] if colour and not look.ascii_only else _MARKS[kind]
        inks += [Ink(mark, _TONES[kind][0]), Ink(f" {kind}  ", "dim")]
    left = LABEL + columns - line_width(inks)
    for text in (f"a cell is {duration(window.cell)}", f"cell {duration(window.cell)}"):
        if len(text) <= left:
            return [*inks, Ink(text, "dim")]
    return inks
