"""Preparation of code objects: operands, refusals, gas."""

from __future__ import annotations

from typing import Any

import pytest

from zexus_parallel_plugin.engine import isa, operators, rare
from zexus_parallel_plugin.engine.code import INTERNAL_NAMES, Code, CodeCache, constant, prepare
from zexus_parallel_plugin.host import vm as host

from .programs import action, assembled, compiled, fuel_gauge, machine, on_engine, on_host, unfolded

VM = machine()


def prepared(*instructions: Any) -> Code:
    """Code of instructions behind a jump, so that the host's optimisers leave them as they are."""
    return prepare(VM, unfolded(*instructions), "code")


def operand(*instructions: Any, at: int = -1) -> tuple[int, Any]:
    code = prepared(*instructions)
    assert not code.refusal
    return code.instructions[at][:2]


def test_a_constant_operand_is_an_index_or_the_value_itself() -> None:
    assert constant(["a", "b"], 1) == "b"
    assert constant(["a", "b"], 2) is None
    assert constant(["a", "b"], -1) is None
    assert constant(["a", "b"], "text") == "text"


def test_names_and_constants_stand_in_the_operands() -> None:
    value = [1]
    assert operand(("LOAD_CONST", value))[1] is value
    assert operand(("LOAD_NAME", "x")) == (isa.LOAD_NAME, "x")
    assert operand(("LOAD_CONST", 1), ("STORE_NAME", "x")) == (isa.STORE_NAME, "x")
    function = action("f", ["a"], assembled("RETURN"))
    assert operand(("STORE_FUNC", ("f", function))) == (isa.STORE_FUNC, ("f", function))


def test_calls_know_whether_a_native_may_serve_them() -> None:
    one = ("LOAD_CONST", 1)
    assert operand(one, ("CALL_NAME", ("len", 1))) == (isa.CALL_NAME, ("len", 1, True))
    assert operand(one, ("CALL_NAME", ("f", 1))) == (isa.CALL_NAME, ("f", 1, False))
    assert operand(one, ("CALL_METHOD", ("len", 0))) == (isa.CALL_METHOD, ("len", 0))


@pytest.mark.parametrize(("raw", "resolved"), [(None, 1), (0, 1), (1, 1), (2, 2), (5, 5), ("x", 1)], ids=repr)
def test_how_much_print_takes(raw: Any, resolved: int) -> None:
    assert operand(*[("LOAD_CONST", 1)] * 5, ("PRINT", raw)) == (isa.PRINT, resolved)


def test_counts_may_be_missing() -> None:
    assert operand(("BUILD_LIST", None)) == (isa.BUILD_LIST, 0)
    assert operand(*[("LOAD_CONST", 1)] * 2, ("FOR_ITER", None)) == (isa.FOR_ITER, 1)


def test_rare_instructions_carry_their_handler() -> None:
    number, (handler, key) = operand(("LOAD_CONST", 1), ("STATE_WRITE", "key"))
    assert (number, handler, key) == (isa.RARE, rare.HANDLERS["STATE_WRITE"], ("key",))


@pytest.mark.parametrize(
    "instruction",
    [("HASH_BLOCK", None), ("NO_SUCH_OPCODE", None), ("CALL_BUILTIN", (0, 1)), ("BUILD_LIST", -1),
     ("BUILD_LIST", "2"), ("BUILD_MAP", True), ("CALL_TOP", 1.5), ("FOR_ITER", 3),
     ("CALL_NAME", ("f", -1)), ("CALL_NAME", ("f", "1")), ("CALL_NAME", (5, 1)), ("LOAD_NAME", 5),
     ("STORE_NAME", None)],
    ids=str,
)  # fmt: skip
def test_what_only_the_host_knows_is_refused(instruction: Any) -> None:
    code = prepared(("LOAD_CONST", 1), instruction)
    assert code.refusal.startswith(f"opcode {instruction[0]}")
    assert code.instructions == ()
    assert code.stream


@pytest.mark.parametrize("target", [-1, 9, None, "L1"])
@pytest.mark.parametrize("name", ["JUMP", "JUMP_IF_FALSE", "JUMP_IF_TRUE", "SETUP_TRY"])
def test_a_jump_to_nowhere_is_refused(name: str, target: Any) -> None:
    code = prepare(VM, assembled(("LOAD_CONST", 1), (name, target), ("JUMP", 2)), "code")
    assert code.refusal == f"jump to {target!r} at 1"


