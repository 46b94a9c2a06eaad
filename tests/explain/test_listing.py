"""Lines of instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from zexus_parallel_plugin.host.listing import Listing, list_program
from zexus_parallel_plugin.host.vm import HostVM

if TYPE_CHECKING:
    from pathlib import Path


def listed(source: str, directory: Path) -> Listing:
    path = directory / "program.zx"
    path.write_text(source, encoding="utf-8")
    return list_program(path, HostVM)


def lines_of(listing: Listing, name: str = "") -> dict[Any, set[int]]:
    """Lines of the instructions that store each name."""
    code = listing.bytecode
    if name:
        code = next(c for c in code.constants if isinstance(c, dict) and c.get("name") == name)["bytecode"]
    found: dict[Any, set[int]] = {}
    for (opcode, operand), spot in zip(code.instructions, listing.spots_of(code), strict=True):
        if getattr(opcode, "name", opcode) == "STORE_NAME":
            found.setdefault(code.constants[operand], set()).add(spot.line)
    return found


PROGRAM = """// one comment
// and one more

let a = 1;
let b = a +
    2; /* a comment
over lines */ let c = 3;
action f(n) {
    let d = n;   // a comment
    if (d > 3) {
        d = d + 1;
        return d;
    }
    for each x in [1, 2] {
        let e = x;
        d = d + e;
    }
    return d;
}
while (a < 3) { a = a + 1; b = b + 1; }
try {
    let g = 1 / 0;
} catch (err) {
    let h = f(2);
}
let i = f(
    4
);
"""


def test_lines_are_those_of_the_text(tmp_path: Path) -> None:
    listing = listed(PROGRAM, tmp_path)
    assert {name: min(lines) for name, lines in lines_of(listing).items()} == {
        "a": 4, "b": 5, "c": 7, "g": 22, "err": 21, "h": 24, "i": 26,
    }  # fmt: skip
    assert lines_of(listing)["a"] == {4, 20}
    inside = lines_of(listing, "f")
    assert inside["d"] == {9, 11, 16}
    assert inside["e"] == {15}
    assert inside["__iter_0"] == {14}


def test_equal_blocks_have_their_own_lines(tmp_path: Path) -> None:
    block = "while (i < 3) {\n    i = i + 1;\n}\n"
    source = "let i = 0;\n" + block + "action f() {\n" + block + "}\n" + block
    listing = listed(source, tmp_path)
    assert lines_of(listing)["i"] == {1, 3, 11}
    assert lines_of(listing, "f")["i"] == {7}


def test_every_instruction_has_a_spot(tmp_path: Path) -> None:
    listing = listed(PROGRAM, tmp_path)
    codes = [listing.bytecode, *(c["bytecode"] for c in listing.bytecode.constants if isinstance(c, dict))]
    for code in codes:
        spots = listing.spots_of(code)
        assert len(spots) == len(code.instructions)
        assert all(spot.line and spot.statement and spot.first <= spot.line for spot in spots)


def test_the_program_is_not_executed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = tmp_path / "mark"
    listing = listed(f'file_write_text("{mark}", "x"); print("printed");', tmp_path)
    assert listing.bytecode is not None
    assert not mark.exists()
    assert capsys.readouterr().out == ""
    assert "printed" not in listing.said


def test_the_host_is_left_as_it_was(tmp_path: Path) -> None:
    from zexus_parallel_plugin.host.command import load_command_module

    module = load_command_module()
    before = module.VM, module.compile_ast_to_bytecode, module.evaluate, module.Lexer
    vm = listed("let a = 1;", tmp_path).vm
    assert before == (module.VM, module.compile_ast_to_bytecode, module.evaluate, module.Lexer)
    assert "execute" not in vm.__dict__


@pytest.mark.parametrize(
    ("source", "rejected", "words"),
    [
        ("let a = {", True, "brace"),
        ('let a = 1; print("a ${a}");', False, "tuple"),
        ('// @zexus: {"use_vm": false}\nprint(1);', False, "flag"),
    ],
)
def test_programs_that_the_host_does_not_compile(
    source: str, rejected: bool, words: str, tmp_path: Path
) -> None:
    listing = listed(source, tmp_path)
    assert listing.bytecode is None
    assert listing.rejected == rejected
    assert words in (listing.failure + listing.said).lower()
