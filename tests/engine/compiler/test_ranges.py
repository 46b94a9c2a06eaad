"""Which loops can be computed in ranges, and what their variables are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.programs import compiled, machine
from zexus_parallel_plugin.engine.compiler.carried import Carried
from zexus_parallel_plugin.engine.compiler.range_builder import RangePlan
from zexus_parallel_plugin.engine.compiler.tier import Tier
from zexus_parallel_plugin.engine.execution import Execution
from zexus_parallel_plugin.runtime.loops.extent import iterations_left

START = """
let xs = [3, 1, 2]; let rows = [[1], [2]]; let a = 0; let s = ""; let out = []; let m = {}; let best = 0;
let at = -1; let t = 1; let u = 2; let n = 5;
action square(k) { return k * k; }
action clobber(k) { a = k; return k; }
action peek(k) { return k + t; }
"""


def plan(loop: str) -> RangePlan | Carried:
    """The plan of the first loop of a program, with the variables of `START`."""
    execution = Execution(machine(), tier="interpreter")
    bytecode = compiled(START + loop)
    execution.run(bytecode)
    tier = Tier(execution, bytecode)
    code = execution.code.get(bytecode)
    function = tier.function(code)
    assert function is not None
    head = min(code.ends)
    return tier.builder.range_plan(function, head, execution.root)


def planned(loop: str) -> RangePlan:
    found = plan(loop)
    assert isinstance(found, RangePlan), found
    return found


@pytest.mark.parametrize(
    ("body", "accumulators"),
    [
        ("a = a + x;", [("a", "add")]),
        ("a = x + a;", [("a", "added to")]),
        ("a = a - x;", [("a", "subtract")]),
        ("a = a * x;", [("a", "multiply")]),
        ("a = a + x + 1;", [("a", "add")]),
        ("if (x > 1) { a = a + 1; }", [("a", "add")]),
        ("s = s + string(x);", [("s", "add")]),
        ("out.push(x);", [("out", "push")]),
        ("append(out, x);", [("out", "push")]),
        ("out = append(out, x);", [("out", "push")]),
        ("out = push(out, x);", [("out", "copy")]),
        ("m[string(x)] = x;", [("m", "store")]),
        ("let y = square(x); a = a + y; out.push(y);", [("a", "add"), ("out", "push")]),
        ("print(x);", []),
    ],
)
def test_accumulators(body: str, accumulators: list[tuple[str, str]]) -> None:
    found = planned(f"for each x in xs {{ {body} }}")
    assert list(found.accumulators) == accumulators
    assert "x" in found.private


@pytest.mark.parametrize(
    ("loop", "reason"),
    [
        ("for each x in xs { t = t * 2 + x; }", "loop-carried"),
        ("for each x in xs { a = a + x; print(a); }", "loop-carried"),
        ("for each x in xs { a = a + x; a = a * 2; }", "loop-carried"),
        ("for each x in xs { a = 2 * (a + x); }", "loop-carried"),
        ("for each x in xs { out.push(len(out)); }", "loop-changes-object"),
        ("for each x in xs { if (len(xs) < 9) { xs.push(x); } }", "loop-changes-object"),
        ("for each x in xs { if (m.has(x)) { print(x); } m[x] = 1; }", "loop-changes-object"),
        ("for each x in xs { if (x > best) { best = x + 1; } }", "loop-carried"),
        ("for each x in xs { if (x > best) { best = x; out.push(x); } }", "loop-carried"),
        ("for each x in xs { if (x > best) { best = x; } print(best); }", "loop-carried"),
        ("for each x in xs { if (x > best) { best = x; at = x; } at = 0; }", "loop-carried"),
        ("for each x in xs { a = a + clobber(x); }", "loop-scoping"),
        ("for each x in xs { print(peek(x)); t = x; }", "loop-scoping"),
        ("while (n > 0) { n = n - a - 1; }", "loop-count"),
        ("while (n > 0) { if (n == 3) { n = 2; continue; } n = n - 1; }", "loop-count"),
    ],
)
def test_what_keeps_iterations_together(loop: str, reason: str) -> None:
    found = plan(loop)
    assert isinstance(found, Carried), found
    assert found.reason == reason


def test_private_variables_are_assigned_before_they_are_read() -> None:
    found = planned("for each x in xs { let y = x * 2; if (y > 2) { u = y; } t = 5; print(peek(x)); }")
    assert found.private == ("t", "u", "x", "y")


@pytest.mark.parametrize("comparison", [">", "<", ">=", "<="])
def test_extrema(comparison: str) -> None:
    found = planned(f"for each x in xs {{ if (x {comparison} best) {{ best = x; at = x * 2; }} }}")
    (extremum,) = found.extrema
    assert (extremum.name, extremum.companions) == ("best", ("at",))
    assert extremum.gas > 0
    assert extremum.operations > 0


def test_an_extremum_may_stand_on_the_left() -> None:
    (extremum,) = planned("for each x in xs { if (best < x) { best = x; } }").extrema
    (other,) = planned("for each x in xs { if (x > best) { best = x; } }").extrema
    assert extremum.op == other.op


@pytest.mark.parametrize(
    ("loop", "counters", "elements"),
    [
        ("for each x in xs { print(x); }", {"__idx_1": 1}, "__iter_0"),
        ("for i in range(4) { print(i); }", {"__idx_1": 1}, "__iter_0"),
        ("while (n > 0) { print(n); n = n - 2; }", {"n": -2}, ""),
        ("let i = 0; while (i < len(xs)) { i = i + 1; if (i == 2) { continue; } print(i); }", {"i": 1}, ""),
        ("for each x in xs { if (x == 2) { continue; } print(x); }", {"__idx_1": 1}, "__iter_0"),
    ],
)
def test_counters(loop: str, counters: dict[str, int], elements: str) -> None:
    found = planned(loop)
    assert dict(found.counters) == counters
    assert found.elements == elements
    assert found.bound is not None


@pytest.mark.parametrize(
    ("loop", "left"),
    [
        ("while (i < n) { i = i + 1; }", 5),
        ("while (i <= n) { i = i + 2; }", 3),
        ("while (n > i) { i = i + 1; }", 5),
        ("while (n >= 1) { n = n - 1; }", 5),
        ("while (i < 3 * n) { i = i + 1; }", 15),
        ("while (i <= n / 2) { i = i + 1; }", 3),
        ("while (i + 1 < n) { i = i + 1; }", 4),
        ("while (i - 2 < len(xs)) { i = i + 1; }", 5),
        ("while (i < len(xs) - 1) { i = i + 1; }", 2),
        ("while (i < n * t + u) { i = i + 1; }", 7),
        ("while (i > n) { i = i - 1; }", 0),
        ("for each x in xs { print(x); }", 3),
        ("while (i * i < n) { i = i + 1; }", None),
        ("while (i < n && t < 2) { i = i + 1; }", None),
        ("while (i < n) { i = i + 1; n = n - 1; }", None),
        ("while (i < s) { i = i + 1; if (i > 9) { break; } }", None),
        ("while (i < n / at) { i = i + 1; }", None),
        ("while (i < n) { i = i - 1; if (i < -9) { break; } }", None),
    ],
)
def test_iterations_that_are_left(loop: str, left: int | None) -> None:
    found = planned(f"let i = 0; {loop}")
    variables = {"i": 0, "n": 5, "t": 1, "u": 2, "at": 0, "s": "", "xs": [3, 1, 2]}
    variables |= {"__iter_0": [3, 1, 2], "__idx_1": 0}
    assert iterations_left(found, variables.get) == left


@pytest.mark.parametrize(
    ("body", "mutates"),
    [
        ("let row = []; row.push(x); out.push(row);", False),
        ("let row = rows[0]; row.push(x);", True),
        ("rows[0].push(x);", True),
        ("let row = []; row.push(x); row = rows[0];", True),
        ("print(rows[0]);", False),
    ],
)
def test_changes_of_what_others_see(body: str, mutates: bool) -> None:
    assert planned(f"for each x in xs {{ {body} }}").mutates is mutates


def test_a_counted_unit_stops_at_the_head() -> None:
    execution = Execution(machine(), tier="interpreter")
    bytecode = compiled("let t = 0; let i = 0; while (i < 9) { t = t + i; i = i + 1; }")
    execution.run(bytecode)
    execution.root.env.update(t=0, i=0)
    tier = Tier(execution, bytecode)
    code: Any = execution.code.get(bytecode)
    (head,) = code.ends
    assert tier.run_counted(code, head, execution.root, 4) == (-1, (), ())
    assert (execution.root.env["t"], execution.root.env["i"]) == (6, 4)
    landing = tier.run_counted(code, head, execution.root, 100)
    assert landing is not None
    assert landing[0] == code.ends[head] + 1
    assert execution.root.env["t"] == sum(range(9))
