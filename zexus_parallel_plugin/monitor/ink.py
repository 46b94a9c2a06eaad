"""Text for a terminal: pieces with a tone, made harmless, cut to a width. Knows no library that draws."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["ASCII", "UNICODE", "Ink", "Line", "Look", "Tone", "clean", "cut", "fit", "plain", "width"]

Tone: TypeAlias = Literal[
    "text", "strong", "dim", "head", "key", "ok", "run", "wait", "warn", "bad", "info", "mark", "on_ok",
    "on_run", "on_warn", "on_bad", "on_wait", "on_mark",
]  # fmt: skip
"""What a piece of text is, not how it looks: a theme gives tones their colours. ``on_…`` are filled areas."""


class Ink(NamedTuple):
    """A piece of text of one tone."""

    text: str
    tone: Tone = "text"


Line: TypeAlias = "Sequence[Ink]"

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, *, ascii_only: bool = False) -> str:
    r"""Make text harmless for a terminal, on one line.

    Whatever could move the cursor, change colours or reorder text (control and format characters, lone
    surrogates, line and paragraph separators) is written as its escape, such as ``\x1b``; a tab becomes one
    space, variation selectors go.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = "".join(map(_visible, text))
    return shown.encode("ascii", "backslashreplace").decode("ascii") if ascii_only else shown


@lru_cache(4096)
def _visible(char: str) -> str:
    if char == "\t":
        return " "
    if "\ufe00" <= char <= "\ufe0f":
        return ""
    if unicodedata.category(char) in _HIDDEN:
        return char.encode("unicode_escape", "backslashreplace").decode("ascii")
    return char


def width(text: str) -> int:
    """Cells that clean text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


@lru_cache(4096)
def _cells(char: str) -> int:
    joins = "\u1160" <= char <= "\u11ff"  # vowels and finals of Hangul are drawn over the consonant before
    if joins or unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def line_width(line: Iterable[Ink]) -> int:
    """Cells of a line."""
    return sum(width(ink.text) for ink in line)


def cut(text: str, room: int, more: str = "…") -> str:
    """Cut clean text to at most ``room`` cells; ``more`` at its end tells that something is missing."""
    if width(text) <= room:
        return text
    if room <= len(more):
        return more[:room] if room > 0 else ""
    left, kept = room - len(more), []
    for char in text:
        left -= _cells(char)
        if left < 0:
            break
        kept.append(char)
    return "".join(kept) + more


def fit(text: str, room: int, align: str = "<", more: str = "…") -> str:
    """Cut or fill clean text to exactly ``room`` cells, aligned by ``<``, ``>`` or ``^``."""
    text = cut(text, room, more)
    space = room - width(text)
    if align == ">":
        return " " * space + text
    if align == "^":
        return " " * (space // 2) + text + " " * (space - space // 2)
    return text + " " * space


def plain(line: Iterable[Ink]) -> str:
    """The text of a line, without its tones and the blanks at its end."""
    return "".join(ink.text for ink in line).rstrip()


@dataclass(frozen=True, slots=True)
class Look:
    """The characters that a terminal can show.

    Attributes:
        blocks: bars of rising height, the empty one first. full, empty: cells of a horizontal bar; partial:
            its last cell, by rising share. dot, ring: states. up, down: order of a column. more: where text
            was cut. rule, bar: lines. point: between words. cursor: what is selected. ascii_only: nothing
            else may be written.
    """

    blocks: str = " ▁▂▃▄▅▆▇█"
    full: str = "━"
    empty: str = "─"
    partial: str = "╸"
    dot: str = "●"
    ring: str = "○"
    up: str = "▲"
    down: str = "▼"
    more: str = "…"
    rule: str = "─"
    bar: str = "│"
    arrow: str = "→"
    times: str = "×"
    point: str = "·"
    cursor: str = "▸"
    ascii_only: bool = False

    def clean(self, text: str) -> str:
        """:func:`clean` for this terminal."""
        return clean(text, ascii_only=self.ascii_only)

    def cut(self, text: str, room: int) -> str:
        """:func:`cut` for this terminal."""
        return cut(text, room, self.more)

    def fit(self, text: str, room: int, align: str = "<") -> str:
        """:func:`fit` for this terminal."""
        return fit(text, room, align, self.more)

    def bar_of(self, share: float, room: int) -> tuple[str, str]:
        """The filled and the empty part of a bar of ``room`` cells, for a share from 0 to 1."""
        parts = len(self.partial) + 1
        whole, rest = divmod(round(max(0.0, min(1.0, share)) * room * parts), parts)
        filled = self.full * whole
        if rest:
            filled += self.partial[rest - 1]
        return filled, self.empty * (room - len(filled))

    def spark(self, values: Sequence[float], room: int) -> str:
        """The last ``room`` values as bars; the highest value has the highest bar."""
        shown = list(values)[-room:] if room > 0 else []
        top = max(shown, default=0.0)
        last = len(self.blocks) - 1
        bars = "".join(
            self.blocks[0 if value <= 0 or top <= 0 else max(1, round(value / top * last))] for value in shown
        )
        return bars.rjust(max(0, room), self.blocks[0])


UNICODE = Look()
ASCII = Look(
    blocks=" .:-=+*#@", full="#", empty=".", partial="", dot="*", ring="o", up="^", down="v", more="~",
    rule="-", bar="|", arrow="->", times="x", point=".", cursor=">", ascii_only=True,
)  # fmt: skip
