"""Lines of the source for instructions, which the host's bytecode does not have.

A program that no other VM can run must say itself where it failed. The host's parser notes lines in its
tree; a subclass of the host's compiler carries them over, into the metadata of the code objects.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from zexus.lexer import Lexer
from zexus.vm.compiler import BytecodeCompiler

from zexus_parallel_plugin.host.compiler_pass import code_objects

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LINES", "compile_with_lines", "line_of", "shift_of"]

LINES = "lines"
"""Key of the metadata: for each instruction its line, 0 if it is not known."""


class _Located(tuple[Any, ...]):  # noqa: SLOT001 - it has an attribute
    """An instruction with its line, as long as the compiler is at work."""

    line: int


class _Compiler(BytecodeCompiler):
    """The host's compiler, which makes compilers of its own class for the bodies of actions."""

    _line = 0

    def _compile_node(self, node: Any) -> None:
        outer = self._line
        self._line = getattr(node, "line", 0) or outer
        try:
            super()._compile_node(node)
        finally:
            self._line = outer

    def _emit(self, opcode: Any, *args: Any) -> None:
        super()._emit(opcode, *args)
        located = _Located(self.instructions[-1])
        located.line = self._line
        self.instructions[-1] = located


def compile_with_lines(tree: Any, *, optimize: bool = True) -> Any:
    """What ``compile_ast_to_bytecode`` makes of a tree, with lines in the metadata."""
    bytecode = _Compiler(optimize=optimize).compile(tree)
    for code in code_objects(bytecode):
        code.metadata[LINES] = [getattr(instruction, "line", 0) for instruction in code.instructions]
        code.instructions[:] = [tuple(instruction) for instruction in code.instructions]
    return bytecode


def shift_of(source: str) -> int:
    """By how many lines the host's parser is off in a source.

    It reads two tokens, and then all tokens from the beginning, without setting the line back (parser.py
    589): the lines of a file that begins with a comment are all too high.
    """
    lexer = Lexer(source)
    lexer.next_token()
    lexer.next_token()
    return int(lexer.line) - 1


def line_of(bytecode: Any, stream: Sequence[tuple[Any, Any]], index: int) -> int:
    """Line of an instruction of the optimised stream, 0 if it is not known."""
    lines = list(bytecode.metadata.get(LINES, ()))
    if not lines:
        return 0
    if len(stream) == len(lines):
        place = index
    else:
        written = [_text(*instruction) for instruction in bytecode.instructions]
        executed = [_text(*instruction) for instruction in stream]
        place = 0
        for block in SequenceMatcher(None, executed, written, autojunk=False).get_matching_blocks():
            if block.size and block.a <= index:
                place = block.b + min(index - block.a, block.size - 1)
    # Jumps have lost their line, and generated code has none: the one before it is near enough.
    return next((line for line in reversed(lines[: place + 1]) if line), 0)


def _text(opcode: Any, operand: Any) -> str:
    return f"{getattr(opcode, 'name', opcode)} {operand!r}"
