"""What all frames of a run share: limits, calls of whatever can be called, code that only the host runs."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import Any

import pytest
from zexus.object import Builtin, Integer

from zexus_parallel_plugin.engine.execution import Execution
from zexus_parallel_plugin.engine.frame import Frame
from zexus_parallel_plugin.host import vm as host

from .programs import action, assert_same, compiled, machine, on_engine, on_host, unfolded

TWICE = action("twice", ["a"], unfolded(("LOAD_NAME", "a"), ("LOAD_CONST", 2), "MUL", "RETURN"))


def test_limits_are_the_meters() -> None:
    execution = Execution(machine(77, operations=55))
    assert (execution.gas_limit, execution.operation_limit) == (77, 55)
    vm = machine()
    vm.gas_metering.gas_limit = None
    assert Execution(vm).gas_limit == float("inf")


@pytest.mark.parametrize("tier", ["interpreter", "compiled", "auto"])
def test_the_recursion_limit_is_put_back(tier: str) -> None:
    on_engine(compiled("let _errors = [1];"), tier)  # the host's evaluator raises it when it is first made
    before = sys.getrecursionlimit()
    for source in ("print(1);", "let a = 1 / 0;", "action f() { return f(); } f();", "let _errors = [1];"):
        on_engine(compiled(source), tier, gas=10_000)
        assert sys.getrecursionlimit() == before


def test_the_recursion_limit_is_raised_while_code_runs() -> None:
    seen = []
    vm = machine()
    vm.builtins["look"] = lambda *_args: seen.append(sys.getrecursionlimit())
    before = sys.getrecursionlimit()
    Execution(vm).run(compiled("look(1);"))
    assert seen[0] > before


def test_code_on_the_host_runs_under_a_limit_of_its_own() -> None:
    seen: list[int] = []
    source = """
        action hosts() { let _errors = []; look(1); return 1; }
        action f(n) { return n < 1 ? hosts() : f(n - 1); }
        f(%d);
    """

    def look(*_args: Any) -> int:
        frame: Any = sys._getframe(1)
        depth = 1
        while frame is not None:
            depth, frame = depth + 1, frame.f_back
        seen.append(sys.getrecursionlimit() - depth)
        return 0

    # The host raises the limit when it makes its first evaluator, whoever asks for one.
    on_host(compiled(source % 0), builtins={"look": look}, on_loop=True)
    before = sys.getrecursionlimit()
    found = {}
    for calls in (0, 10):
        on_host(compiled(source % calls), builtins={"look": look}, on_loop=True)
        execution = on_engine(compiled(source % calls), builtins={"look": look}).execution
        found[calls] = seen[-2], seen[-1] - execution.hidden_levels
        assert sys.getrecursionlimit() == before
    # As many Python frames are left as would be on the host's own thread, whatever is below us.
    for calls, (hosts, ours) in found.items():
        assert abs(hosts - ours) <= 2, (calls, found)
    assert found[0][1] - found[10][1] == 30


def test_hidden_levels_are_measured_once() -> None:
    execution = Execution(machine())
    assert execution.hidden_levels is None
    with contextlib.redirect_stdout(io.StringIO()):
        execution.run(
            compiled("action hosts(a) { let _errors = []; return a; } print(hosts(1)); print(hosts(2));")
        )
    assert execution.hidden_levels is not None
    assert execution.counters["host-only-code"] == 2


def test_calls_of_anything() -> None:
    execution = Execution(machine())
    frame = execution.root
    assert execution.call(frame, TWICE, [4]) == 8
    assert execution.call(frame, execution.builtins["abs"], [-4]) == 4
    assert execution.call(frame, lambda value: value + 1, [1]) == 2
    assert execution.call(frame, 5, [1]) == 5
    assert execution.call(frame, None, [1]) is None


def test_calls_from_compiled_code() -> None:
    execution = Execution(machine())
    assert execution.call_value(1, TWICE, "twice", [4]) == 8
    assert execution.call_value(1, None, "nothing", [4]) is None
    assert execution.call_value(1, 5, None, [4]) == 5


def test_a_call_has_its_caller_as_parent() -> None:
    execution = Execution(machine())
    seen = action("f", [], unfolded(("LOAD_NAME", "v"), "RETURN"))
    frame = Frame({"v": 9}, execution.root, 1)
    assert execution.call_action(frame, seen, []) == 9
    assert execution.call_action(execution.root, seen, []) is None


@pytest.mark.parametrize("name", ["params", "parameters"])
def test_parameters_have_two_names(name: str) -> None:
    descriptor = {"bytecode": TWICE["bytecode"], name: ["a"]}
    execution = Execution(machine())
    assert execution.call_action(execution.root, descriptor, [3]) == 6


@pytest.mark.parametrize("extra", ["closure_snapshot", "parent_vm"])
def test_functions_that_the_host_makes_with_more_are_left_to_it(extra: str) -> None:
    execution = Execution(machine())
    assert execution.call_action(execution.root, {**TWICE, extra: None}, [3]) == 6
    assert execution.counters["host-only-code"] == 1


def test_a_failing_builtin_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_args: Any) -> Any:
        raise ValueError("no")

    execution = Execution(machine())
    assert execution.call(execution.root, broken, [1]) is None
    assert "no" in capsys.readouterr().err


def test_imports_end_the_caches_of_the_root_frame() -> None:
    execution = Execution(machine())
    before = execution.root.version
    execution.call(execution.root, lambda: 1, [])
    assert execution.root.version == before
    execution.call(execution.root, lambda: execution.vm._bump_env_version("x", 1), [])
    assert execution.root.version == before + 1


def test_parallel_map_in_place() -> None:
    execution = Execution(machine())
    assert execution.parallel_map(execution.root, TWICE, [1, 2, 3]) == [2, 4, 6]
    assert execution.parallel_map(execution.root, Builtin(lambda value: Integer(7)), [1]) == [7]
    assert execution.parallel_map(execution.root, TWICE, []) == []


@pytest.mark.parametrize(
    ("function", "xs", "text"),
    [(5, [1], "5 is not a function"), (None, [1], "null is not a function"), (TWICE, 5, "5 is not a list"),
     (TWICE, "ab", "ab is not a list"), (TWICE, None, "null is not a list")],
)  # fmt: skip
def test_parallel_map_of_something_else(function: Any, xs: Any, text: str) -> None:
    execution = Execution(machine())
    with pytest.raises(host.VMRuntimeError, match=rf"^parallel_map\(function, list\): {text}$"):
        execution.parallel_map(execution.root, function, xs)


def test_the_host_writes_into_the_frames_that_called_it() -> None:
    assert_same(
        """
        action hosts() { let _errors = []; v = v + 1; fresh = v; w = 7; return [v, fresh, w]; }
        action f(v) { let w = 1; let r = hosts(); return [r, v, w, fresh]; }
        print(f(1)); print(hosts()); let v = 5; print(f(2), hosts(), v, w, fresh);
        """
    )
