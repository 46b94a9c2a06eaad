"""The interpreter does what the host's loop does: results, gas, errors, wherever the gas ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from zexus_parallel_plugin.engine.code import prepare
from zexus_parallel_plugin.engine.execution import Execution
from zexus_parallel_plugin.engine.frame import Frame
from zexus_parallel_plugin.engine.interpreter import interpret
from zexus_parallel_plugin.host import vm as host

from .programs import (
    Result,
    action,
    assembled,
    assert_same,
    assert_same_at_all_limits,
    compiled,
    limits,
    machine,
    on_engine,
    on_host,
    unfolded,
)

INTERPRETER = ("interpreter",)

GROUPS: dict[str, str] = {
    "names and arithmetic": """
        let a = 1; let b = a + 2 * 3 - 4 / 2 + 7 % 4; a = b ** 2; a += 1; print(a, b);
        let z = a < b;
    """,
    "comparison and logic": """
        print(1 < 2, "a" > "b", 1 == 1.0, 1 != null, !0, true && 0, 0 || "x", null < 1);
    """,
    "containers": """
        let xs = [1, "a", [2], {"k": 3}]; let m = {"a": xs, "b": 2};
        print(xs[0], xs[9], m["a"][2], m["zz"], xs[1:3], "hello"[1:2], xs[3]["k"]);
        xs[0] = 5; m["c"] = xs; xs.push(6); print(xs, m);
    """,
    "branches": """
        let a = 3; if (a > 5) { print(1); } elif (a > 2) { print(2); } else { print(3); }
        print(a > 1 ? 1 : 2);
    """,
    "loops": """
        let i = 0; while (i < 4) { i = i + 1; if (i == 2) { continue; } if (i == 3) { break; } print(i); }
        for each x in [1, 2] { print(x); } for each k, v in {"a": 1} { print(k, v); }
        for j in range(2) { print(j); }
    """,
    "calls": """
        action f(a, b) { return a + b; } action g() { } print(f(1, 2), g(), f(1), f(1, 2, 3), nothing(4), g);
        let five = 5; print(five(1)); print(str(12) + "x", len("abc"), abs(0 - 3), push([1], 2));
    """,
    "methods": """
        let xs = [3, 1, 2];
        print(xs.sort(), xs.length(), xs.contains(3), "abc".upper(), {"a": 1}.keys(), null.foo());
        xs.append(4); let p = xs.pop(); print(xs, p, xs.no_such());
    """,
    "errors": """
        try { let a = 1 / 0; print("no"); } catch (e) { print("caught", e); }
        try { require(1 > 2, "wrong"); } catch (e) { print(e); }
        try { [1][7:2]; let xs = [1]; xs[7] = 2; } catch (e) { print(e); }
        action f() { throw "thrown"; } try { f(); } catch (e) { print(e); }
        try { try { f(); } catch (e) { throw "again " + e; } } catch (e) { print(e); }
    """,
    "an error in the end": "let a = 1; print(a); let b = a / 0; print(b);",
    "an error in a callee": "action f(a) { let b = 2; return a / 0; } print(f(1));",
    "a failed requirement": """
        action f(a) { require(a > 1, "a is " + a); return a; } print(f(2)); print(f(1));
    """,
    "a thrown value": "action f(a) { if (a > 0) { throw a; } return 0; } print(f(0)); f(5);",
    "handlers that are left behind": """
        let i = 0;
        while (i < 3) { i = i + 1; try { if (i == 2) { continue; } print(i); } catch (e) {
        print("caught", e); } }
        if (i == 3) { i = 4; let z = 1 / 0; } print("end", i);
    """,
    "error mode": """
        action f(n) { continue; let a = 1 / n; print("went on", a); let b = [1]; b[7] = n; return b; }
        print(f(0)); print(f(2));
    """,
    "entities": """
        entity Point { x: integer = 1, y: integer = 2 }
        let p = Point(5, 6); print(p.x, p.y); let q = Point(7); print(q.y);
    """,
    "asynchronous calls": """
        action work(x) { return x + x; } async work("abc"); let y = await work(2); print(y);
    """,
    "leftovers": "action f() { return 3; } async f();",
    "a match": 'let r = match 2 { 1 => "one", 2 => "two" }; print(r); print(match 5 { 1 => 2, _ => 3 });',
    "lambdas": "let f = lambda(x) { return x * 2; }; print(f(4)); let g = lambda(x) -> x + 1; print(g(1));",
    "functions as values": """
        action f(a) { return a + 1; } let fs = [f]; let h = f; print(h(1), fs[0](7), (f)(2));
    """,
}


@pytest.mark.parametrize("name", GROUPS)
def test_groups_of_instructions_at_every_gas_limit(name: str) -> None:
    assert_same_at_all_limits(GROUPS[name], tiers=INTERPRETER, most=60)


@pytest.mark.parametrize("name", ["loops", "errors", "calls", "error mode"])
def test_limits_of_operations(name: str) -> None:
    bytecode = compiled(GROUPS[name])
    total = on_host(bytecode).operations
    for limit in range(0, total + 1, max(1, total // 40)):
        expected = on_host(bytecode, operations=limit)
        assert on_engine(bytecode, operations=limit) == expected, limit


def test_which_limit_is_named_when_both_are_reached() -> None:
    bytecode = compiled(GROUPS["loops"])
    total = on_host(bytecode)
    for gas in range(total.gas - 12, total.gas + 2):
        for operations in range(total.operations - 4, total.operations + 2):
            expected = on_host(bytecode, gas=gas, operations=operations)
            assert on_engine(bytecode, gas=gas, operations=operations) == expected


def test_gas_that_ends_is_an_error_that_can_be_caught() -> None:
    source = "let i = 0; try { while (true) { i = i + 1; } } catch (e) { i = 0 - 1; }"
    for gas in (40, 41, 42, 43, 44, 45, 46, 60):
        result = assert_same(source, gas=gas, tiers=INTERPRETER)
        assert "Out of gas" in result.error


def test_without_a_limit() -> None:
    assert_same(GROUPS["loops"], gas=float("inf"))


CODE: dict[str, Any] = {
    "empty": (),
    "pops from an empty stack": ("POP", "POP", ("LOAD_CONST", 1)),
    "adds to nothing": (("LOAD_CONST", 5), "ADD"),
    "adds text to nothing": (("LOAD_CONST", "a"), "ADD"),
    "catches an error whose text is not its argument": (
        ("SETUP_TRY", 4), ("LOAD_CONST", "{x}"), ("CALL_METHOD", ("format", 0)), "RETURN", "RETURN",
    ),
    "operators on an empty stack": ("SUB", "MUL", "EQ", "NOT"),
    "lists of what is missing": (("LOAD_CONST", 1), ("BUILD_LIST", 3)),
    "maps of what is missing": (("LOAD_CONST", 1), ("BUILD_MAP", 1)),
    "prints what is missing": (("LOAD_CONST", 1), ("PRINT", 2)),
    "duplicates nothing": ("DUP", ("LOAD_CONST", 1)),
    "returns nothing": ("RETURN",),
    "jumps on nothing": (("JUMP_IF_FALSE", 2), ("LOAD_CONST", 1), ("LOAD_CONST", 2)),
    "calls with too few": (("CALL_NAME", ("max", 2)),),
    "calls a method on nothing": (("CALL_METHOD", ("upper", 0)),),
    "calls the top of nothing": (("CALL_TOP", 1),),
    "stores nothing": (("STORE_NAME", "a"),),
    "slices nothing": ("SLICE",),
    "indexes nothing": ("INDEX", "GET_LENGTH"),
    "negates nothing": ("NEG",),
    "iterates over nothing": (("FOR_ITER", 1), ("FOR_ITER", 2)),
    "requires nothing": ("REQUIRE",),
    "throws nothing": ("THROW",),
    "leaves a try that is not open": ("POP_TRY", ("LOAD_CONST", 1)),
    "gets an attribute of nothing": ("GET_ATTR",),
    "jumps to the end": (("LOAD_CONST", 1), ("JUMP", 3), ("LOAD_CONST", 2)),
    "leaves three operands": (("LOAD_CONST", 1), ("LOAD_CONST", 2), ("LOAD_CONST", 3)),
    "a transaction that ends well": (
        "TX_BEGIN", ("LOAD_CONST", "k"), ("LOAD_CONST", 1), ("STATE_WRITE", None), "TX_COMMIT",
        ("LOAD_CONST", "k"), ("STATE_READ", None),
    ),
    "a transaction that an error leaves": (
        ("LOAD_CONST", "k"), ("LOAD_CONST", 1), ("STATE_WRITE", None), "TX_BEGIN", "TX_BEGIN",
        ("LOAD_CONST", "k"),
        ("LOAD_CONST", 2), ("STATE_WRITE", None), ("LOAD_CONST", 1), ("LOAD_CONST", 0), "DIV",
    ),
    "a transaction with a requirement that fails": (
        ("SETUP_TRY", 7), "TX_BEGIN", ("LOAD_CONST", "k"), ("LOAD_CONST", 2), ("STATE_WRITE", None),
        ("LOAD_CONST", False), "REQUIRE", ("LOAD_CONST", "k"), ("STATE_READ", None),
    ),
    "catches in front of itself": (
        ("LOAD_NAME", "n"), ("LOAD_CONST", 1), "ADD", "DUP", ("STORE_NAME", "n"), ("LOAD_CONST", 3), "GT",
        ("JUMP_IF_TRUE", 11), ("SETUP_TRY", 0), ("LOAD_CONST", "again"), "THROW", ("LOAD_NAME", "n"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CODE)
def test_odd_code(name: str) -> None:
    result = assert_same_at_all_limits(unfolded(*CODE[name]), most=20)
    assert result.gas > 0


def test_an_operand_stack_that_overflows() -> None:
    result = assert_same(unfolded(("LOAD_CONST", 1), ("JUMP", 0)))
    assert result.error.startswith("OverflowError: VM stack overflow: depth 100000 exceeds")


def test_an_operand_stack_that_overflows_leaves_no_room_for_the_text_of_an_error() -> None:
    result = assert_same(unfolded(("SETUP_TRY", 3), ("LOAD_CONST", 1), ("JUMP", 1), ("LOAD_CONST", 2)))
    assert result.error.startswith("OverflowError: VM stack overflow: depth 100000 exceeds")


def test_a_handler_keeps_the_operands_of_the_statement() -> None:
    bytecode = unfolded(
        ("SETUP_TRY", 6), ("LOAD_CONST", "left"), ("LOAD_CONST", 1), ("LOAD_CONST", 0), "DIV", "RETURN",
        ("BUILD_LIST", 2), "RETURN",
    )  # fmt: skip
    result = assert_same(bytecode)
    assert result.value == "#1=['left', 'Division by zero']"


def test_a_frame_may_be_entered_in_the_middle() -> None:
    vm = machine()
    code = prepare(vm, unfolded(("LOAD_CONST", 1), "ADD", ("LOAD_CONST", 0), "DIV", "NOP", "RETURN"))
    assert code.bounds.checked
    execution = Execution(vm)
    frame = Frame({}, execution.root, 1)
    assert interpret(execution, code, frame, [41], 1, [6]) == "Division by zero"
    assert vm.gas_metering.operation_count == 5


def test_a_builtin_that_fails_yields_null_and_a_warning() -> None:
    def broken(*_args: Any) -> Any:
        raise ValueError("no")

    bytecode = compiled("let r = broken(1); print(r); print(len(r));")
    expected = on_host(bytecode, builtins={"broken": broken})
    for tier in ("interpreter", "compiled"):
        found = on_engine(bytecode, tier, builtins={"broken": broken})
        assert found == expected
        assert found.stderr == expected.stderr


def test_a_builtin_that_awaits() -> None:
    async def later(value: Any) -> Any:
        return value

    bytecode = compiled("let r = later(7); print(r);")
    expected = on_host(bytecode, builtins={"later": later}, on_loop=True)
    assert on_engine(bytecode, builtins={"later": later}) == expected


DEEP = """
let depth = 0;
action down(n) { depth = depth + 1; return %s; }
"""


@pytest.fixture
def shallow() -> Iterator[int]:
    """A recursion limit that is soon reached; the depth of calls at which the host fails under it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(800)
    yield host.deepest_call(800)
    sys.setrecursionlimit(before)


