"""Forced exits: compiled units leave at a line of the generated source as if the guard there had failed.

For tests only: while :func:`forced` is active, a guard of its own stands in front of every line of a unit
that has an exit other than an error of the program. A *site* is such a line of one compiled unit. The
interpreter must go on from there with the same state, whether the line would have failed or not.

A plan is a text: ``first`` (every site leaves at its first execution), ``always``, ``only N`` (the site that
is executed as the N-th one, counted from 0, at its first execution), ``random SEED`` (one execution in four,
by a generator with that seed), ``never`` (nothing is forced, sites are counted).
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

from zexus_parallel_plugin.engine.compiler.points import Line
from zexus_parallel_plugin.engine.compiler.workshop import Workshop

_SHARE = 0.25
_GUARD = "FORCED"

PLANS = ("first", "always", "random 1", "random 2", "random 3")


class Sites:
    """The sites of a run and what is done at them.

    Attributes:
        order: sites in the order of their first execution -> their place in it.
        forced: how many exits were forced.
    """

    def __init__(self, plan: str) -> None:
        self.order: dict[int, int] = {}
        self.forced = 0
        self._count = 0
        kind, _, argument = plan.partition(" ")
        number = int(argument) if argument else 0
        chance = random.Random(number)
        self._leave: Callable[[int, bool], bool] = {
            "first": lambda place, new: new,
            "always": lambda place, new: True,
            "only": lambda place, new: new and place == number,
            "random": lambda place, new: chance.random() < _SHARE,
            "never": lambda place, new: False,
        }[kind]

    def reached(self, site: int) -> bool:
        """Whether the unit leaves here."""
        new = site not in self.order
        place = self.order.setdefault(site, len(self.order))
        leave = self._leave(place, new)
        self.forced += leave
        return leave

    def guarded(self, lines: list[Line]) -> list[Line]:
        """The lines of a unit with a guard in front of each site."""
        result = []
        for line in lines:
            if line.exit is not None and not line.exit.raised:
                guard = f"if {_GUARD}({self._count}): raise TRAP  # forced"
                result.append(Line(line.indent, guard, line.exit))
                self._count += 1
            result.append(line)
        return result


@contextlib.contextmanager
def forced(plan: str) -> Iterator[Sites]:
    """Force exits of all units that this process compiles meanwhile; yields what happens."""
    sites = Sites(plan)
    original = Workshop.draw

    def draw(workshop: Workshop, head: Any, emitter: Any, *rest: Any) -> Any:
        workshop.namespace[_GUARD] = sites.reached
        emitter.lines = sites.guarded(emitter.lines)
        return original(workshop, head, emitter, *rest)

    Workshop.draw = draw  # type: ignore[method-assign,assignment]
    try:
        yield sites
    finally:
        Workshop.draw = original  # type: ignore[method-assign]
