"""The dependences between chunks as rails, from what is needed down to what needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from zexus_parallel_plugin.monitor.columns import Column
from zexus_parallel_plugin.monitor.figures import duration
from zexus_parallel_plugin.monitor.ink import Ink, Look
from zexus_parallel_plugin.monitor.tables import VERDICT_TONES, dependences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zexus_parallel_plugin.journal.pieces import ChunkInfo

__all__ = ["Edge", "Graph", "Node", "graph_columns", "lay_out"]

_WIDEST = 48
"""Cells for the rails; what is further to the right is cut."""


class Edge(NamedTuple):
    """One dependence: on which chunk, through which name, of which type, and whether it is proven."""

    on: int
    name: str
    type: str
    proven: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One row of the picture: a chunk, its rails, its level (0: needs nothing), whether it is critical."""

    chunk: ChunkInfo
    rails: str
    level: int
    critical: bool
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """All rows in an order in which nothing stands above what it needs, except in a circle.

    Attributes:
        width: the most chunks of one level. levels: how many there are. critical: seconds along the longest
            chain. rail_width: cells of the rails.
    """

    nodes: tuple[Node, ...]
    levels: int
    width: int
    critical: float
    rail_width: int


def lay_out(chunks: Mapping[int, ChunkInfo], look: Look) -> Graph:
    """Put the chunks in order and draw the rails. Dependences on what is not there are left out."""
    edges = {ident: _edges(chunk, chunks) for ident, chunk in chunks.items()}
    level = _levels(edges)
    order = sorted(chunks, key=lambda ident: (level[ident], ident))
    cost, chain = _chain(order, edges, chunks)
    rails = _Rails(order, edges, look)
    drawn = [rails.row(ident) for ident in order]
    width = max((len(text) for text in drawn), default=0)
    per_level = [list(level.values()).count(number) for number in set(level.values())]
    nodes = tuple(
        Node(chunks[ident], text.ljust(width), level[ident], ident in chain, edges[ident])
        for ident, text in zip(order, drawn, strict=True)
    )
    return Graph(nodes, max(level.values(), default=-1) + 1, max(per_level, default=0), cost, width)


def _edges(chunk: ChunkInfo, chunks: Mapping[int, ChunkInfo]) -> tuple[Edge, ...]:
    found = []
    for item in dependences(chunk):
        on = item.get("on")
        if type(on) is int and on in chunks and on != chunk.id:
            found.append(
                Edge(
                    on, str(item.get("name", "")), str(item.get("type", "")), item.get("proven") is not False
                )
            )
    return tuple(found)


def _levels(edges: Mapping[int, tuple[Edge, ...]]) -> dict[int, int]:
    """One more than the highest level of what is needed. A circle is opened at its lowest number."""
    level: dict[int, int] = {}
    for root in sorted(edges):
        stack, open_ = [root], set[int]()
        while stack:
            ident = stack[-1]
            if ident in level:
                stack.pop()
                continue
            open_.add(ident)
            missing = [edge.on for edge in edges[ident] if edge.on not in level and edge.on not in open_]
            if missing:
                stack += missing
                continue
            level[ident] = 1 + max((level[edge.on] for edge in edges[ident] if edge.on in level), default=-1)
            stack.pop()
    return level


def _chain(
    order: list[int], edges: Mapping[int, tuple[Edge, ...]], chunks: Mapping[int, ChunkInfo]
) -> tuple[float, set[int]]:
    """The chain of dependences on which the most work is: its seconds, and who is on it."""
    total: dict[int, float] = {}
    before: dict[int, int | None] = {}
    for ident in order:
        needed = [edge.on for edge in edges[ident] if edge.on in total]
        best = max(needed, key=total.__getitem__, default=None)
        before[ident] = best
        total[ident] = chunks[ident].busy + (total[best] if best is not None else 0.0)
    if not total:
        return 0.0, set()
    last: int | None = max(total, key=total.__getitem__)
    cost, chain = (total[last] if last is not None else 0.0), set[int]()
    while last is not None:
        chain.add(last)
        last = before[last]
    return cost, chain if len(chain) > 1 else set()


