"""A directory for the cache that cannot be used: one line, an event of the journal, and the same run."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.journal.test_recording import Terminal
from tests.runtime.running import compiled
from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.reader import JournalReader
from zexus_parallel_plugin.runtime.machine import create_vm

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

PROGRAM = """\
action work(n) { let s = 0; let j = 0; while (j < n) { s = s + j * j % 7; j = j + 1; } return s; }
print(work(40000));
"""
RUN = ("-m", "zexus_parallel_plugin", "run")


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, list[str]]]:
    """Run a program with settings; what standard error has, and the reasons of the journal's warnings."""

    def run(err: io.StringIO, **settings: Any) -> tuple[str, list[str]]:
        journal = tmp_path / "run.jsonl"
        monkeypatch.setattr(sys, "stderr", err)
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        config = ParallelConfig(
            **{"journal": str(journal), "mode": "sequential", "program": str(tmp_path / "p.zx"), **settings}
        )
        machine = create_vm(config)
        code = compiled(PROGRAM)
        machine.execute(code)
        machine.execute(code)
        machine.close()
        with JournalReader(journal) as reader:
            return err.getvalue(), [e.reason for e in reader.poll() if isinstance(e, ev.Warn)]

    return run


def test_a_command_says_so_and_does_the_same(
    command: Callable[..., Finished], program: Callable[..., Path], tmp_path: Path
) -> None:
    file = str(program(PROGRAM))
    (tmp_path / "taken").touch()
    usual, without = (command(*RUN, "--cache", place, file) for place in ("cache", "taken"))
    assert (without.stdout, without.code) == (usual.stdout, usual.code)
    line = f"zexus-parallel: the cache cannot be used: {tmp_path / 'taken'}: Not a directory; the run is the"
    assert without.stderr == usual.stderr + line + " same without it\n"


def test_a_full_disk(
    said: Callable[..., tuple[str, list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *_: object) -> None:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "replace", full)
    text, reasons = said(io.StringIO(), cache=str(tmp_path / "c"))
    assert "No space left on device; the run is the same without it\n" in text
    assert (text.count("\n"), reasons) == (1, ["cache-not-written"])  # once, though two programs have run


def test_a_terminal_is_told_whoever_has_named_the_place(
    said: Callable[..., tuple[str, list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert said(io.StringIO()) == ("", ["cache-not-written"])
    text, reasons = said(Terminal(), journal=str(tmp_path / "run.jsonl"))
    assert text.startswith("zexus-parallel: the cache cannot be used: ")
    assert reasons == ["cache-not-written"]


def test_quiet_and_python_code_have_it_in_the_journal_and_in_the_log_only(
    said: Callable[..., tuple[str, list[str]]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").touch()
    assert said(io.StringIO(), cache=str(tmp_path / "taken"), quiet=True) == ("", ["cache-not-written"])
    with caplog.at_level(logging.WARNING, "zexus_parallel_plugin"):
        text, _ = said(io.StringIO(), cache=str(tmp_path / "taken"), program="")
    assert text == ""
    assert "the cache cannot be used" in caplog.text


def test_a_cache_that_can_be_used_is_not_worth_a_word(
    said: Callable[..., tuple[str, list[str]]], tmp_path: Path
) -> None:
    assert said(io.StringIO(), cache=str(tmp_path / "c")) == ("", [])
