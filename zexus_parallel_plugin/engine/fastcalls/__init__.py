"""Direct forms of the host's builtins and methods, for arguments that are plain values.

A builtin of the host takes objects of the host's own, so every call converts arguments and result. A direct
form answers what that conversion and the builtin would: the same values and types, fresh containers where the
host's are fresh, the same object where it is the same. Whatever else it is given (other types, too many or
too few arguments, anything that fails) goes to the host's own function. Only builtins are here that have no
effect and look neither at the gas meter nor at variables nor at the state of the interpreter.
"""

from __future__ import annotations

from typing import Any

from zexus_parallel_plugin.engine.fastcalls.containers import CONTAINERS
from zexus_parallel_plugin.engine.fastcalls.guard import verified
from zexus_parallel_plugin.engine.fastcalls.kinds import KINDS
from zexus_parallel_plugin.engine.fastcalls.method import Method, MethodFactory, general_method
from zexus_parallel_plugin.engine.fastcalls.methods_list import LISTS
from zexus_parallel_plugin.engine.fastcalls.methods_map import MAPS
from zexus_parallel_plugin.engine.fastcalls.methods_shared import SHARED
from zexus_parallel_plugin.engine.fastcalls.methods_text import TEXTS
from zexus_parallel_plugin.engine.fastcalls.numbers import NUMBERS
from zexus_parallel_plugin.engine.fastcalls.plain import Direct, Factory, General
from zexus_parallel_plugin.engine.fastcalls.text import TEXT

BUILTINS: dict[str, Factory] = {**NUMBERS, **TEXT, **CONTAINERS, **KINDS}
"""Builtin -> what makes its direct form."""

METHODS: dict[str, MethodFactory] = {**LISTS, **MAPS, **TEXTS, **SHARED}
"""Method -> what makes its direct form."""

__all__ = ["BUILTINS", "METHODS", "Forms", "verified"]


class Forms:
    """The direct forms for a VM, made when they are needed.

    Builtins that somebody has replaced have none; the answer holds for the builtins the VM has then.
    """

    def __init__(self, vm: Any) -> None:
        self._vm = vm
        self._verified: dict[str, bool] = {}

    def __contains__(self, name: object) -> bool:
        """Whether there is a direct form for the builtin of this name."""
        if name not in BUILTINS:
            return False
        known = self._verified.get(name)
        if known is None:
            known = self._verified[name] = verified(self._vm, name)
        return known

    def builtin(self, name: str) -> Direct:
        """The direct form of a builtin that has one; it takes the arguments of a call."""
        return BUILTINS[name](General(self._vm, self._vm.builtins[name]))

    def method(self, name: str) -> Method:
        """The direct form of a method of `METHODS`; it takes any target, and arguments."""
        return METHODS[name](general_method(self._vm, name))
