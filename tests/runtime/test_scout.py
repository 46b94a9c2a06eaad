"""What the scout finds, and what it must not touch."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.runtime.running import compiled, machine
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.execution import Execution
from zexus_parallel_plugin.runtime.knowledge import UNKNOWN
from zexus_parallel_plugin.runtime.planner import Planner
from zexus_parallel_plugin.runtime.remote import pure_builtins
from zexus_parallel_plugin.runtime.scout import Scout
from zexus_parallel_plugin.runtime.sites import Sites

ACTIONS = "action f(n) { return n; } action cheap(n) { return n * 2 + 1; } "


def scouted(
    source: str, variables: dict[str, Any] | None = None, most: int = 12, budget: int = 2000
) -> tuple[list[Any], Scout]:
    """Arguments of the calls of ``f`` that the scout finds in a program, from its beginning."""
    vm = machine({"worker_count": 1})
    execution = Execution(vm)
    code = execution.code.get(compiled(ACTIONS + source), "<main>")
    execution.root.env.update(variables or {})
    planner = Planner(execution, Sites(), lambda: pure_builtins(vm), 1.0)

    class Lookout:
        def __getattr__(self, name: str) -> Any:
            return getattr(planner, name)

        def wanted(self, _code: Any, _ip: int, function: Any) -> bool:
            return bool(function["name"] == "f")

    scout = Scout(code, 0, execution.root, [], Lookout())  # type: ignore[arg-type]
    found: list[Any] = []
    while len(found) < most:
        call = scout.next_call(budget)
        if call is None:
            break
        assert code.instructions[call.ip][0] == isa.CALL_NAME
        found.append(copy.deepcopy(call.args[0] if len(call.args) == 1 else call.args))
    return found, scout


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("let a = f(1); let b = f(2); print(a); let c = f(3);", [1, 2, 3]),
        ("let a = f(1); let b = f(a); let c = f(4);", [1, 4]),
        ("for i in range(4) { let x = f(i * 10); }", [0, 10, 20, 30]),
        ("for each x in [5, 6, 7] { print(f(x)); }", [5, 6, 7]),
        ("for each k, v in {\"a\": 1, \"b\": 2} { print(f(k)); print(f(v)); }", ["a", 1, "b", 2]),
        ("let i = 3; while (i > 0) { i = i - 1; print(f(i)); }", [2, 1, 0]),
        ("let t = 0; for i in range(3) { t = t + f(i); if (t > 5) { t = 0; } }", [0, 1, 2]),
        ("for i in range(5) { let r = f(i); if (r > 2) { break; } }", [0, 1, 2, 3, 4]),
        ("for i in range(5) { if (i == 1) { continue; } if (i == 3) { break; } print(f(i)); }", [0, 2]),
        ("for i in range(3) { let r = f(i); if (r) { continue; } print(f(i + 10)); }", [0, 1, 2]),
        ("for i in range(2) { for j in range(2) { print(f(i * 10 + j)); } }", [0, 1, 10, 11]),
        ("for i in range(3) { print(f(cheap(i))); }", [1, 3, 5]),
        ("let s = \"a\"; for i in range(3) { s = s + i; print(f(s)); }", ["a0", "a01", "a012"]),
        ("let x = f(0); let y = 0; if (x) { y = 1; } else { y = 2; } print(f(y)); print(f(9));", [0, 9]),
        ("let x = f(0); let i = 0; while (i < x) { i = i + 1; } print(f(i)); print(f(7));", [0, 7]),
        ("try { print(f(1)); } catch (e) { print(e); } print(f(2));", [1, 2]),
        ("let m = {\"k\": [4, 5]}; print(f(m[\"k\"][1])); print(f(len(m)));", [5, 1]),
        ("let xs = []; for i in range(3) { xs.push(i); print(f(len(xs))); }", [1, 2, 3]),
        ("let q = []; for i in range(3) { q.push(f(i)); } print(f(len(q))); print(f(q[0]));", [0, 1, 2, 3]),
        ("for i in range(3) { print(f([i, i + 1])); }", [[0, 1], [1, 2], [2, 3]]),
        ("print(f(abs(0 - 3))); print(f(sqrt(16)));", [3, 4.0]),
        ("let g = f(1); print(g(2)); print(f(3));", [1]),
        ("let a = f(1); let z = 1 / 0; print(f(2));", [1]),
        ("let t = f(1); let v = t > 3 && false; if (v) { print(1); } print(f(2));", [1, 2]),
        ("let v = f(1) ?? 5; print(f(2)); let w = f(3) > 1 ? 4 : 5; print(f(w)); print(f(6));", [1, 2, 3, 6]),
    ],
)  # fmt: skip
def test_calls_that_are_found(source: str, expected: list[Any]) -> None:
    assert scouted(source)[0] == expected


@pytest.mark.parametrize(
    "change", ["xs.push(9);", "xs[0] = 9;", "xs.pop();", "append(xs, 9);", 'm["a"] = 9;', "xs.insert(0, 1);"]
)
def test_containers_of_the_program_are_left_alone(change: str) -> None:
    variables: dict[str, Any] = {"xs": [1, 2], "m": {"a": 1}}
    found, _scout = scouted(change + ' print(f(xs[0])); print(f(m["a"])); print(f(3));', variables)
    assert variables == {"xs": [1, 2], "m": {"a": 1}}
    assert 3 in found
    assert 9 not in found
    assert len(found) == 2, "what was changed is not known any more, the other one is"


def test_variables_of_the_program_are_left_alone() -> None:
    variables = {"n": 1}
    _found, scout = scouted("n = 5; let fresh = 6; print(f(n));", variables)
    assert scout.frame.env["n"] == 1
    assert "fresh" not in scout.frame.env
    assert scout.visible("n") == 5


def test_an_endless_loop_uses_up_its_budget_only() -> None:
    found, scout = scouted("while (true) { let x = 1; }", budget=500)
    assert found == []
    assert scout.steps <= 501


def test_guesses_are_counted() -> None:
    _found, scout = scouted("for i in range(9) { if (f(i) > 3) { break; } }", most=3)
    assert scout.guesses == 2
    _found, scout = scouted("let t = 0; for i in range(9) { if (f(i) > 3) { t = 1; } }", most=3)
    assert scout.guesses == 0


def test_calls_make_unknown_what_they_may_assign() -> None:
    source = (
        "let x = 1; let y = 2; action g(n) { x = n; while (n > 0) { n = n - 1; } } "
        "g(3); print(f(y)); print(f(x));"
    )
    found, scout = scouted(source)
    assert found == [2]
    assert scout.visible("x") is UNKNOWN


def test_what_cheap_actions_do_is_known() -> None:
    found, _scout = scouted(
        "let x = 1; action g(n) { x = x + n; return x; } let r = g(3); print(f(x)); print(f(r));"
    )
    assert found == [4, 4]
