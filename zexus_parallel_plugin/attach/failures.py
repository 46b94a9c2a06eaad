"""Failures of programs that only the backend can run.

The host's command hands a program whose VM has failed to its interpreter, which runs it once more. For a
program that uses functions of the backend that would be wrong: the interpreter does not know them, and all
effects would happen twice. Its error is reported here, and the command ends with exit code 1.
"""

from __future__ import annotations

import sys
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compiler_with_lines", "without_second_run"]


def compiler_with_lines(
    compile_program: Callable[..., Any], notice: Callable[[str], None]
) -> Callable[..., Any]:
    """The host's compile function, for programs of its own as it is; code of others knows its lines.

    :param notice: says something to the person at the terminal.
    """

    @wraps(compile_program)
    def compile_again(tree: Any, optimize: bool = True) -> Any:
        from zexus_parallel_plugin.host.compiler_pass import concerns

        try:
            bytecode = compile_program(tree, optimize=optimize)
        except Exception:
            names = _language_functions(tree)
            if names:
                notice(
                    f"the host does not compile this program but interprets it; its interpreter does not know"
                    f" {', '.join(names)}"
                )
            raise
        if not concerns(bytecode):
            return bytecode
        from zexus_parallel_plugin.host.lines import compile_with_lines

        return compile_with_lines(tree, optimize=optimize)

    return compile_again


def _language_functions(tree: Any) -> list[str]:
    """Names of language functions that a program calls, as far as its tree tells."""
    from zexus_parallel_plugin.host.compiler_pass import LANGUAGE_FUNCTIONS

    found = set()
    seen: set[int] = set()
    work = [tree]
    while work:
        node = work.pop()
        if isinstance(node, (list, tuple)):
            work += node
        elif hasattr(node, "__dict__") and id(node) not in seen:
            seen.add(id(node))
            name = getattr(getattr(node, "function", None), "value", None)
            if isinstance(name, str) and name in LANGUAGE_FUNCTIONS:
                found.add(name)
            work += vars(node).values()
    return sorted(found)


def without_second_run(vm: Any, program: str | None) -> Any:
    """The VM; if a program fails that no other VM can run, its ``execute`` reports that and ends the process.

    Other VMs than those of this project's backend stay as they are.
    """
    if not hasattr(vm, "is_parallel_program"):
        return vm
    execute = vm.execute

    @wraps(execute)
    def execute_once(*args: Any, **kwargs: Any) -> Any:
        try:
            return execute(*args, **kwargs)
        except Exception as error:
            if not vm.is_parallel_program:
                raise
            _end(vm, error, program)

    vm.execute = execute_once
    return vm


def _end(vm: Any, error: Exception, program: str | None) -> NoReturn:
    line, action = vm.failed_at(error)
    sys.stdout.flush()
    click.echo(describe(str(error), program or "", line, action), err=True)
    sys.exit(1)


def describe(text: str, program: str, line: int, action: str) -> str:
    """The report: what, where, and the line itself if the file can be read.

    :param line: as the host's parser counts, 0 if it is not known.
    """
    report = [f"ERROR: {text}"]
    if not program:
        return report[0]
    line, source = _line_of_file(program, line)
    place = f"{program}:{line}" if line else program
    report.append(f"  --> {place}" + (f", in action {action}" if action else ""))
    if source:
        report.append(f"  {line} | {source}")
    return "\n".join(report)


def _line_of_file(program: str, line: int) -> tuple[int, str]:
    from zexus_parallel_plugin.host.lines import shift_of

    file = Path(program)
    try:  # a pipe has been read already
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
    except (OSError, UnicodeDecodeError):
        return line, ""
    lines = text.splitlines()
    if not line:
        return 0, ""
    line = max(1, line - shift_of(text))
    return line, lines[line - 1] if line <= len(lines) else ""
