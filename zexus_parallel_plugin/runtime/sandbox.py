"""The engine in a worker: it can only compute and print, and change nothing that belongs to callers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NoReturn

from zexus_parallel_plugin.analysis.effects import summarize
from zexus_parallel_plugin.engine.code import CodeCache
from zexus_parallel_plugin.engine.execution import Execution

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.frame import Frame


class RefusedError(BaseException):
    """The call must be executed in place. Not an `Exception`: the program must not catch it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CallerVariables(dict[str, Any]):
    """The variables of all callers, as far as they were sent: read only.

    One object serves all calls of a worker, because compiled code keeps hold of it.
    """

    __slots__ = ("absent", "own")

    absent: frozenset[str]
    own: frozenset[str]

    def become(
        self, values: dict[str, Any], absent: frozenset[str], own: frozenset[str] = frozenset()
    ) -> None:
        """Hold these variables from now on; the names in ``absent`` are nowhere.

        :param own: names that belong to the task itself, so that it may assign them.
        """
        dict.clear(self)
        dict.update(self, values)
        self.absent = absent
        self.own = own

    def _known(self, name: object) -> bool:
        if dict.__contains__(self, name):
            return True
        if name in self.absent:
            return False
        raise RefusedError("unlisted-name")

    def __contains__(self, name: object) -> bool:
        return self._known(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Value of a name."""
        return dict.__getitem__(self, name) if self._known(name) else default

    def __getitem__(self, name: str) -> Any:
        if not self._known(name):
            raise KeyError(name)
        return dict.__getitem__(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.own:
            raise RefusedError("writes-caller-variable")
        dict.__setitem__(self, name, value)

    def __delitem__(self, name: str) -> NoReturn:
        raise RefusedError("writes-caller-variable")


class WorkerCode(CodeCache):
    """Prepared code that is looked at before it runs: does it do nothing but compute and print?"""

    __slots__ = ("_allowed", "_known", "_pure")

    def __init__(self, vm: Any, pure: frozenset[str]) -> None:
        super().__init__(vm)
        self._known = frozenset(vm.builtins)
        self._pure = pure
        self._allowed: dict[int, str] = {}

    def effect(self, bytecode: Any, name: str = "") -> str:
        """Reason code of an effect that the code has; empty if there is none."""
        found = self._allowed.get(id(bytecode))
        if found is None:
            found = summarize(self.get(bytecode, name), self._known, self._pure).effect
            self._allowed[id(bytecode)] = found
        return found


class WorkerExecution(Execution):
    """An engine whose program can do nothing but compute and print."""

    __slots__ = ("_residue",)

    code: WorkerCode

    def call_interpreted(self, frame: Frame, descriptor: dict[str, Any], args: list[Any], depth: int) -> Any:
        """Call an action in the interpreter, if it has no effect."""
        effect = self.code.effect(descriptor["bytecode"], descriptor.get("name", ""))
        if effect:
            raise RefusedError(effect)
        return super().call_interpreted(frame, descriptor, args, depth)

    def call_on_host(
        self, _frame: Frame, _descriptor: dict[str, Any], _args: list[Any], _depth: int, reason: str
    ) -> Any:
        """Not here."""
        raise RefusedError(reason)

    @property
    def residue(self) -> list[Any]:
        """Asked for whenever an error is on its way to the program's handlers.

        That there is no memory is so in this process, and may be otherwise in the main one: the program must
        not catch it here.
        """
        if isinstance(sys.exc_info()[1], MemoryError):
            raise RefusedError("worker-memory")
        return self._residue

    @residue.setter
    def residue(self, value: list[Any]) -> None:
        self._residue = value

    def cooperate(self) -> NoReturn:
        """Not here."""
        raise RefusedError("effect-shared")

    def await_on_loop(self, awaitable: Any) -> Any:
        """Not here."""
        close = getattr(awaitable, "close", None)
        if close is not None:
            close()
        raise RefusedError("effect-opcode")
