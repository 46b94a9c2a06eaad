"""What iterations of a loop carry over to later ones; apart from the emitters, which meet it."""

from __future__ import annotations

from dataclasses import dataclass


class Carried(Exception):  # noqa: N818 - a verdict, not a failure
    """Iterations depend on each other: a reason code, and the variable."""

    def __init__(self, reason: str, name: str) -> None:
        super().__init__(f"{reason}: {name}")
        self.reason = reason
        self.name = name


@dataclass(frozen=True, slots=True)
class Extremum:
    """A variable that keeps the greatest or least value seen.

    ``op``: the comparison ``value op variable`` under which it is replaced. ``companions``: what is assigned
    along with it. ``gas``, ``operations``: what a replacement costs more than none.
    """

    name: str
    op: int
    companions: tuple[str, ...]
    gas: int
    operations: int
