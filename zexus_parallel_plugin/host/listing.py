"""Compiles a program exactly as the host's command ``run`` does, and notes which line each instruction is of.

The host keeps no places in its code objects, and in its syntax trees only some. So its compiler is watched
while it compiles: an instruction belongs to the innermost statement and expression that is being compiled.
Lines that the tree does not have are found by looking for the first word of each statement among the tokens
of the source text, in order.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zexus.lexer import Lexer
from zexus.vm.compiler import BytecodeCompiler

from zexus_parallel_plugin.host.command import load_command_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Listing", "Spot", "list_program"]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an instruction comes from: its line (0 if unknown), and the statement that it is a part of: a
    number that is the same for all instructions of a statement, and that of its first line.
    """

    line: int
    statement: int
    first: int


@dataclass(slots=True)
class Listing:
    """A compiled program.

    Attributes:
        bytecode: the host's code object; None if the host does not compile the program.
        vm: what ``make_vm`` has made, as the host has prepared it for the program.
        source: the text that was compiled: the file's, or what the host's validator has made of it.
        spots: for each code object, by identity, the spots of its instructions before any optimisation.
        said: what the host's command has printed, without the notices of an ordinary start.
        failure: why the host does not execute the program as bytecode; empty if it does.
        rejected: the host refuses the program as a whole.
    """

    bytecode: Any = None
    vm: Any = None
    source: str = ""
    spots: dict[int, list[Spot]] = field(default_factory=dict)
    said: str = ""
    failure: str = ""
    rejected: bool = False

    def spots_of(self, bytecode: Any) -> list[Spot]:
        """Spots of the instructions of a code object; empty if it is none of the program's text."""
        return self.spots.get(id(bytecode.instructions), [])


class _CapturedError(BaseException):
    """Ends the host's command where it would execute the program."""


def list_program(path: Path, make_vm: Callable[..., Any]) -> Listing:
    """Have the host compile a program, without executing it.

    :param make_vm: makes the VM of the run, with the arguments of the host's.
    :raises HostError: the host cannot be imported.
    """
    listing = Listing()
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        module = load_command_module()
        with _watched(module, listing, make_vm):
            try:
                module.cli.main(args=["run", str(path)], prog_name="zexus", standalone_mode=False)
            except _CapturedError:
                pass
            except (SystemExit, Exception) as ended:  # noqa: BLE001 - whatever ends the command
                listing.rejected = True
                if not isinstance(ended, SystemExit):
                    said.write(f"{type(ended).__name__}: {ended}\n")
    listing.said = said.getvalue()
    return listing


@contextlib.contextmanager
def _watched(module: Any, listing: Listing, make_vm: Callable[..., Any]) -> Iterator[None]:
    """The host's command, with another compiler, VM, and interpreter."""
    kept = module.VM, module.compile_ast_to_bytecode, module.evaluate, module.Lexer

    def compile_tree(tree: Any, optimize: bool = True) -> Any:
        try:
            listing.bytecode = _Recorder.compile_tree(tree, listing, optimize=optimize)
        except Exception as error:
            listing.failure = str(error)
            raise
        return listing.bytecode

    def lexer(source: str, *args: Any, **kwargs: Any) -> Any:
        listing.source = listing.source or source
        return kept[3](source, *args, **kwargs)

    def make(*args: Any, **kwargs: Any) -> Any:
        vm = listing.vm = make_vm(*args, **kwargs)
        vm.execute = _captured
        return vm

    def interpret(*_args: Any, **_kwargs: Any) -> Any:
        listing.bytecode = None
        listing.failure = listing.failure or "a flag of the file switches the host's VM off"
        raise _CapturedError

    module.VM, module.compile_ast_to_bytecode, module.evaluate = make, compile_tree, interpret
    module.Lexer = lexer
    recursion_limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        module.VM, module.compile_ast_to_bytecode, module.evaluate, module.Lexer = kept
        if listing.vm is not None:
            del listing.vm.execute
        sys.setrecursionlimit(max(recursion_limit, sys.getrecursionlimit()))


def _captured(*_args: Any, **_kwargs: Any) -> Any:
    """In place of the execution; no `Exception`, which would be taken for one of the program."""
    raise _CapturedError


class _Recorder(BytecodeCompiler):
    """The host's compiler, which notes for each instruction what it is compiled from."""

    listing: Listing
    places: _Places
    stack: list[Any]

    @classmethod
    def compile_tree(cls, tree: Any, listing: Listing, *, optimize: bool) -> Any:
        """Compile a program and fill the listing's spots."""
        recorder = type("_Recorder", (cls,), {"listing": listing, "places": _Places(tree, listing.source),
                                              "stack": []})  # fmt: skip
        return recorder(optimize=optimize).compile(tree)

    def _compile_node(self, node: Any) -> None:
        self.stack.append(node)
        try:
            super()._compile_node(node)
        finally:
            self.stack.pop()

    def _emit(self, opcode: Any, *args: Any) -> None:
        super()._emit(opcode, *args)
        spots = self.listing.spots.setdefault(id(self.instructions), [])
        spot = self.places.spot(self.stack)
        # Some instructions are appended without this method: they belong to what follows.
        spots.extend([spot] * (len(self.instructions) - len(spots)))


