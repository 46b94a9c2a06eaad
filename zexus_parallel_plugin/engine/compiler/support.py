"""What generated code calls: the host's rules for the cases in which Python's own operators do not do."""

from __future__ import annotations

import operator
from typing import Any

from zexus_parallel_plugin.engine import isa, operators
from zexus_parallel_plugin.engine.compiler.rules import RULES
from zexus_parallel_plugin.engine.compiler.trap import Trap
from zexus_parallel_plugin.engine.rare import revert_on_requirement
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.host.values import NUMBERS, PLAIN


class _Unset:
    """The value of a variable that does not exist yet."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"


UNSET = _Unset()

_SMALL = 1 << 64


def known(value: Any) -> Any:
    """A variable that may not exist yet.

    :raises Trap: it does not.
    """
    if value is UNSET:
        raise Trap
    return value


def required(value: Any) -> Any:
    """What ``require`` tests (vm.py 5635): it unwraps by the attribute alone."""
    return value.value if hasattr(value, "value") else value


def refused(message: Any, env: dict[str, Any] | None) -> Exception:
    """The error of a failed ``require``; ``env``: variables of the frame, None if they are private."""
    if env is not None:
        revert_on_requirement(env)
    error: Exception = host.VMRuntimeError(f"Requirement failed: {required(message)}")
    return error


def as_text(value: Any) -> str:
    """The right or left operand of a concatenation, when the other one is text.

    :raises Trap: the operand is none of the plain values.
    """
    if value is None:
        return ""
    if type(value) in PLAIN:
        return str(value)
    raise Trap


def numbers_up_to(first: Any, last: Any = None) -> list[int]:
    """``range(n)`` and ``range(a, b)``.

    :raises Trap: an argument is not a number.
    """
    if type(first) not in NUMBERS or (last is not None and type(last) not in NUMBERS):
        raise Trap
    return list(range(int(first)) if last is None else range(int(first), int(last)))


def power(base: Any, exponent: Any) -> Any:
    """``base ** exponent`` within the host's bounds."""
    if type(exponent) is int and 0 <= exponent <= 64:
        if type(base) is int and -_SMALL < base < _SMALL:
            return base**exponent
        if type(base) is float:
            return base**exponent
    return operators.BINARY[isa.POW](base, exponent)


def add(left: Any, right: Any) -> Any:
    """``left + right``, quickly for text."""
    if type(left) is str:
        kind = type(right)
        if kind is str:
            return left + right
        if kind is int or kind is float:
            return left + str(right)
    elif type(left) in NUMBERS:
        if type(right) in NUMBERS:
            return left + right
        if type(right) is str:
            return str(left) + right
    return operators.add(left, right)


def _quickly(rule: operators.Binary, function: operators.Binary, kinds: frozenset[Any]) -> operators.Binary:
    """A rule that is Python's ``function`` for operands of some kinds."""

    def apply(left: Any, right: Any) -> Any:
        if type(left) in kinds and type(right) in kinds:
            return function(left, right)
        return rule(left, right)

    return apply


_PYTHONS: dict[int, tuple[operators.Binary, frozenset[Any]]] = {
    isa.SUB: (operator.sub, NUMBERS), isa.MUL: (operator.mul, NUMBERS), isa.LT: (operator.lt, NUMBERS),
    isa.GT: (operator.gt, NUMBERS), isa.LTE: (operator.le, NUMBERS), isa.GTE: (operator.ge, NUMBERS),
    isa.EQ: (operator.eq, PLAIN), isa.NEQ: (operator.ne, PLAIN),
    isa.AND: (lambda left, right: bool(left) and bool(right), PLAIN),
    isa.OR: (lambda left, right: bool(left) or bool(right), PLAIN),
}  # fmt: skip

_RULES = {
    name: _quickly(operators.BINARY[op], *_PYTHONS[op]) if op in _PYTHONS else operators.BINARY[op]
    for op, name in RULES.items()
}


def modulo(left: Any, right: Any) -> Any:
    """``left % right`` where Python's operator is not the host's: by 0, or not between numbers.

    :raises Trap: the interpreter has to look at it.
    """
    if type(left) in NUMBERS and type(right) in NUMBERS and right == 0:
        return 0
    raise Trap


def element(target: Any, position: Any) -> Any:
    """What ``for each`` with one name takes at a position."""
    return operators.iteration(target, position, 1)[0]


def pair(target: Any, position: Any) -> tuple[Any, ...]:
    """What ``for each`` with two names takes at a position.

    :raises Trap: the host leaves something extra on its stack here.
    """
    found = operators.iteration(target, position, 2)
    if len(found) != 2:
        raise Trap
    return found


def names(execution: Any) -> dict[str, Any]:
    """The names that generated code finds in its module, for one execution."""

    def method(target: Any, name: str, args: list[Any]) -> Any:
        if target is None:
            return None
        return host.call_method(execution.vm, target, name, args)

    def builtin(function: Any, args: list[Any]) -> Any:
        return execution.call(execution.frame, function, args)

    return {
        **_RULES,
        "ADD": add,
        "POW": power,
        "MODULO": modulo,
        "NUMBERS": NUMBERS,
        "M": execution.meter,
        "X": execution,
        "E": execution.root.env,
        "FE": execution.root,
        "L": int(min(execution.gas_limit, 1 << 62)),
        "N": int(min(execution.operation_limit, 1 << 62)),
        "D": execution.deepest,
        "P": PLAIN,
        "TRAP": Trap,
        "UNSET": UNSET,
        "KNOWN": known,
        "REQUIRED": required,
        "REFUSED": refused,
        "TRUTH": operators.truth,
        "INDEX": operators.index,
        "LENGTH": operators.length,
        "ELEMENT": element,
        "PAIR": pair,
        "ATTRIBUTE": operators.attribute,
        "CUT": operators.cut,
        "AS_TEXT": as_text,
        "SHOW": host.format_print_value,
        "RANGE": numbers_up_to,
        "METHOD": method,
        "BUILTIN": builtin,
        "CALL": execution.call_value,
        "SIZED": frozenset({list, dict, str}),
        "COUNTED": frozenset({list, dict}),
        "STORES": frozenset({list, dict}),
    }
