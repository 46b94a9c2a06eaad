"""Plans of the loops of small programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.programs import compiled, machine
from zexus_parallel_plugin.analysis.callees import FootprintCallees
from zexus_parallel_plugin.analysis.effects import PURE_BUILTINS
from zexus_parallel_plugin.analysis.footprint import Footprints
from zexus_parallel_plugin.analysis.loops import classify_all
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.code import CodeCache

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.plan import LoopPlan
    from zexus_parallel_plugin.engine.code import Code

WORK = """
action work(n) { let wk = 0; let wt = 0; while (wk < n) { wt = wt + wk * n % 7; wk = wk + 1; } return wt; }
action is_prime(n) {
    let pk = 2; while (pk * pk <= n) { if (n % pk == 0) { return false; } pk = pk + 1; } return n > 1;
}
action twice(n) { return n * 2; }
"""


def plans(source: str, action: str = "", *, outer_names: frozenset[str] = frozenset()) -> list[LoopPlan]:
    """Plans of all loops of the top-level code, or of an action, in the order of the program."""
    code, found = planned(source, action, outer_names=outer_names)
    del code
    return found


def planned(
    source: str, action: str = "", *, outer_names: frozenset[str] = frozenset()
) -> tuple[Code, list[LoopPlan]]:
    bytecode = compiled(source)
    vm = machine()
    cache = CodeCache(vm)
    functions = actions_of(bytecode)
    footprints = Footprints(lambda f: cache.get(f["bytecode"], f["name"]), vm.builtins, PURE_BUILTINS)
    callees = FootprintCallees(footprints, functions.get, vm.builtins, PURE_BUILTINS)
    code = cache.get(functions[action]["bytecode"] if action else bytecode, action or "<main>")
    params = tuple(functions[action]["params"]) if action else ()
    found = classify_all(
        code, callees, main=not action, params=params, visible=lambda name: name in outer_names
    )
    return code, sorted(found.values(), key=lambda plan: plan.head)


def actions_of(bytecode: Any) -> dict[str, Any]:
    found = {}
    for constant in bytecode.constants:
        if isinstance(constant, dict) and "bytecode" in constant:
            found[constant["name"]] = constant
            found.update(actions_of(constant["bytecode"]))
    return found


def only(source: str, action: str = "", **settings: Any) -> LoopPlan:
    """The plan of the only loop."""
    found = plans(source, action, **settings)
    assert len(found) == 1, found
    return found[0]


def text_of(code: Code, pc: int) -> tuple[str, Any]:
    """Name and operand of an instruction."""
    names = {number: name for name, number in isa.NUMBERS.items()}
    op, operand, _gas = code.instructions[pc]
    return names[op], operand


class _Nobody:
    """Callees of a program without actions."""

    def is_builtin(self, name: str) -> bool:
        return False

    def is_pure(self, name: str) -> bool:
        return False

    def of(self, name: str, count: int) -> None:
        return None


NOBODY = _Nobody()
