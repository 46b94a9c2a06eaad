"""``zexus-parallel explain`` as a command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click.testing
import pytest

from tests.explain.telling import WORK
from tests.runtime.running import use_fake_pool
from zexus_parallel_plugin.cli.explain import explain_command
from zexus_parallel_plugin.reasons import REASONS

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = (
    WORK
    + "let t = 0;\nfor i in range(400) {\n    t = t + work(i);\n}\n"
    + "let a = work(100);\nlet b = work(200);\nprint(t);\n"
)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.zx"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def invoked(*words: object) -> click.testing.Result:
    return click.testing.CliRunner().invoke(explain_command, list(map(str, words)), standalone_mode=False)


def document(*words: object) -> Any:
    result = invoked("--json", *words)
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def test_json_has_the_codes_of_the_registry(program: Path) -> None:
    found = document("--workers", "3", program)
    assert (found["schema"], found["workers"], found["reason"], found["problem"]) == (1, 3, "", "")
    chunks = [chunk for unit in found["units"] for chunk in unit["chunks"]]
    assert {chunk["reason"] for chunk in chunks} <= REASONS.keys()
    assert found["parallel_chunks"] == sum(chunk["verdict"] == "parallel" for chunk in chunks)
    loop = next(chunk for chunk in chunks if chunk["lines"] == [8, 10])
    assert (loop["kind"], loop["verdict"], loop["how"]) == ("loop", "parallel", "ranges")
    assert loop["calls"][0]["action"] == "work"
    assert found["units"][0]["graph"]["levels"]


def test_an_assertion_for_continuous_integration(program: Path) -> None:
    assert invoked("--workers", "2", "--assert-parallel", "3", program).return_value == 0
    result = invoked("--workers", "2", "--assert-parallel", "4", program)
    assert result.return_value == 1
    assert "3 of at least 4 chunks" in result.stderr


def test_nothing_is_executed_without_run(program: Path) -> None:
    program.write_text(f'file_write_text("{program.parent}/mark", "x");', encoding="utf-8")
    assert invoked(program).return_value == 0
    assert not (program.parent / "mark").exists()


def test_what_was_measured(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    monkeypatch.setenv("ZEXUS_PARALLEL_MIN_TASK", "0")
    found = document("--run", "--workers", "2", program)
    assert found["measured"]["error"] == ""
    chunks = [chunk for unit in found["units"] for chunk in unit["chunks"]]
    second = next(chunk for chunk in chunks if chunk["lines"] == [12, 12])
    assert second["measured"][0]["used"] == 1
    result = invoked("--run", "--workers", "2", program)
    assert "measured: 1 call sent, 1 used" in result.stdout
    assert result.stdout.count("measured\n") == 1


def test_a_run_that_fails(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    program.write_text("print(1);\nprint(1 / 0);\n", encoding="utf-8")
    result = invoked("--run", "--workers", "2", program)
    assert result.return_value == 0
    assert "the program ended with an error: VMRuntimeError" in result.stdout or "Division" in result.stdout


def test_bytecode_and_compiled_code(program: Path) -> None:
    result = invoked("-vv", "--compiled", program)
    assert "bytecode of action work" in result.stdout
    assert "compiled action work" in result.stdout
    assert document("--compiled", program)["compiled"][-1]["source"][0].startswith("def ")


def test_programs_that_the_host_rejects(program: Path) -> None:
    program.write_text("let a = {\n", encoding="utf-8")
    result = invoked(program)
    assert result.return_value == 1, "as the host's own"
    assert "the host rejects this program" in " ".join(result.stdout.split())
    assert "expected closing '}' before end of file" in " ".join(result.stdout.split())
    program.write_text("action f(n) {\n    return n +* 2;\n}\nprint(f(1);\n", encoding="utf-8")
    found = document(program)
    assert found["problem"].count("program.zx") == 1  # the first one is enough
    assert invoked("--assert-parallel", "1", program).return_value == 1


def test_a_missing_file() -> None:
    result = invoked("nowhere.zx")
    assert isinstance(result.exception, click.UsageError)
    assert "nowhere.zx" in str(result.exception)


def test_an_empty_program(program: Path) -> None:
    program.write_text("\n", encoding="utf-8")
    result = invoked(program)
    assert result.exception is None, result.exception
    said = " ".join(result.stdout.split())
    assert said.split("program.zx: ")[1] == "there is nothing in it to execute"