@pytest.mark.parametrize("name", sorted(INTERNAL_NAMES))
def test_the_vms_own_variables_are_refused(name: str) -> None:
    assert prepared(("LOAD_NAME", name)).refusal == f"uses the VM's own variable {name}"
    assert prepared(("LOAD_CONST", 1), ("STORE_NAME", name)).refusal


def test_an_optimiser_that_fails_is_refused() -> None:
    class Failing:
        enable_bytecode_optimizer = True

        class bytecode_optimizer:  # noqa: N801 - an attribute of the VM
            @staticmethod
            def optimize(instructions: Any, constants: Any) -> Any:
                raise RuntimeError("too deep")

    code = prepare(Failing(), assembled("NOP"), "code")
    assert code.refusal == "optimiser: too deep"


@pytest.mark.parametrize(
    "source",
    [
        "let _errors = [1]; print(_errors);",
        "action f() { return _audit_log; } let r = f(); print(r);",
        "action f(a) { a = _grants; return a; } print(f(3)); print(f(4));",
    ],
)
def test_refused_programs_do_what_they_do_on_the_host(source: str) -> None:
    bytecode = compiled(source)
    expected = on_host(bytecode)
    for tier in ("interpreter", "compiled"):
        found = on_engine(bytecode, tier)
        assert found == expected
        assert found.execution.counters["host-only-code"]


def test_a_code_object_is_prepared_once() -> None:
    cache = CodeCache(VM)
    bytecode = assembled(("LOAD_CONST", 1))
    code = cache.get(bytecode, "first")
    assert cache.get(bytecode, "second") is code
    assert code.name == "first"
    assert len(cache) == 1
    assert list(cache) == [code]


def test_errors_name_the_operation() -> None:
    code = prepared(("LOAD_CONST", 1), "POP")
    assert [code.operation(index) for index in range(3)] == ["JUMP", "LOAD_CONST", "POP"]


_BINARY = {name for name, number in isa.NUMBERS.items() if number in operators.BINARY}

