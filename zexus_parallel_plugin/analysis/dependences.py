"""What chunks of a code object read, write and change, and which of them must come before which."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from zexus_parallel_plugin.analysis.effects import PURE_METHODS
from zexus_parallel_plugin.engine import isa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zexus_parallel_plugin.analysis.aliases import AliasClasses
    from zexus_parallel_plugin.analysis.facts import CodeFacts

__all__ = ["Access", "Edge", "accesses", "dependences"]

_MOST_WRITERS = 3
"""Writers of one thing that are told apart, while none of them surely assigns it."""

Kind = Literal["RAW", "WAR", "WAW", "control", "order"]


@dataclass(slots=True)
class Access:
    """What a range of instructions touches, each with the first instruction that does.

    Attributes:
        reads, writes: names. ``kills``: names that it surely assigns.
        looks: names through which the contents of lists and maps may be looked at; changes: names through
            which they may be changed.
        output: something is printed; effect: something has another effect that must keep its place.
        leaves: what may end the code object: returns and throws.
    """

    reads: dict[str, int] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)
    kills: set[str] = field(default_factory=set)
    looks: dict[str, int] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    output: int = -1
    effect: int = -1
    leaves: int = -1


@dataclass(frozen=True, slots=True)
class Edge:
    """Chunk ``source`` must come before chunk ``target``, by their numbers.

    ``name`` is the variable, empty for control and order; ``writer`` and ``reader`` are the instructions in
    the source and the target. ``proven`` is false if the dependence is only assumed: two variables may mean
    the same object, or different elements of one.
    """

    source: int
    target: int
    kind: Kind
    name: str
    writer: int
    reader: int
    proven: bool = True


def accesses(facts: CodeFacts, aliases: AliasClasses, ranges: Sequence[tuple[int, int]]) -> list[Access]:
    """What each range of instructions (first, behind last) touches."""
    return [_access(facts, aliases, first, end) for first, end in ranges]


def _access(facts: CodeFacts, aliases: AliasClasses, first: int, end: int) -> Access:
    found = Access()
    straight = not any(op in isa.JUMPS for op, _operand, _gas in facts.flow.instructions[first:end])
    for pc in range(first, end):
        op, operand, _gas = facts.flow.instructions[pc]
        if op == isa.LOAD_NAME:
            if operand not in found.kills:
                found.reads.setdefault(operand, pc)
            found.looks.setdefault(operand, pc)
        elif op in {isa.STORE_NAME, isa.STORE_FUNC}:
            name = operand if op == isa.STORE_NAME else operand[0]
            found.writes.setdefault(name, pc)
            if straight:
                found.kills.add(name)
        elif op == isa.CALL_NAME:
            _call(facts, aliases, found, pc)
        elif op == isa.CALL_METHOD:
            if operand[0] not in PURE_METHODS:
                _change(found, aliases.sources(pc, 0), pc)
            if operand[0].startswith("_"):
                _first(found, "effect", pc)
        elif op in {isa.CALL_TOP, isa.PARALLEL_MAP, isa.RARE}:
            for index in range(len(facts.operands.of(pc))):
                _change(found, aliases.sources(pc, index), pc)
            _first(found, "effect", pc)
        elif op == isa.PRINT:
            _first(found, "output", pc)
        elif op in {isa.RETURN, isa.THROW, isa.REQUIRE}:
            _first(found, "leaves", pc)
    return found


def _first(found: Access, attribute: str, pc: int) -> None:
    if getattr(found, attribute) < 0:
        setattr(found, attribute, pc)


def _change(found: Access, names: Iterable[str], pc: int) -> None:
    for name in sorted(names):  # in the same order each time
        found.changes.setdefault(name, pc)


def _call(facts: CodeFacts, aliases: AliasClasses, found: Access, pc: int) -> None:
    _op, (name, count, native), _gas = facts.flow.instructions[pc]
    if name == "append":
        _change(found, aliases.sources(pc, 0), pc)
    if native:
        return
    if facts.callees.is_builtin(name):
        if not facts.callees.is_pure(name):
            _first(found, "effect", pc)
        return
    _reading(found, name, pc)
    callee = facts.callees.of(name, count)
    if callee is None:
        _first(found, "effect", pc)
        for index in range(count):
            _change(found, aliases.sources(pc, index), pc)
        return
    if callee.effect:
        _first(found, "effect", pc)
    if callee.prints:
        _first(found, "output", pc)
    for read in sorted(callee.reads):
        _reading(found, read, pc)
        found.looks.setdefault(read, pc)
    for written in sorted(callee.writes):
        if written in facts.first_store or facts.visible(written):
            _reading(found, written, pc)
            found.writes.setdefault(written, pc)
    if callee.mutates:
        own = callee.changes
        changed = (*range(count), *sorted(callee.reads)) if own is None else sorted(own, key=str)
        for change in changed:
            _change(found, {change} if isinstance(change, str) else aliases.sources(pc, change), pc)


def _reading(found: Access, name: str, pc: int) -> None:
    if name not in found.kills:
        found.reads.setdefault(name, pc)


def dependences(found: Sequence[Access], aliases: AliasClasses) -> list[Edge]:
    """All direct dependences between chunks that follow each other in this order.

    Near-linear: each access is compared with the latest conflicting ones only, since older ones come before
    those.
    """
    edges: list[Edge] = []
    names = _Latest(edges)
    objects = _Latest(edges)
    output, effect, leave = (-1, -1), (-1, -1), (-1, -1)
    for index, access in enumerate(found):
        for name, pc in access.reads.items():
            names.read(name, name, index, pc)
        for name, pc in access.looks.items():
            objects.read(aliases.of(name), name, index, pc)
        for name, pc in access.writes.items():
            names.write(name, name, index, pc, kills=name in access.kills)
        for name, pc in access.changes.items():
            objects.write(aliases.of(name), name, index, pc, kills=False)
        if leave[0] >= 0:
            edges.append(Edge(leave[0], index, "control", "", leave[1], _any(access)))
        if access.leaves >= 0:
            # Whatever comes before has been done when the code object ends.
            before = range(max(0, leave[0] + 1), index)
            edges += [Edge(o, index, "control", "", _any(found[o]), access.leaves) for o in before]
            leave = index, access.leaves
        for kind in ("output", "effect"):
            pc = getattr(access, kind)
            if pc >= 0:
                edges += [
                    Edge(earlier, index, "order", "", place, pc)
                    for earlier, place in (output, effect)
                    if earlier >= 0
                ]
        output = (index, access.output) if access.output >= 0 else output
        effect = (index, access.effect) if access.effect >= 0 else effect
    return list(dict.fromkeys(edges))


def _any(access: Access) -> int:
    places = [*access.reads.values(), *access.writes.values(), access.output, access.effect, access.leaves]
    return min((pc for pc in places if pc >= 0), default=-1)


class _Latest:
    """The latest writers of each thing, and its readers since."""

    def __init__(self, edges: list[Edge]) -> None:
        self._edges = edges
        self._writers: dict[str, list[tuple[int, str, int]]] = {}
        self._readers: dict[str, list[tuple[int, str, int]]] = {}

    def read(self, thing: str, name: str, index: int, pc: int) -> None:
        """A chunk reads it."""
        for writer, through, place in self._writers.get(thing, ()):
            if writer != index:
                self._edges.append(Edge(writer, index, "RAW", name, place, pc, through == name))
        self._readers.setdefault(thing, []).append((index, name, pc))

    def write(self, thing: str, name: str, index: int, pc: int, *, kills: bool) -> None:
        """A chunk writes it; ``kills``: nothing is left of what was there."""
        for reader, through, place in self._readers.get(thing, ()):
            if reader != index:
                self._edges.append(Edge(reader, index, "WAR", name, place, pc, through == name))
        writers = self._writers.setdefault(thing, [])
        for writer, through, place in writers:
            if writer != index:
                self._edges.append(Edge(writer, index, "WAW", name, place, pc, through == name))
        if kills or len(writers) >= _MOST_WRITERS:
            # What comes later depends on this one, which depends on those before it.
            writers.clear()
        self._readers[thing] = [reader for reader in self._readers.get(thing, ()) if reader[0] == index]
        writers.append((index, name, pc))
