"""Compiles a program exactly as the host's command ``run`` does, and notes which line each instruction is of.

The host keeps no places in its code objects, and in its syntax trees only some, which may be wrong. So its
compiler is watched while it compiles: an instruction belongs to the innermost statement and expression that
is being compiled. Lines are found by looking for the first words of each statement among the tokens of the
source text, in order.
"""

from __future__ import annotations

import contextlib
import copy
import io
import sys
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
        kept: what the identities in ``spots`` are those of.
    """

    bytecode: Any = None
    vm: Any = None
    source: str = ""
    spots: dict[int, list[Spot]] = field(default_factory=dict)
    said: str = ""
    failure: str = ""
    rejected: bool = False
    kept: list[Any] = field(default_factory=list)

    def spots_of(self, bytecode: Any) -> list[Spot]:
        """Spots of the instructions of a code object; empty if it is none of the program's text."""
        return self.spots.get(id(bytecode.instructions), [])


_WIDE = 1000
"""Columns of what the host's command says, so that it wraps no words and no paths."""


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
    width = module.console._width
    module.console.width = _WIDE
    recursion_limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        module.VM, module.compile_ast_to_bytecode, module.evaluate, module.Lexer = kept
        module.console._width = width
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
        spots = self.listing.spots.get(id(self.instructions))
        if spots is None:
            spots = self.listing.spots[id(self.instructions)] = []
            self.listing.kept.append(self.instructions)  # its identity stays its own
        spot = self.places.spot(self.stack)
        # Some instructions are appended without this method: they belong to what follows.
        spots.extend([spot] * (len(self.instructions) - len(spots)))


class _Places:
    """Lines of the statements of a program.

    Statements are found by their first words, among the tokens of the text, one after the other. Lines that
    the tree has serve within a statement only: the host's parser makes the nodes of equal blocks only once.
    """

    def __init__(self, tree: Any, source: str) -> None:
        self._tokens = _tokens(source)
        self._shift = _shift(source)
        self._next = 0
        self._first: dict[int, int] = {}
        self._limit: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._latest: Any = None
        self._kept = list(_separated(tree))
        self._walk(tree)

    def spot(self, stack: list[Any]) -> Spot:
        """The spot of what is compiled now, from the outermost node inwards."""
        lines: list[int] = []
        for node in reversed(stack):
            if id(node) in self._numbers:
                first = self._first[id(node)]
                limit = self._limit.get(id(node), first)
                line = next((line for line in lines if first <= line <= limit), first)
                return Spot(line, self._numbers[id(node)], first)
            if _own_line(node):
                lines.append(_own_line(node) - self._shift)
        return Spot(0, 0, 0)

    def _walk(self, node: Any) -> None:
        """Find the lines of all statements, in the order of the source."""
        if isinstance(node, (list, tuple)):
            for part in node:
                self._walk(part)
        elif _is_node(node):
            if type(node).__name__.endswith("Statement") and type(node).__name__ != "BlockStatement":
                self._place(node)
            for part in list(vars(node).values()):
                self._walk(part)

    def _place(self, node: Any) -> None:
        words, second = _first_words(node)
        for index in range(self._next, len(self._tokens)):
            literal, line = self._tokens[index]
            if literal in words and self._begins(index) and second in {"", self._literal(index + 1)}:
                self._next = index + 1
                break
        else:
            # It looks like nothing that is known here: it begins where the one before it has begun, or later.
            line = self._tokens[min(self._next, len(self._tokens) - 1)][1] if self._tokens else 0
        if self._latest is not None:
            self._limit[id(self._latest)] = line
        self._latest = node
        self._first[id(node)] = line
        self._limit[id(node)] = self._tokens[-1][1] if self._tokens else 0
        self._numbers[id(node)] = len(self._numbers) + 1

    def _literal(self, index: int) -> str:
        return self._tokens[index][0] if index < len(self._tokens) else ""

    def _begins(self, index: int) -> bool:
        """Whether a statement can begin at a token."""
        before = self._tokens[index - 1] if index else ("", 0)
        return before[0] in {"", ";", "{", "}", "else", ")"} or before[1] < self._tokens[index][1]


def _tokens(source: str) -> list[tuple[str, int]]:
    """Texts and lines of all tokens."""
    found: list[tuple[str, int]] = []
    lexer = Lexer(source)
    while True:
        token = lexer.next_token()
        if token.type == "EOF" or token.literal is None:
            return found
        found.append((str(token.literal), int(token.line or 0)))


def _shift(source: str) -> int:
    """How much greater the lines of the tree are than those of the text: the host's parser looks at the first
    two tokens, and then reads all of them without beginning to count anew.
    """
    lexer = Lexer(source)
    lexer.next_token()
    lexer.next_token()
    return int(lexer.line) - 1


def _is_node(value: Any) -> bool:
    return hasattr(value, "__dict__") and type(value).__module__.startswith("zexus")


def _separated(tree: Any) -> Iterator[Any]:
    """Give each place of the tree a node of its own; all nodes."""
    seen: set[int] = set()
    work = [tree]
    while work:
        node = work.pop()
        seen.add(id(node))
        yield node
        for name, value in list(vars(node).items()):
            if isinstance(value, list):
                own = [_fresh(item, seen) for item in value]
                setattr(node, name, own)
                work += [item for item in own if _is_node(item)]
            elif _is_node(value):
                fresh = _fresh(value, seen)
                setattr(node, name, fresh)
                work.append(fresh)


def _fresh(value: Any, seen: set[int]) -> Any:
    """The same node, or a copy if it has been met."""
    if not _is_node(value):
        return value
    made = copy.copy(value) if id(value) in seen else value
    seen.add(id(made))
    return made


_KEYWORDS = {
    "LetStatement": ("let",), "ConstStatement": ("const",), "ReturnStatement": ("return",),
    "IfStatement": ("if", "elif"), "WhileStatement": ("while",), "ForEachStatement": ("for",),
    "PrintStatement": ("print",), "ActionStatement": ("action", "async"), "FunctionStatement": ("function",),
    "PureFunctionStatement": ("pure",), "TryCatchStatement": ("try",), "BreakStatement": ("break",),
    "ContinueStatement": ("continue",), "ThrowStatement": ("throw",), "RequireStatement": ("require",),
    "UseStatement": ("use",), "FromStatement": ("from",), "EntityStatement": ("entity",),
    "ContractStatement": ("contract",), "DataStatement": ("data",), "MatchStatement": ("match",),
}  # fmt: skip


_NAMED = frozenset({"LetStatement", "ConstStatement"})


def _first_words(node: Any) -> tuple[tuple[str, ...], str]:
    """Words that the text of a statement may begin with, and the word behind it, if it is known."""
    name = type(node).__name__
    if name in _KEYWORDS:
        named = getattr(getattr(node, "name", None), "value", "") if name in _NAMED else ""
        return _KEYWORDS[name], named if isinstance(named, str) else ""
    if name != "ExpressionStatement":
        return (name.removesuffix("Statement").lower(),), ""
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
    return tuple(str(word) for word in (value, operator) if word is not None), ""


def _own_line(node: Any) -> int:
    line = getattr(node, "line", 0)
    return line if isinstance(line, int) else 0
