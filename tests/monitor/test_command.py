"""``zexus-parallel monitor`` without a screen, and what it must not load."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.report.hostile import hostile
from zexus_parallel_plugin.cli.monitored import journal_target
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.places import directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

START = ("-m", "zexus_parallel_plugin", "monitor")
TEXT_WIDTH = {"COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}


def test_one_screen_of_text(command: Callable[..., Finished], journal: Callable[..., Path]) -> None:
    result = command(*START, "--once", str(journal(tasks=300)), env=TEXT_WIDTH)
    assert (result.stderr, result.code) == ("", 0)
    assert result.stdout.startswith(" ● synthetic.zx  finished")
    for words in (
        "speed-up (est.)",
        "efficiency (est.)",
        " workers ─",
        " functions ─",
        " failures ─",
        "is_prime",
    ):
        assert words in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, {"TERM": "dumb"}, {}], ids=str)
def test_ascii_where_nothing_else_can_be_written(
    command: Callable[..., Finished], journal: Callable[..., Path], env: dict[str, str]
) -> None:
    words = [] if env else ["--ascii"]
    result = command(*START, "--once", *words, str(journal(tasks=20)), env={**TEXT_WIDTH, **env})
    assert result.stdout.isascii()
    assert "* synthetic.zx" in result.stdout
    assert result.code == 0


def test_one_object(command: Callable[..., Finished], journal: Callable[..., Path]) -> None:
    result = command(*START, "--json", str(journal(tasks=300)))
    shown = json.loads(result.stdout)
    assert (shown["status"], shown["program"], shown["pid"]) == ("finished", "synthetic.zx", 4242)
    assert sum(shown["tasks"].values()) == 300
    assert {worker["slot"] for worker in shown["workers"]} == {0, 1, 2, 3}
    assert {group["name"] for group in shown["functions"]} == {"square", "is_prime"}
    assert shown["estimated_speedup"] > 1
    assert len(shown["failures"]) > 0
    assert {chunk["reason"] for chunk in shown["chunks"]} == {"", "effect-time"}


def test_the_newest_run_and_runs_by_the_beginning_of_their_names(
    command: Callable[..., Finished], journal: Callable[..., Path], place: Path
) -> None:
    for number in (1, 2):
        start = ev.RunStart(t=0, v=1, run=f"r{number}", time=float(number), pid=1, program=f"{number}.zx")
        journal(start, path=place / f"2026010{number}-1.jsonl")
    assert " 2.zx" in command(*START, "--once").stdout
    assert " 1.zx" in command(*START, "--once", "20260101").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--once", "--json"], "--once and --json cannot be used together; choose one"),
        (["--once", "--replay", "2"], "--replay shows a run on the screen; leave out --once and --json"),
        (["--replay", "fast"], "'fast' is no speed; use a number above 0 such as 1, 0.5 or 10x"),
        (["--replay", "0"], "'0' is no speed; use a number above 0 such as 1, 0.5 or 10x"),
        (["--refresh", "0"], "'--refresh': '0' is no time between two looks; use 0.05 to 60 seconds"),
        (["--refresh", "nan"], "'nan' is no time between two looks; use 0.05 to 60 seconds"),
        (["--refresh", "often"], "'often' is no time between two looks; use 0.05 to 60 seconds"),
        (["--refresh", "1", "--json"], "--refresh is about the screen; leave it out with --once and --json"),
        (["--refresh", "0.5s"], "the monitor needs a terminal"),
        (["--once", "nope"], "there is no run 'nope' in "),
        (["--json", "./nope"], "./nope: there is no such file"),
        (["--once"], "there are no runs in "),
        ([], "the monitor needs a terminal; use --once or --json to print what it would show"),
        (["--onec"], "No such option '--onec'."),
    ],
)
def test_wrong_usage_is_one_line(
    command: Callable[..., Finished], place: Path, words: list[str], message: str
) -> None:
    result = command(*START, *words)
    assert message in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert (result.stdout, result.code) == ("", 2)


def test_a_file_that_is_no_journal(command: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("hello\n")
    result = command(*START, "--once", "x.jsonl")
    assert "is not a journal" in result.stderr
    assert (result.stderr.count("\n"), result.code) == (1, 2)


@pytest.mark.parametrize("words", [["--once"], ["--json"], ["--once", "--ascii"]])
def test_hostile_text_does_not_reach_the_terminal(
    command: Callable[..., Finished], tmp_path: Path, words: list[str]
) -> None:
    hostile(tmp_path / "run.jsonl")
    result = command(*START, *words, "./run.jsonl", env=TEXT_WIDTH)
    assert result.code == 0
    assert not [char for char in result.stdout if char != "\n" and not char.isprintable()]


def loaded(code: str) -> set[str]:
    process = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('LOADED', *sys.modules)"],
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=60,
    )
    return {name.split(".")[0] for name in process.stdout.splitlines()[-1].split()[1:]}


@pytest.mark.parametrize("word", ["--once", "--json"])
def test_one_look_loads_neither_the_screen_nor_the_host(journal: Callable[..., Path], word: str) -> None:
    code = (
        "from zexus_parallel_plugin.cli.monitor import monitor_command\n"
        f"monitor_command.main([{word!r}, {str(journal(tasks=5))!r}], standalone_mode=False)"
    )
    assert not loaded(code) & {"textual", "rich", "zexus", "pluggy"}


def test_the_screen_does_not_load_the_host() -> None:
    assert not loaded("import zexus_parallel_plugin.monitor.tui.app") & {"zexus", "pluggy"}


# The monitor around a program


@pytest.mark.parametrize(
    ("words", "variable", "place", "is_file"),
    [
        (["a.zx"], None, None, False),
        (["--journal", "x/y.jsonl", "a.zx"], None, "x/y.jsonl", True),
        (["--journal=x/", "a.zx"], "z.jsonl", "x", False),
        (["a.zx", "--journal", "b"], "z.jsonl", "z.jsonl", True),
        (["--", "a.zx", "--no-journal"], "auto", None, False),
        (["--journal", ".", "a.zx"], None, ".", False),
    ],
)
def test_where_the_journal_of_a_run_will_be(
    words: list[str], variable: str | None, place: str | None, is_file: bool
) -> None:
    target = journal_target(words, variable)
    assert str(target.place) == (str(directory()) if place is None else place)
    assert target.is_file is is_file


@pytest.mark.parametrize(
    ("words", "env", "message"),
    [
        (
            ["--monitor", "a.zx"],
            {},
            "--monitor needs a terminal; leave it out, and use `zexus-parallel monitor`",
        ),
    ],
)
def test_a_run_with_its_monitor_needs_a_terminal(
    command: Callable[..., Finished], words: list[str], env: dict[str, str], message: str
) -> None:
    result = command("-m", "zexus_parallel_plugin", "run", *words, env=env)
    assert message in result.stderr
    assert (result.stderr.count("\n"), result.code) == (1, 2)


def test_the_programs_own_words_are_its_own(
    command: Callable[..., Finished], program: Callable[..., Path]
) -> None:
    file = str(program("print(__ARGS__);\n"))
    assert "--monitor" in command("-m", "zexus_parallel_plugin", "run", file, "--", "--monitor").stdout


def test_the_help_of_run_tells_of_it(command: Callable[..., Finished]) -> None:
    assert "  --monitor " in command("-m", "zexus_parallel_plugin", "run", "--help").stdout
