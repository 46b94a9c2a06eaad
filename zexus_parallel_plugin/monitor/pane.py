"""The lines of the detail pane: values behind their names, free text, parts of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.monitor.ink import Ink, Line, Look, Tone, width
from zexus_parallel_plugin.monitor.source import source_lines
from zexus_parallel_plugin.reasons import REASONS

if TYPE_CHECKING:
    from zexus_parallel_plugin.monitor.watch import Watch

__all__ = ["LABEL", "Pane", "wrap"]

LABEL = 12
"""Cells of a name, the blank behind it included."""


class Pane:
    """Collects the lines."""

    def __init__(self, watch: Watch, look: Look, room: int) -> None:
        self.watch = watch
        self.look = look
        self.room = room
        self.lines: list[Line] = []

    def field(self, name: str, text: object, tone: Tone = "text", *, label: int = LABEL) -> None:
        """A value behind its name, which has ``label`` cells; long ones are wrapped."""
        pieces = wrap(self.look.clean(str(text)), self.room - label) or [""]
        head = self.look.fit(self.look.clean(name), label - 1) + " "
        for piece in pieces:
            self.lines.append([Ink(head, "dim"), Ink(piece, tone)])
            head = " " * label

    def heading(self, text: str) -> None:
        """A line between two parts."""
        rule = self.look.rule * max(0, self.room - width(text) - 1)
        self.lines += [[], [Ink(f"{text} ", "head"), Ink(rule, "dim")]]

    def text(self, text: str, tone: Tone = "text") -> None:
        """Free text, wrapped."""
        for line in text.split("\n"):
            indent = min(len(line) - len(line.lstrip(" ")), self.room // 2)
            pieces = wrap(self.look.clean(line.lstrip(" ")), self.room - indent) or [""]
            self.lines += [[Ink(" " * indent + piece, tone)] for piece in pieces]

    def source(self, first: int, last: int = 0, context: int = 3) -> None:
        """The program around some lines."""
        if first > 0:
            self.heading("source")
            self.lines += source_lines(
                self.watch, self.look, self.room, around=(first, max(first, last)), context=context
            )

    def reason(self, code: str, label: str = "reason") -> None:
        """A reason code with its sentence and what can be done."""
        if not code:
            return
        self.field(label, code, "warn")
        known = REASONS.get(code)
        if known is not None:
            self.field("", known.sentence)
            if known.hint:
                self.field("what to do", known.hint, "info")


def wrap(text: str, room: int) -> list[str]:
    """Break clean text at blanks, and words that are too long anywhere."""
    lines: list[str] = []
    current = ""
    for given in text.split(" "):
        word = given
        while width(word) > room > 0:
            if current:
                lines.append(current)
                current = ""
            head, used = "", 0
            for char in word:
                used += width(char)
                if used > room:
                    break
                head += char
            head = head or word[0]
            lines.append(head)
            word = word[len(head) :]
        if current and width(current) + 1 + width(word) > room:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}" if current else word
    if current:
        lines.append(current)
    return lines
