"""Bytecode for the tests of the API, and what the host does with it."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zexus.lexer import Lexer
from zexus.parser import Parser
from zexus.vm.bytecode import Bytecode, BytecodeBuilder
from zexus.vm.compiler import compile_ast_to_bytecode
from zexus.vm.vm import VM

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Outcome:
    """What an execution did, with types.

    Programs cannot see the ``order`` in which their variables came to be.
    """

    value: str
    env: str
    stdout: str
    order: tuple[str, ...] = field(default=(), compare=False)


def compiled(source: str) -> Any:
    """Compile a program."""
    with contextlib.redirect_stdout(io.StringIO()):
        parser = Parser(Lexer(source, filename="program.zx"), "universal", enable_advanced_strategies=True)
        program = parser.parse_program()
    assert not parser.errors, parser.errors
    return compile_ast_to_bytecode(program, optimize=True)


def straight(count: int, *, chained: bool = False) -> Any:
    """``v0 = 0 * 3; v1 = 1 * 3; …``, or with the variable before added to each; the last one is the value."""
    builder = BytecodeBuilder()
    for n in range(count):
        builder.emit_constant(n)
        builder.emit_constant(3)
        builder.emit_mul()
        if chained and n:
            builder.emit_load(f"v{n - 1}")
            builder.emit_add()
        builder.emit_store(f"v{n}")
    builder.emit_load(f"v{count - 1}")
    return builder.build()


def copy_of(bytecode: Any) -> Any:
    """Another code object with the same contents: executions cannot disturb each other through constants."""
    return Bytecode(list(bytecode.instructions), list(bytecode.constants))


def outcome(execute: Callable[[], Any], env: Callable[[], dict[str, Any]]) -> Outcome:
    """Execute, and describe what happened."""
    out = io.StringIO()
    show = Shower()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        try:
            value = show(execute())
        except Exception as error:
            value = f"raised {type(error).__name__}: {error}"
    variables = env()
    shown = _plain(show(dict(sorted(variables.items(), key=str))))
    return Outcome(_plain(value), shown, _plain(out.getvalue()), tuple(map(str, variables)))


def on_host(bytecode: Any, **state: Any) -> Outcome:
    """What ``VM().execute`` does."""
    vm = VM(**state)
    return outcome(lambda: vm.execute(bytecode), lambda: vm.env)


def on(vm: Any, bytecode: Any, initial_state: dict[str, Any] | None = None) -> Outcome:
    """What a `ParallelVM` does."""
    return outcome(lambda: vm.execute(bytecode, initial_state=initial_state), lambda: vm.env)


class Shower:
    """Shows values with their types, and which lists and maps are the same ones."""

    def __init__(self) -> None:
        self.seen: dict[int, tuple[int, Any]] = {}

    def __call__(self, value: Any) -> str:
        if type(value) not in {dict, list}:
            return f"{type(value).__name__} {value!r}"
        if id(value) in self.seen:
            return f"#{self.seen[id(value)][0]}"
        number = len(self.seen)
        self.seen[id(value)] = number, value
        if type(value) is list:
            return f"#{number}=[" + ", ".join(map(self, value)) + "]"
        return f"#{number}={{" + ", ".join(f"{key!r}: {self(item)}" for key, item in value.items()) + "}"


def _plain(text: str) -> str:
    return re.sub(r"0x[0-9a-f]{6,}", "0x?", text)
