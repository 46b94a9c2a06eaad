"""The six opcodes of this project, as far as the engine is concerned: operands, and checks of their values.

What forks, barriers and shared variables are is the business of a :class:`Cooperation`: one of the main
process, another one of the copies. ``PARALLEL_MAP`` is an instruction of its own (``engine.isa``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeGuard

from zexus_parallel_plugin.engine.rare import Action, Constant, Handler
from zexus_parallel_plugin.host import compiler_pass
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.opcodes import FROM_STACK, SHARED_ADD, SHARED_UPDATE, ParallelOpcode

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame

GUARD = compiler_pass.GUARD
"""A name that the engine takes for true and every other VM for an unknown variable. Code that begins with a
``require`` of it fails with a message where our opcodes would be ignored."""

_ABSENT: Final = object()


class Cooperation(Protocol):
    """What the instructions do. All errors are those of the program (``VMRuntimeError``)."""

    def fork(self, frame: Frame, count: int, function: dict[str, Any], /) -> None:
        """Start ``count`` copies of an action."""

    def join(self, timeout: float | None, /) -> list[Any]:
        """Wait for the copies, ``timeout`` seconds at most; their results."""

    def barrier(self, key: Any) -> None:
        """Wait for all copies."""

    def read(self, name: str) -> Any:
        """Value of a shared variable, None if there is none."""

    def write(self, name: str, value: Any) -> None:
        """Set a shared variable."""

    def add(self, name: str, amount: Any) -> Any:
        """Add to a shared variable; its new value."""

    def update(self, frame: Frame, name: str, function: Any, args: list[Any]) -> Any:
        """Replace a shared variable by ``function(value, args…)``; its new value."""


def shown(value: Any) -> str:
    """A value in an error message."""
    text = " ".join(host.format_print_value(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def is_action(value: Any) -> TypeGuard[dict[str, Any]]:
    """Tell whether a value is an action of the program."""
    return type(value) is dict and "bytecode" in value


def named(frame: Frame, function: Any) -> Any:
    """The function that the operand of PARALLEL_MAP means: itself, or the one of that name."""
    return frame.load(function) if isinstance(function, str) else function


def _operand(stack: list[Any], operand: Any) -> Any:
    """The operand, or the next entry of the operand stack if it is left out."""
    if operand[0] is not _ABSENT:
        return operand[0]
    return stack.pop() if stack else None


def _fork(execution: Execution, frame: Frame, stack: list[Any], operand: Any) -> None:
    function = stack.pop() if stack else None
    count = _operand(stack, operand)
    if type(count) is not int or count < 1:
        raise host.VMRuntimeError(
            f"fork_execution(n, function): n must be a whole number of at least 1, not {shown(count)}"
        )
    if not is_action(function):
        raise host.VMRuntimeError(f"fork_execution(n, function): {shown(function)} is not an action")
    execution.cooperate().fork(frame, count, function)


def _join(execution: Execution, _frame: Frame, stack: list[Any], operand: Any) -> None:
    timeout = _operand(stack, operand)
    if timeout is not None and (type(timeout) not in {int, float} or not timeout >= 0):
        raise host.VMRuntimeError(
            f"join_workers(timeout): the timeout must be seconds of at least 0, not {shown(timeout)}"
        )
    stack.append(execution.cooperate().join(timeout))


def _barrier(execution: Execution, _frame: Frame, stack: list[Any], operand: Any) -> None:
    key = _operand(stack, operand)
    if type(key) not in {int, str, float, bool}:
        raise host.VMRuntimeError(f"barrier_sync(id): the id must be a number or text, not {shown(key)}")
    execution.cooperate().barrier(key)


def _name(function: str, name: Any) -> str:
    if type(name) is not str:
        raise host.VMRuntimeError(f"{function}: the name must be text, not {shown(name)}")
    return name


def _read(execution: Execution, _frame: Frame, stack: list[Any], operand: Any) -> None:
    name = _name("shared_read(name)", _operand(stack, operand))
    stack.append(execution.cooperate().read(name))


def _write(execution: Execution, frame: Frame, stack: list[Any], operand: Any) -> None:
    if operand[0] == SHARED_UPDATE and len(operand) == 2:
        _update(execution, frame, stack, operand[1])
        return
    value = stack.pop() if stack else None
    if operand[0] == SHARED_ADD and len(operand) == 2:
        name = _name("shared_add(name, amount)", stack.pop() if stack else None)
        stack.append(execution.cooperate().add(name, value))
        return
    execution.cooperate().write(_name("shared_write(name, value)", _operand(stack, operand)), value)


def _update(execution: Execution, frame: Frame, stack: list[Any], count: int) -> None:
    args = [stack.pop() if stack else None for _ in range(count)][::-1]
    function = stack.pop() if stack else None
    name = _name("shared_update(name, function)", stack.pop() if stack else None)
    if not is_action(function) and not hasattr(function, "fn"):
        raise host.VMRuntimeError(f"shared_update(name, function): {shown(function)} is not a function")
    stack.append(execution.cooperate().update(frame, name, function, args))


# -- operands, as ``(value,)``, or ``(_ABSENT,)`` where it is taken from the stack


def _count_operand(operand: Any, _constant: Constant) -> Any:
    return (_ABSENT if operand is None else operand,)


def _timeout_operand(operand: Any, _constant: Constant) -> Any:
    return (_ABSENT if operand == FROM_STACK else operand,)


def _name_operand(operand: Any, constant: Constant) -> Any:
    return (_ABSENT if operand is None else constant(operand),)


def _write_operand(operand: Any, constant: Constant) -> Any:
    if isinstance(operand, (tuple, list)):
        form = tuple(operand)
        return form if form == (SHARED_ADD, 0) or _is_update(form) else None
    return _name_operand(operand, constant)


def _is_update(form: tuple[Any, ...]) -> bool:
    return len(form) == 2 and form[0] == SHARED_UPDATE and type(form[1]) is int and form[1] >= 0


def _takes(pops: int, pushes: int) -> Any:
    """Stack effect of an instruction that takes one more entry when its operand is left out."""
    return lambda operand: (pops + (operand[0] is _ABSENT), pushes)


def _write_effect(operand: Any) -> tuple[int, int]:
    if len(operand) == 2:
        return (2, 1) if operand[0] == SHARED_ADD else (2 + operand[1], 1)
    return 1 + (operand[0] is _ABSENT), 0


def _handler(opcode: ParallelOpcode, run: Action, effect: Any, resolve: Any) -> Handler:
    return Handler(opcode.name, run, effect, resolve)


HANDLERS: Final[dict[ParallelOpcode, Handler]] = {
    ParallelOpcode[handler.name]: handler
    for handler in (
        _handler(ParallelOpcode.FORK_EXECUTION, _fork, _takes(1, 0), _count_operand),
        _handler(ParallelOpcode.JOIN_WORKERS, _join, _takes(0, 1), _timeout_operand),
        _handler(ParallelOpcode.BARRIER_SYNC, _barrier, _takes(0, 0), _count_operand),
        _handler(ParallelOpcode.SHARED_READ, _read, _takes(0, 1), _name_operand),
        _handler(ParallelOpcode.SHARED_WRITE, _write, _write_effect, _write_operand),
    )
}
"""All but PARALLEL_MAP."""

NAMES: Final = frozenset(ParallelOpcode.__members__)


def execute(
    execution: Execution, frame: Frame, opcode: ParallelOpcode, stack: list[Any], operand: Any
) -> None:
    """Execute one of the six on an operand stack, apart from any code.

    :param operand: as in an instruction, with names instead of indices of constants.
    :raises VMRuntimeError: whatever is wrong with it.
    """
    if opcode is ParallelOpcode.PARALLEL_MAP:
        xs = stack.pop() if stack else None
        function = named(frame, operand) if operand is not None else (stack.pop() if stack else None)
        stack.append(execution.parallel_map(frame, function, xs))
        return
    handler = HANDLERS[opcode]
    resolved = handler.resolve(operand, lambda value: value)
    if resolved is None:
        raise host.VMRuntimeError(f"{opcode.name} has no operand {operand!r}")
    handler.run(execution, frame, stack, resolved)


__all__ = ["GUARD", "HANDLERS", "NAMES", "Cooperation", "execute", "is_action", "named", "shown"]
