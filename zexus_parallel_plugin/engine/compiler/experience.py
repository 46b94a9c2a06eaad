"""Which code of a program is worth compiling, as far as earlier runs of the program have shown.

Without that, code is interpreted until it has cost about as much as compiling it. Code that was worth it once
is compiled as soon as it is seen to be used again: what it costs then is mostly the reading of the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.translator import Translator

WHOLE = -1  # in the place of a loop's head: the action as a whole


class Experience:
    """What was hot in earlier runs, and in this one."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self._digests: dict[int, bytes] = {}
        self._found: dict[tuple[bytes, int], tuple[int, ...]] = {}

    def loops(self, code: Code) -> list[int]:
        """Heads of the loops of a code object that were hot."""
        hot = self._translator.hot
        return [head for head in code.ends if (self._digest(code), head) in hot] if hot else []

    def action(self, code: Code) -> bool:
        """Whether a code object was hot as an action."""
        hot = self._translator.hot
        return bool(hot) and (self._digest(code), WHOLE) in hot

    def slow(self, code: Code, head: int = WHOLE) -> frozenset[int]:
        """Instructions whose optimism was wrong in earlier runs."""
        hot = self._translator.hot
        return frozenset(hot.get((self._digest(code), head), ())) if hot else frozenset()

    def note(self, code: Code, head: int = WHOLE, slow: Iterable[int] = ()) -> None:
        """Note that an action, or a loop, has been compiled; ``slow``: without optimism there."""
        if self._translator.keeps:
            key = self._digest(code), head
            known = self._found.get(key) or self._translator.hot.get(key, ())
            self._found[key] = tuple(sorted({*known, *slow}))

    def hand_over(self, codes: Iterable[Code]) -> None:
        """Let the translator keep what was hot now, or earlier in code that is still there."""
        if self._found:
            here = {self._digest(code) for code in codes}
            known = {key: slow for key, slow in self._translator.hot.items() if key[0] in here}
            self._translator.note_hot(known | self._found)

    def _digest(self, code: Code) -> bytes:
        found = self._digests.get(id(code))
        if found is None:
            # Loaded when there is something to compare with.
            from zexus_parallel_plugin.engine.compiler.blueprint import code_digest

            found = self._digests[id(code)] = code_digest(code)
        return found
