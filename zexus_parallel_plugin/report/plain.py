"""Text of others on its way to a terminal: programs, their output, names of files."""

from __future__ import annotations

import unicodedata

__all__ = ["printable", "shortened"]

_NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that a terminal may obey (control, direction of writing), or cannot show."""


def printable(text: str, *, lines: bool = False) -> str:
    """The text with everything that is no visible character written as an escape.

    ``lines``: ends of lines and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(
        char if char in kept or unicodedata.category(char) not in _NOT_SHOWN else _escaped(char)
        for char in text
    )


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, length: int) -> str:
    """At most ``length`` characters, with an ellipsis for what is left out."""
    return text if len(text) <= length else text[: max(0, length - 1)] + "…"
