"""From tones to colours, and from lines to strips of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip
from textual.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zexus_parallel_plugin.monitor.ink import Ink, Tone

__all__ = ["DARK", "LIGHT", "PLAIN", "THEMES", "Palette"]

DARK = Theme(
    name="zexus-dark",
    primary="#6cb6ff",
    secondary="#8b98a9",
    accent="#c4a7f5",
    success="#5ecf93",
    warning="#e8b45a",
    error="#f2708a",
    foreground="#d5dbe3",
    background="#0e1218",
    surface="#131922",
    panel="#1b2330",
    dark=True,
    variables={
        "footer-background": "#131922",
        "footer-key-foreground": "#6cb6ff",
        "footer-description-foreground": "#8b98a9",
        "scrollbar": "#2a3646",
        "scrollbar-hover": "#3b4b60",
        "scrollbar-active": "#4d617b",
        "scrollbar-background": "#0e1218",
        "scrollbar-background-hover": "#0e1218",
        "scrollbar-background-active": "#0e1218",
        "scrollbar-corner-color": "#0e1218",
    },
)
LIGHT = Theme(
    name="zexus-light",
    primary="#0b62c4",
    secondary="#5f6b7a",
    accent="#7447c9",
    success="#16803f",
    warning="#98600a",
    error="#c22a48",
    foreground="#222831",
    background="#fdfcfa",
    surface="#f3f1ec",
    panel="#e6e3dc",
    dark=False,
    variables={
        "footer-background": "#f3f1ec",
        "footer-key-foreground": "#0b62c4",
        "footer-description-foreground": "#5f6b7a",
        "scrollbar": "#cfcabf",
        "scrollbar-hover": "#b5afa2",
        "scrollbar-active": "#98917f",
        "scrollbar-background": "#fdfcfa",
        "scrollbar-background-hover": "#fdfcfa",
        "scrollbar-background-active": "#fdfcfa",
        "scrollbar-corner-color": "#fdfcfa",
    },
)
PLAIN = "ansi-dark"
"""A theme of Textual's with the terminal's own colours: what is used where no colours are wanted."""
THEMES = (DARK, LIGHT)

_FILLED: dict[Tone, str] = {
    "on_ok": "success",
    "on_run": "primary",
    "on_warn": "warning",
    "on_bad": "error",
    "on_wait": "secondary",
    "on_mark": "accent",
}
_COLOURED: dict[Tone, str] = {
    "ok": "success",
    "run": "primary",
    "wait": "secondary",
    "warn": "warning",
    "bad": "error",
    "info": "primary",
    "mark": "accent",
    "key": "primary",
    "head": "secondary",
    "dim": "secondary",
}
_BOLD: frozenset[Tone] = frozenset({"strong", "mark", "key"})


class Palette:
    """The colours of the tones in a theme. Without colours, weight and reversal have to do."""

    def __init__(self, variables: Mapping[str, str], *, colour: bool) -> None:
        self.colour = colour
        self._styles: dict[Tone, Style] = {}
        self._variables = variables

    def __getitem__(self, tone: Tone) -> Style:
        found = self._styles.get(tone)
        if found is None:
            found = self._styles[tone] = self._coloured(tone) if self.colour else _uncoloured(tone)
        return found

    def _coloured(self, tone: Tone) -> Style:
        bold = True if tone in _BOLD else None
        if tone in _FILLED:
            fill = self._colour(_FILLED[tone])
            return Style(color=fill.get_contrast_text(0.9).rich_color, bgcolor=fill.rich_color)
        if tone in _COLOURED:
            return Style(color=self._colour(_COLOURED[tone]).rich_color, bold=bold)
        return Style(bold=bold)

    def _colour(self, name: str) -> Color:
        return Color.parse(self._variables[name])

    def strip(self, line: Iterable[Ink], room: int, base: Style, over: Style | None = None) -> Strip:
        """A line as wide as ``room``; ``over`` is laid over the colours of its pieces."""
        segments = [
            Segment(text, base + self[tone] + over if over is not None else base + self[tone])
            for text, tone in line
        ]
        return Strip(segments).adjust_cell_length(room, base + over if over is not None else base)


def _uncoloured(tone: Tone) -> Style:
    if tone in _FILLED:
        return Style(reverse=True)
    return Style(
        bold=True if tone in _BOLD or tone in {"bad", "warn", "run"} else None,
        dim=True if tone in {"dim", "wait"} else None,
        underline=True if tone == "head" else None,
    )
