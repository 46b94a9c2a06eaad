"""Verdicts, dependences with both places, the graph, and the estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.explain.telling import WORK, at, explained
from zexus_parallel_plugin.reasons import REASONS

if TYPE_CHECKING:
    from pathlib import Path


def test_independent_calls_and_one_that_needs_their_results(tmp_path: Path) -> None:
    found = explained(WORK + "let a = work(100);\nlet b = work(200);\nlet c = work(a + b);\n", tmp_path)
    first, second, third = at(found, 7), at(found, 8), at(found, 9)
    assert [chunk.verdict for chunk in (first, second, third)] == ["parallel", "parallel", "not legal"]
    assert first.sites[0].first
    assert not second.sites[0].first
    assert third.reason == "unknown-input"
    assert third.dependence is not None
    assert (third.dependence.source, third.dependence.target, third.dependence.kind) == (8, 9, "RAW")
    assert third.dependence.proven


def test_a_call_behind_the_last_result_that_it_needs(tmp_path: Path) -> None:
    found = explained(
        WORK + "let a = work(1);\nlet b = work(a);\nlet c = work(7);\nlet d = work(a);\n", tmp_path
    )
    # Line 9 needs no result, so it runs beside line 7; line 10 needs one that is there when line 8 runs.
    assert [at(found, line).verdict for line in (7, 8, 9, 10)] == ["parallel"] * 4
    alone = explained(WORK + "let a = work(1);\nlet b = work(a);\nlet c = work(b);\n", tmp_path)
    assert [at(alone, line).verdict for line in (7, 8, 9)] == ["does not pay", "not legal", "not legal"]


def test_one_call_alone(tmp_path: Path) -> None:
    found = explained(WORK + "let a = work(1);\nprint(a);\n", tmp_path)
    assert (at(found, 7).verdict, at(found, 7).reason) == ("does not pay", "nothing-ahead")
    assert found.gain == 1.0


def test_ranges_of_a_loop(tmp_path: Path) -> None:
    found = explained(
        WORK + "let t = 0;\nfor i in range(5000) {\n    t = t + work(i);\n}\nprint(t);\n", tmp_path
    )
    loop = at(found, 9)
    assert (loop.kind, loop.verdict, loop.how, loop.reason) == (
        "loop",
        "parallel",
        "ranges",
        "parallel-ranges",
    )
    assert (loop.first, loop.last) == (8, 10)
    assert at(found, 7).verdict == "does not pay"
    assert {unit.name: unit.where for unit in found.units} == {"<main>": "main", "work": "worker"}


def test_calls_ahead_of_a_loop_with_state(tmp_path: Path) -> None:
    source = (
        "let s = 1;\nlet t = 0;\nfor i in range(500) {\n    s = s * 5 % 77;\n    t = (t + work(s)) % 9;\n}\n"
    )
    loop = at(explained(WORK + source, tmp_path), 11)
    assert (loop.verdict, loop.how) == ("parallel", "calls")
    assert loop.dependence is not None
    assert loop.dependence.next_iteration


def test_state_of_a_loop_in_words_of_the_program(tmp_path: Path) -> None:
    found = explained(
        "let s = 1;\nfor i in range(500000) {\n    let old = s;\n    s = old * 5 % 77;\n}\nprint(s);\n",
        tmp_path,
    )
    loop = at(found, 3)
    assert (loop.verdict, loop.reason) == ("not legal", "loop-carried")
    assert loop.dependence is not None
    dependence = loop.dependence
    assert (dependence.name, dependence.source, dependence.target) == ("s", 4, 3)
    assert dependence.next_iteration
    assert dependence.proven
    assert loop.hint


def test_nobody_looks_ahead_from_a_loop_whose_iterations_are_on_workers(tmp_path: Path) -> None:
    source = "for i in range(5000) {\n    print(work(i));\n}\nprint(work(9));\n"
    found = explained(WORK + source, tmp_path)
    assert at(found, 8).how == "ranges"
    assert (at(found, 10).verdict, at(found, 10).reason) == ("does not pay", "nothing-ahead")


def test_what_was_foreseen_is_given_up_at_such_a_loop(tmp_path: Path) -> None:
    loop = "for i in range(5000) {\n    print(work(i));\n}\n"
    found = explained(WORK + "let a = work(9);\n" + loop + "let b = work(9);\n", tmp_path)
    assert [at(found, line).reason for line in (7, 11)] == ["nothing-ahead", "nothing-ahead"]
    found = explained(WORK + "let a = work(9);\nlet b = work(8);\n" + loop, tmp_path)
    assert [at(found, line).verdict for line in (7, 8, 9)] == ["parallel"] * 3


def test_two_names_of_one_list(tmp_path: Path) -> None:
    source = (
        "let xs = [];\nlet ys = {};\nfor i in range(900000) {{\n    ys.push(i);\n    print(len(xs));\n}}\n"
    )
    found = at(explained(source.format("xs"), tmp_path), 4)
    assert (found.verdict, found.reason) == ("not legal", "loop-aliases")
    assert found.dependence is not None
    assert (found.dependence.source, found.dependence.target, found.dependence.proven) == (4, 5, False)
    assert at(explained(source.format("[]"), tmp_path), 4).verdict == "parallel"


def test_a_call_before_the_variable_of_its_name_is_there(tmp_path: Path) -> None:
    """`for each` keeps its place in a variable, which an action with such a loop assigns as well."""
    source = "action count(n) {\n    let c = 0;\n    for i in range(n) { c = c + i; }\n    return c;\n}\n"
    source += "let a = count(9);\nlet b = count(8);\nfor i in range(3) { print(a); }\n"
    source += "let c = count(7);\nlet d = count(6);\n"
    found = explained(source, tmp_path)
    assert [(at(found, line).verdict, at(found, line).reason) for line in (6, 7, 9, 10)] == [
        ("parallel", "parallel-calls"), ("parallel", "parallel-calls"),
        ("not legal", "writes-caller-variable"), ("not legal", "writes-caller-variable"),
    ]  # fmt: skip
    assert "`for each` keeps" in at(found, 9).note
    assert at(found, 9).hint == "Write the loop with `while`, in the action or in its caller."


def test_the_last_line_of_an_action(tmp_path: Path) -> None:
    source = 'action f(n) {\n    if (n > 1) { return n; }\n    return "done";\n}\nprint(f(1));\n'
    assert at(explained(source, tmp_path), 3).unit == "f"


def test_statements_on_several_lines(tmp_path: Path) -> None:
    source = "entity Account {\n    owner: string,\n    balance: integer = 0\n}\nlet rows = [\n    [1, 2],\n"
    source += "    [3, 4]\n];\naction first() {\n    return rows[0];\n}\nprint(first());\n"
    found = explained(source, tmp_path)
    assert {at(found, line).number for line in range(1, 9)} == {1}


def test_forks(tmp_path: Path) -> None:
    found = explained(WORK + "fork_execution(4, work);\nprint(join_workers());\n", tmp_path)
    assert (at(found, 7).verdict, at(found, 7).how) == ("parallel", "forks")
    assert next(unit for unit in found.units if unit.name == "work").where == "value"


def test_short_and_unknown_loops(tmp_path: Path) -> None:
    found = explained(
        "for i in range(9) {\n    print(i);\n}\nfor each x in xs {\n    print(x);\n}\n", tmp_path
    )
    assert (at(found, 2).verdict, at(found, 2).reason) == ("does not pay", "loop-short")
    assert (at(found, 5).verdict, at(found, 5).reason) == ("does not pay", "length-unknown")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return random(n);", "effect-random"),
        ('return file_read_text("x");', "effect-files"),
        ("total = n; return n;", "writes-caller-variable"),
    ],
)
def test_effects(body: str, reason: str, tmp_path: Path) -> None:
    source = (
        f"action f(n) {{ let k = 0; while (k < n) {{ k = k + 1; }} {body} }}\nlet total = 0;\n"
        "let a = f(1);\nlet b = f(2);\n"
    )
    found = explained(source, tmp_path)
    assert (at(found, 4).verdict, at(found, 4).reason) == ("not legal", reason)


def test_an_action_without_a_loop_is_cheap(tmp_path: Path) -> None:
    found = explained("action f(n) { return n * 2; }\nlet a = f(1);\nlet b = f(2);\n", tmp_path)
    assert (at(found, 2).verdict, at(found, 2).reason) == ("does not pay", "cheap")


def test_recursion(tmp_path: Path) -> None:
    source = (
        "action fib(n) {\n    if (n < 2) { return n; }\n    return fib(n - 1) + fib(n - 2);\n}\nfib(20);\n"
    )
    found = explained(source, tmp_path)
    assert (at(found, 3).verdict, at(found, 3).reason) == ("not legal", "recursive-call")


def test_parallel_map(tmp_path: Path) -> None:
    found = explained(WORK + "let xs = [1, 2, 3];\nlet ys = parallel_map(work, xs);\nprint(ys);\n", tmp_path)
    assert (at(found, 8).verdict, at(found, 8).how) == ("parallel", "calls")
    assert next(unit for unit in found.units if unit.name == "work").where == "worker"


def test_loops_in_an_action_that_the_main_process_executes(tmp_path: Path) -> None:
    loop = "let i = 0;\n    while (i < 100000) {\n        work(i);\n        i = i + 1;\n    }"
    source = f"action main() {{\n    {loop}\n}}\nmain();\n"
    found = explained(WORK + source, tmp_path)
    assert at(found, 10).verdict == "parallel"
    assert found.gain == pytest.approx(2.0, rel=0.1), "the gain of what main() calls is the program's"


def test_loops_inside_others(tmp_path: Path) -> None:
    source = (
        "let s = 1;\nfor i in range(90) {\n    s = s * 3 % 7;\n    let t = 0;\n"
        "    for j in range(90000) {\n        t = t + j % s;\n    }\n    print(t);\n}\n"
    )
    found = explained(source, tmp_path)
    outer, inner = at(found, 3), at(found, 6)
    assert outer.verdict == "not legal"
    assert inner.verdict == "parallel"
    assert inner.parent == outer.number
    assert (inner.first, inner.last) == (5, 7)


def test_code_inside_tasks_is_marked(tmp_path: Path) -> None:
    found = explained(WORK + "for i in range(5000) {\n    print(work(i));\n}\n", tmp_path)
    inside = [chunk for chunk in found.chunks if chunk.unit == "work"]
    assert {chunk.reason for chunk in inside} == {"inside-worker"}
    assert not [chunk for chunk in inside if chunk.verdict == "parallel"]


def test_actions_that_nobody_calls(tmp_path: Path) -> None:
    found = explained(WORK + "print(1);\n", tmp_path)
    assert next(unit for unit in found.units if unit.name == "work").where == "unused"


def test_one_worker(tmp_path: Path) -> None:
    found = explained(WORK + "let a = work(1);\nlet b = work(2);\n", tmp_path, worker_count=1)
    assert found.reason == "one-worker"


def test_what_the_host_executes(tmp_path: Path) -> None:
    assert explained("print(1);\n", tmp_path, tier="host").reason == "tier-host"
    found = explained("action f(n) {\n    let _errors = n;\n    return n;\n}\nprint(f(1));\n", tmp_path)
    assert next(unit for unit in found.units if unit.name == "f").host == "host-only-code"


def test_what_the_host_does_not_compile(tmp_path: Path) -> None:
    found = explained('let a = 1;\nprint("a ${a}");\n', tmp_path)
    assert "tuple" in found.problem
    assert not found.units


# -- the graph


def test_levels_and_critical_path(tmp_path: Path) -> None:
    source = (
        "let a = work(100);\nlet b = work(200);\nlet c = work(a + b);\nlet d = work(300);\nprint(c + d);\n"
    )
    found = explained(WORK + source, tmp_path)
    graph = found.units[0].graph
    numbers = {line: at(found, line).number for line in (7, 8, 9, 10, 11)}
    assert graph.levels == ((numbers[7], numbers[8], numbers[10]), (numbers[9],), (numbers[11],))
    assert graph.path[-1] == numbers[11]
    assert numbers[9] in graph.path
    kinds = {(edge.source, edge.target): edge.dependence for edge in graph.edges}
    edge = kinds[numbers[7], numbers[9]]
    assert (edge.kind, edge.name, edge.source, edge.target) == ("RAW", "a", 7, 9)


def test_the_estimate_knows_what_cannot_be_shared(tmp_path: Path) -> None:
    loop = "let {0} = 0;\nfor i in range(40000) {{\n    {0} = {0} + work(9000);\n}}\n"
    whole = explained(WORK + loop.format("t"), tmp_path)
    assert whole.gain == pytest.approx(2.0, rel=0.05)
    alone = "let s = 1;\nlet k = 0;\nwhile (k < 40000) {\n    s = work(s);\n    k = k + 1;\n}\n"
    half = explained(WORK + loop.format("t") + alone, tmp_path)
    assert 1.2 < half.gain < 1.6
    four = explained(WORK + loop.format("t"), tmp_path, worker_count=4)
    assert four.gain == pytest.approx(4.0, rel=0.05)


def test_all_reasons_are_registered(tmp_path: Path) -> None:
    source = (
        WORK + "let a = work(1);\nfor i in range(9) { print(a); }\nfor each x in xs { a = x; print(a); }\n"
    )
    for chunk in explained(source, tmp_path).chunks:
        assert chunk.reason in REASONS
        assert chunk.sentence


def test_a_loop_beside_an_earlier_one(tmp_path: Path) -> None:
    loop = (
        "let {0} = 1;\nlet k{0} = 0;\nwhile (k{0} < 900000) {{\n    {0} = {0} * {1} % 77;\n"
        "    k{0} = k{0} + 1;\n}}\n"
    )
    found = explained(loop.format("a", 3) + loop.format("b", 5) + "print(a + b);\n", tmp_path)
    assert (at(found, 4).verdict, at(found, 10).verdict) == ("not legal", "parallel")
    assert (at(found, 10).how, at(found, 10).reason) == ("beside", "loop-carried")
    assert 1.5 < found.gain <= 2.0
    found = explained(loop.format("a", 3) + loop.format("b", "a"), tmp_path)
    assert at(found, 10).verdict == "not legal", "it needs what the first loop computes"
