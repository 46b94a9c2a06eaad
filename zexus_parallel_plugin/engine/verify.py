"""Bounds of the operand stack, so that ordinary code needs no check at every instruction.

The host tolerates a pop from an empty stack (it yields a default) and limits the depth to 100 000 entries.
An abstract interpretation over depths (the verifier of the Java virtual machine does the same with types)
proves for almost all code objects that neither can happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zexus_parallel_plugin.engine import isa

_ROUNDS = 8
"""Visits of one instruction after which its depth is taken to grow without bound."""


@dataclass(frozen=True, slots=True)
class StackBounds:
    """``checked``: the code may underflow or grow without bound, so each access must be checked.

    ``depths`` gives the least depth before each instruction, -1 where it cannot be reached.
    """

    checked: bool = True
    depths: tuple[int, ...] = ()


def stack_bounds(instructions: tuple[tuple[int, Any, int], ...]) -> StackBounds:
    """Verify one code object; linear in its length times a small constant."""
    size = len(instructions)
    least = [-1] * size
    most = [-1] * size
    visits = [0] * size
    work = [(0, 0, 0)]
    while work:
        index, low, high = work.pop()
        while index < size:
            if least[index] >= 0:
                low, high = min(low, least[index]), max(high, most[index])
                if (low, high) == (least[index], most[index]):
                    break
            visits[index] += 1
            if visits[index] > _ROUNDS:
                return StackBounds(checked=True)
            least[index], most[index] = low, high
            number, operand, _gas = instructions[index]
            if number == isa.RARE and operand[0].resumes_after_errors:
                # From here on a failing instruction leaves no result, and the next ones pop from an empty
                # stack.
                return StackBounds(checked=True)
            pops, pushes = isa.stack_effect(number, operand)
            if low < pops:
                return StackBounds(checked=True)
            low, high = low - pops + pushes, high - pops + pushes
            if number == isa.RETURN:
                break
            if number == isa.SETUP_TRY:
                # A failing instruction may have popped anything above the statement's base, which is empty.
                work.append((operand, 1, high + 1))
            elif number == isa.THROW:
                break
            elif number == isa.JUMP:
                index = operand
                continue
            elif number in isa.JUMPS:
                work.append((operand, low, high))
            index += 1
    return StackBounds(checked=False, depths=tuple(least))
