"""Dependences between chunks: every kind, and that nothing else matters for the order."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zexus.vm.bytecode import Bytecode

from tests.analysis.planning import actions_of
from tests.engine.programs import compiled, machine, on_engine
from zexus_parallel_plugin.analysis.aliases import AliasClasses
from zexus_parallel_plugin.analysis.callees import FootprintCallees
from zexus_parallel_plugin.analysis.cfg import Flow
from zexus_parallel_plugin.analysis.chunks import legal_cuts
from zexus_parallel_plugin.analysis.dependences import Edge, accesses, dependences
from zexus_parallel_plugin.analysis.effects import PURE_BUILTINS
from zexus_parallel_plugin.analysis.facts import CodeFacts
from zexus_parallel_plugin.analysis.footprint import Footprints
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.code import CodeCache
from zexus_parallel_plugin.host.builtins import standard_builtins

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.code import Code

standard_builtins()  # The host's evaluator raises the recursion limit once, which hypothesis must not see.

LOOP = " while (0 > 1) { let never = 1; }"
"""Keeps the host's optimisers from joining statements."""


def analysed(source: str) -> tuple[Code, list[tuple[int, int]], list[Edge]]:
    bytecode = compiled(source)
    vm = machine()
    cache = CodeCache(vm)
    footprints = Footprints(lambda f: cache.get(f["bytecode"], f["name"]), vm.builtins, PURE_BUILTINS)
    callees = FootprintCallees(footprints, actions_of(bytecode).get, vm.builtins, PURE_BUILTINS)
    code = cache.get(bytecode)
    facts = CodeFacts(Flow(code.instructions), callees, main=True)
    cuts = legal_cuts(code)
    ranges = list(pairwise(cuts))
    aliases = AliasClasses(facts)
    return code, ranges, dependences(accesses(facts, aliases, ranges), aliases)


def edges(source: str) -> set[tuple[int, int, str, str, bool]]:
    """Edges between the statements of a program, numbered from 0."""
    return {(e.source, e.target, e.kind, e.name, e.proven) for e in analysed(source + LOOP)[2]}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("let a = 1; let b = a;", (0, 1, "RAW", "a", True)),
        ("let b = a; let a = 1;", (0, 1, "WAR", "a", True)),
        ("let a = 1; let a = 2;", (0, 1, "WAW", "a", True)),
        ("let a = []; a.push(1); print(a);", (1, 2, "RAW", "a", True)),
        ("let a = []; let b = a; b.push(1); print(a);", (2, 3, "RAW", "a", False)),
        ("let a = []; let m = [a]; let b = m[0]; append(b, 2); print(a);", (3, 4, "RAW", "a", False)),
        ("let a = []; print(len(a)); a.push(1);", (1, 2, "WAR", "a", True)),
        ("print(1); print(2);", (0, 1, "order", "", True)),
        ("let a = now(); let b = now();", (0, 1, "order", "", True)),
        ("let a = random(2); print(1);", (0, 1, "order", "", True)),
        ("require(x, 1); let a = 1;", (0, 1, "control", "", True)),
        ("let a = 1; require(x, 1);", (0, 1, "control", "", True)),
    ],
)  # fmt: skip
def test_every_kind(source: str, expected: tuple[int, int, str, str, bool]) -> None:
    assert expected in edges(source)


@pytest.mark.parametrize(
    "source",
    [
        "let a = 1; let b = 2; let c = 3;",
        "let a = []; let b = [];",
        "let a = str(x); let b = len(x);",
    ],
)
def test_what_is_independent(source: str) -> None:
    assert edges(source) == set()


def test_numbers_do_not_make_names_the_same_object() -> None:
    found = edges("let a = [1]; let n = len(a); let b = [n]; b.push(1); print(a);")
    assert (0, 4, "RAW", "a", True) in found
    assert not [edge for edge in found if edge[:2] == (3, 4)]


def test_the_same_order_each_time() -> None:
    """Not that of a set, which is another one in each process."""
    names = "abcdefgh"
    source = f"action touch() {{ {' '.join(f'{name}.push({name});' for name in names)} }}\n"
    source += "let a = [];\n" + "".join(f"let {name} = a;\n" for name in names[1:]) + "touch();\n"
    _code, ranges, found = analysed(source)
    read = [edge.name for edge in found if edge.kind == "RAW" and edge.target == len(ranges) - 1]
    assert set(read) >= set(names)
    assert [name for name in dict.fromkeys(read) if name in names] == sorted(names)


