"""Makes a failing program smaller, line by line, as long as it still fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Fails = Callable[[str], bool]

_SIMPLER = ("1", "a", '"x"')
_CALL_OR_GROUP = re.compile(r"\([^()]*\)")


def shrink(source: str, fails: Fails, *, attempts: int = 1500) -> str:
    """Return a smaller program for which ``fails`` is still true; ``fails(source)`` must be true.

    Tries to drop balanced runs of lines, to take blocks out of their braces, and to simplify bracketed parts.
    Ends when nothing helps any more or after so many ``attempts``.
    """
    best = source
    progress = True
    while progress and attempts > 0:
        progress = False
        for candidate in _candidates(best):
            attempts -= 1
            if fails(candidate):
                best = candidate
                progress = True
                break
            if attempts <= 0:
                break
    return best


def _candidates(source: str) -> Iterator[str]:
    lines = source.splitlines()
    size = len(lines)
    while size >= 1:
        for start in range(0, len(lines) - size + 1, max(1, size // 2)):
            if _balanced(lines[start : start + size]):
                yield "\n".join(lines[:start] + lines[start + size :]) + "\n"
        size //= 2
    for start, end in _blocks(lines):
        # the whole block, then only its braces
        yield "\n".join(lines[:start] + lines[end + 1 :]) + "\n"
        yield "\n".join(lines[:start] + lines[start + 1 : end] + lines[end + 1 :]) + "\n"
    for number, line in enumerate(lines):
        for match in _CALL_OR_GROUP.finditer(line):
            for simple in _SIMPLER:
                if match.group() != f"({simple})" and len(match.group()) > 3:
                    changed = line[: match.start()] + f"({simple})" + line[match.end() :]
                    yield "\n".join([*lines[:number], changed, *lines[number + 1 :]]) + "\n"


def _balanced(lines: list[str]) -> bool:
    depth = 0
    for line in lines:
        opened, closed = line.count("{"), line.count("}")
        if line.lstrip().startswith("}") and depth == 0:
            return False
        depth += opened - closed
        if depth < 0:
            return False
    return depth == 0


def _blocks(lines: list[str]) -> Iterator[tuple[int, int]]:
    """First and last line of each block that starts at the end of a line."""
    for start, line in enumerate(lines):
        if not line.rstrip().endswith("{"):
            continue
        depth = 0
        for end in range(start, len(lines)):
            depth += lines[end].count("{") - lines[end].count("}")
            if depth == 0:
                yield start, end
                break
