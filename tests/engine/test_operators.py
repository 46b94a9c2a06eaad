"""Operators give what the host's own loop gives, for operands of every type."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from zexus.object import Boolean, Bytes, DateTime, EvaluationError, Float, Integer, List, Map, Null, String

from tests.differential.describe import Describer, normalise
from zexus_parallel_plugin.engine import isa, operators
from zexus_parallel_plugin.host import vm as host

from .fastcalls.calls import values as plain_and_strange
from .programs import machine, unfolded

VM = machine()
NAMES = {number: name for name, number in isa.NUMBERS.items()}
ERROR = EvaluationError("broken")


class Odd:
    """A value of no known type that has a length, items and nothing else."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, key: Any) -> Any:
        return ["x", "y", "z"][key]

    def __str__(self) -> str:
        return "odd"


wrappers: list[Any] = [
    ERROR, EvaluationError("second"), DateTime(5.0), DateTime(-2.5), Integer(3), Integer(0), Float(1.5),
    Boolean(True), Boolean(False), String("ab"), String(""), Null(), List([Integer(1), Integer(2)]), List([]),
    Map({"a": Integer(1), "b": String("v")}), Map({}), Bytes(b"ab"), Bytes(b""), (1, 2), b"xy", Odd(),
    [Integer(1)], {"k": Integer(2)}, {Integer: 1}, {2: "two", 0: "zero"}, {True: "t"}, {None: "n"},
    {"a": 1, "b": [2]}, 10**400, -(2**70), 2**70, float("inf"), float("nan"), 1e308, -0.0,
]  # fmt: skip
operands = st.sampled_from(wrappers) | plain_and_strange | st.integers(-5, 70) | st.text("ab0", max_size=3)


def seen(arguments: list[Any], call: Callable[[], Any]) -> tuple[Any, ...]:
    """Value or error of a call, in which parts of the arguments are known by place. They do not change."""
    describer = Describer()
    before = [describer.value(argument) for argument in arguments]
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            result = describer.value(call())
        except Exception as error:
            result = f"{type(error).__name__}: {normalise(str(error))}"
    again = Describer()
    assert [again.value(argument) for argument in arguments] == before
    return (*before, result)


def hosts(arguments: list[Any], *instructions: Any) -> Callable[[], Any]:
    names = [f"operand{index}" for index in range(len(arguments))]
    vm = host.HostVM.create_child(parent_vm=VM, env=dict(zip(names, arguments, strict=True)))
    code = unfolded(*(("LOAD_NAME", name) for name in names), *instructions)
    return lambda: host.drive(vm, vm._run_stack_bytecode(code))


def agree(arguments: list[Any], ours: Callable[..., Any], *instructions: Any) -> None:
    assert seen(arguments, lambda: ours(*arguments)) == seen(arguments, hosts(arguments, *instructions))


@pytest.mark.parametrize("number", sorted(operators.BINARY), ids=lambda number: NAMES[number])
@settings(max_examples=15, deadline=None)
@given(left=operands, right=operands)
@example(left=6, right=3)
@example(left=7, right=2)
@example(left=5, right=0)
@example(left=None, right=None)
@example(left="a", right=None)
@example(left=[1], right=2)
@example(left=DateTime(3.0), right=DateTime(1.0))
@example(left=ERROR, right=DateTime(1.0))
@example(left=DateTime(1.0), right=ERROR)
@example(left=DateTime(1.0), right="x")
def test_binary_operators(number: int, left: Any, right: Any) -> None:
    agree([left, right], operators.BINARY[number], NAMES[number])


@pytest.mark.parametrize("number", sorted(operators.BINARY), ids=lambda number: NAMES[number])
def test_binary_operators_on_every_pair_of_wrappers(number: int) -> None:
    few = [ERROR, DateTime(5.0), Integer(3), Boolean(False), String("ab"), Null(), List([Integer(1)]),
           Bytes(b"ab"), (1, 2), Odd(), None, True, 2, 0, 2.5, "a", [1], {"a": 1}]  # fmt: skip
    for left in few:
        for right in few:
            agree([left, right], operators.BINARY[number], NAMES[number])