class _Rails:
    """Draws row after row. A rail belongs to a chunk that is needed further down."""

    def __init__(self, order: list[int], edges: Mapping[int, tuple[Edge, ...]], look: Look) -> None:
        self.edges = edges
        self.dot = look.dot
        self.marks = tuple("|-+|`+" if look.ascii_only else "│─┼├╰┴")
        self.last: dict[int, int] = {}
        for place, ident in enumerate(order):
            for edge in edges[ident]:
                self.last[edge.on] = place
        self.place = {ident: place for place, ident in enumerate(order)}
        self.rails: list[int | None] = []

    def row(self, ident: int) -> str:
        place = self.place[ident]
        needed = {edge.on for edge in self.edges[ident] if self.place[edge.on] < place}
        sources = [at for at, owner in enumerate(self.rails) if owner in needed]
        ending = {at for at in sources if self.last[self.rails[at] or 0] == place}
        own = self._free_place(sources)
        while len(self.rails) <= own:
            self.rails.append(None)
        text = self._draw(own, sources, ending)
        for at in ending:
            self.rails[at] = None
        self.rails[own] = ident if self.last.get(ident, -1) > place else None
        while self.rails and self.rails[-1] is None:
            self.rails.pop()
        return text

    def _free_place(self, sources: list[int]) -> int:
        """Where the chunk stands: right of what it needs, so that the lines come from the left."""
        place = max(sources, default=-1) + 1
        while place < len(self.rails) and self.rails[place] is not None:
            place += 1
        return place

    def _draw(self, own: int, sources: list[int], ending: set[int]) -> str:
        pipe, dash, cross, tee, corner, joint = self.marks
        left = min((at for at in sources if at != own), default=own)
        cells = []
        for at in range(max(len(self.rails), own + 1)):
            taken = self.rails[at] is not None
            inside = left < own and left <= at < own
            if at == own:
                mark = self.dot
            elif at in sources:
                mark = (corner if at in ending else tee) if at == left else (joint if at in ending else cross)
            elif inside:
                mark = cross if taken else dash
            else:
                mark = pipe if taken else " "
            cells.append(mark + (dash if inside else " "))
        return "".join(cells).rstrip()


def graph_columns(graph: Graph) -> list[Column[Node]]:
    """Of the rows of the picture."""

    def needs(node: Node) -> Ink:
        shown = [
            f"#{edge.on} {edge.name}".rstrip() + f" ({edge.type}{'' if edge.proven else ', assumed'})"
            for edge in node.edges
        ]
        return Ink(", ".join(shown), "dim")

    def rails(node: Node) -> Ink:
        return Ink(node.rails, "mark" if node.critical else "dim")

    def about(node: Node) -> Ink:
        chunk = node.chunk
        return Ink(f"#{chunk.id} {chunk.name or chunk.what}", "mark" if node.critical else "strong")

    width = max(5, min(graph.rail_width, _WIDEST))
    return [
        Column("rails", "graph", width, rails),
        Column("about", "chunk", 14, about, grows=1),
        Column("line", "line", 5, lambda n: Ink(f"{n.chunk.line or '-'}", "dim"), align=">"),
        Column("level", "level", 5, lambda n: Ink(f"{n.level}", "dim"), align=">", drop=2),
        Column(
            "verdict",
            "verdict",
            9,
            lambda n: Ink(n.chunk.verdict, VERDICT_TONES.get(n.chunk.verdict, "text")),
        ),
        Column("busy", "time", 8, lambda n: Ink(duration(n.chunk.busy or None), "text"), align=">", drop=1),
        Column("needs", "needs", 16, needs, grows=2),
    ]
