"""The report as data: what ``render`` shows and ``record`` writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from zexus_parallel_plugin.reasons import reason

if TYPE_CHECKING:
    from pathlib import Path

    from zexus_parallel_plugin.analysis.cost import Estimate

__all__ = ["Chunk", "Dependence", "Edge", "Graph", "Measured", "Report", "Site", "Unit", "Verdict"]

Verdict = Literal["parallel", "not legal", "does not pay", "host"]
"""``parallel``: the run time would give work of it to workers. The next two: in place, because it is not
legal or not worth it. ``host``: left to the host's VM.
"""


@dataclass(frozen=True, slots=True)
class Dependence:
    """Why one piece waits for another: RAW, WAR, WAW on a variable or object, or control.

    ``source`` and ``target`` are lines, 0 if unknown; ``next_iteration``: the target is in the next iteration
    of the loop that both are in.
    """

    kind: str
    name: str
    source: int
    target: int
    proven: bool = True
    next_iteration: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """A call of an action.

    ``work`` estimates the instructions of a call. ``first``: it is the one that the main process executes
    itself, while it looks ahead for others.
    """

    line: int
    action: str
    parallel: bool
    reason: str
    dependence: Dependence | None
    work: Estimate
    first: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run has done with a call instruction or a loop.

    Attributes:
        sent: calls, or iterations of the loop, that were sent to workers; used: those whose result was used.
        seconds: time that workers needed for them.
        thrown: results that were not used, by reason code: calls, or ranges of iterations.
        loop: it is a loop; refusal: reason code of why it was executed in place (from then on).
        whole: the loop was sent as a whole, so it is its executions that are counted.
    """

    sent: int = 0
    used: int = 0
    seconds: float = 0.0
    thrown: dict[str, int] = field(default_factory=dict)
    loop: bool = False
    refusal: str = ""
    whole: bool = False


@dataclass(slots=True)
class Chunk:
    """A statement or loop of the program, or a few statements, with its verdict.

    Attributes:
        number: its id, counted through the program.
        unit: name of the code object that it is in; parent: number of the loop around it, 0 if there is none.
        kind: ``loop``, ``call`` (a statement with calls of actions) or ``code``.
        first, last: lines; lines: all lines of it, which other chunks may lie between.
        span: instructions (first, behind last).
        verdict, reason: see `reasons`; how: ``calls``, ``ranges`` of iterations, ``forks``, or ``beside``
            an earlier loop (then the reason is that against ranges), where it is parallel.
        dependence: what is behind the reason, if it is a dependence; note: more about the reason, a sentence;
            advice: what can be done about it, if not what the reason says.
        facts: further findings, as sentences.
        sites: its calls of actions.
        work: estimated instructions, all iterations and calls.
        prints: it prints.
        measured: what a run has done with its calls and loops, with their instructions.
    """

    number: int
    unit: str
    parent: int
    kind: Literal["loop", "call", "code"]
    first: int
    last: int
    span: tuple[int, int]
    verdict: Verdict
    reason: str
    how: str
    dependence: Dependence | None
    facts: list[str]
    sites: list[Site]
    work: Estimate
    lines: frozenset[int] = frozenset()
    note: str = ""
    advice: str = ""
    prints: bool = False
    measured: list[tuple[int, Measured]] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """What the reason code means."""
        return reason(self.reason).sentence

    @property
    def hint(self) -> str:
        """What can be done about it, empty if nothing needs to be done."""
        return "" if self.verdict == "parallel" else self.advice or reason(self.reason).hint


@dataclass(frozen=True, slots=True)
class Edge:
    """Chunk ``source`` must come before chunk ``target``, by their numbers."""

    source: int
    target: int
    dependence: Dependence


@dataclass(frozen=True, slots=True)
class Graph:
    """The chunks of one code object that are not inside a loop, and their dependences.

    Attributes:
        edges: direct dependences.
        levels: chunks by the longest way to them: those of one level do not depend on each other.
        path: the critical path, the most expensive way through the graph, by estimated work.
        work, span: estimated instructions of all chunks, and of the critical path with everything that is
            parallel on as many workers as it can use.
    """

    edges: tuple[Edge, ...]
    levels: tuple[tuple[int, ...], ...]
    path: tuple[int, ...]
    work: int
    span: int

    @property
    def width(self) -> int:
        """The most chunks of one level."""
        return max(map(len, self.levels), default=0)


@dataclass(slots=True)
class Unit:
    """A code object: the top-level code, or an action.

    ``where``: ``main`` if the main process executes it, ``worker`` if only tasks do, ``value`` if it is only
    called as a value, ``unused`` if nothing calls it. ``gain`` is the estimated speed-up of one activation on
    the workers.
    """

    name: str
    first: int
    last: int
    chunks: list[Chunk]
    graph: Graph
    where: str
    host: str = ""
    gain: float = 1.0


@dataclass(slots=True)
class Report:
    """All that is said about a program.

    Attributes:
        path: the file; source: its lines, as they were compiled.
        workers: workers that a run would have.
        reason: code of why the whole program is executed in place or by the host; empty if it is not.
        problem: why the host does not execute the program as bytecode, with what it has said; empty if it
            does; rejected: it does not execute it at all.
        changed: the host's validator has changed the text before it was compiled.
        units: the top-level code, then the actions.
        gain: the estimated speed-up of the program; assumed: numbers of iterations or calls in the estimate
            are assumptions.
        measured: what a run has counted; empty without a run.
    """

    path: Path
    source: list[str]
    workers: int
    reason: str = ""
    problem: str = ""
    rejected: bool = False
    changed: bool = False
    units: list[Unit] = field(default_factory=list)
    gain: float = 1.0
    assumed: bool = False
    measured: dict[str, object] = field(default_factory=dict)

    @property
    def chunks(self) -> list[Chunk]:
        """All chunks."""
        return [chunk for unit in self.units for chunk in unit.chunks]

    @property
    def parallel(self) -> list[Chunk]:
        """Chunks whose work goes to workers."""
        return [chunk for chunk in self.chunks if chunk.verdict == "parallel"]
