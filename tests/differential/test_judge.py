"""The judge sees what it is there to see, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import fuzz
from .describe import Describer, normalise
from .harness import COMPILED, FALLBACK, FLAGGED, REJECTED, compile_program, run_host
from .judge import Judge
from .outcome import CRASH, TIMEOUT, Outcome, differences
from .shrink import shrink

PROGRAM = """
let one = 1;
let xs = [1, 2];
let ys = xs;
print("printed", xs);
return xs;
"""
FAILING = 'print("before");\nlet zero = 0;\nprint(1 / zero);\n'


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(seconds=3) as one:
        yield one


def mutant(name: str) -> str:
    return f"{__package__}.mutants:{name}"


def fields(judge: Judge, name: str, source: str = PROGRAM) -> set[str]:
    lines = differences(judge.host(source), judge.backend(source, {}, machine=mutant(name)))
    return {line.partition(":")[0] for line in lines}


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("MoreGas", PROGRAM, {"gas_used"}),
        ("MoreOperations", PROGRAM, {"operation_count"}),
        ("OtherValue", PROGRAM, {"value"}),
        ("TrueForOne", PROGRAM, {"env[one]"}),
        ("ExtraName", PROGRAM, {"env[__idx_99]"}),
        ("ExtraOutput", PROGRAM, {"stdout"}),
        ("Straggler", PROGRAM, {"leftovers"}),
        ("OtherError", FAILING, {"text"}),
    ],
)
def test_a_fault_is_seen_in_its_field(judge: Judge, name: str, source: str, expected: set[str]) -> None:
    assert fields(judge, name, source) == expected


def test_a_broken_alias_is_seen(judge: Judge) -> None:
    assert "env[ys]" in fields(judge, "BrokenAlias")


def test_a_crash_and_a_hang_are_outcomes(judge: Judge) -> None:
    assert judge.backend(PROGRAM, {}, machine=mutant("Crash")).kind == CRASH
    assert judge.backend(PROGRAM, {}, machine=mutant("Hang")).kind == TIMEOUT
    assert judge.host(PROGRAM).kind == "value"


def test_the_host_equals_itself(judge: Judge) -> None:
    for source in (PROGRAM, FAILING):
        assert differences(judge.host(source), judge.host(source), profile=True) == []


def test_a_run_starts_from_the_same_state_every_time(judge: Judge) -> None:
    source = 'print(env_exists("JUDGE_X"));\nenv_set("JUDGE_X", "1");\n'
    assert judge.host(source).stdout == judge.host(source).stdout == "false\n"


def test_the_outcome_in_this_process_is_that_of_a_child(judge: Judge) -> None:
    assert differences(judge.host(PROGRAM), run_host(PROGRAM)) == []


def test_output_of_error_values_and_gas() -> None:
    outcome = run_host(FAILING)
    assert (outcome.kind, outcome.text) == ("VMRuntimeError", "Division by zero")
    assert outcome.stdout == "before\n"
    assert outcome.env["zero"] == "0"
    assert outcome.gas_used == sum(outcome.gas_by_operation.values())
    assert outcome.operation_count == sum(outcome.operation_counts.values())


def test_a_gas_limit_ends_the_run() -> None:
    outcome = run_host(PROGRAM, gas_limit=20)
    assert outcome.kind == "OutOfGasError"
    assert outcome.gas_used <= 20


@pytest.mark.parametrize(
    ("source", "state"),
    [
        ("print(1);\n", COMPILED),
        ('let n = 1;\nprint("v ${n}");\n', FALLBACK),
        ("action f() {\n", REJECTED),
        ('let s = "open;\n', REJECTED),
        ('// @zexus: {"vm_mode": "stack"}\nprint(1);\n', FLAGGED),
    ],
)
def test_what_becomes_of_a_source(source: str, state: str) -> None:
    assert compile_program(source).state == state


def test_a_corrected_source_is_compiled_as_corrected() -> None:
    bytecode = compile_program("action f(x) {\n    retrun x + 1;\n}\nprint(f(1));\n").bytecode
    assert run_host("action f(x) {\n    retrun x + 1;\n}\nprint(f(1));\n").stdout
    assert bytecode is not None


def describe(**env: Any) -> dict[str, str]:
    return Describer().environment(env)


def test_descriptions_show_types_order_and_sharing() -> None:
    shared = [1]
    assert describe(a=shared, b=shared) != describe(a=[1], b=[1])
    assert describe(a=1) != describe(a=True) != describe(a=1.0)
    assert describe(a={"x": 1, "y": 2}) != describe(a={"y": 2, "x": 1})
    assert describe(a=-0.0) != describe(a=0.0)
    assert describe(b=1, a=2) == describe(a=2, b=1)
    endless: list[Any] = []
    endless.append(endless)
    assert describe(a=endless) == {"a": "#1=[#1]"}
    assert describe(a=10**6000) == describe(a=10**6000) != describe(a=10**6000 + 1)
    assert describe(a=object()) == {"a": "#1=<object>"}


def test_addresses_are_taken_out_and_numbers_are_not() -> None:
    assert normalise("<x.Y object at 0x7f12ab34cd56>") == "<x.Y object at 0x?>"
    assert normalise("0x7f12ab34cd56 0xff") == "0x7f12ab34cd56 0xff"


def test_differences_are_readable() -> None:
    lines = differences(Outcome("value", stdout="a\nb\n"), Outcome("value", stdout="a\nc\n"))
    assert len(lines) == 1
    assert "-b" in lines[0]
    assert "+c" in lines[0]


def test_shrinking_keeps_what_fails() -> None:
    source = 'let a = 1;\nwhile (a < 3) {\nif (a) {\nprint(len("needle"));\n}\na = a + 1;\n}\nlet b = 2;\n'
    small = shrink(source, lambda text: "needle" in text and text.count("{") == text.count("}"))
    assert small == 'print(len("needle"));\n'


def test_the_hunt_finds_and_keeps_a_small_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz, "CORPUS", tmp_path)
    arguments = ["--seconds", "60", "--seed", "5", "--findings", "1", "--machine", mutant("LostStore")]
    assert fuzz.main(arguments) == 1
    (found,) = (tmp_path / "regressions").iterdir()
    text = found.read_text(encoding="utf-8")
    assert text.startswith("// Found by the fuzzer (machine, gas limit ")
    assert "catch (e)" in text
    assert len(text.splitlines()) < 15
    assert "FOUND" in capsys.readouterr().out
