"""What is collected between two writes of the journal: the program's output, and its shared variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["KeptOutput", "SharedVariables"]

_MOST_OUTPUT = 64 * 1024
_LONGEST_VALUE = 200


class KeptOutput:
    """The beginning of what a program prints."""

    __slots__ = ("_characters", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._characters = 0

    @property
    def full(self) -> bool:
        """Whether nothing more is kept."""
        return self._characters >= _MOST_OUTPUT

    def add(self, text: str) -> None:
        """The program has printed something."""
        if not self.full:
            self._pieces.append(text)
            self._characters += len(text)

    def news(self) -> dict[str, Any] | None:
        """Fields of an event about what was printed since the last call; None if there is nothing."""
        if not self._pieces:
            return None
        text = "".join(self._pieces)
        self._pieces = []
        over = self._characters - _MOST_OUTPUT
        return {"text": text[: len(text) - over], "dropped": over + 1} if over >= 0 else {"text": text}


class SharedVariables:
    """How often shared variables were read and written, and what they are."""

    __slots__ = ("_counts", "_values")

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}
        self._values: dict[str, Callable[[], object] | None] = {}

    def used(self, name: str, *, write: bool, value: Callable[[], object] | None) -> None:
        """One was read or written; ``value`` gives what it is now."""
        counts = self._counts.setdefault(name, [0, 0, 0])
        counts[int(write)] += 1
        counts[2] = 1  # has news
        if write or name not in self._values:
            self._values[name] = value

    def news(self) -> Iterator[dict[str, Any]]:
        """Fields of an event for each that was used since the last call."""
        for name, counts in list(self._counts.items()):
            if counts[2]:
                counts[2] = 0
                value = self._values[name]
                shown = "" if value is None else repr(value())[:_LONGEST_VALUE]
                yield {"name": name, "reads": counts[0], "writes": counts[1], "value": shown}
