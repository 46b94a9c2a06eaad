"""What a call can read, write and do, with everything that it may call: the fixed point over the call
graph.
"""

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
        resolved: the actions behind names that were followed, as ``(name, action)``; the footprint holds as
        long as these
            names mean the same.
        effect: reason code of an effect that no worker may have, empty if there is none.
        mutates: it may change lists or maps.
        heavy: it contains a loop or recursion.
        writes: all names that it may assign outside of itself; own_writes: those that the action itself
        assigns.
        prints: it may print.
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
    prints: bool = False


class Footprints:
    """Makes footprints, and keeps the summaries that they are made of."""

    def __init__(
        self, code_of: Callable[[Descriptor], Code], builtins: Collection[str], pure: Collection[str]
    ) -> None:
        self.code_of = code_of
        self._builtins = frozenset(builtins)
        self._pure = frozenset(pure)
        self._summaries: dict[int, tuple[Any, Summary]] = {}

    def summary(self, function: Descriptor) -> Summary:
        """Summary of the action's own code."""
        bytecode = function["bytecode"]
        found = self._summaries.get(id(bytecode))
        if found is None:
            found = bytecode, summarize(self.code_of(function), self._builtins, self._pure)
            self._summaries[id(bytecode)] = found
        return found[1]

    def of_call(
        self, function: Descriptor, bound: int, extra: Iterable[Descriptor], lookup: Callable[[str], Any]
    ) -> Footprint:
        """The footprint of a call with ``bound`` arguments.

        :param extra: actions among the arguments.
        :param lookup: value of a name in the calling frames, anything that is no action if there is none.
        """
        reached, resolved = self._reach([function, *extra], lookup)
        bound_by_name, bound_else = _least_arguments(reached, resolved)
        reads: set[str] = set()
        stores: set[str] = set()
        for current, summary in reached:
            bounds = [
                bound_by_name.get(name, bound_else) for name, known in resolved.items() if known is current
            ]
            if current is function:
                bounds.append(bound)
            params = parameters(current)[: min(bounds, default=bound_else)]
            reads |= summary.reads.difference(params)
            stores |= summary.stores.difference(params)
        own_params = parameters(function)[:bound]
        effects = [summary.effect for _, summary in reached if summary.effect]
        return Footprint(
            function,
            tuple(sorted(reads)),
            tuple(sorted(stores - reads)),
            tuple(resolved.items()),
            effects[0] if effects else "",
            any(summary.mutates for _, summary in reached),
            self._heavy(reached, resolved),
            frozenset(stores),
            self.summary(function).stores.difference(own_params),
            any(summary.prints for _, summary in reached),
        )

    def _reach(
        self, roots: list[Descriptor], lookup: Callable[[str], Any]
    ) -> tuple[list[tuple[Descriptor, Summary]], dict[str, Descriptor]]:
        """All actions that may be called, and the actions that names mean."""
        reached: list[tuple[Descriptor, Summary]] = []
        resolved: dict[str, Descriptor] = {}
        seen: set[int] = set()
        work = roots[::-1]
        while work:
            current = work.pop()
            if id(current) in seen:
                continue
            seen.add(id(current))
            summary = self.summary(current)
            reached.append((current, summary))
            work += summary.functions
            for name in summary.reads:
                if name not in resolved:
                    value = lookup(name)
                    if is_function(value):
                        resolved[name] = value
                        work.append(value)
        return reached, resolved

    def _heavy(self, reached: list[tuple[Descriptor, Summary]], resolved: dict[str, Descriptor]) -> bool:
        """A loop, or a call of something that has been met before on the way from the first one: recursion,
        nearly.
        """
        if any(summary.loops for _, summary in reached):
            return True
        order = {id(current): index for index, (current, _) in enumerate(reached)}
        for index, (_, summary) in enumerate(reached):
            for name in summary.calls:
                target = resolved.get(name)
                if target is not None and order[id(target)] <= index:
                    return True
        return False


def _least_arguments(
    reached: list[tuple[Descriptor, Summary]], resolved: dict[str, Descriptor]
) -> tuple[dict[str, int], int]:
    """Least numbers of arguments: of calls by a name, and of all calls whose callee is not known."""
    by_name: dict[str, int] = {}
    assigned: set[str] = set()
    for function, summary in reached:
        assigned.update(summary.stores, parameters(function))
    other = 1 << 30
    for _, summary in reached:
        if summary.calls_values:
            other = 0
        for name, count in summary.calls.items():
            by_name[name] = min(by_name.get(name, count), count)
            if name not in resolved or name in assigned:
                other = min(other, count)
    # A name that is also assigned or passed on may be another action's as well.
    return {name: min(count, other) for name, count in by_name.items()}, other
