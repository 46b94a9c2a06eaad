"""What compiles generated source, and remembers what earlier runs have found out about a program."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType


class Translator:
    """Compiles, and remembers nothing.

    ``keeps``: whether it remembers anything. ``hot``: code that was worth compiling in an earlier run, as
    pairs of a digest of the code object and a loop's head, -1 for the action as a whole; and the instructions
    of it whose optimism had been given up.
    """

    keeps = False
    hot: Mapping[tuple[bytes, int], tuple[int, ...]] = MappingProxyType({})

    def compile(self, source: str, filename: str) -> CodeType:
        """What ``compile`` makes of a module's source.

        :raises Exception: what ``compile`` raises.
        """
        return compile(source, filename, "exec", dont_inherit=True)

    def find(self, key: bytes) -> Any:
        """The data that was kept under a key, None if there is none."""
        return None

    def keep(self, key: bytes, data: Any) -> None:
        """Keep plain data for later runs."""

    def drop(self, key: bytes) -> None:
        """Drop data that is not what it should be."""

    def note_hot(self, hot: dict[tuple[bytes, int], tuple[int, ...]]) -> None:
        """Note what of the program has been worth compiling in this run or in an earlier one."""
