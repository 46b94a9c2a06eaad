"""Keeping mistakes of the recorder away from the program."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

__all__ = ["careful"]

_LOG = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Breakable(Protocol):
    """What has careful methods: after the first mistake it does nothing any more."""

    dead: bool

    def broken(self, error: Exception) -> None:
        """A mistake has happened."""


B = TypeVar("B", bound=Breakable)


def careful(method: Callable[Concatenate[B, P], R]) -> Callable[Concatenate[B, P], R]:
    """A method that never raises; it returns None, or nothing that counts, when something is wrong."""

    @wraps(method)
    def call(self: B, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if self.dead:
            return cast("R", None)
        try:
            return method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - see above
            self.dead = True
            _LOG.debug("the recorder failed", exc_info=True)
            self.broken(error)
            return cast("R", None)

    result: Any = call
    return cast("Callable[Concatenate[B, P], R]", result)