def deep(source: str) -> Result:
    """The same on both: the host on its event-loop thread, where programs run."""
    bytecode = compiled(source)
    expected = on_host(bytecode, gas=10**7, on_loop=True)
    assert "depth" in expected.env
    for tier in ("interpreter", "compiled"):
        assert on_engine(bytecode, tier, gas=10**7) == expected, tier
    return expected


@pytest.mark.parametrize(
    "call",
    ["down(n + 1) + 1", "n > 2000 ? 0 : [down(n + 1)]", "abs(down(n + 1)).length()"],
)
def test_recursion_without_end(shallow: int, call: str) -> None:
    result = deep(DEEP % call + "let r = down(0); print(r);")
    assert "RecursionError" in result.error


def test_recursion_that_just_fits(shallow: int) -> None:
    source = f"{DEEP % 'n > most ? n : down(n + 1)'} let r = down(0); print(r);"
    for below in (95, 85):
        assert not deep(f"let most = {shallow - below}; {source}").error
    errors = [deep(f"let most = {shallow - below}; {source}").error for below in (0, 4, 9)]
    assert errors[0]
    assert not errors[-1]


def test_recursion_without_end_that_is_caught(shallow: int) -> None:
    deep(DEEP % "down(n + 1)" + 'try { down(0); } catch (e) { print("caught", e); } print(depth);')


