"""What direct forms of methods share: the way back to the host's dispatcher, forms made of one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zexus_parallel_plugin.engine.fastcalls.plain import given
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.host.values import PLAIN

Method = Callable[..., Any]
"""``target.name(args…)``: takes the target and the arguments, any number of them."""

GeneralMethod = Callable[[Any, list[Any]], Any]
"""The same by the host's dispatcher: takes the target and a list of the arguments."""

MethodFactory = Callable[[GeneralMethod], Method]
"""Makes the direct form of one method for one VM."""


def general_method(vm: Any, name: str) -> GeneralMethod:
    """``target.name(args…)`` by the host's dispatcher, for any name and target; None on a target None."""
    call_method = host.call_method

    def method(target: Any, args: list[Any]) -> Any:
        return None if target is None else call_method(vm, target, name, args)

    return method


def element(value: Any) -> Any:
    """An element of a container as the result of a method: the host takes wrappers off it."""
    return value if type(value) in PLAIN else host.unwrap_after_builtin(value)


def ignoring_arguments(kind: type, function: Callable[[Any], Any]) -> MethodFactory:
    """A method of one exact type that looks at nothing but its target and has a plain result."""

    def make(general: GeneralMethod) -> Method:
        def method(target: Any, *args: Any) -> Any:
            return function(target) if type(target) is kind else general(target, [*args])

        return method

    return make


def pythons_own(kind: type, name: str) -> MethodFactory:
    """A method that the host leaves to Python's own type; its result is plain, its errors are raised."""
    function = getattr(kind, name)

    def make(general: GeneralMethod) -> Method:
        def method(target: Any, *args: Any) -> Any:
            return function(target, *args) if type(target) is kind else general(target, [*args])

        return method

    return make


__all__ = [
    "GeneralMethod",
    "Method",
    "MethodFactory",
    "element",
    "general_method",
    "given",
    "ignoring_arguments",
    "pythons_own",
]
