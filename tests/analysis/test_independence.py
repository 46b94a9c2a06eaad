"""Iterations that are called independent are: each of them executed alone, and the results put together as
the plan of the loop says, give what the loop gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.analysis.planning import plans
from tests.engine.programs import compiled, on_engine
from zexus_parallel_plugin.host.builtins import standard_builtins

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.plan import LoopPlan

standard_builtins()  # The host's evaluator raises the recursion limit once, which hypothesis must not see.

ACTIONS = (
    "action act(n) { let w = n * 2; return w + 1; } action change(list) { list.push(9); return 0; } "
    "action peek() { return b + len(p); } action set(n) { t = n; return n; } "
)
VALUES: dict[str, Any] = {"a": 4, "b": 2, "t": 0, "u": 1, "best": 0, "p": [], "q": [5], "m": {}, "at": 0}
ITEMS = (3, 1, 4, 1, 5)
ASIDE = '"?"'
"""Stands for the value of a private variable before the loop: nobody may look at it."""

N = st.sampled_from(["x", "y", "y", "y", "z", "t", "t", "a", "b", "3"])
SIMPLE = st.one_of(
    st.builds("t = t + {};".format, N),
    st.builds("t = t - {};".format, N),
    st.builds("u = u * {};".format, st.sampled_from(["2", "x", "a"])),
    st.builds("let y = {} + x;".format, N),
    st.builds("let y = act({});".format, N),
    st.builds("let z = {};".format, N),
    st.builds("p.push({});".format, N),
    st.builds("q = push(q, {});".format, N),
    st.builds("m[x] = {};".format, N),
    st.builds("b = {};".format, N),
    st.just("let z = len(p);"),
    st.just("change(q);"),
    st.just("let r = [x]; change(r); let z = len(r);"),
    st.just("let y = peek();"),
    st.just("let y = set(x);"),
    st.builds("print({});".format, N),
    st.just("if (x > best) { best = x; at = a; }"),
    st.just("if (a * x > best) { best = a * x; }"),
)
STATEMENTS = st.one_of(
    SIMPLE, SIMPLE,
    st.builds("if ({} > 2) {{ {} }}".format, N, SIMPLE),
    st.builds("if ({} > 2) {{ {} }} else {{ {} }}".format, st.sampled_from(["x", "a"]), SIMPLE, SIMPLE),
    st.builds("if ({} > 2) {{ let y = {}; }} print(y);".format, st.sampled_from(["x", "a"]), N),
    st.builds("t = t + {}; p.push({});".format, N, N),
    st.builds("for each k in [1, 2] {{ {} }}".format, SIMPLE),
    st.builds("if ({} == 4) {{ continue; }}".format, N),
)  # fmt: skip


def program(body: str, items: tuple[int, ...], private: frozenset[str] = frozenset()) -> str:
    start = "".join(
        f"let {name} = {ASIDE if name in private else _text(value)};" for name, value in VALUES.items()
    )
    aside = "".join(f"let {name} = {ASIDE};" for name in sorted(private & {"y", "z"}))
    return f"{ACTIONS}{start}{aside}for each x in {list(items)} {{ {body} }}"


def _text(value: Any) -> str:
    return str(value)


def run(source: str) -> tuple[str, str, dict[str, Any]]:
    result = on_engine(compiled(source))
    return result.error, result.stdout, dict(result.execution.root.env)


def together(plan: LoopPlan, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Values behind the loop, from those behind its iterations, each executed alone."""
    found: dict[str, Any] = {}
    for accumulator in plan.accumulators:
        name, value = accumulator.name, VALUES[accumulator.name]
        for env in runs:
            own = env[name]
            if accumulator.kind == "fold":
                value = value * own if accumulator.operators == {"*"} else value + own - VALUES[name]
            elif accumulator.kind == "list":
                value = value + own[len(VALUES[name]) :]
            elif accumulator.kind == "store":
                value = {**value, **own}
            elif own > value:
                value = own
                found.update({other: env[other] for other in accumulator.companions})
        found[name] = value
    for name in plan.private:
        assigned = [env[name] for env in runs if env.get(name, "?") != "?"]
        if assigned:
            found[name] = assigned[-1]
    return found


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STATEMENTS, min_size=2, max_size=6))
def test_iterations_are_independent(statements: list[str]) -> None:
    body = " ".join(statements)
    source = program(body, ITEMS)
    plan = min(plans(source), key=lambda each: each.depth)
    if plan.against:
        event(plan.against)
        return
    if not all(type(VALUES.get(name)).__name__ in types for name, types in plan.types.items()):
        event("other types")  # what a run time looks at
        return
    event("independent")
    error, printed, env = run(source)
    alone = [run(program(body, (item,), plan.private)) for item in ITEMS]
    assert not error
    assert not any(each[0] for each in alone)
    assert "".join(each[1] for each in alone) == printed
    for name, value in together(plan, [each[2] for each in alone]).items():
        if not name.startswith("__"):
            assert env[name] == value, (name, plan)
    for name in plan.reads & VALUES.keys():
        assert env[name] == VALUES[name], (name, plan)
