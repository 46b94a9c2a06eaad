"""Units: what they are made for, how they are left, and when they make place for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.programs import Result, compiled, on_engine, on_host, unfolded
from zexus_parallel_plugin.engine.compiler.unit import SLOW_AFTER, Unit

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.execution import Execution


def run(source: str, **settings: Any) -> Execution:
    """Run a program in the compiled tier: as on the host, and without a failure of the compiler."""
    bytecode = compiled(source)
    found: Result = on_engine(bytecode, "compiled", **settings)
    assert found == on_host(bytecode, **settings)
    execution: Execution = found.execution
    assert not execution.counters["compiler-failed"]
    return execution


def builder(execution: Execution) -> Any:
    assert execution.tier is not None
    return execution.tier.builder


def units(execution: Execution) -> dict[str, Unit | str]:
    """Units of actions by name, or why there is none."""
    made = builder(execution)
    return {made.program.functions[key].code.name: unit for key, unit in made.units.items()}


def unit(execution: Execution, name: str) -> Unit:
    found = units(execution)[name]
    assert isinstance(found, Unit), found
    return found


def loops(execution: Execution) -> list[Unit | str]:
    return list(builder(execution).loops.values())


def test_an_action_is_left_nowhere_if_all_is_plain() -> None:
    execution = run("action f(n) { let t = 0; for i in range(n) { t = t + i * 2; } return t; } print(f(9));")
    assert unit(execution, "f").left == 0
    assert "for k1 in range(1, (L_25 - g) // " in unit(execution, "f").source


def test_exits_are_counted_and_an_operator_is_given_up_after_some() -> None:
    source = """
    action f(a) { let t = a - 1; return t * 2; }
    let xs = %s;
    let i = 0;
    while (i < %d) { print(f(xs[i])); i = i + 1; }
    """
    some = run(source % ("[1, null, null, 3]", 4))
    assert unit(some, "f").left == SLOW_AFTER - 1
    assert not unit(some, "f").slow
    many = run(source % ("[1, null, null, null, null, null]", 6))
    rebuilt = unit(many, "f")
    assert len(rebuilt.slow) == 1
    assert rebuilt.left == 0
    assert "SUB(" in rebuilt.source
    assert "MUL(" not in rebuilt.source


def test_so_does_a_loop() -> None:
    execution = run(
        """
        let t = 0; let s = [];
        for each v in [1, null, null, null, null, 5] { t = v - 1; s.push(t); }
        print(s);
        """
    )
    (rebuilt,) = loops(execution)
    assert isinstance(rebuilt, Unit)
    assert len(rebuilt.slow) == 1
    assert "SUB(" in rebuilt.source


def test_a_loop_is_entered_again_at_its_next_head_after_an_exit() -> None:
    execution = run(
        """
        let t = 0; let i = 0;
        while (i < 20) { if (i == 7) { t = t + null; } t = t + i; i = i + 1; }
        print(t);
        """
    )
    (found,) = loops(execution)
    assert isinstance(found, Unit)
    assert found.left == 1


def test_errors_of_callees_inside_a_try_go_to_the_handler() -> None:
    execution = run(
        """
        action g(a) { return 10 / a; }
        action f(a) { let r = [1]; try { r.push(g(a)); r.push(2); } catch (e) { r.push(e); } return r; }
        print(f(5)); print(f(0)); print(f(1));
        """
    )
    assert isinstance(unit(execution, "f"), Unit)


def test_variants_by_who_owns_a_name() -> None:
    execution = run(
        """
        action get() { return v; }
        action owner(v) { return get(); }
        action both() { let v = 7; return owner(v + 1) + get(); }
        let r = [get(), owner(1), both(), get()]; print(r);
        let v = 50; print(get(), owner(2), both(), v);
        """
    )
    variants = [set(table) for table in builder(execution).variants.values()]
    assert {(False,), (True,)} in variants


def test_shared_variables_live_in_a_frame() -> None:
    execution = run(
        """
        action bump() { v = v + 1; return v; }
        action f(n) { let v = 0; let w = 1; while (v < n) { w = w + bump(); } return [v, w]; }
        print(f(4)); print(f(0));
        """
    )
    variables = unit(execution, "f").variables.by_name
    assert variables["v"].cached
    assert not variables["v"].of_caller
    assert not variables["w"].cached
    assert "FRAME(" in unit(execution, "f").source


def test_a_stale_name_is_a_local_copy() -> None:
    execution = run(
        """
        let x = 1;
        action set() { x = 99; }
        action f() { x = 2; set(); let a = x; let z = 0; return [a, x]; }
        action g() { set(); x = 3; return x; }
        print(f(), g(), x);
        """
    )
    assert "last" in unit(execution, "f").source
    assert unit(execution, "f").left == 0


def test_root_variables_that_appear_between_calls() -> None:
    execution = run(
        """
        action f() { acc = 5; acc = acc + 1; return acc; }
        print(f());
        let acc = 1; print(f(), acc);
        acc = 10; print(f(), acc);
        """
    )
    assert "acc" not in unit(execution, "f").absent


def test_root_variables_that_appear_while_a_loop_runs() -> None:
    run(
        """
        action f(n) { let acc = n; acc = acc + 1; return acc; }
        action g(n) { return f(n) + f(n); }
        let i = 0;
        while (i < 6) { if (i == 3) { let acc = 50; } print(f(i), g(i)); i = i + 1; }
        print(acc);
        """
    )


LOOP_IN_AN_ACTION = """
action loop(n) {
    for each z in [1] { try { if (n < 0) { break; } } catch (e) { let u = 1; } }
    let i = 0; let r = [];
    while (i < n) { r.push(v); v = i; i = i + 1; }
    return r;
}
"""
"""The action itself is not compiled, since a jump leaves its ``try``; its loops are."""


def test_a_loop_moves_with_its_variables() -> None:
    execution = run(
        LOOP_IN_AN_ACTION
        + """
        action mine(v) { return [loop(3), v]; }
        action between(v) { return mine(v + 1); }
        print(loop(3)); print(mine(5)); print(between(6)); let v = 8; print(loop(3), v); print(mine(9), v);
        """
    )
    reasons = [unit for table in builder(execution).variants.values() for unit in table.values()]
    assert any("leaves an open try" in str(reason) for reason in reasons)
    assert any(isinstance(found, Unit) for found in loops(execution))


def test_a_loop_that_keeps_moving_is_given_up() -> None:
    moves = " ".join(f"print(loop({n})); print(mine({n}));" for n in range(3, 9))
    execution = run(LOOP_IN_AN_ACTION + "action mine(v) { return [loop(3), v]; } let v = 1; " + moves)
    code = next(code for code in execution.code if code.name == "loop")
    assert None in code.loops.values()


def test_a_loop_with_values_of_other_kinds_than_before() -> None:
    run(
        """
        action loop(a) {
            for each z in [1] { try { if (a == 77) { break; } } catch (e) { let u = 1; } }
            let i = 0; let q = 0;
            while (i < 3) { q = a == 1; if (a) { q = [q]; } i = i + 1; }
            return q;
        }
        let e = map([1], 2);
        print(loop(1)); print(loop(e)); print(loop(2)); print(loop(null)); print(loop(e));
        """
    )


def test_operands_under_a_failing_loop_stay_on_the_stack() -> None:
    bytecode = compiled(
        """
        action g(a) { return 10 / a; }
        let n = 2;
        try { while (n >= 0) { print(1 + g(n)); n = n - 1; } } catch (e) { print(e); }
        """
    )
    expected = on_host(bytecode)
    assert expected.value == "1"
    assert on_engine(bytecode, "compiled") == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("for each x in a { try { if (x) { break; } } catch (e) { } } return 1;", "leaves an open try"),
        ("let r = match a { 1 => 2 }; return r;", "operand stack is not bounded"),
        ("return _errors;", "_errors"),
    ],
)
def test_what_is_not_compiled_says_why(body: str, reason: str) -> None:
    execution = run(f"action f(a) {{ {body} }} print(f([1, 2])); print(f([]));")
    assert reason in str(units(execution)["f"])


def test_imports_in_actions_keep_all_actions_interpreted() -> None:
    execution = run('action f() { use "math" as m; return 1; } action g() { return 2; } print(f(), g());')
    assert "imports" in str(units(execution)["g"])


def test_error_mode_keeps_a_frame_interpreted() -> None:
    execution = run("continue; let i = 0; while (i < 5) { let q = 1 / (i - 2); i = i + 1; } print(i, q);")
    assert not any(isinstance(found, Unit) for found in loops(execution))


def test_fewer_arguments_than_parameters_are_interpreted() -> None:
    execution = run(
        "let b = 4; action f(a, b) { return a + b; } print(f(1)); print(f(1, 2)); print(f(1, 2, 3));"
    )
    assert unit(execution, "f").parameters == 2


def test_calls_of_values() -> None:
    execution = run(
        """
        action inc(a) { return a + 1; }
        action apply(fn, x) { return fn(fn(x)); }
        action none(fn) { return fn(1); }
        print(apply(inc, 1), apply(5, 1), none(null), none(abs), none("inc"));
        """
    )
    assert "CALL(" in unit(execution, "apply").source


def test_error_values_travel_through_compiled_code() -> None:
    execution = run(
        """
        action f(a, b) {
            let t = [a + b, a - b, a * b, a == b, a != b, a && b, a || b, a < b, !a];
            if (a == b) { t.push("equal"); }
            if (a) { t.push("true"); } else { t.push("false"); }
            return len(t);
        }
        let e = map([1], 2);
        for each v in [1, e, e, e, e, e, e] { print(f(v, 1), f(1, v), f(v, v)); print(v + 1, 1 == v); }
        """
    )
    assert unit(execution, "f").slow


def test_a_unit_returns_its_frame_to_the_chain() -> None:
    execution = run(
        """
        action bump() { v = v + 1; return 10 / (v - 3); }
        action f(n) { let v = n; let r = bump(); return r + v; }
        let t = [];
        for i in range(5) { try { t.push(f(i)); } catch (e) { t.push(e); } }
        print(t, v);
        """
    )
    assert execution.frame is execution.root


def test_a_source_is_readable() -> None:
    source = unit(run("action area(w, h) { return w * h; } print(area(2, 3));"), "area").source
    assert source.startswith("def u_area_1(v_w, v_h):")
    assert "v_w * v_h" in source


def test_more_operations_than_gas() -> None:
    """Instructions without a price: the limit of operations is reached before that of gas."""
    loop = [
        ("LOAD_CONST", 0), ("STORE_NAME", "i"), "NOP", ("LOAD_NAME", "i"), ("LOAD_CONST", 9), "LT",
        ("JUMP_IF_FALSE", 92), ("LOAD_NAME", "i"), ("LOAD_CONST", 1), "ADD", ("STORE_NAME", "i"),
        ("JUMP", 82), "NOP",
    ]  # fmt: skip
    bytecode = unfolded(*["NOP"] * 80, *loop)
    total = on_host(bytecode)
    assert not total.error
    for limit in range(80, total.gas + 1, 4):
        expected = on_host(bytecode, gas=limit, operations=limit)
        assert on_engine(bytecode, "compiled", gas=limit, operations=limit) == expected
