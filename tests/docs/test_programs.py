"""Every program on a page prints what the page says, on the bare host and on the backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.differential.judge import Judge
from tests.differential.outcome import differences

from .pages import Program, pages, programs
from .showing import shown, shown_by_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Finished

KINDS = {"backend", "command", "explain", "gas", "reason", "sketch"}
# Everything that may run ahead does, however small it is.
EAGER = {"worker_count": 2, "mode": "parallel", "min_task_seconds": 0.0}

ALL = [program for page in pages() for program in programs(page)]


def having(*kinds: str) -> list[Program]:
    """Programs of exactly these kinds, ``gas`` left out of account."""
    return [program for program in ALL if program.kinds - {"gas"} == set(kinds)]


def place(program: Program) -> str:
    return program.block.place


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge() as one:
        yield one


def test_every_program_has_its_output() -> None:
    assert [place(program) for program in ALL if not program.kinds <= KINDS] == []
    shown = [program for program in ALL if not program.kinds & {"explain", "reason", "sketch"}]
    assert [place(program) for program in shown if program.output is None] == []


def test_there_are_programs_to_be_run() -> None:
    facts = [program for program in having() if program.block.page.name == "host-facts.md"]
    assert len(facts) >= 40
    assert having("backend")
    assert having("command")


@pytest.mark.parametrize("program", having(), ids=place)
def test_on_both(program: Program, judge: Judge) -> None:
    host = judge.host(program.block.text)
    assert shown(host, gas="gas" in program.kinds) == program.output
    assert differences(host, judge.backend(program.block.text, EAGER)) == []


@pytest.mark.parametrize("program", having("backend"), ids=place)
def test_on_the_backend(program: Program, judge: Judge) -> None:
    assert shown(judge.backend(program.block.text, EAGER)) == program.output
    assert shown(judge.backend(program.block.text, {"worker_count": 1})) == program.output


@pytest.mark.parametrize("program", having("command"), ids=place)
def test_as_a_command(program: Program, command: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "program.zx").write_text(program.block.text, encoding="utf-8")
    for words in ([], ["--backend", "parallel"]):
        done = command("-m", "zexus", "run", *words, "program.zx")
        assert shown_by_command(done.stdout) == program.output


def test_a_program_with_other_output_is_found(judge: Judge, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```zexus\nprint(1 + 1);\n```\n\n```text\n3\n```\n", encoding="utf-8")
    (program,) = programs(page)
    assert shown(judge.host(program.block.text)) == "2\n"
    assert program.output == "3\n"