def test_actions_are_looked_into() -> None:
    helper = "action f(x) { let q = seen; x.push(q); print(q); return q; } "
    found = edges(helper + "let seen = 1; let a = []; f(a); print(a); let seen = 2;")
    assert (1, 3, "RAW", "seen", True) in found
    assert (3, 5, "WAR", "seen", True) in found
    assert (3, 4, "RAW", "a", True) in found
    assert any(e[:3] == (3, 4, "order") for e in found)


# -- the order within these dependences does not matter

NAMES = "abcd"
LISTS = "pqr"
STATEMENTS = st.one_of(
    st.builds("let {} = {};".format, st.sampled_from(NAMES), st.integers(0, 9)),
    st.builds("let {} = {} + {};".format, *[st.sampled_from(NAMES)] * 3),
    st.builds("{0} = {0} * 3 + 1;".format, st.sampled_from(NAMES)),
    st.builds("let {} = [{}];".format, st.sampled_from(LISTS), st.sampled_from(NAMES)),
    st.builds("let {} = {};".format, *[st.sampled_from(LISTS)] * 2),
    st.builds("let {} = [{}];".format, *[st.sampled_from(LISTS)] * 2),
    st.builds("{}.push({});".format, st.sampled_from(LISTS), st.sampled_from(NAMES)),
    st.builds("{}.push({});".format, *[st.sampled_from(LISTS)] * 2),
    st.builds("let {} = len({});".format, st.sampled_from(NAMES), st.sampled_from(LISTS)),
    st.builds("print({});".format, st.sampled_from(NAMES + LISTS)),
    st.builds("if ({} > {}) {{ let {} = 7; }}".format, *[st.sampled_from(NAMES)] * 3),
    st.builds("for each x{0} in [1, 2] {{ {0} = {0} + x{0}; }}".format, st.sampled_from(NAMES)),
    st.builds("let {} = act({});".format, st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.builds("change({});".format, st.sampled_from(LISTS)),
    st.builds("let {} = peek();".format, st.sampled_from(NAMES)),
)
ACTIONS = (
    "action act(n) { let t = n * 2; return t + 1; } action change(list) { list.push(9); return 0; } "
    "action peek() { return a + len(p); } "
)
START = "let a = 1; let b = 2; let c = 3; let d = 4; let p = []; let q = [1]; let r = [2]; "


def reordered(code: Code, ranges: list[tuple[int, int]], order: list[int]) -> Any:
    """The code object with its chunks in another order."""
    stream: list[Any] = []
    for number in order:
        first, end = ranges[number]
        shift = len(stream) - first
        for pc in range(first, end):
            opcode, operand = code.stream[pc]
            jumps = code.instructions[pc][0] in isa.JUMPS or code.instructions[pc][0] == isa.SETUP_TRY
            stream.append((opcode, operand + shift if jumps else operand))
    return Bytecode(stream, list(code.constants))


def shuffled(count: int, found: list[Edge], chance: random.Random) -> list[int]:
    """An order that keeps all dependences."""
    before: dict[int, set[int]] = {number: set() for number in range(count)}
    for edge in found:
        before[edge.target].add(edge.source)
    order: list[int] = []
    left = set(range(count))
    while left:
        ready = sorted(number for number in left if before[number] <= set(order))
        order.append(chance.choice(ready))
        left.remove(order[-1])
    return order


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STATEMENTS, min_size=4, max_size=14), st.integers(0, 1000))
def test_independent_chunks_may_change_places(statements: list[str], seed: int) -> None:
    code, ranges, found = analysed(ACTIONS + START + " ".join(statements) + LOOP)
    expected = on_engine(reordered(code, ranges, list(range(len(ranges)))))
    assert not expected.error
    chance = random.Random(seed)
    for _ in range(3):
        order = shuffled(len(ranges), found, chance)
        result = on_engine(reordered(code, ranges, order))
        assert (result.stdout, result.error, result.gas) == (expected.stdout, "", expected.gas)
        for name in (*NAMES, *LISTS):
            assert result.env[name] == expected.env[name], (name, order)


def test_the_property_can_fail() -> None:
    code, ranges, found = analysed(ACTIONS + START + "p.push(a); let b = len(p);" + LOOP)
    without = [edge for edge in found if edge.name != "p"]
    expected = on_engine(reordered(code, ranges, list(range(len(ranges)))))
    results = {
        str(on_engine(reordered(code, ranges, shuffled(len(ranges), without, random.Random(seed)))).env["b"])
        for seed in range(20)
    }
    assert results - {str(expected.env["b"])}
