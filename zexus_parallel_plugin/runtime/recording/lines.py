"""Source lines of calls: the host's bytecode has none, so they are found by counting calls in the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.code import Code

__all__ = ["CallLines"]

_TOKEN = re.compile(
    r"""
    (?P<skip> //[^\n]* | \#[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' )
  | (?P<word> [A-Za-z_]\w* )
  | (?P<mark> [(){}\n] )
    """,
    re.VERBOSE | re.DOTALL,
)
_ACTIONS = frozenset({"action", "function", "func", "fn", "async"})
TOP = "<main>"


class CallLines:
    """Where the calls in a program are: for each action, and for the top level, by name, in their order.

    A guess where an action is defined twice, or a call was moved or removed by the optimiser.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._calls: dict[tuple[str, str], list[int]] | None = None

    def line(self, code: Code, ip: int) -> int:
        """Line of a call instruction, from 1; 0 if it is not found."""
        if not 0 <= ip < len(code.instructions):
            return 0
        op, operand, _ = code.instructions[ip]
        if op != isa.CALL_NAME or not operand:
            return 0
        name = operand[0]
        ordinal = sum(
            1 for other, its, _ in code.instructions[:ip] if other == isa.CALL_NAME and its and its[0] == name
        )
        return self.find(code.name, name, ordinal)

    def find(self, inside: str, name: str, ordinal: int = 0) -> int:
        """Line of the call of ``name`` in an action that has ``ordinal`` such calls before it."""
        if self._calls is None:
            self._calls = _calls(self._text)
        lines = self._calls.get((inside, name), [])
        if not lines:
            return 0
        return lines[min(ordinal, len(lines) - 1)]


def _calls(text: str) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    open_actions: list[tuple[str, int]] = [(TOP, -1)]
    line, depth = 1, 0
    word, before, pending = "", "", ""
    for token in _TOKEN.finditer(text):
        if token["skip"] is not None:
            line += token["skip"].count("\n")
        elif token["word"] is not None:
            before, word = word, token["word"]
        elif token["mark"] == "\n":
            line += 1
        else:
            mark = token["mark"]
            if mark == "(" and word:
                if before in _ACTIONS:
                    pending = word
                else:
                    found.setdefault((open_actions[-1][0], word), []).append(line)
            elif mark == "{":
                if pending:
                    open_actions.append((pending, depth))
                    pending = ""
                depth += 1
            elif mark == "}":
                depth -= 1
                if len(open_actions) > 1 and open_actions[-1][1] >= depth:
                    open_actions.pop()
            before = word = ""
    return found
