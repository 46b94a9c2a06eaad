"""Gas and counts of each operation, as the host's meter keeps them (gas_metering.py, ``consume``).

The interpreter fetches each instruction exactly once when it executes it, so counting is left to the sequence
that it fetches from: whoever does not ask for a profile pays nothing for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine.code import Code, CodeCache

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GasProfile", "ProfiledCode"]


class GasProfile:
    """Fills the meter's own tables, which code that is left to the host's VM fills as well."""

    __slots__ = ("_counts", "_gas", "_latest")

    def __init__(self, meter: Any) -> None:
        self._gas: dict[str, int] = meter.gas_by_operation
        self._counts: dict[str, int] = meter.operation_counts
        self._latest = "", 0

    def add(self, operation: str, cost: int) -> None:
        """An instruction is executed."""
        self._gas[operation] = self._gas.get(operation, 0) + cost
        self._counts[operation] = self._counts.get(operation, 0) + 1
        self._latest = operation, cost

    def take_back(self) -> None:
        """A limit does not allow the latest instruction: the host does not have it in its tables."""
        operation, cost = self._latest
        self._gas[operation] -= cost
        self._counts[operation] -= 1
        if not self._counts[operation]:
            del self._gas[operation], self._counts[operation]


class ProfiledCode(CodeCache):
    """Prepared code whose instructions tell a profile when they are fetched.

    Only for the interpreter: whatever else looks at the instructions would be counted.
    """

    __slots__ = ("_profile",)

    def __init__(self, vm: Any, profile: GasProfile) -> None:
        super().__init__(vm)
        self._profile = profile

    def get(self, bytecode: Any, name: str = "") -> Code:
        """The prepared code of a bytecode object, prepared at its first use."""
        code = self._by_id.get(id(bytecode))
        if code is None:
            code = super().get(bytecode, name)
            names = [code.operation(index) for index in range(len(code.instructions))]
            code = replace(code, instructions=_counting(code.instructions, names, self._profile.add))
            self._by_id[id(bytecode)] = code
        return code


class _Counting(tuple[tuple[int, Any, int], ...]):  # noqa: SLOT001 - Python has no named slots in tuples
    names: list[str]
    add: Callable[[str, int], None]

    def __getitem__(self, index: Any) -> Any:
        item = super().__getitem__(index)
        self.add(self.names[index], item[2])
        return item


def _counting(
    instructions: tuple[tuple[int, Any, int], ...], names: list[str], add: Callable[[str, int], None]
) -> _Counting:
    counting = _Counting(instructions)
    counting.names, counting.add = names, add
    return counting
