"""Handlers of ``try`` in compiled code, and what a failed statement leaves on the host's operand stack."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.compiler.test_exits import loops, run, unit
from zexus_parallel_plugin.engine import interpreter
from zexus_parallel_plugin.engine.compiler import unit as unit_module
from zexus_parallel_plugin.engine.compiler.unit import Unit

FAILING = 'action f(n) { require(n % 3 != 1, "one: " + n); if (n % 5 == 4) { return 1 / 0; } return n; }\n'


def left(execution: Any, name: str) -> int:
    """How often the unit of an action has left the rest to the interpreter."""
    return unit(execution, name).left


def test_errors_are_handled_without_leaving_the_unit() -> None:
    execution = run(
        FAILING
        + """
        action g(n) {
            let good = 0; let bad = []; let i = 0;
            while (i < n) {
                try { let got = f(i); good = good + got; } catch (e) { bad.push(e); }
                i = i + 1;
            }
            return [good, bad];
        }
        print(g(20));
        """
    )
    assert left(execution, "g") == 0
    assert "CAUGHT" in unit(execution, "g").source


def test_an_error_goes_to_the_innermost_handler_even_if_that_one_is_not_compiled() -> None:
    execution = run(
        FAILING
        + """
        action g(n) {
            let seen = [];
            for i in range(n) {
                try {
                    try { f(i); } catch (inner) { if (i == 4) { continue; } seen.push("inner " + inner); }
                    require(i != 5, "five");
                } catch (outer) { seen.push("outer " + outer); }
            }
            return seen;
        }
        print(g(3), g(12));
        """
    )
    assert "CAUGHT" in unit(execution, "g").source


def test_operands_of_a_failed_statement_stay_below() -> None:
    execution = run(
        FAILING
        + """
        action g(n) { for i in range(n) { try { let x = 100 + f(i); } catch (e) { } } }
        action h(n) { for i in range(n) { try { let x = 7 + f(i); } catch (e) { } } return; }
        print(g(9), g(1), h(9), h(1));
        let t = [];
        let k = 0;
        while (k < 9) { try { t.push(f(k)); } catch (problem) { t.push(problem); } k = k + 1; }
        """
    )
    assert left(execution, "g") == 0


@pytest.mark.parametrize("most", [0, 1, 3])
def test_many_operands_are_left_to_the_interpreter(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_module, "MOST_KEPT", most)
    monkeypatch.setattr(interpreter, "ROOM", most + 2)
    run(
        FAILING
        + """
        action g(n) { let i = 0; while (i < n) { i = i + 1; try { let x = 100 + f(i); } catch (e) { } } }
        print(g(30));
        let i = 0;
        let x = 0;
        while (i < 30) { i = i + 1; try { x = x + f(i); } catch (e) { print(e, i); } }
        """
    )


def test_variables_are_what_they_were_when_the_statement_failed() -> None:
    run(
        """
        action bump(n) { seen = seen + n; if (seen % 2 == 0) { return 1 / 0; } return seen; }
        action g(n) {
            let seen = n; let late = "before";
            let i = 0;
            while (i < 6) {
                i = i + 1;
                try { late = i; let got = bump(i); late = got; fresh = got; }
                catch (e) { late = late + "!" + seen; }
                print(i, late, seen, fresh);
            }
            return late;
        }
        let seen = 1;
        print(g(1), g(2), seen);
        let k = 0;
        while (k < 6) {
            k = k + 1;
            try { let made = bump(k); seen = seen + made; } catch (e) { seen = seen + 10; print(e, made); }
        }
        print(seen, made);
        """
    )


def test_handlers_leave_loops_return_and_fail() -> None:
    run(
        FAILING
        + """
        action first_bad(n) {
            for i in range(n) { try { f(i + 2); } catch (e) { return [i, e]; } }
            return "none";
        }
        action until(n) {
            let t = 0; let i = 0;
            while (true) {
                i = i + 1;
                try { t = t + f(i); } catch (e) { if (i > n) { break; } continue; }
                t = t + 1000;
            }
            return t;
        }
        action again(n) { try { return f(n); } catch (e) { return f(n + 1); } }
        action both(n) { try { return "good " + f(n); } catch (e) { return "bad " + e; } }
        print(first_bad(1), first_bad(9), until(3), until(9));
        for i in range(8) { print(both(i)); try { print(again(i)); } catch (e) { print("twice", e); } }
        """
    )


def test_handlers_inside_handlers() -> None:
    execution = run(
        FAILING
        + """
        action g(n) {
            let notes = [];
            for i in range(n) {
                try {
                    notes.push(f(i));
                    try { notes.push(f(i + 1)); }
                    catch (e) { notes.push("inner " + e); notes.push(f(i + 2)); }
                    notes.push("end");
                } catch (e) {
                    notes.push("outer " + e);
                    try { notes.push(f(i + 3)); } catch (e) { notes.push("last " + e); }
                }
            }
            return notes;
        }
        print(g(16));
        """
    )
    assert left(execution, "g") == 0


def test_errors_of_other_kinds_are_handled() -> None:
    run(
        """
        action text(n) { return "x".repeat(n); }
        let kinds = [];
        let i = 0;
        while (i < 4) {
            try {
                if (i == 1) { kinds.push(missing(1)); }
                if (i == 2) { kinds.push(text([])); }
                throw "thrown " + i;
            } catch (e) { kinds.push(e); }
            i = i + 1;
        }
        print(kinds);
        """
    )


@pytest.mark.parametrize("limit", [150, 400, 700, 1000, 1500, 1900])
def test_gas_ends_at_the_same_operation(limit: int) -> None:
    run(
        FAILING
        + """
        let t = 0;
        let i = 0;
        while (i < 12) { try { t = t + f(i); } catch (e) { t = t + len(e); } i = i + 1; }
        print(t);
        """,
        gas=limit,
    )


def test_a_loop_of_the_top_level_handles_errors_itself() -> None:
    execution = run(
        FAILING
        + """
        let t = 0;
        let i = 0;
        while (i < 30) { try { t = t + f(i); } catch (e) { t = t - 1; } i = i + 1; }
        print(t);
        """
    )
    (loop,) = loops(execution)
    assert isinstance(loop, Unit)
    assert loop.left == 0


def test_an_operand_that_may_fail_is_not_skipped() -> None:
    """A huge integer and a float: Python's error is the program's, unless the left side met it before."""
    execution = run(
        """
        let huge = 2 ** 60; let k = 0; while (k < 5) { huge = huge * huge; k = k + 1; }
        action g(a, b, c) {
            let notes = [];
            try { if (c && a + b < 3) { notes.push("yes"); } else { notes.push("no"); } }
            catch (e) { notes.push(e); }
            try { if (a + b < c && a + b > 0) { notes.push("yes"); } else { notes.push("no"); } }
            catch (e) { notes.push(e); }
            return notes;
        }
        print(g(1, 1, false), g(huge, 0.5, false), g(huge, 0.5, true), g(1, 0.5, 9));
        """
    )
    assert " and " in unit(execution, "g").source


def test_only_the_operators_that_failed_become_slow() -> None:
    execution = run(
        """
        action g(xs, i) { return xs[i] == xs[i + 1] && i + 1 < len(xs) && xs[0] * 2 + 1 > 0; }
        for i in range(12) { print(g([1, 2, 3], i)); }
        """
    )
    made = unit(execution, "g")
    assert {made.code.operation(pc) for pc in made.slow} == {"INDEX"}
