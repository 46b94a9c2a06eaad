"""The pass that puts the opcodes in place of calls: what it changes and what it leaves alone."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from zexus.vm.binary_bytecode import deserialize, serialize
from zexus.vm.bytecode import Bytecode, BytecodeBuilder, Opcode
from zexus.vm.vm import VM

from tests.runtime.running import compiled
from zexus_parallel_plugin.analysis.names import assigned_names
from zexus_parallel_plugin.host.builder import ParallelBytecodeBuilder
from zexus_parallel_plugin.host.compiler_pass import GUARD, code_objects, concerns, parallel_names, rewrite
from zexus_parallel_plugin.opcodes import ParallelOpcode

GUARD_SIZE = 3

CALLS = {
    "fork_execution(2, f);": [(ParallelOpcode.FORK_EXECUTION, None), "LOAD_CONST", "POP"],
    "let r = join_workers();": [(ParallelOpcode.JOIN_WORKERS, None), "STORE_NAME"],
    "let r = join_workers(3);": [(ParallelOpcode.JOIN_WORKERS, -1), "STORE_NAME"],
    "let r = parallel_map(f, [1]);": [(ParallelOpcode.PARALLEL_MAP, None), "STORE_NAME"],
    "barrier_sync(1);": [(ParallelOpcode.BARRIER_SYNC, None), "LOAD_CONST", "POP"],
    'let r = shared_read("x");': [(ParallelOpcode.SHARED_READ, None), "STORE_NAME"],
    'shared_write("x", 1);': [(ParallelOpcode.SHARED_WRITE, None), "LOAD_CONST", "POP"],
    'shared_add("x", 1);': [(ParallelOpcode.SHARED_WRITE, (1, 0)), "POP"],
    'shared_update("x", f, 1, 2);': [(ParallelOpcode.SHARED_WRITE, (2, 2)), "POP"],
}


def names(code: Any) -> list[Any]:
    return [getattr(opcode, "name", opcode) for opcode, _ in code.instructions]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_becomes_its_opcode(call: str) -> None:
    code = compiled(call)
    before = names(code)
    made = rewrite(code)
    assert names(code) == before
    assert names(made)[:GUARD_SIZE] == ["LOAD_NAME", "LOAD_CONST", "REQUIRE"]
    place = GUARD_SIZE + before.index("CALL_NAME")
    expected = CALLS[call]
    assert made.instructions[place] == expected[0]
    assert names(made)[place + 1 :] == expected[1:]
    assert names(made)[GUARD_SIZE:place] == before[: place - GUARD_SIZE]


def test_jumps_go_where_they_went() -> None:
    source = """
let k = 0;
while (k < 3) { shared_write("x", k); if (k == 1) { barrier_sync(k); } k = k + 1; }
try { shared_write("y", 1); } catch (e) { print(e); }
"""
    code = compiled(source)
    made = rewrite(code)
    jumps = {"JUMP", "JUMP_IF_FALSE", "JUMP_IF_TRUE", "SETUP_TRY"}

    def targets(which: Any) -> list[str]:
        return [
            str(which.instructions[operand][1])
            for opcode, operand in which.instructions
            if getattr(opcode, "name", opcode) in jumps
        ]

    # All jumps of the host's compiler go to labels, whose names stay.
    assert targets(code)
    assert targets(made) == targets(code)
    assert len(made.instructions) > len(code.instructions) + GUARD_SIZE


def test_a_program_without_any_is_the_same_object() -> None:
    code = compiled('action f(x) { return x; } print(f(1)); print("parallel");')
    assert not concerns(code)
    assert rewrite(code) is code
    named = compiled('print("shared_read");')
    assert concerns(named)
    assert rewrite(named) is named


def test_only_what_changes_is_copied() -> None:
    code = compiled('action f() { return shared_read("x"); } action g() { return 1; } f(); g();')
    made = rewrite(code)
    mine = {c["name"]: c["bytecode"] for c in made.constants if isinstance(c, dict)}
    theirs = {c["name"]: c["bytecode"] for c in code.constants if isinstance(c, dict)}
    assert mine["g"] is theirs["g"]
    assert mine["f"] is not theirs["f"]
    assert GUARD not in made.constants
    assert parallel_names(made) == ["SHARED_READ"]
    assert parallel_names(code) == []


@pytest.mark.parametrize(
    "definition",
    ["action shared_read(x) { return 7; }", "let shared_read = 5;", "action f(shared_read) { return 1; }",
     "for each shared_read in [1] { }"],
)  # fmt: skip
def test_names_of_the_program_stay_its_own(definition: str) -> None:
    code = compiled(f'{definition} print(shared_read("x"));')
    assert rewrite(code, assigned_names(code)) is code
    assert rewrite(code) is not code


def test_a_second_time_changes_nothing_more() -> None:
    made = rewrite(compiled("action f(i) { return i; } fork_execution(2, f); join_workers();"))
    again = rewrite(made)
    assert again.instructions == made.instructions


def test_the_host_refuses_instead_of_ignoring() -> None:
    made = rewrite(compiled('print("before"); action f() { return shared_read("x"); } print(f());'))
    with pytest.raises(
        Exception, match="shared_read needs the backend parallel: zexus run --backend parallel FILE"
    ):
        VM().execute(made)
    builder = ParallelBytecodeBuilder()
    builder.emit_shared_read("x")
    with pytest.raises(Exception, match="this code needs the backend parallel"):
        VM().execute(builder.bytecode)


def everything() -> Bytecode:
    builder = ParallelBytecodeBuilder()
    builder.emit_fork_execution(3)
    builder.emit_fork_execution()
    builder.emit_join_workers()
    builder.emit_join_workers(5)
    builder.emit_join_workers(from_stack=True)
    builder.emit_parallel_map("f")
    builder.emit_parallel_map()
    builder.emit_barrier_sync(7)
    builder.emit_barrier_sync()
    builder.emit_shared_read("x")
    builder.emit_shared_read()
    builder.emit_shared_write("x")
    builder.emit_shared_write()
    builder.emit_shared_add()
    builder.emit_shared_update(2)
    return builder.bytecode


def test_disassembly_shows_the_names() -> None:
    text = everything().disassemble()
    for opcode in ParallelOpcode:
        assert opcode.name in text
    assert "SHARED_WRITE         (2, 2)" in text


@pytest.mark.parametrize("way", [copy.deepcopy, lambda code: pickle.loads(pickle.dumps(code))])
def test_copies_in_python(way: Any) -> None:
    code = everything()
    made = way(code)
    assert (made.instructions, made.constants) == (code.instructions, code.constants)


def test_the_binary_format_of_the_host() -> None:
    code = everything()
    back = deserialize(serialize(code))
    made = rewrite(back)
    assert [(int(op), operand) for op, operand in made.instructions] == [
        (int(op), operand) for op, operand in code.instructions
    ]
    assert parallel_names(back) == [opcode.name for opcode in ParallelOpcode]


def test_members_of_the_host_are_the_hosts() -> None:
    builder = BytecodeBuilder()
    builder.emit(Opcode.PARALLEL_START)
    assert rewrite(builder.bytecode) is builder.bytecode


def test_names_and_numbers_will_do() -> None:
    builder = BytecodeBuilder()
    builder.emit("SHARED_READ", "x")
    builder.emit(304, "x")
    made = rewrite(builder.bytecode)
    assert made.instructions[GUARD_SIZE:] == [(ParallelOpcode.SHARED_READ, "x")] * 2
    assert len(list(code_objects(made))) == 1
