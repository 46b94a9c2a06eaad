"""Makes a failing program smaller, line by line, as long as it still fails."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

Fails = Callable[[str], bool]

_SIMPLER = ("1", "a", '"x"')
_GROUP = re.compile(r"\([^()]*\)")


def shrink(source: str, fails: Fails, *, seconds: float = 60) -> str:
    """Return a smaller program for which ``fails`` is still true; ``fails(source)`` must be true.

    Drops balanced runs of lines, takes blocks out of their braces, simplifies bracketed parts, until nothing
    helps any more or the time is over.
    """
    return _Shrinker(source, fails, time.monotonic() + seconds).run()


class _Shrinker:
    def __init__(self, source: str, fails: Fails, deadline: float) -> None:
        self.lines = source.splitlines()
        self._fails = fails
        self._deadline = deadline
        self._tried: set[str] = {self._text(self.lines)}

    def run(self) -> str:
        before: list[str] = []
        while before != self.lines and time.monotonic() < self._deadline:
            before = self.lines
            self._drop_lines()
            self._first_that_helps(self._unwrapped)
            self._first_that_helps(self._simplified)
        return self._text(self.lines)

    def _text(self, lines: list[str]) -> str:
        return "\n".join(lines) + "\n"

    def _accept(self, lines: list[str]) -> bool:
        text = self._text(lines)
        if text in self._tried or time.monotonic() > self._deadline:
            return False
        self._tried.add(text)
        if not self._fails(text):
            return False
        self.lines = lines
        return True

    def _drop_lines(self) -> None:
        size = len(self.lines)
        while size >= 1:
            start = 0
            while start + size <= len(self.lines):
                run = self.lines[start : start + size]
                if not (_balanced(run) and self._accept(self.lines[:start] + self.lines[start + size :])):
                    start += 1
            size = size * 2 // 3

    def _first_that_helps(self, candidates: Callable[[], Iterator[list[str]]]) -> None:
        helped = True
        while helped:
            helped = any(self._accept(candidate) for candidate in candidates())

    def _unwrapped(self) -> Iterator[list[str]]:
        lines = self.lines
        for start, line in enumerate(lines):
            if not line.rstrip().endswith("{"):
                continue
            depth = 0
            for end in range(start, len(lines)):
                depth += lines[end].count("{") - lines[end].count("}")
                if depth == 0:
                    yield lines[:start] + lines[start + 1 : end] + lines[end + 1 :]
                    break

    def _simplified(self) -> Iterator[list[str]]:
        lines = self.lines
        for number, line in enumerate(lines):
            for match in _GROUP.finditer(line):
                for simple in _SIMPLER:
                    if len(match.group()) > len(simple) + 2:
                        changed = f"{line[: match.start()]}({simple}){line[match.end() :]}"
                        yield [*lines[:number], changed, *lines[number + 1 :]]


def _balanced(lines: list[str]) -> bool:
    depth = 0
    for line in lines:
        if line.lstrip().startswith("}") and depth == 0:
            return False
        depth += line.count("{") - line.count("}")
        if depth < 0:
            return False
    return depth == 0
