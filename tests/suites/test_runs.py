"""Suites that are really run: by the command, by pytest, on both backends."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.conftest import REPOSITORY, clean_environment
from zexus_parallel_plugin.suites.execute import Commands
from zexus_parallel_plugin.suites.judge import run_suite
from zexus_parallel_plugin.suites.source import PROGRAM, find_tests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

SUITES = REPOSITORY / "keyword_tests"
LEAST = {
    "easy/test_parallel_basic.zx": 10,
    "medium/test_parallel_advanced.zx": 15,
    "complex/test_parallel_stress.zx": 15,
    "easy/test_language_functions.zx": 10,
    "medium/test_parallel_map.zx": 10,
    "complex/test_forks_and_races.zx": 15,
}
COMMON = [
    "easy/test_parallel_basic.zx",
    "medium/test_parallel_advanced.zx",
    "complex/test_parallel_stress.zx",
]

MIXED = """// expect-exit: 0
let seen = [];
action test_passes() { seen.push("passes"); require(1 + 1 == 2, "sums"); print("in a test"); }
action test_fails() { require(1 + 1 == 3, "not three"); }
action test_divides() { let x = 1 / 0; }
action test_not_called() { seen.push("late"); require(len(seen) == 2, "all others are done"); }
test_passes();
test_fails();
test_divides();
print("end");
"""


def states(path: Path, backend: str = "parallel", **options: object) -> dict[str, tuple[str, str]]:
    result = run_suite(path, backend, **options)  # type: ignore[arg-type]
    return {one.name: (one.state, one.message) for one in result.results}


def test_our_suites_are_as_large_as_they_claim() -> None:
    found = {path.relative_to(SUITES).as_posix() for path in SUITES.rglob("test_*.zx")}
    assert found >= LEAST.keys()
    for name, least in LEAST.items():
        source = (SUITES / name).read_text(encoding="utf-8")
        assert len(find_tests(source).tests) >= least
        assert "// expect-exit: " in source
        assert "// expect-output:" in source


def test_one_test_fails_and_the_others_are_run(program: Callable[..., Path]) -> None:
    path = program(MIXED, "test_mixed.zx")
    for backend in ("parallel", "both"):
        assert states(path, backend) == {
            "test_passes": ("passed", ""),
            "test_fails": ("failed", "not three"),
            "test_divides": ("failed", "Division by zero"),
            "test_not_called": ("passed", ""),
            PROGRAM: ("passed", ""),
        }


def test_what_a_test_prints_belongs_to_it(program: Callable[..., Path]) -> None:
    result = run_suite(program(MIXED, "test_mixed.zx"), "host", chosen={"test_passes"})
    assert [(one.name, one.output) for one in result.results] == [("test_passes", "in a test\n")]


def test_expectations_are_looked_at(program: Callable[..., Path]) -> None:
    source = "// expect-exit: 3\n// expect-chunks: 5\n// expect-output:\n// | two\nprint(1);\n"
    message = states(program(source, "test_wrong.zx"))[PROGRAM][1]
    assert message.split("\n") == [
        "exit code 0, expected 3",
        "output: line 1: expected 'two', printed '1'",
        "0 chunks were done by workers, expected at least 5",
    ]


def test_a_program_that_fails_outside_of_tests(program: Callable[..., Path]) -> None:
    source = 'action test_first() {}\nrequire(false, "top level");\naction test_second() {}\ntest_first();\n'
    found = states(program(source, "test_top.zx"))
    error = "VM Execution error: Requirement failed: top level"
    assert found["test_first"] == ("failed", f"was not run: {error}")
    assert error in found[PROGRAM][1]


def test_a_program_that_never_ends(program: Callable[..., Path]) -> None:
    source = "action test_ends() {}\naction test_hangs() { sleep(1000); }\n"
    assert states(program(source, "test_hangs.zx"), timeout=10) == {
        "test_ends": ("passed", ""),
        "test_hangs": ("failed", "no end after 10 s"),
        PROGRAM: ("failed", "it was ended, expected 0\nno end after 10 s"),
    }


def test_a_file_that_is_no_program(program: Callable[..., Path], tmp_path: Path) -> None:
    assert states(program("let let let {", "test_syntax.zx"))[PROGRAM][0] == "failed"
    assert states(program("// needs: luck\n", "test_header.zx"))[PROGRAM] == (
        "failed", f"{tmp_path / 'test_header.zx'}:1: needs must be 'parallel', got 'luck'",
    )  # fmt: skip
    (tmp_path / "test_bytes.zx").write_bytes(b"\xff\xfe")
    assert states(tmp_path / "test_bytes.zx")[PROGRAM][0] == "failed"


def test_what_only_the_backend_has_is_skipped_on_the_host(program: Callable[..., Path]) -> None:
    source = (
        "// needs: parallel\naction f(i) { return i; }\n"
        "action test_fork() { fork_execution(2, f); join_workers(); }\n"
    )
    path = program(source, "test_fork.zx")
    assert {state for state, _ in states(path, "host").values()} == {"skipped"}
    assert {state for state, _ in states(path, "both").values()} == {"passed"}


def test_a_suite_can_import_what_is_beside_it(program: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("42", encoding="utf-8")
    source = (
        'action test_file() { let text = read_file(__DIR__ + "/data.txt"); '
        'require(text == "42", "got " + text); }\n'
    )
    assert states(program(source, "test_beside.zx"), "host")["test_file"] == ("passed", "")


@pytest.mark.parametrize("name", COMMON)
def test_our_suites_do_the_same_on_the_bare_host(name: str) -> None:
    result = run_suite(SUITES / name, "host")
    assert [one for one in result.results if one.state != "passed"] == []


def test_the_command(command: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "test_mixed.zx").write_text(MIXED, encoding="utf-8")
    (tmp_path / "test_fine.zx").write_text("print(1);\n", encoding="utf-8")
    done = command("-m", "zexus_parallel_plugin", "test", "--junit-xml", "out.xml", "-j", "1")
    assert done.code == 1
    lines = done.stdout.split("\n")
    assert [line.split()[:2] for line in lines[:2]] == [["test_fine.zx", "."], ["test_mixed.zx", ".FF.."]]
    assert "FAILED test_mixed.zx:4 test_fails" in lines
    assert "    not three" in lines
    assert lines[-2].startswith("2 failed, 4 passed in ")
    assert (tmp_path / "out.xml").exists()
    done = command("-m", "zexus_parallel_plugin", "test", "test_mixed.zx", "-k", "passes", "-v")
    assert done.code == 0
    assert "test_mixed.zx::test_passes passed" in done.stdout
    assert "4 deselected" in done.stdout


def test_an_interrupt_ends_what_is_running(program: Callable[..., Path], tmp_path: Path) -> None:
    mark = f"zexus-{tmp_path.name}"
    path = program("action test_hangs() { sleep(1000); }\n", "test_hangs.zx")
    process = subprocess.Popen(
        [sys.executable, "-m", "zexus_parallel_plugin", "test", str(path)],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**clean_environment(), "ZEXUS_TEST_MARK": mark},
    )
    deadline = time.monotonic() + 120
    while not any(one for one in marked(mark) if one.pid != process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert out.endswith("interrupted\n")
    deadline = time.monotonic() + 120
    while marked(mark):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nothing_begins_after_the_end(program: Callable[..., Path]) -> None:
    commands = Commands()
    ended = threading.Timer(1, commands.end)
    ended.start()
    path = program("action test_hangs() { sleep(1000); }\n", "test_hangs.zx")
    result = run_suite(path, "both", commands=commands)
    assert result.results[0].message == "was not run: interrupted"
    assert result.seconds < 100
    ended.join()


def marked(mark: str) -> list[psutil.Process]:
    """Processes that have this mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("ZEXUS_TEST_MARK") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["gone.zx"], 4, "Error: gone.zx: there is no such file or directory"),
        (["-k", "and"], 4, "Error: 'and': a word is missing before 'and'"),
        (["--backend", "other"], 2, "Error: Invalid value for '--backend'"),
        ([], 5, ""),
    ],
)
def test_wrong_usage(command: Callable[..., Finished], words: list[str], code: int, complaint: str) -> None:
    done = command("-m", "zexus_parallel_plugin", "test", *words)
    assert done.code == code
    assert done.stderr.startswith(complaint)
    assert "Traceback" not in done.stderr


