"""Name analysis: who may look at, and who may assign, whose variables."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.programs import compiled, machine
from zexus_parallel_plugin.engine.code import CodeCache
from zexus_parallel_plugin.engine.compiler.names import Function, Program, analyse
from zexus_parallel_plugin.host.builtins import standard_builtins
from zexus_parallel_plugin.host.compiler_pass import rewrite


def analysed(source: str, env: dict[str, Any] | None = None) -> Program:
    return analyse(CodeCache(machine()), rewrite(compiled(source)), env or {}, standard_builtins())


def named(program: Program, name: str) -> Function:
    (function,) = program.named[name]
    return function


def facts(source: str, name: str = "f") -> Function:
    return named(analysed(source), name)


def test_what_a_code_object_does_with_names() -> None:
    f = facts("action f(a) { let b = a + c; g(b); len(b); return b; } action g(x) { return x; } f(1);")
    assert f.params == ("a",)
    assert f.stores == {"b"}
    assert f.loads == {"a", "b", "c"}
    assert f.calls == {"g"}
    assert f.own == {"a", "b"}
    assert not f.calls_values
    assert not f.imports


def test_a_parameter_is_bound_when_every_call_passes_it() -> None:
    assert facts("action f(a, b) { return a; } f(1, 2); f(1, 2, 3);").bound == {"a", "b"}
    f = facts("action f(a, b) { return a; } f(1, 2); f(1);")
    assert f.bound == {"a"}
    assert "b" in f.free


def test_who_calls_through_a_variable_may_pass_nothing() -> None:
    assert facts("action f(a) { return a; } f(1); let g = f; g(1);").bound == {"a"}
    assert facts("action f(a) { return a; } f(1); let g = f; g();").bound == frozenset()
    assert facts("action f(a) { return a; } f(1); let fs = [f]; (fs[0])();").bound == frozenset()


def test_needs_and_writes_go_up_the_calls() -> None:
    program = analysed(
        """
        action low() { x = x + 1; let z = y; return z; }
        action mid(y) { let z = 0; return low() + w; }
        action top(x) { return mid(1); }
        top(1);
        """
    )
    low, mid, top = (named(program, name) for name in ("low", "mid", "top"))
    assert low.needs == {"x", "y", "z"}
    assert low.writes == {"x", "z"}
    # What a parameter surely holds is not looked for further out; a variable of its own may not be there yet.
    assert mid.needs == {"x", "z", "w", "low"}
    assert mid.writes == {"x", "z"}
    assert top.needs == {"z", "w", "low", "mid"}
    assert top.writes == {"z"}


def test_what_callers_may_own_goes_down_the_calls() -> None:
    program = analysed(
        """
        action low() { return 1; }
        action mid(b) { let c = 1; return low(); }
        action top(a) { let x = low(); return mid(1); }
        let root = 1; top(1); low();
        """
    )
    assert named(program, "low").above == {"a", "b", "c", "x"}
    assert named(program, "mid").above == {"a", "x"}
    assert named(program, "top").above == frozenset()


def test_recursion() -> None:
    program = analysed(
        """
        action self(n) { return n < 1 ? 0 : self(n - 1); }
        action ping(n) { let a = 1; return pong(n); }
        action pong(n) { let b = 2; return ping(n); }
        action once() { return self(1) + ping(1); }
        once();
        """
    )
    assert {name for name in ("self", "ping", "pong", "once") if named(program, name).recursive} == {
        "self", "ping", "pong",
    }  # fmt: skip
    assert named(program, "ping").above == {"n", "a", "b"}
    assert named(program, "self").above == {"n"}


def test_stable_names() -> None:
    program = analysed(
        """
        action once() { return 1; }
        action assigned() { return 1; }
        action parameter() { return 1; }
        action len(x) { return 1; }
        action user(parameter) { assigned = 5; return parameter; }
        if (1 > 2) { action twice() { return 1; } } else { action twice() { return 2; } }
        user(once);
        """
    )
    assert program.stable("once") is named(program, "once")
    assert program.stable("user") is named(program, "user")
    for name in ("assigned", "parameter", "twice", "len", "nothing"):
        assert program.stable(name) is None, name
    assert {"assigned", "parameter"} <= program.rebound
    assert program.targets("len") == set()
    assert len(program.targets("twice")) == 2


def test_functions_in_variables_may_be_called_by_any_name_that_is_assigned() -> None:
    program = analysed(
        """
        action one() { return x; }
        action two() { return y; }
        action never() { return z; }
        let g = one;
        action user(fn) { let r = fn(); let fs = [two]; return g() + (fs[0])(); }
        user(two); never();
        """
    )
    one, two, never = (named(program, name) for name in ("one", "two", "never"))
    assert program.taken == {one, two}
    assert program.targets("fn") == {one, two}
    assert program.targets("g") == {one, two}
    user = named(program, "user")
    assert user.callees == {one, two}
    assert user.calls_values
    assert never not in user.callees
    assert {"x", "y"} <= user.needs


def test_functions_inside_of_others_are_found() -> None:
    program = analysed(
        "action outer() { action inner() { let t = v; return t; } let v = 1; return inner(); } outer();"
    )
    inner, outer = named(program, "inner"), named(program, "outer")
    assert outer.callees == {inner}
    assert inner.above == {"inner", "v"}
    assert outer.stores == {"inner", "v"}


def test_functions_in_root_variables_count() -> None:
    other = compiled("action g(a) { return a + secret; } print(1);")
    function = next(value for value in other.constants if type(value) is dict)
    program = analysed("action f() { return g(1) + h(2); } f();", {"g": function, "list": [[function]]})
    g = named(program, "g")
    assert named(program, "f").callees == {g}
    assert program.taken == {g}
    assert program.functions[id(function["bytecode"])] is g


def test_code_that_only_the_host_runs_may_call_everything() -> None:
    program = analysed(
        "action odd() { return _errors; } action far() { return x; } action f() { return odd(); } f(); far();"
    )
    odd, far = named(program, "odd"), named(program, "far")
    assert far in odd.callees
    assert "x" in named(program, "f").needs


@pytest.mark.parametrize("call", ["__vm_use_module__", "__create_channel__"])
def test_imports_are_noted(call: str) -> None:
    program = analysed(f"action f() {{ {call}(1); return 1; }} f();")
    assert named(program, "f").imports
    assert not program.main.imports


def test_parallel_map_calls_values() -> None:
    program = analysed("action f(x) { return y; } action g(xs) { return parallel_map(f, xs); } g([1]);")
    assert named(program, "g").callees == {named(program, "f")}
    assert "y" in named(program, "g").needs