def test_recursion_without_end_that_every_call_catches(shallow: int) -> None:
    deep(
        """
        let depth = 0;
        action down(n) { depth = depth + 1; let r = 0; try { r = down(n + 1); } catch (e) { r = n;
        } return r; }
        let r = down(0); print(r);
        """
    )


def test_mutual_recursion_without_end(shallow: int) -> None:
    deep(
        """
        let depth = 0;
        action ping(n) { depth = depth + 1; let r = pong(n + 1); return r; }
        action pong(n) { let r = ping(n + 1); return r; }
        let r = ping(0);
        """
    )


def test_code_of_the_host_calls_ours_and_ours_calls_the_hosts() -> None:
    result = assert_same_at_all_limits(
        """
        let x = 1;
        action mine(a) { x = x + a; return hosts(a - 1); }
        action hosts(a) { let _errors = []; if (a > 0) { return mine(a) + x; } x = x * 2; return 100; }
        let r = mine(3); print(r, x);
        """,
        most=40,
    )
    assert result.stdout == "104 4\n" or result.stdout


def test_errors_pass_between_the_host_and_us() -> None:
    assert_same_at_all_limits(
        """
        action mine(a) { return 10 / a; }
        action hosts(a) { let _errors = []; let r = 0; try { r = mine(a); } catch (e) { r = e; }
        return [r, mine(a)]; }
        try { print(hosts(5)); print(hosts(0)); } catch (e) { print("outside", e); }
        """,
        most=40,
    )


