"""Sites: call instructions, with what was learned about the calls made there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.footprint import Descriptor

_FIRST_PAUSE = 4
_LONGEST_PAUSE = 4096
_REFUSED_PAUSE = 1 << 60
_SMOOTHING = 0.25
_PATIENCE = 4
"""Useless results in a row after which a site is refused. One that can be told beforehand is enough."""


class Cost:
    """Seconds of a call: the mean, newer measurements counting more. None while nothing is known."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds: float | None = None

    def measured(self, seconds: float) -> None:
        """A call took this long."""
        known = self.seconds
        self.seconds = seconds if known is None else known + _SMOOTHING * (seconds - known)

    def at_least(self, seconds: float) -> None:
        """A call has not ended yet after this long."""
        if self.seconds is None or self.seconds < seconds:
            self.seconds = seconds


class Site:
    """A call instruction.

    ``skip`` is the number of executions that are not looked at: the site is cheap, or refused. It grows with
    every look that finds the same again. ``refusal`` is the reason code why no tasks are made of it, or
    empty.
    """

    __slots__ = ("cost", "failures", "name", "pause", "refusal", "skip")

    def __init__(self, name: str) -> None:
        self.name = name
        self.cost = Cost()
        self.skip = 0
        self.pause = _FIRST_PAUSE
        self.refusal = ""
        self.failures = 0

    def cheap(self) -> None:
        """Leave the site alone for a while, and for longer the next time."""
        self.skip = self.pause
        self.pause = min(2 * self.pause, _LONGEST_PAUSE)

    def refuse(self, reason: str) -> None:
        """Make no tasks of it (any more)."""
        self.refusal = reason
        self.skip = _REFUSED_PAUSE

    def useful(self) -> None:
        """A result was used."""
        self.failures = 0

    def useless(self, reason: str, weight: int = 1) -> bool:
        """A result could not be used; whether the site is refused from now on."""
        self.failures += weight
        if self.failures >= _PATIENCE and not self.refusal:
            self.refuse(reason)
            return True
        return False


class Sites:
    """All sites of a run, by code object and instruction; and the costs of actions, by code object."""

    def __init__(self) -> None:
        self.table: dict[tuple[int, int], Site] = {}
        self._costs: dict[int, tuple[Any, Cost]] = {}

    def at(self, key: tuple[int, int], function: Descriptor) -> Site:
        """The site at a place, made at its first use. Code objects must stay alive."""
        site = self.table.get(key)
        if site is None:
            site = self.table[key] = Site(str(function.get("name") or "an action"))
        return site

    def cost_of(self, function: Descriptor) -> Cost:
        """What calls of an action cost, at whatever site."""
        bytecode = function["bytecode"]
        found = self._costs.get(id(bytecode))
        if found is None:
            found = self._costs[id(bytecode)] = bytecode, Cost()
        return found[1]

    def expected(self, key: tuple[int, int], function: Descriptor) -> float | None:
        """Seconds that a call is expected to take, None if nothing is known."""
        site = self.table.get(key)
        if site is not None and site.cost.seconds is not None:
            return site.cost.seconds
        return self.cost_of(function).seconds
