"""What the analysis of a piece of code must know about the calls in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from zexus_parallel_plugin.analysis.footprint import is_function
from zexus_parallel_plugin.analysis.mutation import Mutations

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from zexus_parallel_plugin.analysis.footprint import Footprint, Footprints

__all__ = ["Callee", "Callees", "Change", "FootprintCallees"]

Change = int | str
"""What an action may change: the object of a parameter (its number), or of a caller's variable (its name)."""


@dataclass(frozen=True, slots=True)
class Callee:
    """What a call of an action may do, with everything that it calls.

    Attributes:
        reads: names whose value it may see in frames of its callers, and that it does not assign itself.
        writes: names that it may assign there, where they exist.
        effect: reason code of an effect that no worker may have, empty if there is none.
        mutates: it may change lists or maps; changes: those of them that it has not made itself, None if they
            are not known.
        prints: it may print.
        heavy: it contains a loop or recursion.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    effect: str = ""
    mutates: bool = False
    prints: bool = False
    heavy: bool = False
    changes: frozenset[Change] | None = None


class Callees(Protocol):
    """Answers about calls by name."""

    def is_builtin(self, name: str) -> bool:
        """Whether the name is that of a builtin, which wins over actions."""

    def is_pure(self, name: str) -> bool:
        """Whether it is a builtin without effects."""

    def of(self, name: str, count: int) -> Callee | None:
        """The action that a call of this name with ``count`` arguments reaches; None if that is not
        known.
        """


class FootprintCallees:
    """Answers from footprints.

    :param lookup: value of a name, anything that is no action if it is not known.
    """

    def __init__(
        self,
        footprints: Footprints,
        lookup: Callable[[str], Any],
        builtins: Collection[str],
        pure: Collection[str],
    ) -> None:
        self._footprints = footprints
        self._lookup = lookup
        self._builtins = builtins
        self._pure = pure
        self._known: dict[tuple[int, int], tuple[Any, Callee]] = {}
        self._mutations = Mutations(footprints, lookup, _Basic(self))

    def is_builtin(self, name: str) -> bool:
        """Whether the name is that of a builtin."""
        return name in self._builtins

    def is_pure(self, name: str) -> bool:
        """Whether it is a builtin without effects."""
        return name in self._pure

    def of(self, name: str, count: int) -> Callee | None:
        """The action that a call reaches."""
        callee = self.basic(name, count)
        if callee is None or not callee.mutates:
            return callee
        return replace(callee, changes=self._mutations.of(self._lookup(name)))

    def basic(self, name: str, count: int) -> Callee | None:
        """The action that a call reaches, without what it changes."""
        function = self._lookup(name)
        if not is_function(function):
            return None
        key = id(function), count
        known = self._known.get(key)
        if known is None:
            footprint = self._footprints.of_call(function, count, (), self._lookup)
            known = self._known[key] = function, callee_of(footprint)
        return known[1]


class _Basic:
    def __init__(self, callees: FootprintCallees) -> None:
        self.is_builtin = callees.is_builtin
        self.is_pure = callees.is_pure
        self.of = callees.basic


def callee_of(footprint: Footprint) -> Callee:
    """What a footprint says about a call."""
    return Callee(
        frozenset(footprint.reads) - footprint.writes,
        footprint.writes,
        footprint.effect,
        footprint.mutates,
        footprint.prints,
        footprint.heavy,
    )
