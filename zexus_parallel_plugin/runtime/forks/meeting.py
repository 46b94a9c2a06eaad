"""Barriers: who waits for whom. Pure bookkeeping, no processes."""

from __future__ import annotations

from typing import Any, NamedTuple


class Release(NamedTuple):
    """A copy that need not wait any longer; ``error`` is empty if all have met.

    ``broken``: the error is there because another copy has ended.
    """

    copy: int
    error: str = ""
    broken: bool = False


class Meeting:
    """The barriers of one fork.

    All copies must be at the same barrier. When one has ended, no barrier can be passed any more.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: dict[int, Any] = {}
        self._ended = ""

    def arrive(self, copy: int, key: Any) -> list[Release]:
        """A copy has reached a barrier; who goes on now, itself perhaps."""
        if self._ended:
            return [Release(copy, self._broken(key), broken=True)]
        self._waiting[copy] = key
        if len(self._waiting) < self._size:
            return []
        waiting, self._waiting = dict(sorted(self._waiting.items())), {}
        keys = {(type(other), other): None for other in waiting.values()}
        if len(keys) == 1:
            return [Release(other) for other in waiting]
        names = ", ".join(_shown(other) for _, other in keys)
        return [
            Release(other, f"barrier_sync({_shown(at)}): the copies wait at different barriers ({names})")
            for other, at in waiting.items()
        ]

    def leave(self, copy: int, how: str) -> list[Release]:
        """A copy has ended; those who have waited for it."""
        self._ended = self._ended or f"copy {copy} {how}"
        self._waiting.pop(copy, None)
        waiting, self._waiting = self._waiting, {}
        return [Release(other, self._broken(key), broken=True) for other, key in waiting.items()]

    def _broken(self, key: Any) -> str:
        return f"barrier_sync({_shown(key)}): {self._ended}, so the {self._size} copies cannot meet"


def _shown(key: Any) -> str:
    text = repr(key) if isinstance(key, str) else str(key).lower() if isinstance(key, bool) else str(key)
    return text if len(text) <= 40 else text[:37] + "..."
