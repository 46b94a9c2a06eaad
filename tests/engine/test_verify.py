"""The verifier of the operand stack: what it proves, and that what it proves is true."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zexus_parallel_plugin.engine import isa, rare
from zexus_parallel_plugin.engine.verify import StackBounds, stack_bounds

CONST, POP, DUP, NOP, ADD = isa.LOAD_CONST, isa.POP, isa.DUP, isa.NOP, isa.ADD
JUMP, IF_FALSE, IF_TRUE, RETURN = isa.JUMP, isa.JUMP_IF_FALSE, isa.JUMP_IF_TRUE, isa.RETURN


def bounds(*instructions: Any) -> StackBounds:
    pairs = (i if isinstance(i, tuple) else (i, None) for i in instructions)
    return stack_bounds(tuple((op, operand, 0) for op, operand in pairs))


def test_depths_are_those_before_each_instruction() -> None:
    found = bounds(CONST, CONST, ADD, DUP, POP, RETURN)
    assert found == StackBounds(checked=False, depths=(0, 1, 2, 1, 2, 1))


def test_empty_code_is_fine() -> None:
    assert bounds() == StackBounds(checked=False, depths=())


@pytest.mark.parametrize(
    "instruction",
    [POP, DUP, ADD, RETURN, (IF_FALSE, 0), (IF_TRUE, 0), isa.NOT, isa.NEG, isa.INDEX, isa.GET_LENGTH,
     (isa.BUILD_LIST, 1), (isa.BUILD_MAP, 1), (isa.PRINT, 1), (isa.CALL_NAME, ("f", 1, False)),
     (isa.CALL_METHOD, ("m", 0)), (isa.CALL_TOP, 0), isa.SLICE, isa.THROW, isa.REQUIRE, isa.GET_ATTR,
     (isa.FOR_ITER, 1), (isa.STORE_NAME, "a"), isa.PARALLEL_MAP,
     (isa.RARE, (rare.HANDLERS["EXPORT"], "a")), (isa.RARE, (rare.HANDLERS["GRANT_CAPABILITY"], 0))],
)  # fmt: skip
def test_every_instruction_that_pops_can_underflow(instruction: Any) -> None:
    assert bounds(instruction).checked


@pytest.mark.parametrize(
    ("instruction", "least"),
    [((isa.BUILD_LIST, 3), 3), ((isa.BUILD_MAP, 2), 4), ((isa.PRINT, 2), 2), ((isa.CALL_TOP, 2), 3),
     ((isa.CALL_NAME, ("f", 2, False)), 2), ((isa.CALL_METHOD, ("m", 2)), 3), (isa.SLICE, 3),
     (isa.REQUIRE, 2), ((isa.FOR_ITER, 2), 2),
     ((isa.RARE, (rare.HANDLERS["DEFINE_ENTITY"], 2)), 5),
     ((isa.RARE, (rare.HANDLERS["DEFINE_CONTRACT"], ((0, 1), None))), 3)],
)  # fmt: skip
def test_how_many_operands_an_instruction_takes(instruction: Any, least: int) -> None:
    assert bounds(*[CONST] * (least - 1), instruction).checked
    assert not bounds(*[CONST] * least, instruction).checked


def test_growth_without_bound_is_found() -> None:
    assert bounds(NOP, CONST, (JUMP, 0)).checked


def test_a_loop_that_keeps_the_depth_is_fine() -> None:
    assert not bounds(NOP, CONST, (IF_FALSE, 4), (JUMP, 0), NOP).checked


def test_a_loop_that_shrinks_the_stack_underflows_sooner_or_later() -> None:
    assert bounds(CONST, CONST, NOP, CONST, (IF_FALSE, 7), POP, (JUMP, 2), NOP).checked


def test_a_join_takes_the_least_depth() -> None:
    # One side pushes an operand: behind the join there may be none.
    assert bounds(CONST, (IF_FALSE, 3), CONST, NOP, POP).checked
    assert bounds(CONST, CONST, (IF_FALSE, 4), CONST, NOP, POP).depths[4:] == (1, 1)


def test_code_that_cannot_be_reached_does_not_count() -> None:
    assert bounds((JUMP, 2), POP, NOP) == StackBounds(checked=False, depths=(0, -1, 0))
    assert not bounds(CONST, RETURN, POP).checked
    assert not bounds(CONST, isa.THROW, POP).checked


def test_a_handler_finds_at_least_the_text_of_the_error() -> None:
    found = bounds((isa.SETUP_TRY, 4), CONST, CONST, RETURN, POP)
    assert not found.checked
    assert found.depths[4] == 1
    assert bounds((isa.SETUP_TRY, 4), CONST, CONST, RETURN, POP, POP).checked


def test_a_try_in_a_loop_may_leave_more_and_more() -> None:
    assert bounds(NOP, (isa.SETUP_TRY, 3), isa.POP_TRY, NOP, (JUMP, 0)).checked


def test_the_end_of_the_code_is_a_place_to_jump_to() -> None:
    assert not bounds((JUMP, 1)).checked
    assert not bounds(CONST, (IF_TRUE, 2)).checked


def test_error_mode_is_never_bounded() -> None:
    mode = (isa.RARE, (rare.HANDLERS["ENABLE_ERROR_MODE"], None))
    assert bounds(mode).checked
    assert not bounds((JUMP, 2), mode, NOP).checked


simple = st.sampled_from(
    [CONST, CONST, CONST, POP, DUP, NOP, ADD, isa.NOT, isa.INDEX, (isa.BUILD_LIST, 2), (isa.PRINT, 1),
     (isa.CALL_NAME, ("f", 1, False)), (isa.CALL_METHOD, ("m", 1)), (isa.STORE_NAME, "a"), RETURN, isa.SLICE]
)  # fmt: skip
jumps = st.tuples(st.sampled_from([JUMP, IF_FALSE, IF_TRUE]), st.integers(0, 12))


@settings(max_examples=300, deadline=None)
@given(st.lists(simple | jumps, max_size=12), st.data())
def test_what_is_not_checked_never_underflows(code: list[Any], data: Any) -> None:
    pairs = [i if isinstance(i, tuple) else (i, None) for i in code]
    jumping = {JUMP, IF_FALSE, IF_TRUE}
    instructions = [(op, min(a, len(pairs)) if op in jumping else a, 0) for op, a in pairs]
    found = stack_bounds(tuple(instructions))
    if found.checked:
        return
    turns = data.draw(st.lists(st.booleans(), max_size=12))
    assert _deepest(instructions, turns, found.depths) <= 12 * 12


def _deepest(instructions: list[Any], turns: list[bool], least: tuple[int, ...]) -> int:
    """Execute with depths only; conditional jumps follow ``turns``. Fails if an operand is missing."""
    depth = deepest = index = steps = 0
    decisions = iter(turns)
    while index < len(instructions) and steps < 200:
        steps += 1
        op, operand, _gas = instructions[index]
        assert 0 <= least[index] <= depth
        pops, pushes = isa.stack_effect(op, operand)
        assert depth >= pops
        depth += pushes - pops
        deepest = max(deepest, depth)
        if op == RETURN:
            break
        jumps = op == JUMP or (op in {IF_FALSE, IF_TRUE} and next(decisions, False))
        index = operand if jumps else index + 1
    return deepest


def test_all_short_code_that_underflows_is_checked() -> None:
    for code in product([CONST, POP, DUP, ADD, (IF_FALSE, 0), (JUMP, 3)], repeat=3):
        pairs = [i if isinstance(i, tuple) else (i, None) for i in code]
        instructions = [(op, operand, 0) for op, operand in pairs]
        found = stack_bounds(tuple(instructions))
        underflows = False
        for turns in product([False, True], repeat=4):
            try:
                _deepest(instructions, list(turns), (0,) * 3)
            except AssertionError:
                underflows = True
        assert found.checked or not underflows, code
