"""Verdicts on loops: every shape that may run in parallel, and every hazard that forbids it."""

from __future__ import annotations

import pytest

from tests.analysis.planning import NOBODY, WORK, only, planned, plans, text_of
from tests.engine.programs import assembled, machine
from zexus_parallel_plugin.analysis.loops import classify_all
from zexus_parallel_plugin.engine.code import CodeCache
from zexus_parallel_plugin.reasons import REASONS

NESTED = """
let c = [];
for i in range(n) {
    let row = [];
    for j in range(n) {
        let cell = 0;
        for k in range(n) { cell = cell + a[i][k] * b[k][j]; }
        row.push(cell);
    }
    c.push(row);
}
"""


def each(body: str) -> str:
    """A loop through a list."""
    return "for each x in xs {" + body + "}"


# -- shapes


@pytest.mark.parametrize(
    ("statement", "in_place"),
    [
        ("out = push(out, work(x));", False),
        ("append(out, work(x));", True),
        ("out.push(work(x));", True),
        ("out.append(work(x));", True),
        ("out = append(out, work(x));", True),
        ("out = out.push(work(x));", True),
    ],
)
def test_lists_are_built(statement: str, in_place: bool) -> None:
    plan = only(WORK + "let out = [];" + each(statement))
    assert plan.verdict == "map"
    (out,) = plan.accumulators
    assert (out.name, out.kind, out.in_place, out.conditional) == ("out", "list", in_place, False)
    assert plan.apart == in_place
    assert [call.ahead for call in plan.calls] == [True]


@pytest.mark.parametrize(
    "loop",
    [
        "for each i in xs { total = total + work(i); }",
        "for i in range(n) { total = total + work(i); }",
        "for i in range(n) { total += work(i); }",
        "let i = 0; while (i < n) { total = total + work(i); i = i + 1; }",
        "let i = n; while (i > 0) { i = i - 2; total = total + work(i); }",
        "let i = 0; while (n >= i) { total = total + work(i); i += 3; }",
    ],
)
def test_totals(loop: str) -> None:
    plan = only(WORK + "let total = 0;" + loop)
    assert plan.verdict == "reduction"
    (total,) = plan.accumulators
    assert (total.name, total.kind, total.operators) == ("total", "fold", {"+"})
    assert total.types == {"int", "str", "list"}


@pytest.mark.parametrize(
    ("statement", "types"),
    [
        ("t = t + x;", {"int", "str", "list"}),
        ("t = x + t;", {"int"}),
        ("t = t - x;", {"int"}),
        ("t = t * x;", {"int"}),
        ("t = t + x; t = t - 1;", {"int"}),
    ],
)
def test_exact_types_of_partial_results(statement: str, types: set[str]) -> None:
    assert only(each(statement)).types == {"t": types}


@pytest.mark.parametrize("statement", ["t = x - t;", "t = t + x; t = t * 2;", "t = t / x;", "t = t % x;"])
def test_other_operators_are_no_accumulation(statement: str) -> None:
    plan = only(each(statement))
    assert (plan.verdict, plan.reason) == ("illegal", "loop-carried")


@pytest.mark.parametrize("start", ["0.0", "1.5"])
def test_sums_of_floats_keep_their_order(start: str) -> None:
    plan = only(WORK + f"let t = {start};" + each("t = t + work(x);"))
    assert (plan.verdict, plan.against) == ("fission", "float-order")
    plan = only(f"let t = {start};" + each("t = t + x;"))
    assert (plan.verdict, plan.reason) == ("illegal", "float-order")


def test_maps_are_filled() -> None:
    plan = only(WORK + "let m = {}; for each k in ks { m[k] = work(k); }")
    assert plan.verdict == "map"
    (m,) = plan.accumulators
    assert (m.name, m.kind, m.in_place) == ("m", "store", True)


def test_printing() -> None:
    plan = only(WORK + "for each x in xs { print(work(x)); }")
    assert (plan.verdict, plan.prints, plan.accumulators) == ("map", True, ())


