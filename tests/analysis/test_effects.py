"""The tables of effects against the installed host, and the summaries made with them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from zexus.evaluator import Evaluator
from zexus.vm import vm as host_vm
from zexus.vm.vm import VM

from zexus_parallel_plugin.analysis.effects import (
    EFFECT_OF_BUILTIN,
    PURE_BUILTINS,
    PURE_METHODS,
    summarize,
)
from zexus_parallel_plugin.engine.code import prepare
from zexus_parallel_plugin.reasons import REASONS

BUILTINS = dict(Evaluator(use_vm=False).builtins)


def summary(source: str, name: str = "f") -> Any:
    from tests.runtime.running import compiled

    code = compiled(source)
    functions = {c["name"]: c for c in code.constants if isinstance(c, dict) and "bytecode" in c}
    bytecode = functions[name]["bytecode"] if name else code
    return summarize(prepare(VM(), bytecode), BUILTINS)


def test_every_name_in_the_tables_is_one_of_the_host() -> None:
    assert (
        BUILTINS.keys() | host_vm.VM._VM_NATIVE_NAMES >= PURE_BUILTINS
        if hasattr(host_vm.VM, "_VM_NATIVE_NAMES")
        else PURE_BUILTINS - BUILTINS.keys() <= {"append", "push", "string", "length", "len", "str", "range"}
    )
    assert EFFECT_OF_BUILTIN.keys() <= BUILTINS.keys()
    assert not PURE_BUILTINS & EFFECT_OF_BUILTIN.keys()
    tables = {*host_vm._LIST_METHODS, *host_vm._DICT_METHODS, *host_vm._STR_METHODS, "get"}
    assert tables >= PURE_METHODS


def test_every_effect_has_a_reason() -> None:
    assert {*EFFECT_OF_BUILTIN.values(), "effect-builtin", "effect-method", "effect-opcode"} <= REASONS.keys()


SAMPLES: list[list[Any]] = [
    [], [1], [-2.5], ["abc"], ["3"], [None], [True], [[3, 1, 2]], [{"a": 1}], ["abc", "b"], [[1, 2], 0],
    [[1, 2], 5], ["abc", 1], [{"a": [1]}, "a"], [1, 5], ["a,b", ","], [[1, [2]], 1, 2], ["abc", 0, 2], ["ff"],
    [[["x"]]],
]  # fmt: skip


@pytest.mark.parametrize("name", sorted(PURE_BUILTINS & BUILTINS.keys()))
def test_pure_builtins_depend_on_their_arguments_only(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    vm = VM()
    for sample in SAMPLES:
        first, second = copy.deepcopy(sample), copy.deepcopy(sample)
        one = vm._invoke_callable_sync(BUILTINS[name], first)
        two = vm._invoke_callable_sync(BUILTINS[name], second)
        assert first == sample == second, "it changes an argument"
        assert str(one) == str(two)
        assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", sorted(PURE_METHODS))
def test_pure_methods_leave_their_target_alone(name: str) -> None:
    for target, table in (
        ([3, 1, [2]], host_vm._LIST_METHODS),
        ({"a": [1], "b": 2}, host_vm._DICT_METHODS),
        ("abc abc", host_vm._STR_METHODS),
    ):
        for args in ([], [1], ["a"], [0, 1], ["a", "b"]):
            before = copy.deepcopy(target)
            try:
                if name in table:
                    table[name](target, args)
                elif callable(getattr(target, name, None)):
                    getattr(target, name)(*args)
            except Exception:
                continue
            finally:
                assert target == before


def test_names_of_an_action() -> None:
    found = summary("action f(a) { let b = a + c; g(b); return len(d); }")
    assert found.reads == {"a", "b", "c", "d", "g"}
    assert found.calls == {"g": 1}
    assert found.stores == {"b"}
    assert (found.effect, found.mutates, found.loops) == ("", False, False)


@pytest.mark.parametrize(
    ("body", "effect"),
    [
        ("now();", "effect-time"),
        ("random(3);", "effect-random"),
        ("return input(1);", "effect-input"),
        ('file_read_text("x");', "effect-files"),
        ('debug("x");', "effect-builtin"),
        ("return a.__class__();", "effect-method"),
        ("print(a);", ""),
        ("return a.upper();", ""),
        ("return sqrt(a);", ""),
    ],
)
def test_effects(body: str, effect: str) -> None:
    assert summary(f"action f(a) {{ {body} }}").effect == effect


@pytest.mark.parametrize(
    ("body", "mutates"),
    [
        ("a.push(1);", True),
        ("append(a, 1);", True),
        ("a[0] = 1;", True),
        ("a.insert(0, 1);", True),
        ("return push(a, 1);", False),
        ("return a.sort();", False),
        ("return a[0];", False),
    ],
)
def test_mutation(body: str, mutates: bool) -> None:
    assert summary(f"action f(a) {{ {body} }}").mutates is mutates


def test_loops() -> None:
    assert summary("action f(a) { while (a > 0) { a = a - 1; } }").loops
    assert summary("action f(a) { for each x in a { print(x); } }").loops
    assert not summary("action f(a) { if (a) { return 1; } return 2; }").loops


def test_the_page_has_every_opcode() -> None:
    import re
    from pathlib import Path

    from zexus_parallel_plugin.engine import isa

    page = (Path(__file__).parents[2] / "docs" / "analysis.md").read_text(encoding="utf-8")
    table = page.partition("What an instruction does")[2].partition("## Loops")[0]
    listed = re.findall(r"`([A-Z_]+)`", table)
    assert sorted(listed) == sorted([*isa.NUMBERS, "PARALLEL_MAP"])
