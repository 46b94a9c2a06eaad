"""The programs that we ship and measure print what they should.

All of them on the bare host takes minutes: ``python benchmarks/verify.py`` does that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks import machine, sizes, suite, tables
from benchmarks.verify import problem
from zexus_parallel_plugin.cli.measure import backend, bare_host

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

EXAMPLES = suite.programs("examples")
SHAPES = {f"S{number}" for number in range(1, 10)}


def named(program: suite.Program) -> str:
    return program.name


@pytest.mark.parametrize("program", EXAMPLES, ids=named)
def test_an_example_says_what_is_parallel_and_how_to_run_it(program: suite.Program) -> None:
    header = program.source.partition("\n\n")[0]
    assert all(line.startswith("//") for line in header.split("\n"))
    assert "\n// In parallel: " in header
    assert f"\n// Run:  zexus run --backend parallel examples/{program.path.name}" in header
    assert program.shapes
    assert program.expected is not None


@pytest.mark.parametrize("program", EXAMPLES, ids=named)
def test_an_example_on_the_backend(program: suite.Program) -> None:
    assert problem(program, backend(2)) is None


@pytest.mark.parametrize("name", ["word_statistics", "nqueens", "mandelbrot"])
def test_a_short_example_on_the_bare_host(name: str) -> None:
    (program,) = suite.select([str(suite.SETS["examples"] / f"{name}.zx")])
    assert problem(program, bare_host()) is None


def test_a_program_with_other_output_is_found(tmp_path: Path) -> None:
    path = tmp_path / "wrong.zx"
    path.write_text('print("one");\nprint("two");\n', encoding="utf-8")
    path.with_suffix(".py").write_text('print("one")\nprint("three")\n', encoding="utf-8")
    assert problem(suite.Program("wrong", path), bare_host()) == "line 2 of the output differs"


@pytest.mark.parametrize("program", suite.programs("functions"), ids=named)
def test_a_function_and_its_twin(program: suite.Program) -> None:
    assert problem(program, bare_host()) is None


@pytest.mark.parametrize("name", ["functions", "programs", "parallel"])
def test_every_benchmark_has_a_twin_in_python(name: str) -> None:
    assert [program.name for program in suite.programs(name) if program.twin is None] == []


def test_the_sets_are_as_large_as_they_claim() -> None:
    assert len(suite.programs("functions")) == 5
    assert len(suite.programs("programs")) >= 25
    assert len(suite.programs("parallel")) >= 12


def test_all_shapes_are_there() -> None:
    assert {shape for program in EXAMPLES for shape in program.shapes} >= SHAPES
    measured = suite.programs("parallel")
    assert {shape for program in measured for shape in program.shapes} >= SHAPES
    assert all(program.shapes for program in measured)


@pytest.mark.parametrize("name", ["programs", "parallel"])
def test_large_programs_and_their_twins_can_be_made_small(name: str) -> None:
    for program in suite.programs(name):
        assert program.twin is not None
        for path in (program.path, program.twin):
            assert program.small(path) != path.read_text(encoding="utf-8"), path


def test_a_size_is_the_same_in_a_program_and_in_its_twin() -> None:
    for program in suite.programs("programs"):
        assert program.twin is not None
        texts = [path.read_text(encoding="utf-8") for path in (program.path, program.twin)]
        for name in sizes.small_sizes("programs", program.name):
            assert len({sizes.value(text, name) for text in texts}) == 1, (program.name, name)


def test_a_constant_that_is_not_there_has_no_size() -> None:
    with pytest.raises(ValueError, match="no constant rounds"):
        sizes.resized("let round = 3;\nlet a = rounds = 4;\n", {"rounds": 1})


def test_measuring_inside_one_process(command: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "sum.zx").write_text(
        "let t = 0;\nfor i in range(200) { t = t + i; }\nprint(t);\n", encoding="utf-8"
    )
    (tmp_path / "sum.py").write_text("print(sum(range(200)))\n", encoding="utf-8")
    script = str(suite.HERE / "in_process.py")
    done = command(script, "sum.zx", "--runs", "2", "--host-runs", "1", "--json", "result.json")
    assert done.code == 0, done.stderr
    (item,) = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["programs"]
    assert item["same"] is True
    assert item["host"] > 0
    assert (len(item["runs"]["host"]), len(item["runs"]["backend"])) == (1, 2)
    assert done.stdout.startswith("| milliseconds ")

    (tmp_path / "sum.py").write_text("print(1)\n", encoding="utf-8")
    done = command(script, "sum.zx", "--runs", "1", "--host-runs", "1")
    assert done.code == 1
    assert "sum differs in: output of the Python program" in done.stderr


def test_geometric_mean() -> None:
    assert tables.geometric_mean([2.0, 8.0]) == pytest.approx(4.0)


def test_what_the_machine_gains_can_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_WORK", machine._WORK.replace("6_000_000", "1_000"))
    assert machine.scaling(2, rounds=1) > 0
