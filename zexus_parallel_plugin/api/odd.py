"""Bytecode that no compiler makes: operands of another form, or fewer of them, than the engine was made for.

The host's VM has rules for many of them, so such bytecode is left to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.api.instructions import may_underflow, opcode_name
from zexus_parallel_plugin.engine import rare

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["is_odd"]


def _count(operand: Any) -> bool:
    return type(operand) is int and operand >= 0


def _none(operand: Any) -> bool:
    return operand is None


_FORMS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(rare.HANDLERS, _none),
    **dict.fromkeys(("EXPORT", "GRANT_CAPABILITY", "REVOKE_CAPABILITY"), _count),
    **dict.fromkeys(("BUILD_SET", "DEFINE_ENTITY"), _count),
    **dict.fromkeys(("STATE_READ", "STATE_WRITE"), lambda operand: operand is None or _count(operand)),
    "DEFINE_CONTRACT": lambda operand: isinstance(operand, tuple) and len(operand) == 2,
}
"""Forms of the operands of the instructions that few programs use, as the host's compiler makes them."""


def is_odd(bytecode: Any) -> bool:
    """Whether a code object, or an action in it, has an instruction whose operand has an unusual form."""
    seen: set[int] = set()
    work = [bytecode]
    while work:
        code = work.pop()
        if id(code) in seen:
            continue
        seen.add(id(code))
        names = set()
        for instruction in code.instructions:
            if isinstance(instruction, tuple) and len(instruction) == 2:
                name = opcode_name(instruction[0])
                names.add(name)
                fits = _FORMS.get(name)
                if fits is not None and not fits(instruction[1]):
                    return True
        # A method call with too few operands takes them in an order of its own.
        if "CALL_METHOD" in names and may_underflow(code):
            return True
        inside = (constant.get("bytecode") for constant in code.constants if isinstance(constant, dict))
        work += [one for one in inside if hasattr(one, "instructions")]
    return False
