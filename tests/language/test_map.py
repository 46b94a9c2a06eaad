"""parallel_map equals the loop: results, printed text, errors, effects, variables, on any workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.runtime.running import Result, run, use_fake_pool
from zexus_parallel_plugin.host.builtins import standard_builtins

from .running import run_all

if TYPE_CHECKING:
    from zexus_parallel_plugin.metrics import RunMetrics

LOOP = """
action seq_map(seq_f, seq_xs) {
    let seq_out = [];
    let seq_k = 0;
    while (seq_k < len(seq_xs)) {
        seq_out.push(seq_f(seq_xs[seq_k]));
        seq_k = seq_k + 1;
    }
    return seq_out;
}
"""

# Scoping is dynamic: a loop inside of the other one needs names of its own.
LOOPS = LOOP + LOOP.replace("seq_", "inner_")

EAGER = {"worker_count": 2, "mode": "parallel", "min_task_seconds": 0.0}

VALUES = st.one_of(
    st.integers(-3, 5), st.sampled_from(["null", "true", "1.5", '"a"', '"7"', "[1, 2]", '{"k": 3}', "[]"])
)

STEPS = st.sampled_from(
    [
        "r = r + 1;",
        "r = r * 2;",
        "r = r + table[1];",
        "r = r + depth;",
        'print("at " + x);',
        "print(r);",
        "seen.push(x);",
        "total = total + 1;",
        "r = helper(r);",
        "r = [r, x];",
        "r = 6 / x;",
        'require(x != 2, "two");',
        "if (x == 1) { return [x]; }",
        "let j = 0; while (j < 30) { j = j + 1; r = r + j % 3; }",
        'try { r = 1 / (x - 1); } catch (e) { r = "caught " + e; }',
        "x = 9;",
        "table = [5, 6];",
        "r = parallel_inner(r);",
    ]
)


@st.composite
def programs(draw: Any) -> tuple[str, str]:
    """The same program with ``parallel_map`` and with the loop."""
    body = "\n    ".join(draw(st.lists(STEPS, max_size=6)))
    xs = ", ".join(map(str, draw(st.lists(VALUES, max_size=9))))
    wrapped = draw(st.booleans())
    name = draw(st.sampled_from(["f", "g"]))
    call = f"print(MAP({name}, [{xs}]));"
    if wrapped:
        call = f"try {{\n        {call}\n    }} catch (e) {{\n        print(e);\n    }}"
    source = f"""
let seen = [];
let total = 0;
let table = [10, 20];
action helper(v) {{ total = total + 10; return v + 3; }}
action double(v) {{ return v * 2; }}
action parallel_inner(v) {{ return INNER(double, [v, 4]); }}
action f(x) {{
    let r = x;
    {body}
    return r;
}}
let g = f;
action main(depth) {{
    {call}
    {call}
    return depth;
}}
print(main(40));
print(seen); print(total); print(table);
"""
    mapped = source.replace("MAP", "parallel_map").replace("INNER", "parallel_map")
    return mapped, LOOPS + source.replace("MAP", "seq_map").replace("INNER", "inner_map")


@pytest.fixture(scope="module", autouse=True)
def _recursion_limit() -> None:
    # The host's evaluator raises the recursion limit once; hypothesis wants to see no change.
    standard_builtins()


def what(result: Result) -> tuple[str, str, list[str]]:
    return result.error, result.stdout, [result.env.get(name, "") for name in ("seen", "total", "table")]


def alone(source: str) -> Result:
    return run(source, {"worker_count": 1, "tier": "interpreter"})[0]


@pytest.mark.parametrize("behaviour", ["prompt", "moody"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pair=programs())
def test_any_program(behaviour: str, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]) -> None:
    mapped, looped = pair
    expected = what(alone(looped))
    assert what(alone(mapped)) == expected
    with monkeypatch.context() as patch:
        use_fake_pool(patch, behaviour)
        assert what(run(mapped, EAGER)[0]) == expected


WORK = "action work(x) { let k = 0; while (k < 200) { k = k + 1; } return x * k; } "


def mapped(source: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Result, RunMetrics]:
    use_fake_pool(monkeypatch, "prompt")
    return run(source, EAGER)


@pytest.mark.parametrize(
    ("xs", "first_and_last"),
    [("[]", "[]"), ("[4]", "[800]"), ("range(3000)", None)],
    ids=["none", "one", "many"],
)
def test_lengths(xs: str, first_and_last: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    result, metrics = mapped(WORK + f"let r = parallel_map(work, {xs}); print(r);", monkeypatch)
    if first_and_last is not None:
        assert result.stdout == first_and_last + "\n"
        return
    assert result.stdout == str([200 * x for x in range(3000)]) + "\n"
    assert metrics.calls_committed > 2000
    # In batches: a task for each call would cost more than the call.
    assert metrics.tasks_sent < metrics.calls_sent / 2


def test_a_function_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    source = WORK + "let chosen = work; let all = [chosen]; print(parallel_map(chosen, range(5))); "
    result, metrics = mapped(source + "print(parallel_map(all[0], range(5)));", monkeypatch)
    assert result.stdout == "[0, 200, 400, 600, 800]\n" * 2
    assert metrics.calls_committed > 0


@pytest.mark.parametrize(
    ("step", "reason"),
    [("total = total + x;", "writes-caller-variable"), ("let z = shared_add(\"n\", x);", "effect-shared"),
     ("let z = random(5);", "effect-random"), ("let z = file_exists(\"x\");", "effect-files")],
)  # fmt: skip
def test_effects_keep_it_in_place(step: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        f"let total = 0; action f(x) {{ {step} return x + 1; }}"
        " print(parallel_map(f, range(6))); print(total);"
    )
    result, metrics = mapped(source, monkeypatch)
    assert result.stdout.splitlines()[0] == "[1, 2, 3, 4, 5, 6]"
    assert metrics.calls_sent == 0
    assert metrics.reasons[reason] > 0


def test_the_first_error_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
action share(x) { print("share " + x); return 60 / x; }
action main() { try { parallel_map(share, [1, 2, 0, 4, 0]); } catch (e) { print(e); } }
main();
"""
    result, _ = mapped(source, monkeypatch)
    assert result.stdout == "share 1\nshare 2\nshare 0\nDivision by zero\n"


def test_real_workers() -> None:
    source = (
        WORK.replace("200", "4000")
        + 'action tell(x) { print("at " + x); return work(x); } print(parallel_map(tell, range(16)));'
    )
    settings = {"min_task_seconds": 0.0, "tier": "interpreter"}
    (one,) = run_all([source], **settings)
    (two,) = run_all([source], **{**settings, "worker_count": 2})
    assert (two.stdout, two.error, two.gas, two.operations) == (
        one.stdout,
        one.error,
        one.gas,
        one.operations,
    )
    assert two.committed > 0
