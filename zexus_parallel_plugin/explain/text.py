"""Pieces of text for a terminal."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from unicodedata import east_asian_width

__all__ = ["Paint", "amount", "counted", "cut", "printable"]


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours, or none."""

    colours: bool = False

    def __call__(self, text: str, style: str) -> str:
        """A text in a style: the numbers of a terminal's escape sequence."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.colours and text and style else text


def counted(number: int, what: str) -> str:
    """So many things."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def amount(number: int) -> str:
    """A large number, rounded."""
    if number < 10_000:
        return f"{number:,}"
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return str(number)


def cut(text: str, width: int) -> str:
    """As much of a text as fits into so many columns; characters of East Asia take two."""
    columns = list(accumulate(map(_columns, text)))
    if not columns or columns[-1] <= width:
        return text
    return text[: bisect_right(columns, max(0, width - 3))] + "..."


def _columns(char: str) -> int:
    return 2 if east_asian_width(char) in {"W", "F"} else 1


def printable(text: str) -> str:
    """Text of a program, without what could move the cursor or change colours."""
    return "".join(char if char.isprintable() else "?" for char in text)
