"""Bytecode built by hand, on the backend: all forms of operands, and the handlers of the kernel."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

import pytest
from zexus.vm.binary_bytecode import deserialize, serialize
from zexus.vm.bytecode import BytecodeBuilder

from tests.engine.programs import action
from tests.runtime.running import compiled, machine
from zexus_parallel_plugin.contributions import execute_opcode
from zexus_parallel_plugin.host.builder import ParallelBytecodeBuilder
from zexus_parallel_plugin.host.vm import VMRuntimeError
from zexus_parallel_plugin.opcodes import OPCODES, SHARED_ADD, ParallelOpcode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zexus_parallel_plugin.runtime.machine import ParallelMachine

NAMES = "action twice(x) { return x * 2; } action plus(v, d) { return v + d; } action me(i) { return i; }"


@pytest.fixture(params=["interpreter", "auto", "compiled"])
def vm(request: pytest.FixtureRequest) -> Iterator[ParallelMachine]:
    made = machine({"worker_count": 1, "tier": request.param})
    made.execute(compiled(NAMES))
    yield made
    made.close()


def value_of(vm: ParallelMachine, builder: BytecodeBuilder) -> Any:
    builder.emit("RETURN")
    with contextlib.redirect_stderr(io.StringIO()):
        return vm.execute(builder.bytecode)


def test_parallel_map_by_name_and_from_the_stack(vm: ParallelMachine) -> None:
    builder = ParallelBytecodeBuilder()
    builder.emit_constant([1, 2])
    builder.emit_parallel_map("twice")
    assert value_of(vm, builder) == [2, 4]
    builder = ParallelBytecodeBuilder()
    builder.emit_load("twice")
    builder.emit_constant([3])
    builder.emit_parallel_map()
    assert value_of(vm, builder) == [6]


def test_parallel_map_of_an_action_among_the_constants(vm: ParallelMachine) -> None:
    body = BytecodeBuilder()
    body.emit_load("x")
    body.emit("RETURN")
    builder = BytecodeBuilder()
    builder.emit_constant([5])
    index = builder.bytecode.add_constant(action("same", ["x"], body.bytecode))
    builder.emit("PARALLEL_MAP", index)
    assert value_of(vm, builder) == [5]


def test_shared_variables_in_all_forms(vm: ParallelMachine) -> None:
    builder = ParallelBytecodeBuilder()
    builder.emit_constant(1)
    builder.emit_shared_write("x")
    builder.emit_constant("y")
    builder.emit_constant(10)
    builder.emit_shared_write()
    builder.emit_constant("x")
    builder.emit_constant(4)
    builder.emit_shared_add()
    builder.emit_constant("y")
    builder.emit_load("plus")
    builder.emit_constant(100)
    builder.emit_shared_update(1)
    builder.emit_shared_read("x")
    builder.emit_constant("y")
    builder.emit_shared_read()
    builder.emit("BUILD_LIST", 4)
    assert value_of(vm, builder) == [5, 110, 5, 110]


def test_shared_variables_stay_with_the_machine(vm: ParallelMachine) -> None:
    builder = ParallelBytecodeBuilder()
    builder.emit_constant(3)
    builder.emit_shared_write("kept")
    value_of(vm, builder)
    builder = ParallelBytecodeBuilder()
    builder.emit_shared_read("kept")
    assert value_of(vm, builder) == 3


def test_forks_in_all_forms(vm: ParallelMachine) -> None:
    for count, timeout in ((2, 20), (None, None)):
        builder = ParallelBytecodeBuilder()
        if count is None:
            builder.emit_constant(3)
        builder.emit_load("me")
        builder.emit_fork_execution(count)
        if timeout is None:
            builder.emit_constant(20)
        builder.emit_join_workers(timeout, from_stack=timeout is None)
        assert value_of(vm, builder) == list(range(count or 3))


def test_a_barrier_is_an_error_outside(vm: ParallelMachine) -> None:
    for barrier in (4, None):
        builder = ParallelBytecodeBuilder()
        if barrier is None:
            builder.emit_constant(4)
        builder.emit_barrier_sync(barrier)
        with pytest.raises(VMRuntimeError, match=r"barrier_sync\(4\): only the copies"):
            value_of(vm, builder)


def test_in_loops_and_try(vm: ParallelMachine) -> None:
    builder = ParallelBytecodeBuilder()
    builder.emit_constant(0)
    builder.emit_store("k")
    builder.mark_label("head")
    builder.emit_load("k")
    builder.emit_constant(300)
    builder.emit("LT")
    builder.emit_jump_if_false("end")
    builder.emit_constant("n")
    builder.emit_load("k")
    builder.emit_shared_add()
    builder.emit_store("sum")
    builder.emit_load("k")
    builder.emit_constant(1)
    builder.emit("ADD")
    builder.emit_store("k")
    builder.emit_jump("head")
    builder.mark_label("end")
    builder.emit("SETUP_TRY", len(builder.bytecode.instructions) + 3)
    builder.emit_join_workers()
    builder.emit("RETURN")
    builder.emit_store("caught")
    builder.emit_load("sum")
    builder.emit_load("caught")
    builder.emit("BUILD_LIST", 2)
    builder.resolve_labels()
    total, caught = value_of(vm, builder)
    assert total == sum(range(300))
    assert caught.startswith("join_workers: there are no copies")


def test_what_has_been_read_back_from_the_binary_format(vm: ParallelMachine) -> None:
    builder = ParallelBytecodeBuilder()
    builder.emit_constant(8)
    builder.emit_shared_write("b")
    builder.emit_shared_read("b")
    builder.emit("RETURN")
    assert vm.execute(deserialize(serialize(builder.bytecode))) == 8


def test_gas_is_that_of_the_table() -> None:
    def used(*instructions: Any) -> int:
        vm = machine({"worker_count": 1})
        builder = BytecodeBuilder()
        builder.emit("NOP")
        for instruction in instructions:
            builder.emit(*instruction)
        builder.emit("RETURN")
        vm.execute(builder.bytecode)
        vm.close()
        return int(vm.gas_metering.gas_used)

    one = used(("SHARED_READ", "x"))
    assert used(("SHARED_READ", "x"), ("SHARED_READ", "y")) - one == OPCODES[ParallelOpcode.SHARED_READ].gas


@pytest.mark.parametrize("operand", [(3, 0), (2, -1), (1, 1), (), (2, "x")])
def test_an_operand_that_means_nothing(vm: ParallelMachine, operand: Any) -> None:
    builder = ParallelBytecodeBuilder()
    builder.emit(ParallelOpcode.SHARED_WRITE, operand)
    with pytest.raises(VMRuntimeError, match="needs the backend parallel"):
        # Code that the engine cannot prepare is the host's, which must not ignore it.
        vm.execute(builder.bytecode)


def test_the_handlers_of_the_kernel(vm: ParallelMachine) -> None:
    stack: list[Any] = [5]
    execute_opcode(ParallelOpcode.SHARED_WRITE, vm, stack, "x")
    assert stack == []
    execute_opcode(ParallelOpcode.SHARED_READ, vm, stack, "x")
    assert stack == [5]
    stack = ["x", 2]
    execute_opcode(ParallelOpcode.SHARED_WRITE, vm, stack, (SHARED_ADD, 0))
    assert stack == [7]
    stack = [[1, 2]]
    execute_opcode(ParallelOpcode.PARALLEL_MAP, vm, stack, "twice")
    assert stack == [[2, 4]]
    stack = [vm.env["me"]]
    execute_opcode(ParallelOpcode.FORK_EXECUTION, vm, stack, 2)
    execute_opcode(ParallelOpcode.JOIN_WORKERS, vm, stack, None)
    assert stack == [[0, 1]]
    with pytest.raises(VMRuntimeError, match="SHARED_WRITE has no operand"):
        execute_opcode(ParallelOpcode.SHARED_WRITE, vm, [1], (9, 9))


def test_a_program_that_is_left_to_the_host_says_so() -> None:
    vm = machine({"worker_count": 1, "tier": "host"})
    with pytest.raises(
        VMRuntimeError, match=r"SHARED_READ: .*The configuration leaves everything to the host"
    ):
        vm.execute(compiled('print(shared_read("x"));'))
    vm.close()


@pytest.mark.parametrize("inner", ["", "let k = 0; while (k < 9) { k = k + 1; }"], ids=["short", "long"])
def test_loops_that_compiled_code_leaves_at_once_are_interpreted(inner: str) -> None:
    vm = machine({"worker_count": 1})
    vm.execute(
        compiled(
            f'action f() {{ let i = 0; while (i < 300) {{ {inner} shared_add("n", 1); i = i + 1; }} }} f();'
        )
    )
    assert vm.last_execution is not None
    code = vm.last_execution.code.get(vm.env["f"]["bytecode"])
    vm.close()
    units = list(code.loops.values())
    assert units
    assert (None in units) == (inner == "")
