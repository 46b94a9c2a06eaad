"""Where bytecode is cut, and what the chunks say about themselves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zexus.vm import parallel_vm as host
from zexus.vm.bytecode import Bytecode, BytecodeBuilder, Opcode

from zexus_parallel_plugin import BytecodeChunk, BytecodeChunker, DependencyAnalyzer
from zexus_parallel_plugin.api.cuts import divide, legal_cuts

from .programs import compiled, straight

LOOP = "let t = 0; let i = 0; while (i < 9) { t = t + i; i = i + 1; } let u = t + 1; let w = u + 1;"


def ranges(bytecode: Any, size: int, least: int = 1) -> list[tuple[int, int]]:
    return [
        (chunk.start_index, chunk.end_index)
        for chunk in BytecodeChunker(size, least).chunk_bytecode(bytecode)
    ]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=40),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_chunks_cover_everything_once_and_in_order(
    effects: list[tuple[int, int]], size: int, least: int
) -> None:
    cuts = legal_cuts(effects, [])
    found = divide(cuts, size, least)
    assert [index for start, end in found for index in range(start, end)] == list(range(len(effects)))
    assert {index for pair in found for index in pair} <= set(cuts)
    assert all(end > start for start, end in found)
    assert all(end - start >= min(least, len(effects)) for start, end in found[-1:] if len(found) > 1)


@given(st.integers(0, 300), st.integers(1, 60))
def test_with_cuts_everywhere_there_are_as_many_chunks_as_on_the_host(count: int, size: int) -> None:
    bytecode = Bytecode([(Opcode.LOAD_CONST, 0)] * count, [1])
    theirs = host.BytecodeChunker(size).chunk_bytecode(bytecode)
    mine = BytecodeChunker(size).chunk_bytecode(bytecode)
    assert [(one.start_index, one.end_index) for one in mine] == [
        (one.start_index, one.end_index) for one in theirs
    ]
    assert [one.instructions for one in mine] == [one.instructions for one in theirs]


def test_operands_that_belong_together_stay_together() -> None:
    # LOAD_CONST, LOAD_CONST, MUL, STORE_NAME: nothing is cut inside of these four.
    assert ranges(straight(6), 6) == [(0, 8), (8, 12), (12, 20), (20, 24), (24, 25)]
    assert all(start % 4 == 0 for start, _ in ranges(straight(60), 7))


def test_a_loop_stays_whole() -> None:
    bytecode = compiled(LOOP)
    jumps = [at for at, (opcode, _) in enumerate(bytecode.instructions) if "JUMP" in opcode.name]
    first = min(bytecode.instructions[at][1] for at in jumps)
    inside = [(start, end) for start, end in ranges(bytecode, 2) if start <= first < end]
    assert len(inside) == 1
    assert all(inside[0][0] <= at < inside[0][1] for at in jumps)
    assert len(ranges(bytecode, 2)) > 3


def test_a_small_rest_joins_its_neighbour() -> None:
    bytecode = Bytecode([(Opcode.LOAD_CONST, 0)] * 23, [1])
    assert ranges(bytecode, 10) == [(0, 10), (10, 20), (20, 23)]
    assert ranges(bytecode, 10, 5) == [(0, 10), (10, 23)]


def test_no_instructions_no_chunks() -> None:
    assert BytecodeChunker().chunk_bytecode(Bytecode()) == []


def test_names_are_found_by_index_and_by_name() -> None:
    instructions = [
        (Opcode.LOAD_NAME, 0), (Opcode.STORE_NAME, 1), (Opcode.LOAD_NAME, "c"), (Opcode.STORE_NAME, "d"),
        ("LOAD_NAME", "e"), (Opcode.POP, None), (Opcode.LOAD_NAME, 99), (Opcode.POP, None),
    ]  # fmt: skip
    (chunk,) = BytecodeChunker().chunk_bytecode(Bytecode(instructions, ["a", "b", 5]))
    assert chunk.variables_read == {"a", "c", "e"}
    assert chunk.variables_written == {"b", "d"}
    assert chunk.constants == ["a", "b", 5]


@pytest.mark.parametrize(
    ("opcode", "operand"),
    [
        (Opcode.JUMP, 1),
        (Opcode.RETURN, None),
        (Opcode.CALL_NAME, (0, 0)),
        (Opcode.CALL_METHOD, (0, 0)),
        (Opcode.STATE_WRITE, 0),
        ("NO_SUCH_OPCODE", None),
    ],
)
def test_what_does_more_than_compute_is_not_for_workers(opcode: Any, operand: Any) -> None:
    code = Bytecode([(Opcode.LOAD_CONST, 0), (opcode, operand)], ["f"])
    assert [chunk.can_parallelize for chunk in BytecodeChunker().chunk_bytecode(code)] == [False]


def test_computing_is_for_workers() -> None:
    assert all(chunk.can_parallelize for chunk in BytecodeChunker(10).chunk_bytecode(straight(30)))


def test_odd_operands_do_not_stop_the_chunker() -> None:
    code = Bytecode([(Opcode.BUILD_SET, "a"), (Opcode.JUMP, "x"), (Opcode.CALL_NAME, None), (None, None)], [])
    assert [chunk.can_parallelize for chunk in BytecodeChunker(1).chunk_bytecode(code)] == [False] * 4


@pytest.mark.parametrize(
    ("opcode", "argument", "reads", "writes"),
    [
        (Opcode.LOAD_NAME, "x", {"x"}, set()),
        (Opcode.STORE_NAME, "x", set(), {"x"}),
        (Opcode.STORE_FUNC, "f", set(), {"f"}),
        (Opcode.LOAD_REG, "r1", {"r1"}, set()),
        (Opcode.STORE_REG, "r1", set(), {"r1"}),
        (Opcode.LOAD_NAME, 3, set(), set()),
        (Opcode.ADD, None, set(), set()),
    ],
)
def test_instructions_as_on_the_host(opcode: Any, argument: Any, reads: set[str], writes: set[str]) -> None:
    assert DependencyAnalyzer().analyze_instruction(opcode, argument) == (reads, writes)
    assert host.DependencyAnalyzer().analyze_instruction(opcode, argument) == (reads, writes)


names = st.sets(st.sampled_from("abc"), max_size=2)


@given(st.lists(st.tuples(names, names), max_size=8))
def test_dependences_of_computing_chunks_are_those_of_the_host(uses: list[tuple[set[str], set[str]]]) -> None:
    def made(kind: Any) -> list[Any]:
        return [
            kind(at, [], at, at + 1, variables_read=set(reads), variables_written=set(writes))
            for at, (reads, writes) in enumerate(uses)
        ]

    mine, theirs = made(BytecodeChunk), made(host.BytecodeChunk)
    DependencyAnalyzer().detect_dependencies(mine)
    host.DependencyAnalyzer().detect_dependencies(theirs)
    assert [one.dependencies for one in mine] == [one.dependencies for one in theirs]


def test_control_keeps_its_place() -> None:
    chunks = [BytecodeChunk(at, [], at, at + 1, can_parallelize=at != 2) for at in range(5)]
    assert [one.dependencies for one in DependencyAnalyzer().analyze_chunks(chunks)] == [
        set(), set(), {0, 1}, {2}, {2},
    ]  # fmt: skip


def test_many_chunks_are_found_quickly_enough_to_be_of_use() -> None:
    # No time is measured: with a comparison of all pairs this would take minutes.
    builder = BytecodeBuilder()
    for at in range(40_000):
        builder.emit("LOAD_CONST", 0)
        builder.emit("STORE_NAME", f"v{at}")
    chunks = BytecodeChunker(10).chunk_bytecode(builder.build())
    assert len(chunks) == 8000
    assert not any(chunk.dependencies for chunk in chunks)
