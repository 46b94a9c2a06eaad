"""Where a view is in what it shows, and whether it goes along with what is new: a line of text about it."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from zexus_parallel_plugin.monitor.figures import count
from zexus_parallel_plugin.monitor.ink import Ink, Line, Look, Tone, line_width, width

__all__ = ["Going", "Place", "place_line"]

Going: TypeAlias = Literal["following", "held", "sorted", "still"]
"""What a view does about new lines: it goes to them; it stays where somebody has scrolled to; it stays since
its rows are in another order; or there will be none any more."""

_WORDS: dict[Going, tuple[str, Tone]] = {
    "following": (" following ", "on_run"),
    "held": (" not following ", "on_warn"),
    "sorted": (" sorted, not following ", "on_warn"),
    "still": ("", "dim"),
}
_HINTS: dict[Going, str] = {
    "following": "",
    "held": "end or a click: to the newest",
    "sorted": "s: the next order",
    "still": "",
}


class Place(NamedTuple):
    """The lines that are in view, from ``first`` to ``last``, counted from 1, of ``total``."""

    first: int
    last: int
    total: int

    @property
    def below(self) -> int:
        """How many lines are below those in view."""
        return max(0, self.total - self.last)


def place_line(place: Place, going: Going, look: Look, room: int) -> Line:
    """One line about it, no longer than ``room``; what is least important is left out first."""
    words, tone = _WORDS[going]
    where = (
        "" if not place.total else f" {count(place.first)} to {count(place.last)} of {count(place.total)} "
    )
    below = f" {look.point} {count(place.below)} below " if place.below and going != "following" else ""
    inks = [Ink(words, tone)] if words else []
    rest = Ink(where, "dim"), Ink(below, "text"), Ink(f" {look.point} {_HINTS[going]}", "dim")
    for ink in rest:
        if ink.text.strip(f" {look.point}") and line_width(inks) + width(ink.text) <= room:
            inks.append(ink)
    return inks