def test_nested_loops_without_calls() -> None:
    outer, middle, inner = plans(NESTED)
    assert [plan.verdict for plan in (outer, middle, inner)] == ["map", "map", "reduction"]
    assert (outer.parent, middle.parent, inner.parent) == (-1, outer.head, middle.head)
    assert [plan.depth for plan in (outer, middle, inner)] == [0, 1, 2]
    assert outer.reads == {"a", "b", "n"}
    assert {"row", "cell", "i", "j", "k"} <= outer.private
    assert "row" in outer.always
    assert "cell" not in outer.always, "no iteration of the middle loop needs to happen"
    assert [a.name for a in outer.accumulators] == ["c"]
    assert inner.reads == {"a", "b", "i", "j"}


def test_conditional_accumulation() -> None:
    plan = only(
        WORK + "for i in range(n) { if (is_prime(i)) { count = count + 1; found = push(found, i); } }"
    )
    assert plan.verdict == "reduction"
    assert {(a.name, a.kind, a.conditional) for a in plan.accumulators} == {
        ("count", "fold", True), ("found", "list", True),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "order"),
    [
        ("let v = work(x); if (v > best) { best = v; }", ">"),
        ("let v = work(x); if (best < v) { best = v; at = x; }", ">"),
        ("if (x * 2 <= best) { best = x * 2; }", "<="),
        ("let v = work(x); if (v > best) { best = v; } else { print(v); }", ">"),
    ],
)
def test_greatest_and_least(body: str, order: str) -> None:
    plan = only(WORK + each(body))
    assert plan.verdict == "reduction"
    best = next(a for a in plan.accumulators if a.name == "best")
    assert (best.kind, best.operators) == ("extreme", {order})
    assert best.companions == ({"at"} if "at" in body else set())


@pytest.mark.parametrize(
    "body",
    [
        "let v = work(x); if (v > best) { best = v + 1; }",
        "let v = work(x); if (v > best) { v = 3; best = v; }",
        "let v = work(x); if (v > best) { best = v; print(best); }",
        "let v = work(x); if (v > best) { best = v; at = x; } print(at);",
        "if (work(x) > best) { best = work(x); }",
        "let v = work(x); if (v != best) { best = v; }",
    ],
)
def test_what_only_looks_like_a_greatest_value(body: str) -> None:
    plan = only(WORK + each(body))
    assert plan.verdict == "fission", "the calls run ahead all the same"
    assert plan.against == "loop-carried"


def test_several_loops_one_after_another() -> None:
    found = plans(
        WORK + "for each x in xs { a = a + work(x); } for each y in ys { b.push(work(y)); }"
        "let i = 0; while (i < n) { c[i] = work(i); i = i + 1; }"
    )
    assert [plan.verdict for plan in found] == ["reduction", "map", "map"]


def test_loops_in_actions() -> None:
    plan = only(
        WORK
        + "action main() { let t = 0; let i = 0; while (i < n) { t = t + work(i); i = i + 1; } return t; }",
        "main",
    )
    assert plan.verdict == "reduction"
    assert plan.live_out == {"t"}, "the counter dies with the frame"


# -- how a loop counts


@pytest.mark.parametrize(
    ("loop", "trips"),
    [
        ("for i in range(12) { t = t + i; }", 12),
        ("for i in range(2, 12) { t = t + i; }", 10),
        ("for each i in [1, 2, 3] { t = t + i; }", 3),
        ("let i = 0; while (i < 10) { t = t + i; i = i + 3; }", 4),
        ("let i = 0; while (i <= 9) { t = t + i; i = i + 3; }", 4),
        ("let i = 9; while (i >= 0) { t = t + i; i = i - 3; }", 4),
        ("let i = 0; while (i < 4 * 5) { t = t + i; i = i + 1; }", 20),
        ("let i = 5; while (i < 5) { t = t + i; i = i + 1; }", 0),
        ("while (i < 10) { t = t + i; i = i + 3; }", -1),
        ("for i in range(n) { t = t + i; }", -1),
    ],
)
def test_trip_counts(loop: str, trips: int) -> None:
    assert only(loop).trips == trips


