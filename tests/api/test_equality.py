"""``ParallelVM().execute`` does what the host's ``VM().execute`` does, whatever the bytecode."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zexus.vm.bytecode import Bytecode, Opcode

from zexus_parallel_plugin import ExecutionMode, ParallelVM

from .programs import on, on_host

NAMES = ["a", "b", "c", "missing"]
CONSTANTS: list[Any] = [
    0,
    1,
    -3,
    2.5,
    "x",
    "",
    True,
    None,
    *NAMES,
    [1, 2],
    {"k": 1},
    "len",
    "push",
    "str",
    "get",
]
BINARY = ["ADD", "SUB", "MUL", "DIV", "MOD", "POW", "EQ", "NEQ", "LT", "GT", "LTE", "GTE", "AND", "OR"]
PLAIN = ["POP", "DUP", "NEG", "NOT", "INDEX", "GET_LENGTH", "SLICE", "NOP", "PRINT", "FOR_ITER", "GET_ATTR"]
# What no compiler emits, or only for seldom statements; and what is no opcode at all.
ODD = [
    "RETURN", "THROW", "REQUIRE", "POP_TRY", "ENABLE_ERROR_MODE", "CALL_TOP", "CALL_FUNC_CONST",
    "CALL_BUILTIN",
    "STATE_READ", "STATE_WRITE", "TX_BEGIN", "TX_COMMIT", "TX_REVERT", "GAS_CHARGE", "HASH_BLOCK", "EXPORT",
    "AUDIT_LOG", "BUILD_SET", "STORE_FUNC", "LOAD_REG", "ADD_REG", "NO_SUCH_OPCODE",
]  # fmt: skip
MODES = list(ExecutionMode)


def named(name: str) -> Any:
    return Opcode[name] if name in Opcode.__members__ else name


@st.composite
def bytecodes(draw: st.DrawFn) -> Any:
    """Instructions of every kind; jumps lead forwards, so that all of them end."""
    size = draw(st.integers(1, 60))
    index = st.integers(-1, len(CONSTANTS))
    name = st.sampled_from([CONSTANTS.index(one) for one in NAMES]) | st.sampled_from(NAMES) | index
    instructions: list[Any] = []
    for at in range(size):
        kind = draw(
            st.sampled_from(["const", "name", "binary", "plain", "build", "jump", "call", "method", "odd"])
        )
        if kind == "const":
            instructions.append((Opcode.LOAD_CONST, draw(index)))
        elif kind == "name":
            instructions.append((draw(st.sampled_from([Opcode.LOAD_NAME, Opcode.STORE_NAME])), draw(name)))
        elif kind in {"binary", "plain"}:
            instructions.append((named(draw(st.sampled_from(BINARY if kind == "binary" else PLAIN))), None))
        elif kind == "build":
            build = st.sampled_from([Opcode.BUILD_LIST, Opcode.BUILD_MAP])
            instructions.append((draw(build), draw(st.integers(0, 3))))
        elif kind == "jump":
            jump = st.sampled_from([Opcode.JUMP, Opcode.JUMP_IF_FALSE, Opcode.JUMP_IF_TRUE, Opcode.SETUP_TRY])
            instructions.append((draw(jump), draw(st.integers(at + 1, size + 1))))
        elif kind == "call":
            operand = draw(st.integers(12, 16) | index), draw(st.integers(0, 2))
            instructions.append((Opcode.CALL_NAME, operand))
        elif kind == "method":
            instructions.append((Opcode.CALL_METHOD, (draw(st.integers(14, 17)), draw(st.integers(0, 2)))))
        else:
            odd = draw(st.none() | st.integers(0, 3) | st.sampled_from(NAMES))
            instructions.append((named(draw(st.sampled_from(ODD))), odd))
    return instructions


@st.composite
def statements(draw: st.DrawFn) -> Any:
    """A straight line of statements that compute, assign, print, or leave a value."""
    instructions: list[Any] = []

    def expression(depth: int) -> None:
        kind = draw(st.sampled_from(["const", "name", "name", "binary", "unary", "list", "index"]))
        if kind == "const" or depth > 2:
            instructions.append((Opcode.LOAD_CONST, draw(st.integers(0, 6))))
        elif kind == "name":
            instructions.append((Opcode.LOAD_NAME, draw(st.sampled_from(NAMES))))
        elif kind == "unary":
            expression(depth + 1)
            instructions.append((named(draw(st.sampled_from(["NOT", "GET_LENGTH", "NEG"]))), None))
        elif kind == "list":
            size = draw(st.integers(0, 2))
            for _ in range(size):
                expression(depth + 1)
            instructions.append((Opcode.BUILD_LIST, size))
        else:
            expression(depth + 1)
            expression(depth + 1)
            name = draw(st.sampled_from(BINARY)) if kind == "binary" else "INDEX"
            instructions.append((named(name), None))

    for _ in range(draw(st.integers(3, 25))):
        expression(0)
        end = draw(st.sampled_from(["store", "store", "store", "print", "leave", "pop"]))
        if end == "store":
            instructions.append((Opcode.STORE_NAME, draw(st.sampled_from(NAMES[:3]))))
        elif end != "leave":
            instructions.append((Opcode.PRINT if end == "print" else Opcode.POP, None))
    if draw(st.booleans()):
        expression(0)
        instructions.append((Opcode.RETURN, None))
    return instructions


def assert_equal(vm: ParallelVM, instructions: list[Any], state: dict[str, Any]) -> None:
    """Each execution gets constants and variables of its own: bytecode can change both."""
    given_state = {"env": state} if state else {}
    theirs = on_host(Bytecode(instructions, copy.deepcopy(CONSTANTS)), **copy.deepcopy(given_state))
    ours = on(vm, Bytecode(instructions, copy.deepcopy(CONSTANTS)), copy.deepcopy(given_state))
    assert ours == theirs
    assert ours.order == theirs.order


STATES = st.dictionaries(
    st.sampled_from(NAMES[:3]), st.sampled_from([0, 7, -1.5, "text", None, [1, [2]], {"k": [3]}]), max_size=3
)
RELAXED = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=120)


@RELAXED
@given(bytecodes(), STATES, st.sampled_from(MODES))
def test_any_bytecode(
    machines: dict[ExecutionMode, ParallelVM],
    instructions: list[Any],
    state: dict[str, Any],
    mode: ExecutionMode,
) -> None:
    assert_equal(machines[mode], instructions, state)


@RELAXED
@given(statements(), STATES)
def test_straight_bytecode_in_slices(
    machines: dict[ExecutionMode, ParallelVM], instructions: list[Any], state: dict[str, Any]
) -> None:
    vm = machines[ExecutionMode.PARALLEL]
    assert_equal(vm, instructions, state)
    assert vm.last_metrics is not None
    SEEN.append(vm.last_metrics.chunks_on_workers)


SEEN: list[int] = []


def test_slices_were_done_by_workers() -> None:
    # The test above would pass as well if everything were executed in place.
    assert sum(count > 1 for count in SEEN) > len(SEEN) / 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "instructions",
    [
        [("LOAD_CONST", 0), ("LOAD_CONST", "x"), ("EXPORT", None), ("LOAD_NAME", "x")],
        [("LOAD_CONST", 0), ("LOAD_CONST", 1), ("EXPORT", (7, 1)), ("LOAD_NAME", 7)],
        [("LOAD_CONST", 0), ("BUILD_SET", "a")],
        [("LOAD_CONST", 11), ("CALL_METHOD", (15, 1)), ("LOAD_CONST", 11)],
        [("LOAD_NAME", "a"), ("CALL_METHOD", (15, 1)), ("LOAD_NAME", "a")],
        [("LOAD_CONST", 0), ("STATE_WRITE", ("k",)), ("STATE_READ", ("k",))],
        [("GRANT_CAPABILITY", None), ("DEFINE_ENTITY", None)],
        [("LOAD_CONST", 0)] * 9 + [("JUMP", -1)],
        [("LOAD_CONST",), None, "LOAD_CONST", ("LOAD_CONST", 1, 2), ("LOAD_CONST", 0)],
    ],
    ids=str,
)
def test_bytecode_that_no_compiler_makes(
    machines: dict[ExecutionMode, ParallelVM], instructions: list[Any], mode: ExecutionMode
) -> None:
    named_ones = [
        (named(one[0]), *one[1:]) if isinstance(one, tuple) else one for one in [*instructions, ("NOP", None)]
    ]
    assert_equal(machines[mode], named_ones, {"a": [1, [2]]})
