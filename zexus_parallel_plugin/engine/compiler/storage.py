"""Where the variables of a unit live.

A *private* variable is a Python local and nothing else. A *cached* one lives in the dictionary of a frame,
because somebody else may look at it; the unit works on a copy in a local, writes it back before whoever may
look, and reads it again after whoever may have written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

PRIVATE: Final = ""
OWN: Final = "V"
"""The dictionary of the unit's own frame."""
ROOT: Final = "E"
"""The root variables."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a unit.

    ``scope`` names the dictionary it lives in in the generated source; ``present``: it is there when the
    unit is entered; ``stored``: the unit assigns it.
    """

    name: str
    local: str
    scope: str = PRIVATE
    present: bool = False
    stored: bool = False

    @property
    def cached(self) -> bool:
        """Whether there is a local copy to keep in step."""
        return self.scope != PRIVATE

    @property
    def of_caller(self) -> bool:
        """Whether it belongs to another frame than the unit's own."""
        return self.scope not in {PRIVATE, OWN}


@dataclass(slots=True)
class Variables:
    """All variables of a unit by name; names not in it are read as missing."""

    by_name: dict[str, Variable] = field(default_factory=dict)

    def cached(self) -> list[Variable]:
        """Those with a dictionary behind them."""
        return [variable for variable in self.by_name.values() if variable.cached]


def local_name(name: str, index: int) -> str:
    """Python name of a variable's local: readable where the variable's own name allows it."""
    if name.isascii() and name.isidentifier():
        return f"v_{name}"
    return f"x_{index}"