@pytest.mark.parametrize(
    "loop",
    [
        "let i = 0; while (i < n) { t = t + i; if (i > 3) { i = i + 1; } i = i + 1; }",
        "let i = 1; while (i < n) { t = t + i; i = i * 2; }",
        "let i = 0; while (i < n) { t = t + i; if (t2 > 3) { i = i + 1; } }",
        "let i = 0; while (i < n) { t = t + 1; n = n - 1; i = i + 1; }",
        "let i = 0; while (i < n) { t = t + 1; i = i - 1; }",
        "let i = 0; while (i * i < n) { t = t + 1; i = i + 1; }",
        "let i = 0; while (i < work(9)) { t = t + 1; i = i + 1; }",
        "let i = 0; while (i != n) { t = t + 1; i = i + 1; }",
    ],
)
def test_loops_that_cannot_be_counted(loop: str) -> None:
    plan = plans(WORK + loop)[0]
    assert plan.iteration is None
    assert not plan.splits
    assert plan.against in {"loop-carried", "loop-count"}


def test_the_length_of_a_growing_list_is_no_bound() -> None:
    plan = only("let i = 0; while (i < len(xs)) { xs.push(i); i = i + 1; }")
    assert (plan.verdict, plan.reason) == ("illegal", "loop-changes-object")


def test_key_and_value() -> None:
    plan = only("for each k, v in m { t = t + v; }")
    assert plan.iteration is not None
    assert sorted(plan.iteration.variables) == ["k", "v"]


def test_a_program_that_uses_the_hosts_temporaries() -> None:
    plan = only("for each x in xs { t = t + x; print(__idx_1); }")
    assert plan.iteration is not None
    assert plan.iteration.kind == "counter", "the list and the index are variables like others"
    assert "__iter_0" in plan.reads


def test_ranges_of_instructions() -> None:
    code, (plan,) = planned("let i = 0; while (i < n) { t = t + i; i = i + 1; } print(t);")
    assert text_of(code, plan.head)[0] == "NOP"
    assert text_of(code, plan.body[0] - 1)[0] == "JUMP_IF_FALSE"
    assert text_of(code, plan.end - 1) == ("JUMP", plan.head)
    assert plan.exit == plan.end
    assert plan.iteration is not None
    assert text_of(code, plan.iteration.update) == ("STORE_NAME", "i")
    assert [text_of(code, pc) for pc in range(*plan.iteration.bound)] == [("LOAD_NAME", "n")]


# -- hazards


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("state = (state * 7 + x) % 11; out.push(state);", "state"),
        ("out.push(x - last); last = x;", "last"),
        ("t = t + x; print(t);", "t"),
        ("t = t + x; if (t > 100) { print(x); }", "t"),
        ("out = push(out, len(out));", "out"),
        ("if (x > 3) { seen = x; } print(seen);", "seen"),
        ("t = t + x; u = u + t;", "t"),
        ("let a = b; b = x; out.push(a);", "b"),
    ],
)
def test_state_from_iteration_to_iteration(body: str, name: str) -> None:
    code, (plan,) = planned(each(body))
    assert (plan.verdict, plan.reason) == ("illegal", "loop-carried")
    assert plan.blocker is not None
    assert (plan.blocker.name, plan.blocker.kind, plan.blocker.proven) == (name, "RAW", True)
    assert text_of(code, plan.blocker.source)[1] == name
    assert text_of(code, plan.blocker.target)[1] == name


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("if (x > 3) { break; } t = t + x;", "loop-leaves"),
        ("out[0].push(x);", "loop-changes-object"),
        ("grid[x] = grid[x - 1];", "loop-changes-object"),
        ("out.push(x); print(len(out));", "loop-changes-object"),
        ("q.pop();", "loop-changes-object"),
        ("xs.push(x);", "loop-changes-source"),
        ("append(xs, x); t = t + x;", "loop-changes-source"),
        ("t = t + random(3);", "effect-random"),
        ("t = t + now();", "effect-time"),
        ("t = t + unknown_thing(x);", "loop-unknown-call"),
        ("try { t = t + x; continue; } catch (e) { print(e); }", "loop-handler"),
    ],
)
def test_hazards(body: str, reason: str) -> None:
    plan = only(each(body))
    assert (plan.verdict, plan.reason) == ("illegal", reason)


