"""``WorkerPool``: chunks on real worker processes, dependences, failures, and what is printed."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zexus.vm.bytecode import BytecodeBuilder, Opcode
from zexus.vm.vm import VM

from zexus_parallel_plugin import (
    BytecodeChunk,
    BytecodeChunker,
    ExecutionResult,
    ParallelConfig,
    SharedState,
    WorkerPool,
)

from .programs import copy_of, straight


def own_pid() -> int:
    return os.getpid()


def _nested() -> Any:
    def unpicklable() -> int:
        return os.getpid()

    return unpicklable


def leave(*_: object) -> None:
    os._exit(3)


def chunk_that(number: int, *instructions: tuple[Any, Any], **fields: Any) -> BytecodeChunk:
    constants = fields.pop("constants", [])
    return BytecodeChunk(number, list(instructions), 0, len(instructions), constants=constants, **fields)


def assigning(number: int, name: str, value: Any, **fields: Any) -> BytecodeChunk:
    instructions = (Opcode.LOAD_CONST, 0), (Opcode.STORE_NAME, name)
    return chunk_that(number, *instructions, constants=[value], variables_written={name}, **fields)


def test_chunks_are_executed_by_workers(pool: WorkerPool) -> None:
    # Four chunks that tell who they are executed by.
    call = (Opcode.CALL_NAME, (0, 0)), (Opcode.STORE_NAME, 1)
    chunks = [
        chunk_that(at, *call, constants=["who", f"p{at}"], variables_written={f"p{at}"}) for at in range(4)
    ]
    state = SharedState()
    before = pool.tasks_completed
    results = pool.submit_chunks(chunks, state, builtins={"who": own_pid})
    assert pool.tasks_completed - before == 4
    assert [result.chunk_id for result in results] == [0, 1, 2, 3]
    assert all(result.success for result in results)
    pids = set(state.snapshot().values())
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2


def test_a_chunk_here() -> None:
    state = SharedState()
    state.write("n", 20)
    builder = BytecodeBuilder()
    for _ in (builder.emit_load("n"), builder.emit_constant(22), builder.emit_add(), builder.emit_store("m")):
        pass
    (chunk,) = BytecodeChunker().chunk_bytecode(builder.build())
    pool = WorkerPool(2)
    result = pool.execute_chunk(chunk, state)
    assert (result.success, result.variables_modified) == (True, {"m": 42})
    assert not state.has("m")
    assert pool.tasks_submitted == 0


def test_a_chain_of_dependences_is_kept(pool: WorkerPool) -> None:
    state = SharedState()
    chunks = BytecodeChunker(5).chunk_bytecode(straight(40, chained=True))
    assert any(chunk.dependencies for chunk in chunks)
    results = pool.submit_chunks(chunks, state)
    assert all(result.success for result in results)
    vm = VM()
    vm.execute(straight(40, chained=True))
    assert state.snapshot() == vm.env


STEP = st.tuples(
    st.sampled_from("abc"), st.sampled_from("abc"), st.integers(0, 5), st.sampled_from(["ADD", "SUB", "MUL"])
)


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=40)
@given(st.lists(STEP, min_size=2, max_size=20), st.integers(1, 12))
def test_any_chunks_give_the_variables_of_the_program(pool: WorkerPool, steps: list[Any], size: int) -> None:
    builder = BytecodeBuilder()
    for target, source, number, operator in steps:
        builder.emit_load(source)
        builder.emit_constant(number)
        builder.emit(operator)
        builder.emit_store(target)
    bytecode = builder.build()
    vm = VM()
    vm.execute(copy_of(bytecode))
    state = SharedState()
    results = pool.submit_chunks(BytecodeChunker(size).chunk_bytecode(bytecode), state)
    assert all(result.success for result in results)
    assert state.snapshot() == vm.env


def test_an_error_is_in_the_result_and_stops_what_depends_on_it(pool: WorkerPool) -> None:
    failing = chunk_that(
        0, (Opcode.LOAD_CONST, 0), (Opcode.LOAD_CONST, 1), (Opcode.DIV, None), (Opcode.STORE_NAME, "x"),
        constants=[1, 0], variables_written={"x"},
    )  # fmt: skip
    state = SharedState()
    chunks = [
        failing,
        assigning(1, "y", 1, dependencies={0}),
        assigning(2, "z", 2, dependencies={1}),
        assigning(3, "free", 3),
    ]
    results = pool.submit_chunks(chunks, state)
    assert [result.success for result in results] == [False, False, False, True]
    assert results[0].error == "Division by zero"
    assert "Division by zero" in (results[0].error_trace or "")
    assert results[1].error == "depends on chunk 0, which failed"
    assert state.snapshot() == {"free": 3}


def endless(number: int) -> BytecodeChunk:
    return chunk_that(number, (Opcode.NOP, None), (Opcode.JUMP, 0))


def test_a_chunk_that_never_ends_is_ended() -> None:
    state = SharedState()
    config = ParallelConfig(worker_count=2, timeout_seconds=0.3)
    with WorkerPool(config=config) as pool:
        results = pool.submit_chunks([endless(0), assigning(1, "x", 1)], state)
    assert [result.success for result in results] == [False, True]
    assert results[0].error == "Timeout after 0.3s"


def test_a_chunk_that_kills_its_worker_is_given_to_others_and_then_has_failed() -> None:
    call = (Opcode.LOAD_CONST, 1), (Opcode.CALL_NAME, (0, 1))
    killing = chunk_that(0, *call, constants=["leave", 3])
    config = ParallelConfig(worker_count=2, retry_attempts=2)
    with WorkerPool(config=config) as pool:
        killed, fine = pool.submit_chunks(
            [killing, assigning(1, "x", 1)], SharedState(), builtins={"leave": leave}
        )
    assert (killed.success, fine.success) == (False, True)
    assert killed.error is not None
    assert killed.error.startswith("died: ")
    assert killed.retry_count == 2


def test_what_cannot_be_sent_is_executed_here(pool: WorkerPool) -> None:
    call = (Opcode.CALL_NAME, (0, 0)), (Opcode.STORE_NAME, 1)
    chunk = chunk_that(0, *call, constants=["who", "pid"], variables_written={"pid"})
    state = SharedState()
    before = pool.tasks_submitted
    (result,) = pool.submit_chunks([chunk], state, builtins={"who": _nested()})
    assert pool.tasks_submitted == before
    assert result.success
    assert state.read("pid") == os.getpid()


def test_chunks_that_are_not_for_workers_are_executed_here(pool: WorkerPool) -> None:
    chunk = chunk_that(
        0, (Opcode.CALL_NAME, (0, 0)), (Opcode.STORE_NAME, 1), constants=["who", "pid"],
        variables_written={"pid"}, can_parallelize=False,
    )  # fmt: skip
    state = SharedState()
    pool.submit_chunks([chunk], state, builtins={"who": own_pid})
    assert state.read("pid") == os.getpid()


def test_what_is_printed_comes_in_the_order_of_the_chunks(
    pool: WorkerPool, capsys: pytest.CaptureFixture[str]
) -> None:
    chunks = [
        chunk_that(at, (Opcode.LOAD_CONST, 0), (Opcode.PRINT, None), constants=[f"line {at}"])
        for at in range(9)
    ]
    chunks[4].can_parallelize = False
    pool.submit_chunks(chunks, SharedState())
    assert capsys.readouterr().out == "".join(f"line {at}\n" for at in range(9))


def test_a_value_and_variables_of_the_caller(pool: WorkerPool) -> None:
    chunk = chunk_that(0, (Opcode.LOAD_NAME, "outer"), (Opcode.RETURN, None), variables_read={"outer"})
    (result,) = pool.submit_chunks([chunk], SharedState(), parent_env={"outer": 7})
    assert result.result == 7


def test_chunks_that_wait_for_each_other_are_refused(pool: WorkerPool) -> None:
    chunks = [assigning(0, "x", 1, dependencies={1}), assigning(1, "y", 1, dependencies={0})]
    with pytest.raises(ValueError, match="chunks wait for each other: 0, 1"):
        pool.submit_chunks(chunks, SharedState())
    with pytest.raises(ValueError, match="the same chunk_id"):
        pool.submit_chunks([assigning(0, "x", 1), assigning(0, "y", 1)], SharedState())
    assert pool.submit_chunks([], SharedState()) == []


def test_dependences_on_other_chunks_do_not_matter(pool: WorkerPool) -> None:
    (result,) = pool.submit_chunks([assigning(5, "x", 1, dependencies={4, 5})], SharedState())
    assert result == ExecutionResult(
        5, True, None, execution_time=result.execution_time, variables_modified={"x": 1}
    )


def test_sizes() -> None:
    assert WorkerPool(3).worker_count == WorkerPool(num_workers=3).num_workers == 3
    assert WorkerPool(config=ParallelConfig(worker_count=5)).worker_count == 5
    assert repr(WorkerPool(3)) == "WorkerPool(workers=3, not running)"
    with pytest.raises(ValueError, match="worker_count"):
        WorkerPool(0)
    with pytest.raises(ValueError, match="worker_count is 2, but the config says 5"):
        WorkerPool(2, config=ParallelConfig(worker_count=5))


def test_a_pool_can_be_started_again() -> None:
    pool = WorkerPool(2)
    for at in range(2):
        state = SharedState()
        pool.start()
        pool.start()
        assert pool.submit_chunks([assigning(at, "x", at)], state)[0].success
        pool.shutdown()
        pool.shutdown()
        assert state.read("x") == at
