"""Shows code: the bytecode that the host executes, and the Python functions that it is compiled to."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from zexus_parallel_plugin.explain.text import Paint, cut, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.explain.compiled import Compiled

__all__ = ["bytecode", "units"]


def bytecode(rows: Iterable[tuple[str, list[tuple[int, str, str, int]]]]) -> str:
    """The instructions of code objects: number, opcode, operand, and line where it changes."""
    lines = []
    for title, instructions in rows:
        lines += ["", f"bytecode of {printable(title)}"]
        before = 0
        for pc, opcode, operand, line in instructions:
            place = str(line) if line and line != before else ""
            before = line
            lines.append(f"{place:>6} {pc:>6}  {opcode:<14} {cut(printable(operand), 48)}".rstrip())
    return "\n".join(lines) + "\n"


def units(found: Iterable[Compiled], width: int, paint: Paint) -> str:
    """Compiled code, with what a failure of each line means."""
    lines = []
    for unit in found:
        lines += ["", paint(f"compiled {printable(unit.title)}", "1")]
        if unit.reason:
            lines += textwrap.wrap(f"not compiled: {printable(unit.reason)}", width, initial_indent="    ",
                                   subsequent_indent="      ")  # fmt: skip
            continue
        for text, note in unit.lines:
            shown = printable(text)
            space = width - len(note) - 2
            if note and len(shown) < space:
                lines.append(f"{shown:<{space}}{paint('# ' + note, '2')}")
            else:
                lines.append(shown)
                if note:
                    lines.append(" " * space + paint("# " + note, "2"))
        if unit.variables:
            text = "variables: " + "; ".join(unit.variables)
            lines += textwrap.wrap(printable(text), width, initial_indent="    ", subsequent_indent="      ")
    return "\n".join(lines) + "\n"
