"""Control flow of one code object: basic blocks, natural loops, and where the sides of a branch meet again.

An open ``try`` counts as a branch to its handler at its beginning. The node after the last block is the exit,
which returns, throws and the end of the code lead to.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from zexus_parallel_plugin.analysis.dominators import (
    UNREACHABLE,
    dominates,
    immediate_dominators,
    reversed_edges,
)
from zexus_parallel_plugin.engine import isa

Instructions = tuple[tuple[int, Any, int], ...]

_ENDS = frozenset({isa.RETURN, isa.THROW})


@dataclass(frozen=True, slots=True)
class Loop:
    """A natural loop: the block that every iteration starts with, and all its blocks."""

    header: int
    blocks: frozenset[int]


@dataclass(frozen=True, slots=True)
class Detour:
    """How to go on at a branch whose condition is not known.

    ``target`` is the instruction to go on at, -1 if there is none. Whatever the instructions in ``ranges``
    (pairs of first and behind the last) write is not known there. ``guess`` tells that one side was chosen
    because the other one leaves the loop or the code object.
    """

    target: int
    ranges: tuple[tuple[int, int], ...] = ()
    guess: bool = False


NOWHERE = Detour(-1)


class Flow:
    """The control flow graph of verified instructions (``engine.code``). Everything is computed at its first
    use.
    """

    def __init__(self, instructions: Instructions) -> None:
        self.instructions = instructions
        self.starts = _leaders(instructions)
        self.exit = len(self.starts)
        self.successors = self._edges()
        self._post: list[int] | None = None
        self._loops: list[Loop] | None = None

    def block_of(self, index: int) -> int:
        """The block that an instruction is in; the exit for an index behind the last one."""
        if index >= len(self.instructions):
            return self.exit
        return bisect_right(self.starts, index) - 1

    def span(self, block: int) -> tuple[int, int]:
        """First instruction of a block, and the one behind its last."""
        end = self.starts[block + 1] if block + 1 < self.exit else len(self.instructions)
        return self.starts[block], end

    @property
    def loops(self) -> list[Loop]:
        """All natural loops, innermost first. Loops with the same header are one."""
        if self._loops is None:
            self._loops = self._find_loops()
        return self._loops

    @property
    def post_dominators(self) -> list[int]:
        """The immediate post-dominator of each block; `UNREACHABLE` where no way leads to the exit."""
        if self._post is None:
            self._post = immediate_dominators(reversed_edges(self.successors), self.exit)
        return self._post

    def loop_of(self, block: int) -> Loop | None:
        """The innermost loop around a block."""
        return next((loop for loop in self.loops if block in loop.blocks), None)

    def detour(self, index: int, worth_staying: Callable[[Iterable[tuple[int, int]]], bool]) -> Detour:
        """Where to go on at the branch at ``index``, if its condition is not known.

        :param worth_staying: tells whether there is something to look for in these ranges of instructions:
            then a loop is
            assumed to go on, else it is skipped as a whole.
        """
        block = self.block_of(index)
        loop = self.loop_of(block)
        if loop is None:
            return self._detour_outside(block)
        join = self.post_dominators[block]
        if join in loop.blocks and join != loop.header:
            return self._to(join, self._between(block, join))
        if worth_staying(self.span(member) for member in loop.blocks):
            return self._detour_inside(block, loop)
        return self._leave(loop)

    def _detour_outside(self, block: int) -> Detour:
        join = self.post_dominators[block]
        if join == UNREACHABLE:
            return NOWHERE
        if join != self.exit:
            return self._to(join, self._between(block, join))
        # One side ends the frame: take it that the other one is it. A condition guards what directly follows
        # it.
        return (
            Detour(self.span(self.successors[block][-1])[0], guess=True)
            if self.successors[block]
            else NOWHERE
        )

    def _detour_inside(self, block: int, loop: Loop) -> Detour:
        """Go on within the loop: only ways that come back to its header count."""
        members = sorted(loop.blocks)
        number = {member: index for index, member in enumerate(members)}
        again = len(members)
        edges = [
            [again if target == loop.header else number[target] for target in self.successors[member] if
            target in number] for member in members
        ]  # fmt: skip
        edges.append([])
        post = immediate_dominators(reversed_edges(edges), again)
        sides = [target for target in edges[number[block]] if post[target] != UNREACHABLE]
        if not sides:
            return self._leave(loop)
        if len(set(sides)) == 1 and len(self.successors[block]) > 1:
            target = loop.header if sides[0] == again else members[sides[0]]
            return Detour(self.span(target)[0], guess=True)
        join = post[number[block]]
        target = loop.header if join == again else members[join]
        return self._to(target, self._between(block, target) & loop.blocks)

    def _leave(self, loop: Loop) -> Detour:
        """Skip a loop as a whole."""
        exits = {
            target
            for member in loop.blocks
            for target in self.successors[member]
            if target not in loop.blocks
        }
        exits.discard(self.exit)
        if len(exits) != 1:
            join = self.post_dominators[loop.header]
            while join != UNREACHABLE and join in loop.blocks:
                join = self.post_dominators[join]
            if join in {UNREACHABLE, self.exit}:
                return NOWHERE
            return self._to(join, loop.blocks | self._between(loop.header, join))
        return self._to(exits.pop(), loop.blocks)

    def _to(self, target: int, written: Collection[int]) -> Detour:
        if target == self.exit:
            return NOWHERE
        return Detour(self.span(target)[0], tuple(self.span(block) for block in sorted(written)))

    def _between(self, block: int, join: int) -> frozenset[int]:
        """Blocks on the ways from a branch to where its sides meet, both excluded."""
        seen: set[int] = set()
        work = list(self.successors[block])
        while work:
            node = work.pop()
            if node in seen or node in {join, self.exit}:
                continue
            seen.add(node)
            work += self.successors[node]
        return frozenset(seen - {block}) if join != block else frozenset(seen)

    def _edges(self) -> list[list[int]]:
        edges: list[list[int]] = []
        for block in range(self.exit):
            first, end = self.span(block)
            number, operand, _gas = self.instructions[end - 1]
            targets = []
            if number in _ENDS:
                targets.append(self.exit)
            elif number == isa.JUMP:
                targets.append(self.block_of(operand))
            else:
                targets.append(self.block_of(end))
                if number in isa.JUMPS:
                    targets.append(self.block_of(operand))
            targets.extend(
                self.block_of(handler)
                for op, handler, _gas in self.instructions[first:end]
                if op == isa.SETUP_TRY
            )
            edges.append(list(dict.fromkeys(targets)))
        edges.append([])
        return edges

    def _find_loops(self) -> list[Loop]:
        if not self.starts:
            return []
        above = immediate_dominators(self.successors, 0)
        predecessors = reversed_edges(self.successors)
        bodies: dict[int, set[int]] = {}
        for block, targets in enumerate(self.successors):
            for header in targets:
                # Code comes in the order of the source, so only a jump backwards can close a loop.
                if header <= block and above[block] != UNREACHABLE and dominates(above, header, block):
                    body = bodies.setdefault(header, {header})
                    work = [block]
                    while work:
                        node = work.pop()
                        if node not in body and above[node] != UNREACHABLE:
                            body.add(node)
                            work += predecessors[node]
        loops = [Loop(header, frozenset(body)) for header, body in bodies.items()]
        return sorted(loops, key=lambda loop: len(loop.blocks))


def _leaders(instructions: Instructions) -> list[int]:
    """First instructions of the basic blocks, in order."""
    size = len(instructions)
    leaders = {0} if size else set()
    for index, (number, operand, _gas) in enumerate(instructions):
        if number in isa.JUMPS or number == isa.SETUP_TRY:
            leaders.add(operand)
            if number != isa.SETUP_TRY:
                leaders.add(index + 1)
        elif number in _ENDS:
            leaders.add(index + 1)
    return sorted(leader for leader in leaders if leader < size)