class _Places:
    """Lines of the statements of a program."""

    def __init__(self, tree: Any, source: str) -> None:
        self._lines: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._kept: list[Any] = []
        tokens = []
        lexer = Lexer(source)
        while True:
            token = lexer.next_token()
            if token.type == "EOF" or token.literal is None:
                break
            tokens.append((str(token.literal), int(token.line or 0)))
        self._tokens = tokens
        self._shift = _shift(tree, tokens)
        self._next = 0
        self._walk(tree)

    def spot(self, stack: list[Any]) -> Spot:
        """The spot of what is compiled now, from the outermost node inwards."""
        statement, first, line = 0, 0, 0
        for node in reversed(stack):
            if not line:
                line = self._line_of(node)
            if id(node) in self._numbers:
                statement, first = self._numbers[id(node)], self._lines[id(node)]
                break
        return Spot(max(line, first), statement, first)

    def _begins(self, index: int) -> bool:
        """Whether a statement can begin at a token."""
        before = self._tokens[index - 1] if index else ("", 0)
        return before[0] in {"", ";", "{", "}", "else", ")"} or before[1] < self._tokens[index][1]

    def _line_of(self, node: Any) -> int:
        return max(0, _own_line(node) - self._shift)

    def _walk(self, node: Any) -> None:
        """Find the lines of all statements, in the order of the source."""
        if isinstance(node, (list, tuple)):
            for part in node:
                self._walk(part)
            return
        if not hasattr(node, "__dict__") or not type(node).__module__.startswith("zexus"):
            return
        if type(node).__name__.endswith("Statement") and type(node).__name__ != "BlockStatement":
            self._place(node)
        for part in list(vars(node).values()):
            self._walk(part)

    def _place(self, node: Any) -> None:
        hint = min((line for line in _lines(node) if line > self._shift), default=self._shift) - self._shift
        words = _first_words(node)
        index = self._next
        found = -1
        while index < len(self._tokens):
            literal, line = self._tokens[index]
            if hint and line > hint:
                break
            if literal in words and self._begins(index):
                found = index
                break
            index += 1
        if found >= 0:
            line = self._tokens[found][1]
            self._next = found + 1
        else:
            line = hint or (self._tokens[self._next][1] if self._next < len(self._tokens) else 0)
            while self._next < len(self._tokens) and self._tokens[self._next][1] < line:
                self._next += 1
        self._kept.append(node)  # its identity stays its own
        self._lines[id(node)] = line
        self._numbers[id(node)] = len(self._numbers) + 1


def _shift(tree: Any, tokens: list[tuple[str, int]]) -> int:
    """How much greater the lines of the tree are than those of the text.

    The host's parser reads the first tokens twice without beginning to count anew. What most names and
    numbers of the tree say counts.
    """
    by_literal: dict[str, set[int]] = {}
    for literal, line in tokens:
        by_literal.setdefault(literal, set()).add(line)
    votes: Counter[int] = Counter()
    for node in _nodes(tree):
        line, value = _own_line(node), getattr(node, "value", None)
        if line and isinstance(value, (str, int, float)):
            votes.update(line - there for there in by_literal.get(str(value), ()) if there <= line)
        if votes.total() > _ENOUGH_VOTES:
            break
    if votes:
        return votes.most_common(1)[0][0]
    return tokens[1][1] - 1 if len(tokens) > 1 else 0


_ENOUGH_VOTES = 5000
_KEYWORDS = {
    "LetStatement": ("let",), "ConstStatement": ("const",), "ReturnStatement": ("return",),
    "IfStatement": ("if", "elif"), "WhileStatement": ("while",), "ForEachStatement": ("for",),
    "PrintStatement": ("print",), "ActionStatement": ("action", "async"), "FunctionStatement": ("function",),
    "PureFunctionStatement": ("pure",), "TryCatchStatement": ("try",), "BreakStatement": ("break",),
    "ContinueStatement": ("continue",), "ThrowStatement": ("throw",), "RequireStatement": ("require",),
    "UseStatement": ("use",), "FromStatement": ("from",), "EntityStatement": ("entity",),
    "ContractStatement": ("contract",), "DataStatement": ("data",), "MatchStatement": ("match",),
}  # fmt: skip


def _first_words(node: Any) -> tuple[str, ...]:
    """Words that the text of a statement may begin with."""
    name = type(node).__name__
    if name in _KEYWORDS:
        return _KEYWORDS[name]
    if name != "ExpressionStatement":
        return (name.removesuffix("Statement").lower(),)
    current = node
    while True:
        # The leftmost part of an expression: what is called, assigned, indexed or compared.
        for attribute in ("expression", "function", "object", "left", "name", "condition"):
            part = getattr(current, attribute, None)
            if part is not None and not isinstance(part, str):
                current = part
                break
        else:
            break
    value = getattr(current, "value", None)
    operator = getattr(current, "operator", None)
    words = [str(word) for word in (value, operator) if word is not None]
    return tuple(words)


def _own_line(node: Any) -> int:
    line = getattr(node, "line", 0)
    return line if isinstance(line, int) else 0


def _nodes(tree: Any) -> Iterator[Any]:
    """All nodes of a tree."""
    work = [tree]
    seen: set[int] = set()
    while work:
        node = work.pop()
        if isinstance(node, (list, tuple)):
            work += reversed(node)
        elif hasattr(node, "__dict__") and type(node).__module__.startswith("zexus") and id(node) not in seen:
            seen.add(id(node))
            yield node
            work += reversed(list(vars(node).values()))


def _lines(node: Any, depth: int = 0) -> Iterator[int]:
    """Lines that the tree knows of a node and its parts, blocks excepted."""
    if isinstance(node, (list, tuple)):
        for part in node:
            yield from _lines(part, depth)
    elif hasattr(node, "__dict__") and type(node).__module__.startswith("zexus"):
        yield _own_line(node)
        if depth < 50 and type(node).__name__ != "BlockStatement":
            for part in list(vars(node).values()):
                yield from _lines(part, depth + 1)
