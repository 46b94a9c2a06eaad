"""Structured control flow from jumps.

The host's compiler only emits structured code: loops with one head, ``if`` diamonds, ``break``,
``continue``, ``try``. This pass finds the structure again by recursive descent over instruction ranges. Each
rule is right by itself for the jumps that it consumes, whatever source they came from; code that no rule
fits is not compiled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zexus_parallel_plugin.engine.code import Code


class Unstructured(Exception):  # noqa: N818 - a verdict, not a failure
    """The jumps fit no rule; the text names the first one that does not."""


@dataclass(frozen=True, slots=True)
class Step:
    """One straight-line instruction."""

    pc: int


@dataclass(frozen=True, slots=True)
class If:
    """A conditional jump at ``pc``: ``taken`` when it falls through, ``other`` when it jumps; both go on
    behind.
    """

    pc: int
    taken: tuple[Node, ...]
    other: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop with its head at ``pc`` and its last backward jump at ``last``."""

    pc: int
    last: int
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """An unconditional jump at ``pc`` out of the loop (``break``) or to its head (``continue``).

    A jump to the instructions that end every iteration is a copy of them, and then this.
    """

    pc: int
    kind: str


@dataclass(frozen=True, slots=True)
class LeaveIf:
    """A conditional jump at ``pc`` that leaves the loop or goes to its head when it jumps."""

    pc: int
    kind: str


@dataclass(frozen=True, slots=True)
class Return:
    """The end of the code object's activation."""

    pc: int


@dataclass(frozen=True, slots=True)
class Try:
    """The body of a ``try`` whose handler is at ``handler``.

    The body begins with the ``SETUP_TRY`` at ``pc``. ``rescue``: the handler up to where both go on; None if
    it is left to the interpreter.
    """

    pc: int
    handler: int
    body: tuple[Node, ...]
    rescue: tuple[Node, ...] | None = None


Node = Step | If | Loop | Leave | LeaveIf | Return | Try


@dataclass(slots=True)
class _Context:
    """Where ``break`` and ``continue`` of the innermost loop go; -1 outside of loops.

    ``tail`` is where the instructions begin that end every iteration of a ``for each``.
    """

    head: int = -1
    exit: int = -1
    tail: int = -1
    open_tries: int = 0

    def kind(self, target: int) -> str:
        """How a jump to ``target`` leaves the iteration, empty if it does not."""
        if target < 0:
            return ""
        return {self.exit: "break", self.head: "continue", self.tail: "next"}.get(target, "")


@dataclass(slots=True)
class Structure:
    """Control flow of a code object: top-level nodes, and loops by head."""

    nodes: tuple[Node, ...] = ()
    loops: dict[int, Loop] = field(default_factory=dict)


def structure(code: Code) -> Structure:
    """Recover the structure of a whole code object.

    :raises Unstructured: for jumps that fit no rule.
    """
    parser = _Parser(code)
    nodes = parser.sequence(0, len(code.instructions), _Context())
    return Structure(nodes, parser.loops)


def loop_structure(code: Code, head: int) -> Loop:
    """Recover the structure of one loop and what is inside.

    :raises Unstructured: for jumps that fit no rule.
    """
    return _Parser(code).loop(head)


