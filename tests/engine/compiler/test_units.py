"""Compiled code does what the host does, wherever the gas ends or it gives up, whenever it is compiled."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.programs import Result, compiled, limits, on_engine, on_host
from zexus_parallel_plugin.engine.compiler import support
from zexus_parallel_plugin.engine.compiler import tier as tiers

from .hard import PROGRAMS as HARD
from .small import PROGRAMS as SMALL

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.execution import Execution

ALL = {**SMALL, **HARD}
FALLIBLE = (
    "INDEX", "LENGTH", "ELEMENT", "PAIR", "KNOWN", "AS_TEXT", "RANGE", "CUT", "ATTRIBUTE", "REQUIRED",
    "ADD", "SUB", "MUL", "DIV", "MOD", "POW", "LT", "GT", "LTE", "GTE", "EQ", "NEQ", "AND", "OR",
)  # fmt: skip
"""Helpers of generated code that stand where it may give up."""

Patch = Callable[[dict[str, Any]], None]


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> Callable[[Patch], None]:
    """Change the names that generated code finds in its module."""
    names = support.names

    def patch(change: Patch) -> None:
        def changed(execution: Any) -> dict[str, Any]:
            namespace = names(execution)
            change(namespace)
            return namespace

        monkeypatch.setattr(support, "names", changed)

    return patch


@cache
def hosts(name: str) -> Result:
    """What the host does with a program."""
    return on_host(compiled(ALL[name]))


def same(expected: Result, found: Result, what: Any = "") -> None:
    assert found == expected, what
    assert not found.execution.counters["compiler-failed"], what


@pytest.mark.parametrize("name", ALL)
def test_at_many_gas_limits(name: str) -> None:
    bytecode = compiled(ALL[name])
    same(hosts(name), on_engine(bytecode, "compiled"))
    for limit in limits(bytecode, most=4):
        same(on_host(bytecode, gas=limit), on_engine(bytecode, "compiled", gas=limit), limit)


@pytest.mark.parametrize("name", ["if", "nested loops", "for each", "calls", "recursion", "try in a loop"])
def test_at_all_gas_limits(name: str) -> None:
    bytecode = compiled(ALL[name])
    for limit in limits(bytecode, most=80):
        same(on_host(bytecode, gas=limit), on_engine(bytecode, "compiled", gas=limit), limit)


@pytest.mark.parametrize("name", ["while", "for each", "calls", "recursion", "root loop"])
def test_limits_of_operations(name: str) -> None:
    bytecode = compiled(ALL[name])
    total = hosts(name).operations
    for limit in range(0, total + 1, max(1, total // 15)):
        expected = on_host(bytecode, operations=limit)
        same(expected, on_engine(bytecode, "compiled", operations=limit), limit)


@pytest.mark.parametrize(("name", "every"), [*((name, 1) for name in ALL), *((name, 3) for name in HARD)])
def test_where_helpers_give_up(name: str, every: int, patched: Callable[[Patch], None]) -> None:
    bytecode = compiled(ALL[name])
    calls = itertools.count(1)

    def sometimes(function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            if next(calls) % every == 0:
                raise support.Trap
            return function(*arguments)

        return call

    def change(namespace: dict[str, Any]) -> None:
        namespace.update({helper: sometimes(namespace[helper]) for helper in FALLIBLE})
        namespace["STORES"] = frozenset()

    expected = hosts(name)
    patched(change)
    same(expected, on_engine(bytecode, "compiled"))


@pytest.mark.parametrize("name", ALL)
def test_where_no_value_is_known_to_be_plain(name: str, patched: Callable[[Patch], None]) -> None:
    bytecode = compiled(ALL[name])
    expected = hosts(name)
    patched(lambda namespace: namespace.update(P=frozenset(), SIZED=frozenset(), COUNTED=frozenset()))
    same(expected, on_engine(bytecode, "compiled"))


@pytest.mark.parametrize("name", ALL)
def test_where_a_region_is_not_entered(name: str, patched: Callable[[Patch], None]) -> None:
    """The generated code believes in a limit that is not there: it exits, and everything goes on."""
    bytecode = compiled(ALL[name])
    expected = hosts(name)
    for limit in [0, *limits(bytecode, most=2)]:
        patched(lambda namespace, limit=limit: namespace.update(L=limit))
        same(expected, on_engine(bytecode, "compiled"), limit)


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize(
    "name", ["recursion", "mutual recursion", "recursion with root", "recursion local shared"]
)
def test_where_the_depth_ends(name: str, depth: int, patched: Callable[[Patch], None]) -> None:
    bytecode = compiled(ALL[name])
    expected = hosts(name)
    patched(lambda namespace: namespace.update(D=depth))
    same(expected, on_engine(bytecode, "compiled"))

    def lower(execution: Execution) -> None:
        execution.deepest = depth

    found = on_engine(bytecode, "compiled", prepare=lower)
    same(expected, found)
    assert found.execution.counters["depth"]


@pytest.mark.parametrize(
    ("name", "action_heat", "loop_heat"), [*((name, 30, 1) for name in ALL), *((name, 0, 3) for name in HARD)]
)
def test_whenever_it_is_compiled(
    name: str, action_heat: int, loop_heat: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bytecode = compiled(ALL[name])
    monkeypatch.setattr(tiers, "ACTION_HEAT", action_heat)
    monkeypatch.setattr(tiers, "LOOP_HEAT", loop_heat)
    same(hosts(name), on_engine(bytecode, "auto"))


def test_the_small_programs_end_well() -> None:
    for name in SMALL:
        assert not hosts(name).error, name
