"""Text that the program has printed on workers."""

from __future__ import annotations

import sys


def printable(text: str) -> bool:
    """Whether standard output takes a text, so that printing it cannot fail halfway."""
    if text.isascii():
        return True
    try:
        text.encode(sys.stdout.encoding or "utf-8", sys.stdout.errors or "strict")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
