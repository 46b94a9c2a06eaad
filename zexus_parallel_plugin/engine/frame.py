"""Frames and the host's name resolution.

Scoping is dynamic: a name that a frame does not own is looked for in the frames that called it. ``let`` is
an assignment, so a store goes to the nearest calling frame that owns the name and only otherwise creates a
local one (``_resolve``, ``_store``, vm.py 3686 and 3720).

Two caches of the host can be observed and are reproduced:

- a frame that has written a variable of a caller keeps seeing what it wrote until its next own store, even
when a callee
  has changed the variable meanwhile;
- a function looked up by name in a frame stays looked up until the frame's next own store.

The host keys both by a version that every store bumps. Names that a frame owns never go stale, since whoever
writes into a frame bumps it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

MISSING: Final = object()


class Frame:
    """One activation of a code object: its variables and the frame that called it.

    ``depth`` counts Zexus calls below it (0 for top-level code).
    """

    __slots__ = ("calls", "depth", "env", "parent", "stale_name", "stale_value", "stale_version", "version")

    def __init__(self, env: dict[str, Any], parent: Frame | None, depth: int = 0) -> None:
        self.env = env
        self.parent = parent
        self.depth = depth
        self.version = 0
        self.calls: dict[str, tuple[Any, int]] = {}
        self.stale_name: str | None = None
        self.stale_value: Any = None
        self.stale_version = 0

    def load(self, name: str) -> Any:
        """Value of a name, None when nobody has it."""
        value = self.env.get(name, MISSING)
        if value is not MISSING:
            return value
        if name == self.stale_name and self.stale_version == self.version:
            return self.stale_value
        frame = self.parent
        while frame is not None:
            value = frame.env.get(name, MISSING)
            if value is not MISSING:
                return value
            frame = frame.parent
        return None

    def store(self, name: str, value: Any) -> None:
        """Assign to the nearest frame that owns the name, else create it here."""
        if name in self.env:
            self.env[name] = value
            self.version += 1
            return
        owner = self.parent
        while owner is not None:
            if name in owner.env:
                owner.env[name] = value
                owner.version += 1
                self.version += 1
                self.stale_name, self.stale_value, self.stale_version = name, value, self.version
                return
            owner = owner.parent
        self.env[name] = value
        self.version += 1

    def function(self, name: str, builtins: dict[str, Any]) -> Any:
        """What a call of this name calls (``_resolve_callable``, vm.py 3761), by the frame's call cache."""
        cached = self.calls.get(name)
        if cached is not None and cached[1] == self.version:
            return cached[0]
        found = builtins.get(name)
        if found is None:
            found = self.load(name)
        self.calls[name] = (found, self.version)
        return found

    def chain(self) -> Iterator[Frame]:
        """This frame and its callers, innermost first."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.parent


class CallerNames:
    """The names of a frame and its callers as the mapping that a frame of the host takes for its parent."""

    __slots__ = ("_frame",)

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def _owner(self, name: str) -> Frame | None:
        for frame in self._frame.chain():
            if name in frame.env:
                return frame
        return None

    def __contains__(self, name: str) -> bool:
        return self._owner(name) is not None

    def __getitem__(self, name: str) -> Any:
        owner = self._owner(name)
        if owner is None:
            raise KeyError(name)
        return owner.env[name]

    def __setitem__(self, name: str, value: Any) -> None:
        owner = self._owner(name) or self._frame
        owner.env[name] = value
        owner.version += 1
