"""What is assumed of the kinds of values holds, and checks that it makes needless are not written."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.engine.programs import compiled, on_engine
from zexus_parallel_plugin.engine.compiler import kinds
from zexus_parallel_plugin.engine.compiler.unit import Unit
from zexus_parallel_plugin.host.values import NUMBERS, PLAIN

KINDS = (
    kinds.ANY, kinds.CONDITION, kinds.PLAIN, kinds.BOOL, kinds.NUMBER, kinds.TEXT, kinds.LIST, kinds.MAP,
)  # fmt: skip
VALUES: tuple[Any, ...] = (True, 1, 2.5, "a", [1], {}, None, object())


def source(program: str, name: str) -> str:
    execution = on_engine(compiled(program), "compiled").execution
    builder = execution.tier.builder
    units = [*builder.units.values(), *builder.loops.values()]
    return next(unit.source for unit in units if isinstance(unit, Unit) and unit.name.startswith(name))


@pytest.mark.parametrize(("first", "second"), list(itertools.product(KINDS, repeat=2)))
def test_a_merged_kind_includes_both_and_is_the_least_that_does(first: str, second: str) -> None:
    both = kinds.merged(first, second)
    assert kinds.includes(both, first)
    assert kinds.includes(both, second)
    assert both == kinds.merged(second, first)
    for other in KINDS:
        if kinds.includes(other, first) and kinds.includes(other, second):
            assert kinds.includes(other, both)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_test_for_a_mismatch_is_about_the_kind_of_the_value(value: Any) -> None:
    own = kinds.kind_of(value)
    for kind in set(KINDS) - {kinds.ANY, kinds.CONDITION}:
        test = kinds.mismatch(kind, "v")
        wrong = eval(test, {"v": value, "P": PLAIN, "NUMBERS": NUMBERS})
        assert wrong is not kinds.includes(kind, own)
    assert not kinds.mismatch(kinds.ANY, "v")


def test_numbers_stay_numbers_around_a_loop() -> None:
    text = source(
        """action f(n) { let s = 0; let i = 0; while (i < n) { s = (s + i * i) % 7; i = i + 1; } return s; }
        print(f(4));""",
        "u_f",
    )
    assert "% 7" in text
    assert "NUMBERS" not in text


def test_a_variable_with_values_of_other_kinds_is_looked_at() -> None:
    text = source(
        """action f(n) { let s = 0; let i = 0;
        while (i < n) { s = s % 7; if (i == 2) { s = "a"; } i = i + 1; } return s; } print(f(2));""",
        "u_f",
    )
    assert "NUMBERS" in text


def test_lists_and_maps_that_are_known_need_no_checks() -> None:
    text = source(
        """action f(n) { let xs = []; let m = {}; let i = 0;
        while (i < n) { xs.push(i); xs[i] = 0; m["a"] = xs.length(); append(xs, m.has("a")); i = i + 1; }
        return xs; } print(f(1));""",
        "u_f",
    )
    assert "type(" not in text


def test_a_result_that_is_dropped_is_not_kept() -> None:
    text = source("action f(xs) { xs.push(1); return 0; } print(f([])); print(f([1]));", "u_f")
    assert "if type(v_xs) is list: v_xs.append(1)\n" in text


def test_a_loop_of_a_frame_looks_once_at_what_it_finds() -> None:
    program = """let x = %s; let i = 0; let s = 0;
    while (i < 5) { s = s + x %% 2; i = i + 1; } print(s);"""
    text = source(program % "3", "loop")
    assert "if type(v_x) not in NUMBERS: raise TRAP" in text
    assert "MODULO" not in text
    assert "if type(v_x) is not str: raise TRAP" in source(program % '"3"', "loop")


def test_a_loop_that_finds_other_kinds_is_content_with_plain_values() -> None:
    program = """
    action f(x) {
        while (true) { try { break; } catch (e) { print(e); } }  // the action itself is not compiled
        let t = ""; let i = 0; while (i < 3) { t = t + x; i = i + 1; } return t; }
    for each y in [1, "a", 2, "b", 3, "c", 4, "d"] { print(f(y)); }"""
    execution = on_engine(compiled(program), "compiled").execution
    assert list(execution.tier.rebuilds.values()) == [1]
    assert execution.tier.rebuilds.keys() == execution.tier.builder.mixed_loops


def test_what_is_owed_is_added_once_in_an_iteration() -> None:
    text = source(
        """action f(n) { let a = 0; let i = 0; while (i < n) { if (i % 2 == 0) { let j = 0;
        while (j < i) { j = j + 1; } a = a + j; } i = i + 1; } return a; } print(f(5));""",
        "u_f",
    )
    body = text[text.index("while True:") :]
    assert body.count("g += ") <= 3  # of the inner loop, of the longer side, of the iteration


def test_text_and_the_value_of_a_call_are_joined_without_leaving_the_unit() -> None:
    text = source(
        """action f(n) { return n * 2; } action g(n) { let k = 0;
        while (k < n) { print("line " + k + ": " + f(k)); k = k + 1; } return k; } print(g(4));""",
        "u_g",
    )
    assert "AS_TEXT(t" in text


def test_text_that_grows_is_expected_to_grow_by_text() -> None:
    text = source(
        """action g(xs) { let s = ""; for each x in xs { s = s + x; } return s; } print(g(["a", "b"]));""",
        "u_g",
    )
    assert "AS_TEXT" not in text