class _Parser:
    def __init__(self, code: Code) -> None:
        self.ins = code.instructions
        self.ends = code.ends
        self.loops: dict[int, Loop] = {}
        self.targets = code.targets

    def loop(self, head: int) -> Loop:
        last = self.ends[head]
        tail = self.tail(last)
        context = _Context(head, last + 1, tail)
        loop = Loop(head, last, self.sequence(head, last + 1, context, inside=True))
        self.loops[head] = loop
        return loop

    def tail(self, last: int) -> int:
        """Start of ``NOP; LOAD i; LOAD_CONST 1; ADD; STORE i`` before a backward jump: the end of a ``for
        each``.
        """
        ops = [op for op, _operand, _gas in self.ins[max(0, last - 5) : last]]
        counts = [isa.NOP, isa.LOAD_NAME, isa.LOAD_CONST, isa.ADD, isa.STORE_NAME]
        return last - 5 if ops == counts and last - 5 in self.targets else -1

    def check_leave(self, pc: int, context: _Context) -> None:
        """The host does not close a ``try`` that a jump leaves; its handler stays behind in the frame."""
        if context.open_tries:
            raise Unstructured(f"jump at {pc} leaves an open try")

    def sequence(self, pc: int, end: int, context: _Context, inside: bool = False) -> tuple[Node, ...]:
        """Nodes of the instructions from ``pc`` up to ``end``; ``inside``: ``pc`` is the head of the loop
        being opened.
        """
        nodes: list[Node] = []
        while pc < end:
            if pc in self.ends and not (inside and pc == context.head):
                loop = self.loop(pc)
                if loop.last >= end:
                    raise Unstructured(f"a loop from {pc} crosses {end}")
                nodes.append(loop)
                pc = loop.last + 1
                continue
            op, operand, _gas = self.ins[pc]
            if op in {isa.JUMP_IF_FALSE, isa.JUMP_IF_TRUE}:
                node, pc = self.conditional(pc, operand, end, context)
                nodes.append(node)
            elif op == isa.JUMP:
                kind = context.kind(operand)
                if kind:
                    self.check_leave(pc, context)
                    if kind == "next":
                        nodes.append(Step(pc))
                        nodes += (Step(index) for index in range(context.tail, context.exit - 1))
                        nodes.append(Leave(context.exit - 1, "continue"))
                    else:
                        nodes.append(Leave(pc, kind))
                    return self.ended(nodes, pc + 1, end)
                if not pc < operand <= end:
                    raise Unstructured(f"jump from {pc} to {operand}")
                self.ended([], pc + 1, operand)
                nodes.append(Step(pc))
                pc = operand
            elif op == isa.RETURN:
                nodes.append(Return(pc))
                return self.ended(nodes, pc + 1, end)
            elif op == isa.SETUP_TRY:
                node, pc = self.protected(pc, operand, end, context)
                nodes.append(node)
                if pc < 0:
                    return tuple(nodes)
            else:
                nodes.append(Step(pc))
                pc += 1
        return tuple(nodes)

    def ended(self, nodes: list[Node], pc: int, end: int) -> tuple[Node, ...]:
        """The nodes of a sequence that control leaves; what follows must be unreachable."""
        for rest in range(pc, end):
            if rest in self.targets:
                raise Unstructured(f"code behind {pc} is reached by a jump to {rest}")
        return tuple(nodes)

    def conditional(self, pc: int, target: int, end: int, context: _Context) -> tuple[Node, int]:
        kind = context.kind(target)
        if kind in {"break", "continue"}:
            self.check_leave(pc, context)
            return LeaveIf(pc, kind), pc + 1
        if not pc < target <= end:
            raise Unstructured(f"conditional jump from {pc} to {target}")
        last = target - 1
        op, operand, _gas = self.ins[last]
        skips = op == isa.JUMP and last > pc and target <= operand <= end and not context.kind(operand)
        if skips and last not in self.targets:
            taken = (*self.sequence(pc + 1, last, context), Step(last))
            return If(pc, taken, self.sequence(target, operand, context)), operand
        return If(pc, self.sequence(pc + 1, target, context), ()), target

    def protected(self, pc: int, handler: int, end: int, context: _Context) -> tuple[Node, int]:
        """A ``try``: its body ends with ``POP_TRY; JUMP after`` right before the handler.

        If the body returns instead, what follows is reached through the handler only: then there is no code
        behind (-1).
        """
        if not pc < handler <= end:
            raise Unstructured(f"handler of {pc} at {handler}")
        last = handler - 1
        op, after, _gas = self.ins[last]
        inner = _Context(context.head, context.exit, context.tail, context.open_tries + 1)
        if op in {isa.RETURN, isa.THROW}:
            for jump, operand, _cost in self.ins[:handler]:
                if jump in isa.JUMPS and handler <= operand < end:
                    raise Unstructured(f"try at {pc} is jumped over")
            body = (Step(pc), *self.sequence(pc + 1, handler, inner))
            return Try(pc, handler, body, self.rescue(handler, end, context)), -1
        if op != isa.JUMP or not handler <= after <= end or context.kind(after) == "break":
            raise Unstructured(f"try at {pc} without a common end")
        body = (Step(pc), *self.sequence(pc + 1, last, inner), Step(last))
        return Try(pc, handler, body, self.rescue(handler, after, context)), after

    def rescue(self, pc: int, end: int, context: _Context) -> tuple[Node, ...] | None:
        """The nodes of a handler, if rules fit it."""
        try:
            return self.sequence(pc, end, context)
        except Unstructured:
            return None


def steps(nodes: Sequence[Node], *, rescues: bool = False) -> list[int]:
    """All instruction indices inside nodes, in order; ``rescues``: also those of handlers."""
    found: list[int] = []
    for node in nodes:
        if isinstance(node, If):
            found.append(node.pc)
            found += steps(node.taken, rescues=rescues)
            found += steps(node.other, rescues=rescues)
        elif isinstance(node, Loop):
            found += steps(node.body, rescues=rescues)
        elif isinstance(node, Try):
            found += steps(node.body, rescues=rescues)
            if rescues:
                found += steps(node.rescue or (), rescues=True)
        else:
            found.append(node.pc)
    return found
