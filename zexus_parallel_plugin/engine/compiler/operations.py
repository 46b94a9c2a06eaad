"""Instructions without an effect: they only combine expressions on the symbolic stack."""

from __future__ import annotations

from typing import Any

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler import expressions as ex
from zexus_parallel_plugin.engine.compiler.access import VariableEmitter
from zexus_parallel_plugin.engine.compiler.control import Unstructured


class OperatorEmitter(VariableEmitter):
    """Stack manipulation and operators."""

    def nothing(self, pc: int, operand: Any) -> None:
        """No effect but its gas."""

    def pop(self, pc: int, operand: Any) -> None:
        """``POP``: what is dropped is evaluated all the same, since it may fail."""
        stack = self.state.stack
        if pc in self.elided:
            return
        if not stack:
            raise Unstructured("pops the caller's operand stack")
        if not stack[-1].expression.atomic:
            self.settle(len(stack) - 1)
            self.line(stack[-1].expression.text(self.writer), self.resume(len(stack) - 1))
        stack.pop()

    def duplicate(self, pc: int, operand: Any) -> None:
        """``DUP``."""
        stack = self.state.stack
        if not stack:
            raise Unstructured("duplicates the caller's operand stack")
        following = [op for op, _operand, _gas in self.instructions[pc + 1 : pc + 3]]
        if following == [isa.STORE_NAME, isa.POP]:
            # An assignment as a statement: the second copy is popped at once, so it is not made at all.
            self.elided.add(pc + 2)
            return
        self.settle()
        self.push(stack[-1].expression, pc)

    def invert(self, pc: int, operand: Any) -> None:
        """``NOT``."""
        (entry,) = self.take(1)
        self.combine(ex.Not(entry.expression), (entry,), pc)

    def negate(self, pc: int, operand: Any) -> None:
        """``NEG``."""
        (entry,) = self.take(1)
        self.combine(ex.Negative(entry.expression), (entry,), pc)

    def index(self, pc: int, operand: Any) -> None:
        """``INDEX``."""
        target, key = self.take(2)
        self.combine(ex.Item(target.expression, key.expression, pc), (target, key), pc)

    def get_length(self, pc: int, operand: Any) -> None:
        """``GET_LENGTH`` and the natives of that meaning."""
        (entry,) = self.take(1)
        self.combine(ex.Length(entry.expression, pc), (entry,), pc)

    def get_attribute(self, pc: int, operand: Any) -> None:
        """``GET_ATTR``."""
        target, key = self.take(2)
        self.combine(ex.Helper("ATTRIBUTE", (target.expression, key.expression)), (target, key), pc)

    def slice(self, pc: int, operand: Any) -> None:
        """``SLICE``."""
        parts = self.take(3)
        self.combine(ex.Helper("CUT", tuple(part.expression for part in parts)), parts, pc)

    def for_iter(self, pc: int, count: Any) -> None:
        """``FOR_ITER``."""
        if count == 1:
            self.settle()
            target, position = self.take(2)
            self.combine(ex.Element(target.expression, position.expression), (target, position), pc)
            return
        self.settle()
        target, position = self.take(2)
        first, second = self.temporary(), self.temporary()
        texts = ", ".join(self.texts((target, position)))
        self.line(
            f"{first}, {second} = PAIR({texts})", self.exit_at(pc, [*self.state.stack, target, position])
        )
        self.push(ex.Local(first), pc)
        self.push(ex.Local(second), pc)

    def build_list(self, pc: int, count: Any) -> None:
        """``BUILD_LIST``."""
        parts = self.take(count)
        self.combine(ex.ListOf(tuple(part.expression for part in parts)), parts, pc)

    def build_map(self, pc: int, count: Any) -> None:
        """``BUILD_MAP``."""
        parts = self.take(2 * count)
        self.combine(ex.MapOf(tuple(part.expression for part in parts)), parts, pc)