def test_a_return_in_a_loop() -> None:
    plan = only("action seek(xs) { for each x in xs { if (x > 3) { return x; } } return 0; }", "seek")
    assert (plan.verdict, plan.reason) == ("illegal", "loop-leaves")


def test_continue_is_no_hazard() -> None:
    plan = only("for each x in xs { if (x > 3) { continue; } t = t + x; }")
    assert plan.verdict == "reduction"
    assert plan.accumulators[0].conditional


def test_a_closed_try_is_no_hazard() -> None:
    plan = only("for each x in xs { try { t = t + 1 / x; } catch (e) { u = u + 1; } }")
    assert plan.verdict == "reduction"


def test_what_the_iteration_has_made_may_be_changed() -> None:
    plan = only("for each x in xs { let r = []; r.push(x); let m = {}; m[x] = r; r.push(2); out.push(m); }")
    assert plan.verdict == "map"
    assert [a.name for a in plan.accumulators] == ["out"]


def test_an_element_is_part_of_what_it_was_taken_from() -> None:
    plan = only("for each x in xs { let r = [grid]; r[0].push(x); }")
    assert plan.reason == "loop-changes-object"
    assert plan.blocker is not None
    assert plan.blocker.name == "grid"
    plan = only("for each row in rows { row.push(1); }")
    assert plan.reason == "loop-changes-source"


def test_objects_that_become_part_of_results_are_named() -> None:
    assert "table" in only("for each x in xs { out.push(table[x]); }").shares
    assert only("for i in range(n) { out.push(i * 2); }").shares == frozenset()


# -- calls, and dynamic scope


@pytest.mark.parametrize(
    ("helper", "reason"),
    [
        ("action f(x) { total = 3; return x; }", "writes-caller-variable"),
        ("action f(x) { for each q in [1, 2] { x = x + q; } return x; }", "writes-caller-variable"),
        ("action f(x) { print(total); return x; }", "loop-carried"),
        ("action g(x) { return total; } action f(x) { return g(x); }", "loop-carried"),
        ("action f(x) { notes.push(x); return x; }", "loop-changes-object"),
        ("action f(x) { return random(x); }", "effect-random"),
    ],
)
def test_what_a_callee_can_do_to_its_caller(helper: str, reason: str) -> None:
    plan = only(helper + "let notes = []; let total = 0; for each x in xs { total = total + f(x); }")
    assert (plan.verdict, plan.against) == ("illegal", reason)


def test_names_of_callers_further_up() -> None:
    source = (
        "action f(x) { shared = x; return x; }"
        "action main() { let t = 0; let i = 0; while (i < n) { t = t + f(i); i = i + 1; } return t; }"
    )
    assert only(source, "main").verdict == "reduction"
    plan = only(source, "main", outer_names=frozenset({"shared"}))
    assert (plan.verdict, plan.reason) == ("illegal", "writes-caller-variable")


def test_a_variable_that_is_made_behind_the_loop_is_not_there_yet() -> None:
    loop = "let i = 0; while (i < n) { t = t + f(i); i = i + 1; }"
    helper = "action f(x) { q = x; return x; } let t = 0;"
    assert only(helper + loop + "let q = 1;").verdict == "reduction"
    assert only(helper + "let q = 1;" + loop).reason == "writes-caller-variable"
    inner = plans(helper + "let j = 0; while (j < n) {" + loop + "let q = 1; j = j + 1; }")[1]
    assert inner.reason == "writes-caller-variable"


