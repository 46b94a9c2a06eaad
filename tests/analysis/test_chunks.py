"""Cuts at statement boundaries."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.engine.programs import assembled, compiled, machine
from zexus_parallel_plugin.analysis.chunks import chunks, legal_cuts
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.code import Code, CodeCache

LOOP = "while (i < 3) { i = i + 1; }"


def code_of(source: str) -> Code:
    return CodeCache(machine()).get(compiled(source))


def pieces(code: Code) -> list[list[int]]:
    """Operations between neighbouring cuts."""
    cuts = legal_cuts(code)
    return [[op for op, _operand, _gas in code.instructions[first:end]] for first, end in pairwise(cuts)]


def test_statements_are_cut_apart() -> None:
    found = pieces(code_of("let a = f(1, 2); b = a + 1; print(a); " + LOOP))
    assert [piece[-1] for piece in found] == [
        isa.STORE_NAME, isa.POP, isa.PRINT, isa.JUMP, isa.NOP,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "source",
    [
        "if (a) { b = 1; c = 2; } else { d = 3; }",
        "for each x in [] { if (x) { continue; } y = x; }",
        "try {\n a = 1;\n b = 2;\n} catch (e) {\n c = 3;\n}\n",
    ],
)
def test_branches_and_loops_stay_whole(source: str) -> None:
    code = code_of(source + "let z = 1;" + LOOP)
    targets = {operand for op, operand, _gas in code.instructions if op in isa.JUMPS or op == isa.SETUP_TRY}
    cuts = legal_cuts(code)
    for first, end in pairwise(cuts):
        jumps = [o for op, o, _g in code.instructions[first:end] if op in isa.JUMPS or op == isa.SETUP_TRY]
        assert all(first <= target <= end for target in jumps)
    # The host's parser doubles a `try` of the top level.
    assert len(cuts) <= (8 if "try" not in source else 10)
    assert targets


def test_nothing_is_cut_where_values_are_on_the_stack() -> None:
    code = code_of("print(f(1) + g(2)); " + LOOP)
    for cut in legal_cuts(code)[:-1]:
        assert code.bounds.depths[cut] == 0


def test_leftovers_on_the_stack_are_allowed() -> None:
    # `async` leaves a value behind; what follows never looks at it.
    code = code_of("async f(1); let a = 1; let b = 2; " + LOOP)
    assert len(legal_cuts(code)) >= 5


def test_no_cut_in_an_open_try() -> None:
    code = CodeCache(machine()).get(
        assembled(
            ("SETUP_TRY", 6), ("LOAD_CONST", 1), ("STORE_NAME", "a"), ("LOAD_CONST", 1), ("STORE_NAME", "b"),
            "POP_TRY", "NOP", ("LOAD_CONST", 1), ("STORE_NAME", "c"), ("LOAD_NAME", "c"),
            ("JUMP_IF_FALSE", 12), "NOP", "NOP",
        )
    )  # fmt: skip
    cuts = legal_cuts(code)
    assert not {1, 2, 3, 4, 5} & set(cuts)
    assert {0, 9} <= set(cuts)


def test_small_ones_are_grouped() -> None:
    code = code_of("".join(f"let v{n} = {n};" for n in range(40)) + LOOP)
    found = chunks(code, size=20, least=10)
    plain = [chunk for chunk in found if chunk.kind == "code"]
    assert all(chunk.end - chunk.first <= 20 for chunk in plain)
    assert all(chunk.end - chunk.first >= 10 for chunk in plain[:-1])
    assert [chunk.first for chunk in found[1:]] == [chunk.end for chunk in found[:-1]]
    assert (found[0].first, found[-1].end) == (0, len(code.instructions))


def test_loops_and_chosen_instructions_are_alone() -> None:
    code = code_of("let a = 1; let b = f(a); let c = 2; " + LOOP + " let d = 3;")
    call = next(pc for pc, (op, _o, _g) in enumerate(code.instructions) if op == isa.CALL_NAME)
    found = chunks(code, alone=[call])
    assert [chunk.kind for chunk in found] == ["code", "code", "code", "loop", "code"]
    assert found[1].first <= call < found[1].end


@pytest.mark.parametrize("source", ["for each x in xs { print(_errors); }"])
def test_code_of_the_host_is_one_piece(source: str) -> None:
    code = code_of(source)
    assert legal_cuts(code) == [0, len(code.instructions)]
