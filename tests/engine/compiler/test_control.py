"""Structured control flow from jumps: the shapes of the language, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.programs import compiled
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.code import prepare
from zexus_parallel_plugin.engine.compiler.control import (
    Unstructured,
    loop_structure,
    steps,
    structure,
)

from .shapes import VM, body_code, by_hand, shape
from .small import PROGRAMS

CONST, POP, NOP, RETURN, THROW = isa.LOAD_CONST, isa.POP, isa.NOP, isa.RETURN, isa.THROW
JUMP, IF_FALSE, IF_TRUE, TRY, POP_TRY = (
    isa.JUMP,
    isa.JUMP_IF_FALSE,
    isa.JUMP_IF_TRUE,
    isa.SETUP_TRY,
    isa.POP_TRY,
)

SHAPES = {
    "a = 1;": "return",
    "return a;": "return",
    "if (a) { b = 1; }": "if(|) return",
    "if (a) { b = 1; } else { b = 2; }": "if(|) return",
    "if (a) { return 1; } return 2;": "if(return|) return",
    "if (a) { return 1; } else { return 2; }": "if(return|) return",
    "if (a) { b = 1; } elif (b) { b = 2; } else { b = 3; }": "if(|if(|)) return",
    "if (a) { if (b) { b = 1; } } else { a = 2; }": "if(if(|)|) return",
    "while (a) { b = 1; }": "loop(break? continue) return",
    "while (a) { while (b) { b = 1; } }": "loop(break? loop(break? continue) continue) return",
    "while (a) { if (b) { break; } b = 1; }": "loop(break? if(break|) continue) return",
    "while (a) { if (b) { continue; } b = 1; }": "loop(break? if(continue|) continue) return",
    "while (a) { if (b) { break; } else { continue; } }": "loop(break? if(break|) continue) return",
    "while (a) { return b; }": "if(return|) return",
    "while (a) { if (b) { return 1; } }": "loop(break? if(return|) continue) return",
    "for each x in a { b = x; }": "loop(break? continue) return",
    "for each x in a { if (x) { continue; } b = x; }": "loop(break? if(continue|) continue) return",
    "for each x in a { if (x) { break; } b = x; }": "loop(break? if(break|) continue) return",
    "for each x in a { for each y in x { if (y) { continue; } if (x) { break; } } }":
        "loop(break? loop(break? if(continue|) if(break|) continue) continue) return",
    "try { b = 1; } catch (e) { b = 2; }": "try() return",
    "try { return 1; } catch (e) { b = 2; } return b;": "try(return)",
    "try { if (a) { b = 1; } } catch (e) { b = 2; }": "try(if(|)) return",
    "try { while (a) { b = 1; } } catch (e) { }": "try(loop(break? continue)) return",
    "while (a) { try { b = 1; } catch (e) { } }": "loop(break? try() continue) return",
    "try { try { b = 1; } catch (e) { } } catch (e) { }": "try(try()) return",
    "return a ? 1 : 2;": "if(|) return",
    "return a ?? b;": "if(|) return",
    "return a ? (b ? 1 : 2) : 3;": "if(if(|)|) return",
    "let r = match a { 1 => 2, 3 => 4 }; return r;": "if(|if(|)) return",
    "if (a) { throw 1; } return b;": "if(|) return",
}  # fmt: skip


@pytest.mark.parametrize("body", SHAPES)
def test_shapes(body: str) -> None:
    assert shape(structure(body_code(body)).nodes) == SHAPES[body]


def test_an_endless_loop_is_left_nowhere() -> None:
    assert shape(structure(body_code("while (true) { if (a) { return 1; } }")).nodes)[:5] == "loop("


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_reachable_instruction_is_somewhere_once(name: str) -> None:
    for value in compiled(PROGRAMS[name]).constants:
        if type(value) is dict and "bytecode" in value:
            code = prepare(VM, value["bytecode"])
            if code.bounds.checked:
                continue
            found = steps(structure(code).nodes)
            reached = {pc for pc, depth in enumerate(code.bounds.depths) if depth >= 0}
            # Only the ends of iterations are copied, and handlers are left to the interpreter.
            assert set(found) <= reached
            if not any(op == TRY for op, _operand, _gas in code.instructions):
                assert set(found) == reached


def test_loops_are_found_by_head() -> None:
    code = body_code("while (a) { while (b) { b = 1; } }")
    found = structure(code)
    assert sorted(found.loops) == sorted(code.ends)
    outer = min(found.loops)
    assert loop_structure(code, outer) == found.loops[outer]
    inner = max(found.loops)
    assert loop_structure(code, inner) == found.loops[inner]
    assert found.loops[inner].last == code.ends[inner]


REFUSED: dict[str, tuple[list[Any], str]] = {
    "into a loop": ([(JUMP, 2), NOP, NOP, CONST, (IF_FALSE, 6), (JUMP, 1), NOP], "reached by a jump to 1"),
    "backwards on a condition": ([NOP, CONST, (IF_TRUE, 0), NOP], "conditional jump from 2 to 0"),
    "into a side of an if": (
        [CONST, (IF_FALSE, 5), CONST, (IF_FALSE, 6), (JUMP, 8), NOP, NOP, NOP, NOP], "from 3 to 6"),
    "out of a try": ([NOP, CONST, (IF_FALSE, 8), (TRY, 6), (JUMP, 8), (JUMP, 7), POP, (JUMP, 0), NOP],
                     "leaves an open try"),
    "out of a try on a condition": (
        [NOP, (TRY, 6), CONST, (IF_FALSE, 8), POP_TRY, (JUMP, 7), POP, (JUMP, 0), NOP], "leaves an open try"),
    "a handler in front": ([NOP, (TRY, 0), POP_TRY], "handler of 1 at 0"),
    "a try without an end": ([(TRY, 3), POP_TRY, NOP, POP, NOP], "without a common end"),
    "a break at the end of a try": ([NOP, (TRY, 3), (JUMP, 5), POP, (JUMP, 0), NOP], "without a common end"),
    "a try that jumps backwards": ([NOP, (TRY, 4), POP_TRY, (JUMP, 0), POP, NOP], "without a common end"),
    "behind a jump": ([CONST, (IF_FALSE, 4), (JUMP, 6), NOP, NOP, (JUMP, 3), NOP], "from 2 to 6"),
    "behind a return": ([CONST, (IF_TRUE, 3), (JUMP, 5), CONST, RETURN, NOP, (JUMP, 4)], "by a jump to 5"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_fits_no_rule_is_refused(name: str) -> None:
    instructions, text = REFUSED[name]
    with pytest.raises(Unstructured, match=text):
        structure(by_hand(*instructions))


def test_code_behind_the_end_of_control_must_not_be_reached() -> None:
    reached = [CONST, (IF_TRUE, 4), CONST, RETURN, NOP, CONST, RETURN]
    assert shape(structure(by_hand(*reached)).nodes) == "if(return|) return"
    with pytest.raises(Unstructured):
        structure(by_hand((JUMP, 3), NOP, (JUMP, 5), CONST, (IF_TRUE, 1), NOP))


def test_a_throw_ends_a_try_as_a_return_does() -> None:
    assert shape(structure(by_hand((TRY, 3), CONST, THROW, POP, CONST, RETURN)).nodes) == "try()"
    with pytest.raises(Unstructured, match="jumped over"):
        structure(by_hand((TRY, 5), CONST, (IF_FALSE, 6), CONST, THROW, POP, CONST, RETURN))
