"""Operations on shared variables, the same in the program itself and in a copy: questions to the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.runtime.forks.messages import Ask, value_of
from zexus_parallel_plugin.runtime.forks.visible import sendable

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.runtime.pool.frames import Bytes


class SharedVariables:
    """The part of `engine.parallel.Cooperation` that concerns shared variables."""

    def __init__(self) -> None:
        self._updating = ""
        """The variable whose new value is being computed."""

    def _ask(self, function: str, question: Ask, name: str, body: bytes = b"") -> Bytes:
        """The desk's answer.

        :param function: what the program has called.
        :raises VMRuntimeError: what the desk has against it.
        """
        raise NotImplementedError

    def _running(self) -> Execution:
        """The execution whose program asks."""
        raise NotImplementedError

    def _let_go(self, name: str) -> None:
        """Give a variable back that was taken to be updated."""
        raise NotImplementedError

    def read(self, name: str) -> Any:
        """Value of a shared variable, None if there is none."""
        return value_of(self._ask("shared_read", Ask.READ, name))

    def write(self, name: str, value: Any) -> None:
        """Set a shared variable."""
        self._ask("shared_write", Ask.WRITE, name, sendable("shared_write", value))

    def add(self, name: str, amount: Any) -> Any:
        """Add to a shared variable; its new value."""
        return value_of(self._ask("shared_add", Ask.ADD, name, sendable("shared_add", amount)))

    def update(self, frame: Frame, name: str, function: Any, args: list[Any]) -> Any:
        """Replace a shared variable by ``function(value, args…)``; its new value."""
        before = value_of(self._ask("shared_update", Ask.TAKE, name))
        self._updating = name
        try:
            value = self._running().call(frame, function, [before, *args])
            data = sendable("shared_update", value)
        except BaseException:
            self._updating = ""
            self._let_go(name)
            raise
        self._updating = ""
        self._ask("shared_update", Ask.PUT, name, data)
        return value
