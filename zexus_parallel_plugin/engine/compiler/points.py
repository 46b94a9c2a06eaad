"""What the emitter knows at a point of the source: the symbolic stack, exits, and the state of variables and
gas.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from zexus_parallel_plugin.engine.compiler.regions import Cost

if TYPE_CHECKING:
    from collections.abc import Container

    from zexus_parallel_plugin.engine.compiler import expressions as ex


class Entry(NamedTuple):
    """One symbolic stack entry.

    A pending expression can be evaluated again by the interpreter from instruction ``pc`` on, with the
    values of ``lead`` on the operand stack: operands that are settled already, such as the result of a call.
    """

    expression: ex.Expression
    pc: int
    lead: tuple[ex.Expression, ...] = ()


class Turns(NamedTuple):
    """A loop whose iterations all cost the same: ``counter`` is the local with the number of the present one,
    0 before the first; ``cost`` is that of each.
    """

    counter: str
    cost: Cost


@dataclass(frozen=True, slots=True)
class Exit:
    """Where the interpreter takes over when a line fails.

    ``raised``: the failure is the program's own error at ``pc``; otherwise the instructions from ``pc`` on
    are executed again. ``stack``: the operand stack at ``pc``, as ``(True, name of a local)`` or ``(False,
    value)``. ``refund``: by how much the locals with gas and operations exceed what was used; negative if
    they fall short of it. ``dirty``: names whose local copy is newer than their dictionary. ``metered``: the
    meter already holds the gas (the line is a call). ``operators``: instructions whose optimism may have
    failed. ``turns``: inside of a loop that charges its iterations when it ends, what counts them.
    """

    pc: int
    stack: tuple[tuple[bool, Any], ...]
    refund: Cost
    tries: tuple[int, ...]
    dirty: tuple[str, ...]
    raised: bool = False
    metered: bool = False
    operators: tuple[int, ...] = ()
    turns: Turns | None = None


@dataclass(frozen=True, slots=True)
class Callee:
    """How a call by name is done: ``text`` is the Python function; ``depth``: it takes the depth as first
    argument.

    ``needs`` and ``writes``: names of calling frames that it may look at and assign.
    """

    text: str
    arguments: int
    depth: bool
    needs: frozenset[str]
    writes: frozenset[str]


class Linker(Protocol):
    """What the emitter asks about calls."""

    unmetered: Container[str]
    """Builtins with a direct form, which cannot look at the meter."""
    methods: frozenset[str]
    """Methods with a direct form."""

    def direct(self, name: str, count: int) -> Callee | None:
        """The action that a call surely reaches, if it can be called as a Python function."""

    def reach(self, name: str | None) -> tuple[frozenset[str], frozenset[str]]:
        """Needs and writes of everything that a call of this name (None: of any value) may reach."""

    def builtin(self, name: str) -> Any:
        """The builtin of this name, None if there is none."""

    def rebindable(self, name: str) -> bool:
        """Whether anything may bind this function name anew while the unit runs."""


@dataclass(slots=True)
class State:
    """What is statically known at a point of the source.

    ``prepaid``: what has been charged for instructions that are still to come. ``owed``: what has been
    charged and is not in the locals with gas and operations yet. ``uncharged``: a region begins here.
    ``reload``: those locals are out of date, the meter knows.
    """

    stack: list[Entry] = field(default_factory=list)
    prepaid: Cost = field(default_factory=Cost)
    owed: Cost = field(default_factory=Cost)
    uncharged: bool = True
    reload: bool = False
    tries: tuple[int, ...] = ()
    dirty: frozenset[str] = frozenset()
    assigned: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    ended: bool = False

    def copy(self) -> State:
        """An independent copy for one side of a branch."""
        return State(
            list(self.stack), self.prepaid, self.owed, self.uncharged, self.reload, self.tries, self.dirty,
            self.assigned, self.stale, self.ended,
        )  # fmt: skip


class Line(NamedTuple):
    """A line of the source and what a failure there means."""

    indent: int
    text: str
    exit: Exit | None


class NeedsTracking(Exception):  # noqa: N818 - a verdict
    """The unit must note its latest store while it runs (see ``Emitter.call``)."""
