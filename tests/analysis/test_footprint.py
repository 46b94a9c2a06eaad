"""Footprints: what a call can touch, with everything that it may call."""

from __future__ import annotations

from typing import Any

from zexus.evaluator import Evaluator
from zexus.vm.vm import VM

from tests.runtime.running import compiled
from zexus_parallel_plugin.analysis.effects import PURE_BUILTINS
from zexus_parallel_plugin.analysis.footprint import Footprint, Footprints
from zexus_parallel_plugin.analysis.names import assigned_names
from zexus_parallel_plugin.engine.code import CodeCache


def footprint(source: str, name: str = "f", bound: int = 99, extra: tuple[str, ...] = ()) -> Footprint:
    code = compiled(source)
    functions: dict[str, Any] = {
        c["name"]: c for c in code.constants if isinstance(c, dict) and "bytecode" in c
    }
    cache = CodeCache(VM())
    builtins = Evaluator(use_vm=False).builtins
    made = Footprints(lambda function: cache.get(function["bytecode"]), builtins, PURE_BUILTINS)
    return made.of_call(functions[name], bound, [functions[other] for other in extra], functions.get)


def test_own_variables_are_not_read_from_callers_unless_they_may_be() -> None:
    found = footprint("action f(a) { let b = a; return b + c; }")
    assert found.reads == ("b", "c")
    assert found.writes == {"b"}
    assert found.own_writes == {"b"}


def test_unbound_parameters_belong_to_the_callers() -> None:
    found = footprint("action f(a, b) { return a + b; }", bound=1)
    assert found.reads == ("b",)


def test_what_callees_touch_counts() -> None:
    found = footprint("action g(x) { y = x + z; return y; } action f(a) { return g(a); }")
    assert found.reads == ("g", "y", "z")
    assert found.writes == {"y"}
    assert found.own_writes == frozenset()
    assert [name for name, _ in found.resolved] == ["g"]


def test_callees_with_fewer_arguments_than_parameters() -> None:
    found = footprint("action g(x, y) { return x + y; } action f(a) { return g(a); }")
    assert found.reads == ("g", "y")


def test_callees_behind_parameters() -> None:
    source = "action g(x) { return x + z; } action f(fn, a) { return fn(a); }"
    assert footprint(source, extra=("g",)).reads == ("z",)
    assert footprint(source).reads == ()


def test_a_parameter_with_the_name_of_an_action() -> None:
    source = "action g(x, y) { return x + y; } action h(x) { return 1; } action f(h, a) { return h(a); }"
    assert "y" in footprint(source, extra=("g",)).reads


def test_actions_defined_inside() -> None:
    found = footprint("action f(a) { action inner(x) { return x + hidden; } return inner(a); }")
    assert "hidden" in found.reads
    assert "inner" in found.writes


def test_effects_and_mutation_come_up_from_callees() -> None:
    source = "action h(x) { x.push(now()); } action g(x) { h(x); } action f(a) { g(a); }"
    found = footprint(source)
    assert found.effect == "effect-time"
    assert found.mutates


def test_loops_and_recursion_are_heavy() -> None:
    assert footprint("action f(a) { while (a > 0) { a = a - 1; } }").heavy
    assert footprint("action f(a) { if (a < 2) { return 1; } return f(a - 1); }").heavy
    assert footprint(
        "action g(a) { if (a < 2) { return 1; } return f(a - 1); } action f(a) { return g(a); }"
    ).heavy
    assert not footprint("action g(a) { return a; } action f(a) { return g(a) + g(a); }").heavy


def test_assigned_names() -> None:
    code = compiled(
        "let a = 1; action f(b) { let c = 2; action g(d) { return 1; } } for each e in [1] { print(e); }"
    )
    assert {"a", "f", "b", "c", "g", "d", "e"} <= assigned_names(code)
    assert "print" not in assigned_names(code)
