"""Control flow: blocks, loops, and where to go on at a branch whose condition is not known."""

from __future__ import annotations

import random

import pytest

from zexus_parallel_plugin.analysis.cfg import NOWHERE, Flow
from zexus_parallel_plugin.analysis.dominators import UNREACHABLE, dominates, immediate_dominators
from zexus_parallel_plugin.engine import isa

LOAD, POP, NOP = (isa.LOAD_NAME, "x", 1), (isa.POP, None, 1), (isa.NOP, None, 0)


def jump(target: int) -> tuple[int, int, int]:
    return isa.JUMP, target, 1


def unless(target: int) -> tuple[int, int, int]:
    return isa.JUMP_IF_FALSE, target, 1


def store(name: str) -> tuple[int, str, int]:
    return isa.STORE_NAME, name, 1


RETURN = (isa.RETURN, None, 1)

# if (x) { a = x } else { b = x }; c = x
DIAMOND = (LOAD, unless(5), LOAD, store("a"), jump(7), LOAD, store("b"), LOAD, store("c"))

# while (x) { if (x) { a = x }  b = x }  c = x
LOOP = (
    NOP, LOAD, unless(11), LOAD, unless(8), LOAD, store("a"), NOP, LOAD, store("b"), jump(0),
    LOAD, store("c"),
)  # fmt: skip

# while (x) { if (x) { break }  b = x }  c = x
BREAK = (NOP, LOAD, unless(9), LOAD, unless(6), jump(9), LOAD, store("b"), jump(0), LOAD, store("c"))


def always(_ranges: object) -> bool:
    return True


def never(_ranges: object) -> bool:
    return False


def test_sides_meet_behind_an_if() -> None:
    detour = Flow(DIAMOND).detour(1, never)
    assert detour.target == 7
    assert detour.ranges == ((2, 5), (5, 7))
    assert not detour.guess


def test_an_if_in_a_loop_stays_in_it() -> None:
    detour = Flow(LOOP).detour(4, never)
    assert detour.target == 8
    assert detour.ranges == ((5, 8),)


def test_a_loop_worth_staying_in_goes_on() -> None:
    detour = Flow(LOOP).detour(2, always)
    assert (detour.target, detour.ranges, detour.guess) == (3, (), True)


def test_other_loops_are_skipped_with_all_that_they_write() -> None:
    detour = Flow(LOOP).detour(2, never)
    assert detour.target == 11
    assert not detour.guess
    covered = {index for first, end in detour.ranges for index in range(first, end)}
    assert covered == set(range(11))


def test_a_break_is_taken_not_to_happen() -> None:
    assert Flow(BREAK).detour(4, always).target == 6
    assert Flow(BREAK).detour(4, always).guess
    assert Flow(BREAK).detour(4, never).target == 9


def test_a_return_is_taken_not_to_happen() -> None:
    detour = Flow((LOAD, unless(4), LOAD, RETURN, LOAD, store("a"))).detour(1, never)
    assert (detour.target, detour.guess) == (4, True)


def test_endless_loops_have_no_way_on() -> None:
    endless = (NOP, LOAD, unless(3), jump(0))
    assert Flow(endless).detour(2, never) == NOWHERE


def test_loops_are_found_innermost_first() -> None:
    nested = (NOP, LOAD, unless(9), NOP, LOAD, unless(8), LOAD, jump(3), jump(0), LOAD)
    loops = Flow(nested).loops
    assert [len(loop.blocks) for loop in loops] == sorted(len(loop.blocks) for loop in loops)
    assert len(loops) == 2
    assert loops[0].blocks < loops[1].blocks


def test_a_handler_is_reached_from_its_try() -> None:
    code = ((isa.SETUP_TRY, 4, 1), LOAD, POP, jump(5), POP, LOAD)
    flow = Flow(code)
    assert flow.block_of(4) in flow.successors[flow.block_of(0)]


def naive_dominators(successors: list[list[int]], entry: int) -> list[set[int]]:
    def reachable(without: int | None) -> set[int]:
        seen: set[int] = set()
        work = [] if entry == without else [entry]
        while work:
            node = work.pop()
            if node not in seen:
                seen.add(node)
                work += [target for target in successors[node] if target != without]
        return seen

    everything = reachable(None)
    result: list[set[int]] = [set() for _ in successors]
    for node in range(len(successors)):
        for above in range(len(successors)):
            if node in everything and node not in reachable(above):
                result[node].add(above)
    return result


@pytest.mark.parametrize("seed", range(40))
def test_dominators_are_those_of_the_definition(seed: int) -> None:
    chance = random.Random(seed)
    size = chance.randint(1, 12)
    successors = [[chance.randrange(size) for _ in range(chance.randint(0, 3))] for _ in range(size)]
    found = immediate_dominators(successors, 0)
    expected = naive_dominators(successors, 0)
    for node in range(size):
        if found[node] == UNREACHABLE:
            assert not expected[node]
        else:
            assert {above for above in range(size) if dominates(found, above, node)} == expected[node]


def test_large_code_is_analysed_quickly_enough() -> None:
    # Straight-line blocks in a row of ifs: quadratic algorithms would take minutes here.
    code: list[tuple[int, object, int]] = []
    for index in range(10_000):
        code += [LOAD, unless(4 * index + 4), LOAD, store("a")]
    flow = Flow((*code, LOAD))
    assert flow.detour(4 * 9_000 + 1, never).target == 4 * 9_001
