"""Expressions that choose tests: words with ``and``, ``or``, ``not``, parentheses, as pytest's ``-k`` has."""

from __future__ import annotations

import re

__all__ = ["Expression"]

_TOKEN = re.compile(r"\s*(?:([()])|([^\s()]+))")


class Expression:
    """A condition on names. The empty one fits everything.

    >>> Expression("map and not slow").fits("test_maps.zx::test_quick_map")
    True
    >>> Expression("map and not slow").fits("test_maps.zx::test_slow_map")
    False

    :raises ValueError: it cannot be read; the text says where.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = [parenthesis or word for parenthesis, word in _TOKEN.findall(text)]
        self._at = 0
        self._name = ""
        if self._tokens:
            self._evaluate()

    def fits(self, name: str) -> bool:
        """Whether a name fits; words are looked for anywhere in it, in upper or lower case."""
        self._name = name.lower()
        return self._evaluate() if self._tokens else True

    def _evaluate(self) -> bool:
        self._at = 0
        value = self._or()
        if self._at < len(self._tokens):
            raise ValueError(f"{self.text!r}: unexpected {self._tokens[self._at]!r}")
        return value

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _or(self) -> bool:
        value = self._and()
        while self._peek() == "or":
            self._at += 1
            other = self._and()
            value = value or other
        return value

    def _and(self) -> bool:
        value = self._not()
        while self._peek() == "and":
            self._at += 1
            other = self._not()
            value = value and other
        return value

    def _not(self) -> bool:
        word = self._peek()
        self._at += 1
        if word == "not":
            return not self._not()
        if word == "(":
            value = self._or()
            if self._peek() != ")":
                raise ValueError(f"{self.text!r}: a parenthesis is not closed")
            self._at += 1
            return value
        if word in {"", ")", "and", "or"}:
            raise ValueError(
                f"{self.text!r}: a word is missing" + (f" before {word!r}" if word else " at the end")
            )
        return word.lower() in self._name
