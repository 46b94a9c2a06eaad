"""Gas and operations in generated code.

Two locals, ``g`` and ``n``, hold what has been used. A region is charged when it is entered, but its cost is
a constant: it is only *owed*, and ``g`` compared with a limit that is lower by as much. What is owed is added
where ways meet that owe different amounts, and where somebody else may look at the meter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.engine.compiler.points import Line
from zexus_parallel_plugin.engine.compiler.regions import Cost
from zexus_parallel_plugin.engine.compiler.source import SourceEmitter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zexus_parallel_plugin.engine.compiler.control import Node
    from zexus_parallel_plugin.engine.compiler.points import State

LOAD = "g = M.gas_used; n = M.operation_count"


class MeteringEmitter(SourceEmitter):
    """Charging regions.

    ``loop_owed``, ``break_owed``: what the loop that is being written owes at its head, and where it ends;
    the latter is None before its first ``break``.
    """

    loop_owed: Cost = Cost()
    break_owed: Cost | None = None

    def charge(self, nodes: Sequence[Node], start: int) -> None:
        """Pay for the region that begins at ``nodes[start]``."""
        self.settle()
        state = self.state
        cost = self.pricing.ahead(nodes, start).cost
        state.prepaid, state.uncharged = cost, False
        self.path = []
        if self.turns is not None:
            return  # the loop charges
        self.load_gas()
        state.owed = state.owed.plus(cost)
        if cost.operations:
            check = f"g > {limit('L', state.owed.gas)}"
            if cost.gas < cost.operations or self.check_operations:
                check += f" or n > {limit('N', state.owed.operations)}"
            if self.depth_limit:
                check += f" or {self.depth} > D"
                self.depth_limit = False
            self.line(f"if {check}: raise TRAP", self.exit_before(nodes[start].pc))

    def load_gas(self) -> None:
        """Read the meter if somebody else may have changed it."""
        if self.state.reload:
            self.line(LOAD)
            self.state.reload = False

    def spend(self, pc: int) -> None:
        """Note that an instruction is executed: it has been paid for."""
        self.state.prepaid = self.state.prepaid.minus(self.pricing.step(pc))
        self.path.append(pc)

    def begin_region(self) -> None:
        """What follows has to be charged."""
        self.state.uncharged, self.state.prepaid = True, Cost()

    def refund(self, cost: Cost) -> None:
        """Give gas back that was charged for instructions that are not executed."""
        self.state.owed = self.state.owed.minus(cost)

    def settle_debt(self, owed: Cost) -> None:
        """Add what is owed, so that only ``owed`` remains."""
        text = payment(self.state.owed.minus(owed))
        if text:
            self.line(text)
        self.state.owed = owed

    def give_back(self, kind: str) -> None:
        """Refund what an iteration that ends early has been charged for the rest of it, and owe what other
        iterations owe.
        """
        self.refund(self.state.prepaid)
        if kind != "break":
            self.settle_debt(self.loop_owed)
            return
        if self.turns is not None:
            counter, cost = self.turns
            self.line(f"g += {cost.gas} * {counter}; n += {cost.operations} * {counter}")
        if self.break_owed is None:
            self.break_owed = self.state.owed
        self.settle_debt(self.break_owed)

    def end_loop(self, outer: tuple[Cost, Cost | None]) -> None:
        """Behind a loop; ``outer``: the debts of the loop around it."""
        self.state.owed = self.break_owed or Cost()
        self.loop_owed, self.break_owed = outer

    def hand_over_gas(self) -> None:
        """Bring the meter up to date."""
        state = self.state
        rest = state.owed.minus(state.prepaid)
        gas, operations = _sum("g", rest.gas), _sum("n", rest.operations)
        if self.turns is not None:
            counter, cost = self.turns
            gas += f" + {cost.gas} * {counter}"
            operations += f" + {cost.operations} * {counter}"
        self.line(f"M.gas_used = {gas}; M.operation_count = {operations}")
        state.owed = Cost()

    def agree_on_gas(self, live: Sequence[tuple[State, list[Line]]]) -> None:
        """Let ways that meet end with the gas in the same place and the same debt; sets both in ``state``."""
        start = self.state
        ends = [end for end, _body in live]
        start.reload = all(end.reload for end in ends)
        if self.turns is not None:
            # The loop charges each iteration for the dearest way.
            start.owed = max((end.owed for end in ends), key=lambda owed: (owed.gas, owed.operations))
        else:
            # The longer way can best afford to pay.
            start.owed = min(live, key=lambda way: len(way[1]))[0].owed
        for end, body in live:
            if end.reload and not start.reload:
                body.append(Line(self.indent + 1, LOAD, None))
            text = payment(end.owed.minus(start.owed))
            if text:
                body.append(Line(self.indent + 1, text, None))


def limit(name: str, owed: int) -> str:
    """The name of a limit that is lower by what is owed (see `limit_value`)."""
    return f"{name}_{owed}" if owed > 0 else f"{name}_more_{-owed}" if owed else name


def payment(cost: Cost) -> str:
    """The statements that add a cost, empty if there is none."""
    parts = [
        f"{local} {'+' if amount > 0 else '-'}= {abs(amount)}"
        for local, amount in (("g", cost.gas), ("n", cost.operations))
        if amount
    ]
    return "; ".join(parts)


def _sum(local: str, amount: int) -> str:
    return f"{local} {'+' if amount > 0 else '-'} {abs(amount)}" if amount else local
