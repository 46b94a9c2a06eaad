"""What a call can read, write and do, with everything that it may call: the fixed point over the call graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.effects import Summary, summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from zexus_parallel_plugin.engine.code import Code

Descriptor = dict[str, Any]


def is_function(value: Any) -> bool:
    """Tell whether a value is an action of the program."""
    return type(value) is dict and "bytecode" in value


def parameters(function: Descriptor) -> tuple[str, ...]:
    """Names of an action's parameters."""
    return tuple(function.get("params") or function.get("parameters") or ())


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a call of an action may touch.

    Attributes:
        function: the action.
        reads: names whose value it may see in frames of its callers.
        stores: further names that it may assign there if they exist.
        resolved: the actions behind names that were followed, as ``(name, action)``; the footprint holds as long as these
            names mean the same.
        effect: reason code of an effect that no worker may have, empty if there is none.
        mutates: it may change lists or maps.
        heavy: it contains a loop or recursion.
        writes: all names that it may assign outside of itself; own_writes: those that the action itself assigns.
    """

    function: Descriptor
    reads: tuple[str, ...]
    stores: tuple[str, ...]
    resolved: tuple[tuple[str, Descriptor], ...]
    effect: str
    mutates: bool
    heavy: bool
    writes: frozenset[str]
    own_writes: frozenset[str]


class Footprints:
    """Makes footprints, and keeps the summaries that they are made of."""

    def __init__(
        self, code_of: Callable[[Descriptor], Code], builtins: Collection[str], pure: Collection[str]
    ) -> None:
        self._code_of = code_of
        self._builtins = frozenset(builtins)
        self._pure = frozenset(pure)
        self._summaries: dict[int, tuple[Any, Summary]] = {}

    def summary(self, function: Descriptor) -> Summary:
        """Summary of the action's own code."""
        bytecode = function["bytecode"]
        found = self._summaries.get(id(bytecode))
        if found is None:
            found = bytecode, summarize(self._code_of(function), self._builtins, self._pure)
            self._summaries[id(bytecode)] = found
        return found[1]

    def of_call(
        self, function: Descriptor, bound: int, extra: Iterable[Descriptor], lookup: Callable[[str], Any]
    ) -> Footprint:
        """The footprint of a call with ``bound`` arguments.

        :param extra: actions among the arguments.
        :param lookup: value of a name in the calling frames, anything that is no action if there is none.
        """
        reads: set[str] = set()
        stores: set[str] = set()
        effect = ""
        mutates = heavy = False
        resolved: dict[str, Descriptor] = {}
        seen: set[int] = set()
        own = self.summary(function)
        work: list[tuple[Descriptor, frozenset[str]]] = [(function, frozenset(parameters(function)[:bound]))]
        work += [(other, frozenset(parameters(other))) for other in extra]
        while work:
            current, params = work.pop()
            if id(current["bytecode"]) in seen:
                continue
            seen.add(id(current["bytecode"]))
            summary = self.summary(current)
            reads |= summary.reads - params
            stores |= summary.stores - params
            effect = effect or summary.effect
            mutates = mutates or summary.mutates
            heavy = heavy or summary.loops
            callees = list(summary.functions)
            for name in summary.reads - params:
                value = lookup(name)
                if is_function(value):
                    resolved[name] = value
                    callees.append(value)
            heavy = heavy or any(id(callee["bytecode"]) in seen for callee in callees)
            work += [(callee, frozenset(parameters(callee))) for callee in callees]
        params = frozenset(parameters(function)[:bound])
        return Footprint(
            function, tuple(sorted(reads)), tuple(sorted(stores - reads)), tuple(resolved.items()), effect, mutates,
            heavy, frozenset(stores), own.stores - params,
        )  # fmt: skip
