"""Chunks behind a loop: where they can be cut, and what they need."""

from __future__ import annotations

from tests.engine.programs import compiled, machine
from zexus_parallel_plugin.analysis.loop_chunks import LoopChunk, chunks_behind
from zexus_parallel_plugin.engine.code import prepare

FIRST = "let a = 1; let i = 0; while (i < 9) { a = a * 3 % 7; i = i + 1; } "
SECOND = "let b = 2; let j = 0; while (j < 9) { b = b * 3 % 11 + c; j = j + 1; } "


def behind(source: str) -> list[LoopChunk]:
    """The chunks behind the first loop of a program."""
    code = prepare(machine(), compiled(source))
    ends = code.ends
    return list(chunks_behind(code, ends[min(ends)] + 1))


def test_a_chunk_reaches_from_the_end_of_one_loop_to_that_of_the_next() -> None:
    first, second = behind(FIRST + SECOND + "let d = 0; for each x in [1] { d = d + x; } print(a);")
    assert first.end == second.start
    assert first.stores == {"b", "j"}
    assert first.exposed == {"c"}
    assert "d" in second.stores


def test_what_a_branch_may_skip_is_not_assigned() -> None:
    (chunk,) = behind(FIRST + "if (a > 3) { let k = 0; } let l = 0; while (l < 3) { l = l + k; }")
    assert "k" in chunk.exposed
    assert "l" not in chunk.exposed


def test_calls_with_the_least_number_of_arguments() -> None:
    (chunk,) = behind(FIRST + "let b = f(1, 2); let j = 0; while (j < 9) { b = f(b); j = j + 1; }")
    assert ("f", 1) in chunk.calls


def test_code_that_only_the_main_process_executes_ends_the_search() -> None:
    assert behind(FIRST + "try { print(1); } catch (e) { print(e); } " + SECOND) == []


def test_a_chunk_is_not_cut_out_of_a_loop_around_it() -> None:
    inner = "let i = 0; while (i < 3) { i = i + 1; } let j = 0; while (j < 3) { j = j + 1; }"
    code = prepare(machine(), compiled(f"let n = 0; while (n < 2) {{ {inner} n = n + 1; }}"))
    ends = code.ends
    _outer, first, second = sorted(ends)
    (chunk,) = chunks_behind(code, ends[first] + 1)
    assert (chunk.start, chunk.end) == (ends[first] + 1, ends[second] + 1)


def test_the_weight_of_a_chunk_grows_with_its_code_and_with_loops_in_loops() -> None:
    short = "let p = 0; while (p < 9) { p = p + 1; } "
    long = "let q = 0; while (q < 9) { q = q + 1; let z = q * q % 7; } "
    nested = "let r = 0; while (r < 9) { let v = 0; while (v < 9) { v = v + 1; } r = r + 1; } "
    first, second, third = behind(FIRST + short + long + nested)
    assert first.weight < second.weight < third.weight