def test_calls_that_depend_on_each_other() -> None:
    plan = only(WORK + "for each x in xs { let a = work(x); let b = work(a); print(b); }")
    first, second = plan.calls
    assert (first.ahead, second.ahead, second.reason) == (True, False, "unknown-input")
    assert second.because == first.pc
    assert plan.verdict == "map", "whole iterations are independent all the same"


def test_calls_run_ahead_of_carried_state() -> None:
    plan = only(
        WORK + "for each x in xs { seed = (seed * 5 + 1) % 77; print(seed); t = (t + work(seed)) % 7; }"
    )
    assert (plan.verdict, plan.against) == ("fission", "loop-carried")
    plan = only(WORK + "for each x in xs { t = work(t); }")
    assert (plan.verdict, plan.reason) == ("illegal", "loop-carried")
    assert plan.calls[0].reason == "unknown-input"


def test_a_call_under_a_condition_on_a_result() -> None:
    plan = only(WORK + "for each x in xs { if (work(x) > 3) { k = k + x; } print(k); t = t + work(k); }")
    assert [call.ahead for call in plan.calls] == [True, False]


def test_a_callee_that_reads_a_changing_list() -> None:
    plan = only(
        "action f(n) { let q = 0; while (q < len(notes)) { q = q + notes[q]; } return q + n; }"
        "let notes = []; for each x in xs { notes.push(x); t = t + f(x); }"
    )
    assert plan.verdict == "illegal"
    assert plan.calls[0].reason == "changed-containers"


# -- does it pay; the rest


def test_short_loops_do_not_pay() -> None:
    plan = only("for i in range(10) { t = t + i; }")
    assert (plan.verdict, plan.reason) == ("unprofitable", "loop-short")
    assert only("for i in range(100000) { t = t + i; }").verdict == "reduction"
    assert only(WORK + "for i in range(10) { t = t + work(i); }").verdict == "reduction"


def test_a_stack_without_bounds() -> None:
    growing = assembled(
        "NOP", ("LOAD_NAME", "x"), ("JUMP_IF_FALSE", 5), ("LOAD_NAME", "x"), ("JUMP", 0), "NOP"
    )
    code = CodeCache(machine()).get(growing)
    (plan,) = classify_all(code, NOBODY, main=True).values()
    assert (plan.verdict, plan.reason) == ("host", "scout-unverified")


@pytest.mark.parametrize(
    ("helper", "verdict"),
    [
        ("action f(a, b) { let r = []; r.push(a); return r; }", "map"),
        ("action f(a, b) { let r = [b]; r[0].push(1); return 1; }", "illegal"),
        ("action f(a, b) { b.push(a); return 1; }", "illegal"),
        ("action f(a, b) { g(b); return 1; } action g(c) { c[0] = 1; return c; }", "illegal"),
        ("action f(a, b) { g([a]); return 1; } action g(c) { c[0] = 1; return c; }", "map"),
        ("action f(a, b) { if (a > 1) { return f(a - 1, b); } let r = []; r.push(a); return r; }", "map"),
        ("action f(a, b) { if (a > 1) { return f(a - 1, b); } b.push(a); return b; }", "illegal"),
        ("action f(a, b) { notes[a] = b; return a; }", "illegal"),
    ],
)
def test_objects_that_a_callee_changes(helper: str, verdict: str) -> None:
    plan = only(helper + "for i in range(n) { out.push(f(i, table)); }")
    assert plan.verdict == verdict
    assert plan.reason == {"map": "parallel-ranges", "illegal": "loop-changes-object"}[verdict]


def test_every_reason_is_registered() -> None:
    import ast
    from pathlib import Path

    import zexus_parallel_plugin.analysis.loops as module

    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    used = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and "-" in node.value
        and " " not in node.value
    }
    assert used <= REASONS.keys()