@settings(max_examples=60, deadline=None)
@given(target=operands, key=operands | st.sampled_from(["a", "k", "timestamp", "elements"]))
@example(target={"a": 1, "b": [2]}, key=1)
@example(target={"a": 1}, key=-1)
@example(target={2: "two", 0: "zero"}, key=0)
@example(target={True: "t"}, key=True)
@example(target={True: "t", "x": 1}, key=False)
@example(target={"a": 1}, key=[1])
@example(target=[1, 2], key=Integer(1))
@example(target="abc", key=-1)
def test_index(target: Any, key: Any) -> None:
    agree([target, key], operators.index, "INDEX")


def test_index_of_an_entity() -> None:
    class Definition:
        name = "Point"

    class Entity:
        entity_def = Definition()

        def __init__(self) -> None:
            self.data = {"x": Integer(1)}

        def get(self, name: str) -> Any:
            return self.data.get(name)

    for key in ("x", "y", String("x"), None, 0, ""):
        agree([Entity(), key], operators.index, "INDEX")


@settings(max_examples=40, deadline=None)
@given(target=operands)
def test_length(target: Any) -> None:
    agree([target], operators.length, "GET_LENGTH")


@settings(max_examples=40, deadline=None)
@given(target=operands, key=operands | st.sampled_from(["a", "value", "timestamp", "pairs", "upper"]))
def test_attribute(target: Any, key: Any) -> None:
    agree([target, key], operators.attribute, "GET_ATTR")


@settings(max_examples=60, deadline=None)
@given(target=operands, start=operands | st.integers(-3, 4), end=operands | st.integers(-3, 4))
@example(target=List([Integer(1), Integer(2)]), start=0, end=1)
@example(target=String("ab"), start=None, end=Integer(1))
@example(target=[[1], [2]], start=0, end=1)
def test_cut(target: Any, start: Any, end: Any) -> None:
    agree([target, start, end], operators.cut, "SLICE")


@pytest.mark.parametrize("count", [1, 2])
@settings(max_examples=50, deadline=None)
@given(target=operands, position=operands | st.integers(-2, 4))
@example(target={"a": 1}, position=0)
@example(target=Map({"a": Integer(1)}), position=0)
@example(target=None, position=0)
@example(target="ab", position=1)
@example(target="ab", position=2)
@example(target=5, position=0)
@example(target=[1, 2], position=True)
def test_iteration(count: int, target: Any, position: Any) -> None:
    def ours(target: Any, position: Any) -> list[Any]:
        found = list(operators.iteration(target, position, count))
        return [*[None] * (3 - len(found)), *found]

    agree([target, position], ours, ("FOR_ITER", count), ("BUILD_LIST", 3))


@settings(max_examples=40, deadline=None)
@given(value=operands)
@example(value=True)
@example(value=Integer(3))
@example(value=None)
def test_negate(value: Any) -> None:
    agree([value], operators.negate, "NEG")


@pytest.mark.parametrize("jump", ["JUMP_IF_FALSE", "JUMP_IF_TRUE"])
@settings(max_examples=15, deadline=None)
@given(value=operands)
@example(value=Boolean(False))
@example(value=Integer(0))
@example(value=ERROR)
def test_truth(jump: str, value: Any) -> None:
    code = [(jump, 4), ("LOAD_CONST", "fell through"), "RETURN", ("LOAD_CONST", "jumped")]

    def ours(value: Any) -> str:
        return "jumped" if operators.truth(value) == (jump == "JUMP_IF_TRUE") else "fell through"

    agree([value], ours, *code)


def test_an_error_among_the_operands_is_the_result_itself() -> None:
    assert operators.add(1, ERROR) is ERROR
    assert operators.BINARY[isa.SUB](ERROR, 1) is ERROR
    assert operators.BINARY[isa.EQ](1, ERROR) is ERROR


def test_items_and_slices_are_the_same_objects() -> None:
    inner = [1]
    assert operators.index([inner], 0) is inner
    assert operators.index({"a": inner}, "a") is inner
    assert operators.cut([inner], 0, 1)[0] is inner
    assert operators.iteration([inner], 0, 2)[1] is inner
