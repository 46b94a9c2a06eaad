"""What all ranges of one execution of a loop share: the values that iterations read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.footprint import is_function
from zexus_parallel_plugin.runtime.loops.messages import containers_of
from zexus_parallel_plugin.runtime.snapshot import NotPlainError, dumps
from zexus_parallel_plugin.runtime.visible import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.engine.compiler.range_builder import RangePlan
    from zexus_parallel_plugin.runtime.planner import Planner
    from zexus_parallel_plugin.runtime.snapshot import Library

_INLINE_BYTES = 2048
"""Up to this size a base goes along with every range."""

IN_PLACE = frozenset({"push", "store"})
"""Operations that change a list or map in place instead of assigning to a variable."""
_FOLDED = frozenset({int, str})
_ORDERED = frozenset({int, float, str})


class Inputs:
    """The base of a loop, pickled.

    Attributes:
        base: its key among the published blobs, or the pickle itself. needs: blobs by key.
        folds: for each accumulator, the type whose values workers may sum up or join, or empty.
        elements: the list that a ``for each`` walks through, None if ranges need all of it or there is none.
        mutates: iterations may change lists or maps among these.
    """

    def __init__(
        self, plan: RangePlan, visible: Callable[[str], Any], planner: Planner, library: Library, key: bytes
    ) -> None:
        """Pickle what the iterations read.

        :param key: what the base is called if it is published.
        :raises NotPlainError: the loop must be executed in place.
        """
        self._plan = plan
        self._visible = visible
        self._library = library
        self._containers: list[Any] | None = None
        self.mutates = plan.mutates
        names = set(plan.inputs)
        elements = visible(plan.elements) if plan.elements else None
        self.elements: list[Any] | None = elements if type(elements) is list else None
        if self.elements is not None:
            names.discard(plan.elements)
        self._add_callees(names, planner)
        names -= {name for name, _ in plan.counters}.union(plan.private)
        found = {name: visible(name) for name in sorted(names)}
        self._values = {name: value for name, value in found.items() if value is not ABSENT}
        self.folds = self._check_accumulators()
        library.start()
        base = dumps((self._values, frozenset(found.keys() - self._values.keys())), library.key_of)
        self.needs = library.needed()
        self.base = base
        if len(base) > _INLINE_BYTES:
            self.base = key
            self.needs[key] = base
        self._before = self._now() if self.mutates else b""

    @property
    def published(self) -> bool:
        """Whether the base is a blob of its own."""
        return self.base in self.needs

    def _add_callees(self, names: set[str], planner: Planner) -> None:
        """Add the names that callees may look for."""
        plan, visible = self._plan, self._visible
        if plan.values_called:
            raise NotPlainError("loop-unknown-call", "a value is called")
        for name, count in plan.calls:
            function = visible(name)
            if not is_function(function):
                continue
            footprint = planner.footprint(function, [None] * count, visible)
            if footprint.effect:
                raise NotPlainError(footprint.effect, name)
            self.mutates = self.mutates or footprint.mutates
            names.update(footprint.reads, footprint.stores)
            for written in footprint.writes.difference(plan.private):
                if visible(written) is not ABSENT:
                    raise NotPlainError("writes-caller-variable", written)

    def _check_accumulators(self) -> tuple[str, ...]:
        """What may be folded on the workers."""
        folds = []
        grown: list[Any] = []
        for name, operation in self._plan.accumulators:
            value = self._visible(name)
            kind = type(value)
            if operation in IN_PLACE:
                if kind is not list and not (kind is dict and operation == "store"):
                    raise NotPlainError("loop-carried", name)
                grown.append(value)
            elif value is ABSENT:
                raise NotPlainError("loop-carried", name)
            folds.append(kind.__name__ if operation == "add" and kind in _FOLDED else "")
        for extremum in self._plan.extrema:
            if type(self._visible(extremum.name)) not in _ORDERED:
                raise NotPlainError("loop-carried", extremum.name)
        if grown:
            read = set(map(id, containers_of([*self._values.values(), self.elements])))
            grown_ids = set(map(id, grown))
            if len(grown_ids) < len(grown) or not grown_ids.isdisjoint(read):
                raise NotPlainError("loop-aliases", "")
        return tuple(folds)

    def _now(self) -> bytes:
        return dumps((self._values, self.elements), self._library.key_of)

    def unchanged(self) -> bool:
        """Whether all is as it was, after iterations in place that may have changed lists and maps."""
        try:
            return not self.mutates or self._now() == self._before
        except NotPlainError:
            return False

    def containers(self, elements: list[Any] | None) -> list[Any]:
        """The program's own containers among what a range was sent, in the order of the worker's copies."""
        if self._containers is None:
            self._containers = containers_of(self._values.values())
        return self._containers if elements is None else self._containers + containers_of([elements])[1:]
