"""The bridge to the host's VM."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zexus.object import Bytes, EvaluationError, Float, Integer, List, Map, Null, String
from zexus.vm.gas_metering import GasCost, GasMetering

from tests.engine.programs import action, assembled, compiled, machine, unfolded
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.host.optimiser import executed_stream
from zexus_parallel_plugin.host.values import NUMBERS, PLAIN, unwrap


@settings(max_examples=200)
@given(st.sampled_from([*GasCost.__members__, "UNKNOWN"]), st.integers(0, 9), st.booleans())
def test_gas_costs_are_the_meters(name: str, count: int, missing: bool) -> None:
    meter = GasMetering(gas_limit=None)
    operand: Any = None
    arguments: dict[str, int] = {}
    if name in {"CALL_NAME", "CALL_METHOD"}:
        operand = (0, count)
        arguments = {"arg_count": count}
    elif not missing:
        operand = count
        keyword = {
            "BUILD_LIST": "count",
            "BUILD_MAP": "count",
            "MERKLE_ROOT": "leaf_count",
            "CALL_TOP": "arg_count",
        }
        if name in keyword:
            arguments = {keyword[name]: count}
    if name == "CALL_BUILTIN":
        return  # refused by the engine
    assert host.gas_cost(name, operand) == meter._get_operation_cost(name, **arguments)


def test_drive_runs_a_coroutine_to_its_end() -> None:
    async def done() -> int:
        return 5

    assert host.drive(None, done()) == 5

    async def failing() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError):
        host.drive(None, failing())


def test_a_coroutine_that_suspends_is_closed() -> None:
    closed = []

    class Suspending:
        def __await__(self) -> Iterator[None]:
            yield

    async def waiting() -> None:
        try:
            await Suspending()
        finally:
            closed.append(True)

    with pytest.raises(RuntimeError, match="suspended"):
        host.drive(None, waiting())
    assert closed


def test_what_needs_the_event_loop() -> None:
    async def later() -> None: ...

    coroutine = later()
    assert host.needs_event_loop(coroutine)
    coroutine.close()
    assert not host.needs_event_loop(5)
    assert host.is_coroutine_function(later)
    assert not host.is_coroutine_function(len)


def test_the_deepest_call() -> None:
    assert host.deepest_call(3000) == 997
    assert host.deepest_call(3003) == 998


def test_hidden_levels_are_what_is_in_use_beyond_python_frames() -> None:
    here = host.hidden_levels()
    assert 0 <= here < 200

    def through_c(levels: int) -> int:
        return host.hidden_levels() if not levels else max(map(through_c, [levels - 1]))

    more = through_c(5)
    assert more - here == (5 if sys.version_info < (3, 12) else 0) or more >= here


class Names(dict[str, Any]):
    """Names of callers, as the host takes them."""


def test_an_action_sees_its_callers_and_writes_to_them() -> None:
    vm = machine()
    names = Names(v=3)
    code = unfolded(("LOAD_NAME", "v"), ("LOAD_NAME", "a"), "ADD", "DUP", ("STORE_NAME", "v"), "RETURN")
    before = sys.getrecursionlimit()
    assert host.run_action(vm, action("f", ["a"], code), [4], names, 1, limit=before, hidden=0) == 7
    assert names == {"v": 7}
    assert sys.getrecursionlimit() == before


def test_the_recursion_limit_is_put_back_after_an_error() -> None:
    vm = machine()
    code = unfolded(("LOAD_CONST", 1), ("LOAD_CONST", 0), "DIV", "RETURN")
    before = sys.getrecursionlimit()
    with pytest.raises(host.VMRuntimeError, match="Division by zero"):
        host.run_action(vm, action("f", [], code), [], Names(), 1, limit=before, hidden=0)
    assert sys.getrecursionlimit() == before


def test_top_level_code_runs_as_by_execute() -> None:
    vm = machine()
    assert host.run_top_level(vm, unfolded(("LOAD_CONST", 4), ("LOAD_CONST", 5), "ADD")) == 9
    assert vm.gas_metering.operation_count == 4


def test_methods_of_odd_targets() -> None:
    vm = machine()
    sealed = type("SealedObject", (), {})()
    assert host.call_method(vm, {"a": 1}, "get", ["a"]) == 1
    assert host.call_method(vm, {"f": lambda x: x + 1}, "f", [2]) == 3
    assert host.call_method(vm, {"v": 5}, "v", []) == 5
    assert host.call_method(vm, [1], "set", [0]) is None
    assert host.call_method(vm, [1], "no_such", []) is None
    assert host.call_method(vm, 255, "bit_length", []) == 8
    target = Map({"a": Integer(1)})
    assert host.call_method(vm, target, "set", [String("a"), 3]) == 3
    assert target.pairs["a"] == 3
    with pytest.raises(host.VMRuntimeError, match="sealed"):
        host.call_method(vm, Map({"a": sealed}), "set", ["a", 3])
    with pytest.raises(IndexError):
        host.call_method(vm, [1], "set", [7, 1])


def test_a_method_that_awaits_is_awaited_on_the_event_loop() -> None:
    class Target:
        async def later(self, value: int) -> int:
            await asyncio.sleep(0)
            return value + 1

    assert host.call_method(machine(), Target(), "later", [4]) == 5


def test_objects_with_a_call_method_of_their_own() -> None:
    class Target:
        def call_method(self, name: str, args: list[Any]) -> Any:
            assert type(args[0]) is Integer
            return String(name)

    assert host.call_method(machine(), Target(), "ping", [4]) == "ping"


def test_unwrapping() -> None:
    error, data = EvaluationError("e"), Bytes(b"ab")
    assert unwrap(Null()) is None
    assert (unwrap(Integer(3)), unwrap(Float(2.5)), unwrap(String("a"))) == (3, 2.5, "a")
    assert unwrap(data) is data
    assert unwrap(error) is error
    elements = List([1])
    assert unwrap(elements) is elements
    for value in (1, 2.5, "a", True, None, [1], {"a": 1}):
        assert type(value) in PLAIN
        assert unwrap(value) is value
    assert NUMBERS < PLAIN


def test_the_executed_stream_is_what_the_hosts_loop_counts() -> None:
    """Folding, and dead code behind a return: as many instructions run as the stream has."""
    vm = machine()
    folded = assembled(("LOAD_CONST", 2), ("LOAD_CONST", 3), "ADD", "RETURN", ("LOAD_CONST", 4))
    stream, constants = executed_stream(vm, folded)
    assert [name for name, _operand in stream] == ["LOAD_CONST", "RETURN"]
    assert constants[stream[0][1]] == 5
    assert host.drive(vm, vm._run_stack_bytecode(folded)) == 5
    assert vm.gas_metering.operation_count == len(stream)
    assert len(folded.instructions) == 5

    jumping = unfolded(("LOAD_CONST", 2), ("LOAD_CONST", 3), "ADD", "RETURN")
    assert len(executed_stream(vm, jumping)[0]) == 5

    source = compiled("let a = 2 + 3; print(a);")
    names = [name for name, _operand in executed_stream(vm, source)[0]]
    assert "ADD" not in names
    assert all(isinstance(name, str) for name in names)


def test_optimisers_can_be_switched_off() -> None:
    vm = machine()
    vm.enable_bytecode_optimizer = vm.enable_peephole_optimizer = False
    folded = assembled(("LOAD_CONST", 2), ("LOAD_CONST", 3), "ADD")
    assert len(executed_stream(vm, folded)[0]) == 3
