"""Which calls are to blame for what is unknown, at places of a program."""

from __future__ import annotations

__all__ = ["Blame", "Place"]


class Place:
    """The calls to blame at one place, as differences from the place ``before`` it; ``undo`` leads back.

    A call is filed under the name of an unknown variable, or under ``*`` and the origin of an unknown object.
    """

    __slots__ = ("before", "changes", "depth", "undo")

    def __init__(self, before: Place | None = None) -> None:
        self.before = before
        self.depth: int = before.depth + 1 if before is not None else 0
        self.changes: dict[str, int] = {}
        self.undo: dict[str, int] = {}


class Blame:
    """The calls to blame at the place that is looked at. Going to another place costs as much as what is
    different there, so nothing has to be copied.
    """

    def __init__(self) -> None:
        self.here = Place()
        self._calls: dict[str, int] = {}

    def of(self, name: str) -> int:
        """The call to blame for a name or object, -1 if it is known."""
        return self._calls.get(name, -1)

    def put(self, name: str, because: int) -> None:
        """A name or object is unknown here because of a call; known again if that is negative."""
        state = self.here
        state.undo.setdefault(name, self._calls.get(name, -1))
        state.changes[name] = because
        self._set(name, because)

    def begin(self, before: Place) -> Place:
        """Go to a new place behind a known one."""
        self.go(before)
        self.here = Place(before)
        return self.here

    def go(self, place: Place) -> None:
        """Look at another place."""
        down: list[Place] = []
        while self.here is not place:
            if self.here.depth >= place.depth:
                for name, because in self.here.undo.items():
                    self._set(name, because)
                assert self.here.before is not None
                self.here = self.here.before
            else:
                down.append(place)
                assert place.before is not None
                place = place.before
        for state in reversed(down):
            for name, because in state.changes.items():
                self._set(name, because)
            self.here = state

    def _set(self, name: str, because: int) -> None:
        if because >= 0:
            self._calls[name] = because
        else:
            self._calls.pop(name, None)

    def merged(self, known: Place, other: Place) -> Place:
        """A place with the later call of two places for each name; ``known`` if it has nothing new."""
        names = _different(known, other)
        self.go(other)
        found = {name: self.of(name) for name in names}
        self.go(known)
        later = {name: because for name, because in found.items() if because > self.of(name)}
        if not later:
            return known
        merged = self.begin(known)
        for name, because in later.items():
            self.put(name, because)
        return merged


def _different(left: Place, right: Place) -> set[str]:
    """Names in which two states may differ."""
    found: set[str] = set()
    while left is not right:
        if left.depth < right.depth:
            left, right = right, left
        found.update(left.changes)
        assert left.before is not None
        left = left.before
    return found