def test_what_the_host_writes_ends_our_caches() -> None:
    assert_same(
        """
        let x = 1;
        action set() { let _errors = []; x = 99; }
        action reader() { x = 2; set(); let a = x; let b = x; return [a, b]; }
        action outer(x) { let r = reader(); return [r, x]; }
        print(reader()); print(outer(5)); print(x);
        """
    )


def test_the_residue_of_the_top_level_is_the_result() -> None:
    result = assert_same('action work(x) { return x + x; } async work("abc"); 3;')
    assert result.value
    assert assert_same(assembled(("LOAD_CONST", 5), ("LOAD_CONST", 7))).value == "7"


def test_arguments_too_many_are_dropped_and_missing_ones_unbound() -> None:
    function = action(
        "f", ["a", "b"], unfolded(("LOAD_NAME", "a"), ("LOAD_NAME", "b"), ("BUILD_LIST", 2), "RETURN")
    )
    for count in range(4):
        loads = [("LOAD_CONST", index) for index in range(count)]
        store = [("LOAD_CONST", "b of root"), ("STORE_NAME", "b"), ("STORE_FUNC", ("f", function))]
        code = unfolded(*store, *loads, ("CALL_NAME", ("f", count)), "RETURN")
        assert_same(code)


def test_gas_limits_inside_the_callee_of_a_builtin_call() -> None:
    bytecode = compiled(
        "action f(n) { return max(n, abs(0 - n)) + f2(n); } action f2(n) { return n; } print(f(3));"
    )
    for limit in limits(bytecode):
        assert on_engine(bytecode, gas=limit) == on_host(bytecode, gas=limit)