# Each opcode that the engine knows, behind the operands that it takes.
_SAMPLES: dict[str, list[Any]] = {
    **{name: [("LOAD_CONST", 6), ("LOAD_CONST", 2), name] for name in sorted(_BINARY)},
    "LOAD_NAME": [("LOAD_NAME", "x")],
    "LOAD_CONST": [("LOAD_CONST", 1)],
    "STORE_NAME": [("LOAD_CONST", 1), ("STORE_NAME", "x")],
    "NOP": ["NOP"],
    "POP": [("LOAD_CONST", 1), "POP"],
    "DUP": [("LOAD_CONST", 1), "DUP"],
    "JUMP": [("JUMP", 1)],
    "JUMP_IF_FALSE": [("LOAD_CONST", 1), ("JUMP_IF_FALSE", 2)],
    "JUMP_IF_TRUE": [("LOAD_CONST", 1), ("JUMP_IF_TRUE", 2)],
    "INDEX": [("LOAD_CONST", "ab"), ("LOAD_CONST", 1), "INDEX"],
    "GET_LENGTH": [("LOAD_CONST", "ab"), "GET_LENGTH"],
    "FOR_ITER": [("LOAD_CONST", "ab"), ("LOAD_CONST", 1), ("FOR_ITER", 2)],
    "CALL_NAME": [("LOAD_CONST", 1), ("LOAD_CONST", 5), ("CALL_NAME", ("max", 2))],
    "CALL_METHOD": [("LOAD_CONST", "ab"), ("LOAD_CONST", "a"), ("CALL_METHOD", ("contains", 1))],
    "NOT": [("LOAD_CONST", 1), "NOT"],
    "NEG": [("LOAD_CONST", 1), "NEG"],
    "BUILD_LIST": [("LOAD_CONST", 1), ("LOAD_CONST", 2), ("LOAD_CONST", 3), ("BUILD_LIST", 3)],
    "BUILD_MAP": [("LOAD_CONST", "a"), ("LOAD_CONST", 2), ("BUILD_MAP", 1)],
    "PRINT": [("LOAD_CONST", 1), ("LOAD_CONST", 2), ("PRINT", 2)],
    "STORE_FUNC": [("STORE_FUNC", ("f", {"bytecode": None}))],
    "SLICE": [("LOAD_CONST", "abc"), ("LOAD_CONST", 0), ("LOAD_CONST", 2), "SLICE"],
    "SETUP_TRY": [("SETUP_TRY", 1)],
    "POP_TRY": [("SETUP_TRY", 1), "POP_TRY"],
    "REQUIRE": [("LOAD_CONST", True), ("LOAD_CONST", "m"), "REQUIRE"],
    "CALL_TOP": [("LOAD_CONST", 5), ("LOAD_CONST", 6), ("LOAD_CONST", 7), ("CALL_TOP", 2)],
    "GET_ATTR": [("LOAD_CONST", {"a": 1}), ("LOAD_CONST", "a"), "GET_ATTR"],
    "AWAIT": ["AWAIT"],
    "SPAWN": ["SPAWN"],
    "ENABLE_ERROR_MODE": ["ENABLE_ERROR_MODE"],
    "AUDIT_LOG": [("LOAD_CONST", 1), ("LOAD_CONST", 2), ("LOAD_CONST", 3), "AUDIT_LOG"],
    "RESTRICT_ACCESS": [("LOAD_CONST", "t"), ("LOAD_CONST", "p"), ("LOAD_CONST", 3), "RESTRICT_ACCESS"],
    "DEFINE_CAPABILITY": [("LOAD_CONST", {"a": 1}), ("LOAD_CONST", "c"), "DEFINE_CAPABILITY"],
    "GRANT_CAPABILITY": [("LOAD_CONST", "who"), ("LOAD_CONST", "c"), ("GRANT_CAPABILITY", 1)],
    "REVOKE_CAPABILITY": [("LOAD_CONST", "who"), ("LOAD_CONST", "c"), ("REVOKE_CAPABILITY", 1)],
    "STATE_WRITE": [("LOAD_CONST", "k"), ("LOAD_CONST", 5), ("STATE_WRITE", None)],
    "STATE_READ": [("LOAD_CONST", "k"), ("STATE_READ", None)],
    "TX_BEGIN": ["TX_BEGIN"],
    "TX_COMMIT": ["TX_COMMIT"],
    "TX_REVERT": ["TX_BEGIN", "TX_REVERT"],
    "EXPORT": [("LOAD_CONST", 5), ("EXPORT", "out")],
    "DEFINE_ENTITY": [("LOAD_CONST", "E"), ("LOAD_CONST", 1), ("LOAD_CONST", "x"), ("DEFINE_ENTITY", 1)],
    "READ": [("LOAD_CONST", "no such file"), "READ"],
    "BUILD_SET": [("LOAD_CONST", 1), ("LOAD_CONST", 2), ("BUILD_SET", 2)],
    "RETURN": [("LOAD_CONST", 1), "RETURN"],
    "THROW": [("SETUP_TRY", 3), ("LOAD_CONST", "e"), "THROW"],
}  # fmt: skip


def test_every_opcode_has_a_sample() -> None:
    # A contract needs the syntax tree of one; its price is compared by name below.
    assert {*isa.NUMBERS, *rare.HANDLERS} - set(_SAMPLES) == {"DEFINE_CONTRACT"}


@pytest.mark.parametrize("name", sorted(_SAMPLES))
def test_gas_is_the_meters(name: str) -> None:
    bytecode = unfolded(*_SAMPLES[name])
    gauge = [0, *fuel_gauge(bytecode)]
    code = prepare(VM, bytecode, "code")
    index = [code.operation(i) for i in range(len(code.stream))].index(name, 1)
    assert code.instructions[index][2] == gauge[index + 1] - gauge[index]


@pytest.mark.parametrize("name", sorted(_SAMPLES))
def test_every_opcode_does_what_it_does_on_the_host(name: str) -> None:
    bytecode = unfolded(*_SAMPLES[name])
    expected = on_host(bytecode)
    assert not expected.error
    for tier in ("interpreter", "compiled"):
        assert on_engine(bytecode, tier) == expected


@pytest.mark.parametrize("name", ["DEFINE_CONTRACT", "MERKLE_ROOT", "NO_SUCH_OPCODE"])
def test_prices_without_a_sample(name: str) -> None:
    meter = VM.gas_metering
    assert host.gas_cost(name, None) == meter._get_operation_cost(name)
    assert host.gas_cost("MERKLE_ROOT", 3) == meter._get_operation_cost("MERKLE_ROOT", leaf_count=3)