def test_pytest_collects_and_runs_suites(command: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "test_mixed.zx").write_text(MIXED, encoding="utf-8")
    (tmp_path / "other.zx").write_text("print(1);\n", encoding="utf-8")
    (tmp_path / "test_python.py").write_text("def test_python(): pass\n", encoding="utf-8")
    options = ("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly")
    done = command(*options)
    assert done.code == 1, done.stdout + done.stderr
    assert "2 failed, 4 passed" in done.stdout
    assert "test_mixed.zx:4: test_fails: not three" in done.stdout
    assert "in a test" not in done.stdout
    one = command(*options, "test_mixed.zx::test_passes", "--zexus-backend", "host")
    assert "1 passed" in one.stdout
    none = command(*options, "-p", "no:zexus_parallel")
    assert "1 passed" in none.stdout


def test_pytest_loads_nothing_of_ours_for_others(command: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "test_python.py").write_text(
        "import sys\n\ndef test_python():\n"
        "    loaded = {name for name in sys.modules if name.startswith('zexus')}\n"
        "    ours = 'zexus_parallel_plugin'\n"
        "    assert loaded <= {ours, ours + '.attach', ours + '.pytest_plugin'}, loaded\n",
        encoding="utf-8",
    )
    done = command("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.code == 0, done.stdout + done.stderr
