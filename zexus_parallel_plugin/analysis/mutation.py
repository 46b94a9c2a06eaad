"""Which objects of its caller an action may change: a fixed point over the actions that it calls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.body import LoopBody
from zexus_parallel_plugin.analysis.cfg import Flow, Loop
from zexus_parallel_plugin.analysis.facts import CodeFacts
from zexus_parallel_plugin.analysis.footprint import Descriptor, Footprints, is_function, parameters
from zexus_parallel_plugin.analysis.origins import FRESH, Origins

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.analysis.callees import Callee, Callees, Change

__all__ = ["Mutations"]


class Mutations:
    """Objects that actions may change: numbers of parameters, and names of variables of their callers."""

    def __init__(self, footprints: Footprints, lookup: Callable[[str], Any], basic: Callees) -> None:
        """``basic``: callees, without what they change."""
        self._footprints = footprints
        self._lookup = lookup
        self._basic = basic
        self._known: dict[int, tuple[Descriptor, frozenset[Change] | None]] = {}
        self._facts: dict[int, LoopBody | None] = {}

    def of(self, function: Descriptor) -> frozenset[Change] | None:
        """What a call of an action may change; None if that cannot be told."""
        if id(function) not in self._known:
            self._solve(function)
        return self._known[id(function)][1]

    def _solve(self, function: Descriptor) -> None:
        reached = self._reached(function)
        table: dict[int, frozenset[Change] | None] = {id(each): frozenset() for each in reached}
        for known, changes in self._known.values():
            table.setdefault(id(known), changes)
        callees = _Table(self._basic, self._lookup, table)
        stable = False
        while not stable:
            stable = True
            for each in reached:
                changes = self._changes(each, callees)
                if changes != table[id(each)]:
                    table[id(each)] = changes
                    stable = False
        self._known.update({id(each): (each, table[id(each)]) for each in reached})

    def _reached(self, function: Descriptor) -> list[Descriptor]:
        found: list[Descriptor] = []
        seen = set(self._known)
        work = [function]
        while work:
            current = work.pop()
            if id(current) not in seen:
                seen.add(id(current))
                found.append(current)
                calls = (self._lookup(name) for name in self._footprints.summary(current).calls)
                work += [value for value in calls if is_function(value)]
        return found

    def _changes(self, function: Descriptor, callees: Callees) -> frozenset[Change] | None:
        summary = self._footprints.summary(function)
        if summary.effect or summary.calls_values:
            return None
        body = self._facts.get(id(function))
        if body is None:
            code = self._footprints.code_of(function)
            if code.refusal or code.bounds.checked:
                return None
            flow = Flow(code.instructions)
            facts = CodeFacts(flow, callees, main=False, params=parameters(function))
            everything = Loop(0, frozenset(range(flow.exit)))
            body = self._facts[id(function)] = LoopBody(facts, everything)
        body.look_up(callees)
        origins = Origins(body)
        numbers = {name: index for index, name in enumerate(parameters(function))}
        roots = {root for found in origins.changes.values() for root in found} - {FRESH}
        return frozenset(numbers.get(root, root) for root in roots)


class _Table:
    """Callees with what the table says that they change."""

    def __init__(
        self, basic: Callees, lookup: Callable[[str], Any], table: dict[int, frozenset[Change] | None]
    ) -> None:
        self.is_builtin = basic.is_builtin
        self.is_pure = basic.is_pure
        self._basic = basic
        self._lookup = lookup
        self._table = table

    def of(self, name: str, count: int) -> Callee | None:
        """What is known of a call."""
        callee = self._basic.of(name, count)
        if callee is None or not callee.mutates:
            return callee
        return replace(callee, changes=self._table.get(id(self._lookup(name))))
