"""Source lines of calls and loops: the host's bytecode has none, so they are counted in the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.runtime.recording.chunks import TOP

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


class CallLines:
    """Where the calls and loops in a program are: for each action and for the top level, in their order.

    A guess where an action is defined twice, or a call was moved or removed by the optimiser.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._places: _Places | None = None

    def _found(self) -> _Places:
        if self._places is None:
            self._places = _places(self._text)
        return self._places

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

    def loop(self, code: Code, head: int) -> tuple[int, int]:
        """First and last line of the loop with its head at an instruction; 0 and 0 if it is not found."""
        heads = {
            operand
            for ip, (op, operand, _) in enumerate(code.instructions)
            if op in isa.JUMPS and type(operand) is int and operand <= ip
        }
        loops = self._found().loops.get(code.name, [])
        number = sorted(heads).index(head) if head in heads else len(loops)
        return loops[number] if number < len(loops) and len(heads) <= len(loops) else (0, 0)

    def block(self, code: Code, start: int, end: int) -> tuple[int, int]:
        """First and last line of what is known of some instructions: the loops and calls in them."""
        found = [
            self.loop(code, operand)
            for op, operand, _ in code.instructions[start:end]
            if op in isa.JUMPS and type(operand) is int and start <= operand < end
        ]
        found += [(line, line) for ip in range(start, end) if (line := self.line(code, ip))]
        found = [lines for lines in found if lines[0]]
        if not found:
            return 0, 0
        return min(first for first, _ in found), max(last for _, last in found)

    def find(self, inside: str, name: str, ordinal: int = 0) -> int:
        """Line of the call of ``name`` in an action that has ``ordinal`` such calls before it."""
        lines = self._found().calls.get((inside, name), [])
        if not lines:
            return 0
        return lines[min(ordinal, len(lines) - 1)]


class _Places(NamedTuple):
    """Lines of calls, by action and name; first and last lines of loops, by action."""

    calls: dict[tuple[str, str], list[int]]
    loops: dict[str, list[tuple[int, int]]]


def _places(text: str) -> _Places:
    found = _Places({}, {})
    inside = [TOP]
    blocks: list[tuple[str, int]] = []  # what a brace has opened: an action, a loop (its number), or neither
    line, word, before = 1, "", ""
    action, loop = "", -1
    for token in _TOKEN.finditer(text):
        mark = token["mark"]
        if token["skip"] is not None:
            line += token["skip"].count("\n")
        elif token["word"] is not None:
            before, word = word, token["word"]
            if word in {"for", "while"}:
                loops = found.loops.setdefault(inside[-1], [])
                loop = len(loops)
                loops.append((line, line))
        elif mark == "\n":
            line += 1
        elif mark == "(":
            if before in _ACTIONS:
                action = word
            elif word:
                found.calls.setdefault((inside[-1], word), []).append(line)
            before = word = ""
        elif mark == "{":
            blocks.append(("action", 0) if action else ("loop", loop) if loop >= 0 else ("", 0))
            if action:
                inside.append(action)
            action, loop = "", -1
            before = word = ""
        elif mark == "}" and blocks:
            kind, number = blocks.pop()
            if kind == "action":
                inside.pop()
            elif kind == "loop":
                loops = found.loops[inside[-1]]
                loops[number] = loops[number][0], line
            before = word = ""
    return found
