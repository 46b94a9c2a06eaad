"""Listening to what the program prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Tee"]


class Tee:
    """Stands in for ``sys.stdout``, and tells ``heard`` what is written, as long as that wants to know.

    Everything but :meth:`write` is the stream's own. When nobody listens, so is ``write``: a program that
    prints much must not pay for a journal that has no room for it.
    """

    def __init__(self, stream: Any, heard: Callable[[str], bool]) -> None:
        self.stream = stream
        self._heard = heard
        self._before: Callable[[], None] | None = None
        self._listening = True

    def write(self, text: str) -> Any:
        """Write to the stream, then tell."""
        if self._before is not None:
            before, self._before = self._before, None
            before()
        result = self.stream.write(text)
        if self._listening:
            self._listening = self._heard(text)
        if not self._listening:
            self.__dict__["write"] = self.stream.write
        return result

    def once_before(self, action: Callable[[], None]) -> None:
        """Have something done before the next text is written."""
        self._before = action
        self.__dict__.pop("write", None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def __iter__(self) -> Any:
        return iter(self.stream)

    def __enter__(self) -> Any:
        return self.stream.__enter__()

    def __exit__(self, *error: object) -> Any:
        return self.stream.__exit__(*error)
