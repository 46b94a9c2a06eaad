"""What the scout is told to look for, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.analysis.cfg import Flow
    from zexus_parallel_plugin.analysis.footprint import Descriptor
    from zexus_parallel_plugin.engine.code import Code

__all__ = ["Found", "Lookout"]


class Lookout(Protocol):
    """What the scout asks about calls."""

    def wanted(self, code: Code, ip: int, function: Descriptor) -> bool:
        """Whether calls of this action at this instruction are looked for."""

    def cheap(self, function: Descriptor) -> bool:
        """Whether calls of this action are worth being executed by the scout itself."""

    def code_of(self, function: Descriptor) -> Code:
        """Prepared code of an action."""

    def may_write(self, function: Descriptor) -> tuple[Iterable[str], bool]:
        """Names that the action may assign outside of itself, and whether it may change containers."""

    def flow_of(self, code: Code) -> Flow:
        """Control flow of a code object."""

    def builtin(self, name: str, args: list[Any]) -> Any:
        """Value of a builtin on known scalars, `UNKNOWN` if that cannot be told without an effect."""

    def is_builtin(self, name: str) -> bool:
        """Whether the name is that of a builtin."""

    def native(self, name: str, args: list[Any]) -> Any:
        """Value of one of the VM's natives, or the host's mark for a miss."""


@dataclass(slots=True)
class Found:
    """A call that the program is going to make."""

    ip: int
    function: Descriptor
    args: list[Any]
