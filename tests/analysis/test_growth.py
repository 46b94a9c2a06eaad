"""The work of the analysis grows with the size of the program, not with its square."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

from tests.engine.programs import compiled, machine
from zexus_parallel_plugin.analysis.aliases import AliasClasses
from zexus_parallel_plugin.analysis.chunks import chunks
from zexus_parallel_plugin.analysis.dependences import accesses, dependences
from zexus_parallel_plugin.analysis.effects import PURE_BUILTINS
from zexus_parallel_plugin.analysis.foresight import Foresight
from zexus_parallel_plugin.analysis.origins import Origins
from zexus_parallel_plugin.analysis.program import ProgramView
from zexus_parallel_plugin.engine.code import CodeCache

PIECE = """
action work_{0}(n) {{ let wk_{0} = 0; while (wk_{0} < n) {{ wk_{0} = wk_{0} + 1; }} return wk_{0}; }}
let a_{0} = work_{0}({1});
let list_{0} = [];
for i in range(100) {{
    if (i % 3 == 0) {{ list_{0} = push(list_{0}, work_{0}(i)); }}
    total = total + i * a_{2};
}}
for each x in list_{0} {{ for j in range(10) {{ seen[j] = x * j; }} }}
require(total > 10, "no");
print(total + a_{0});
"""


def program(pieces: int) -> str:
    chance = random.Random(1)
    text = "let total = 0;\nlet a_0 = 1;\nlet seen = {};\n"
    return text + "".join(
        PIECE.format(n, chance.randrange(9), chance.randrange(n)) for n in range(1, pieces + 1)
    )


def steps(work: Callable[[], Any]) -> int:
    """Calls of functions, those of the interpreter itself among them: the same in every run."""
    count = 0

    def profile(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def planning(pieces: int) -> tuple[int, int]:
    """Size in instructions, and steps of planning it."""
    bytecode = compiled(program(pieces))
    vm = machine()
    cache = CodeCache(vm)
    size = len(cache.get(bytecode).instructions)

    def plan() -> None:
        view = ProgramView(cache, bytecode, {}, vm.builtins, PURE_BUILTINS)
        for unit in view.units:
            assert unit.facts is not None
            found = chunks(unit.code)
            aliases = AliasClasses(unit.facts)
            dependences(accesses(unit.facts, aliases, [(c.first, c.end) for c in found]), aliases)

    return size, steps(plan)


def test_planning_is_nearly_linear() -> None:
    small, large = planning(12), planning(48)
    growth = large[0] / small[0]
    assert growth > 3.5
    assert large[1] / small[1] < 1.25 * growth


def foresight(pieces: int) -> tuple[int, int]:
    """Size in instructions, and steps of foreseeing the calls of the top-level code."""
    bytecode = compiled(program(pieces))
    vm = machine()
    cache = CodeCache(vm)
    view = ProgramView(cache, bytecode, {}, vm.builtins, PURE_BUILTINS)
    body = next(unit for unit in view.units if unit.main).everything
    assert body is not None
    return len(body.pcs), steps(lambda: Foresight(body, Origins(body)).calls)


def test_foresight_is_nearly_linear() -> None:
    small, large = foresight(12), foresight(48)
    assert large[1] / small[1] < 1.25 * large[0] / small[0]


def test_one_large_piece_of_straight_line_code() -> None:
    def lines(count: int) -> int:
        source = "".join(f"let v{n} = v{n // 2} + {n}; print(v{n});" for n in range(1, count))
        bytecode = compiled(source + "while (v1 < 0) { v1 = 1; }")
        vm = machine()
        cache = CodeCache(vm)
        cache.get(bytecode)
        return steps(lambda: ProgramView(cache, bytecode, {}, vm.builtins, PURE_BUILTINS))

    assert lines(800) / lines(200) < 5


def test_deeply_nested_loops() -> None:
    def nest(depth: int) -> int:
        source = "".join(f"for i{n} in range(9) {{ " for n in range(depth)) + "t = t + i0;" + " }" * depth
        bytecode = compiled(source)
        vm = machine()
        cache = CodeCache(vm)
        cache.get(bytecode)
        return steps(lambda: ProgramView(cache, bytecode, {}, vm.builtins, PURE_BUILTINS))

    # An instruction counts once for each loop around it.
    assert nest(24) / nest(12) < 6
