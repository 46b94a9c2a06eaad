"""Tables: what a column shows, how wide it is, and how its rows are put in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from zexus_parallel_plugin.monitor.ink import Ink, Look, Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Column", "Placed", "heading", "place", "row_line"]

Row = TypeVar("Row")

GAP = 2
"""Blanks between two columns."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column of a table of ``Row``.

    Attributes:
        name: for options and tests. title: its heading. width: cells, the least ones if it grows.
        cell: text and tone for a row; may be longer than the column, and need not be clean.
        order: what rows are sorted by, None if they cannot be sorted by this column.
        align: ``<`` or ``>``. grows: its share of the room that is left. drop: columns with the highest
            number are left out first where there is no room; 0 is never left out.
    """

    name: str
    title: str
    width: int
    cell: Callable[[Row], Ink]
    order: Callable[[Row], Any] | None = None
    align: str = "<"
    grows: int = 0
    drop: int = 0


@dataclass(frozen=True, slots=True)
class Placed(Generic[Row]):
    """A column that is shown: from cell ``start``, ``width`` cells wide."""

    column: Column[Row]
    start: int
    width: int


def place(columns: Sequence[Column[Row]], room: int) -> list[Placed[Row]]:
    """Choose the columns that have room, and give what is left to those that grow."""
    shown = list(columns)
    while _needed(shown) > room:
        worst = max(shown, key=lambda column: column.drop)
        if worst.drop == 0:
            break
        shown.remove(worst)
    left = max(0, room - _needed(shown))
    shares = sum(column.grows for column in shown)
    placed, start = [], 0
    for column in shown:
        extra = left * column.grows // shares if column.grows else 0
        left, shares = left - extra, shares - column.grows
        width = max(0, min(column.width + extra, room - start))
        placed.append(Placed(column, start, width))
        start += width + GAP
    return placed


def _needed(columns: Sequence[Column[Row]]) -> int:
    return sum(column.width for column in columns) + GAP * max(0, len(columns) - 1)


def heading(
    placed: Sequence[Placed[Row]], look: Look, ordered_by: str = "", *, descending: bool = False
) -> list[Ink]:
    """The titles; the column that the rows are ordered by has an arrow."""
    inks: list[Ink] = []
    for item in placed:
        title, tone = item.column.title, "head"
        if item.column.name == ordered_by:
            arrow = look.down if descending else look.up
            title = f"{arrow} {title}" if item.column.align == ">" else f"{title} {arrow}"
            tone = "mark"
        inks += _gap(inks, Ink(look.fit(title, item.width, item.column.align), _tone(tone)))
    return inks


def row_line(placed: Sequence[Placed[Row]], row: Row, look: Look) -> list[Ink]:
    """One row: exactly as wide as its columns, and harmless."""
    inks: list[Ink] = []
    for item in placed:
        text, tone = item.column.cell(row)
        shown = look.fit(look.clean(text), item.width, item.column.align)
        inks += _gap(inks, Ink(shown, tone))
    return inks


def _gap(before: Iterable[Ink], ink: Ink) -> list[Ink]:
    return [Ink(" " * GAP), ink] if before else [ink]


def _tone(name: str) -> Tone:
    return "mark" if name == "mark" else "head"
