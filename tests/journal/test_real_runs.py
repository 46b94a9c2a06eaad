"""Journals of programs that really run, on real workers."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import clean_environment
from zexus_parallel_plugin.journal.catalog import runs
from zexus_parallel_plugin.journal.control import cancel, kill_worker
from zexus_parallel_plugin.journal.model import RunState
from zexus_parallel_plugin.journal.reader import JournalReader

from .test_events import complaints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Finished

PROGRAM = """\
// Sums, and a loop that prints.
action weight(n) {
    let total = 0;
    let i = 0;
    while (i < n) { total = total + (i * i) % 7; i = i + 1; }
    return total;
}
let a = weight(400000);
let b = weight(410000);
print(a + b);
for each k in range(ROUNDS) {
    print(weight(100000 + k));
}
"""
RUN = ("-m", "zexus_parallel_plugin", "run", "--gas-limit", "unlimited", "--workers", "2")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory of the journals, in which a test finds those of its own runs."""
    return tmp_path / "zexus-parallel"


def environment(place: Path, **more: str) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": str(place.parent), **more}


def state_of(path: Path) -> RunState:
    state = RunState()
    with JournalReader(path) as reader:
        state.feed(reader.poll())
        assert (reader.corrupt, reader.unknown, reader.behind) == (0, 0, 0)
    return state


def test_what_a_run_writes_down(
    command: Callable[..., Finished], program: Callable[..., Path], place: Path
) -> None:
    file = program(PROGRAM.replace("ROUNDS", "30"))
    secret = {"MY_SECRET": "hunter2"}
    done = command(*RUN, str(file), env=environment(place, **secret))
    assert (done.code, done.stderr) == (0, "")
    (run,) = runs(place)
    assert run.state == "finished"
    text = run.path.read_text(encoding="ascii")
    assert [complaints(line) for line in text.splitlines() if complaints(line)] == []
    assert "hunter2" not in text
    state = state_of(run.path)
    assert state.start is not None
    assert state.start.program == str(file)
    assert state.source is not None
    assert "\n".join(state.source.lines) == file.read_text()
    printed = "".join(state.output)
    assert printed.count("\n") == 31
    assert done.stdout.endswith(printed)
    # The first call was measured, the next ones ran ahead.
    assert state.committed_calls + state.metrics.get("iterations_committed", 0) > 0
    assert not any(state.counts[name] for name in ("queued", "running", "sent", "done"))
    assert state.gas > 1_000_000
    assert 1 <= len(state.workers) <= 2
    assert all(worker.expected and worker.pid and worker.started for worker in state.workers.values())
    lines = {chunk.line for chunk in state.chunks.values() if chunk.tasks}
    assert lines <= {5, 8, 9, 11, 12}
    assert lines


@pytest.mark.parametrize("words", [("--no-journal",), ("--journal", "off")])
def test_no_journal(
    command: Callable[..., Finished], program: Callable[..., Path], place: Path, words: tuple[str, ...]
) -> None:
    done = command(*RUN, *words, str(program("print(1);")), env=environment(place))
    assert (done.code, done.stderr) == (0, "")
    assert not place.exists()


def test_a_journal_at_another_place(
    command: Callable[..., Finished], program: Callable[..., Path], place: Path, tmp_path: Path
) -> None:
    file = program("print(1);")
    command(*RUN, "--journal", "mine.jsonl", str(file), env=environment(place))
    command(*RUN, str(file), env=environment(place, ZEXUS_PARALLEL_JOURNAL=f"{tmp_path}/many/"))
    assert state_of(tmp_path / "mine.jsonl").end is not None
    (other,) = (tmp_path / "many").iterdir()
    assert state_of(other).end is not None
    assert not place.exists()


def test_a_file_that_is_no_journal_is_not_overwritten(
    command: Callable[..., Finished], program: Callable[..., Path], place: Path
) -> None:
    file = program("print(1);")
    done = command(*RUN, "--journal", str(file), str(file), env=environment(place))
    assert done.code == 2
    assert done.stderr == f"Error: --journal: {file} is there and is no journal; it is not overwritten\n"
    assert file.read_text() == "print(1);"


def test_a_journal_that_cannot_be_is_not_missed(
    command: Callable[..., Finished], program: Callable[..., Path], place: Path
) -> None:
    place.write_text("not a directory")
    done = command(*RUN, str(program("print(6 * 7);")), env=environment(place))
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.endswith("\n42\n")


def test_an_error_of_the_program_is_written_down(
    command: Callable[..., Finished], program: Callable[..., Path], place: Path
) -> None:
    done = command(*RUN, str(program('require(1 == 2, "on purpose");')), env=environment(place))
    (run,) = runs(place)
    end = state_of(run.path).end
    assert end is not None
    assert (end.state, end.code) == ("failed" if done.code else "finished", done.code)
    # The host's command does so, for as long as it takes, and nothing else in the journal would tell.
    assert "may run the program once more" in run.path.read_text(encoding="utf-8")
    assert "on purpose" in end.error


def test_a_program_for_the_host_is_written_down(
    command: Callable[..., Finished], program: Callable[..., Path], place: Path
) -> None:
    command(*RUN, "--tier", "host", str(program("print(1);")), env=environment(place))
    (run,) = runs(place)
    end = state_of(run.path).end
    assert end is not None
    assert end.left_to_host == "tier-host"


# -- acting on a run


@contextmanager
def going_on(file: Path, place: Path) -> Iterator[tuple[subprocess.Popen[str], RunState, JournalReader]]:
    """A run whose workers have begun, as somebody sees it who watches."""
    process = subprocess.Popen(
        [sys.executable, *RUN, str(file)],
        env={**clean_environment(), **environment(place)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    state = RunState()
    try:
        limit = time.monotonic() + 120
        reader = None
        while not any(worker.task is not None for worker in state.workers.values()):
            assert time.monotonic() < limit
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
            if reader is None:
                found = list(place.glob("*.jsonl"))
                reader = JournalReader(found[0]) if found else None
            else:
                state.feed(reader.poll())
        assert reader is not None
        yield process, state, reader
        reader.close()
    finally:
        process.kill()
        process.communicate()


LONG = PROGRAM.replace("100000 + k", "2000000 + k")


def test_a_worker_that_is_killed_costs_nothing_but_time(program: Callable[..., Path], place: Path) -> None:
    with going_on(program(LONG.replace("ROUNDS", "10")), place) as (process, state, reader):
        worker = next(worker for worker in state.workers.values() if worker.task is not None)
        kill_worker(state, worker)
        out, err = process.communicate(timeout=120)
        state.feed(reader.poll())
    assert (process.returncode, err) == (0, "")
    assert len(re.findall(r"^\d+$", out, re.MULTILINE)) == 11
    assert (worker.state, worker.expected, worker.signal) == ("dead", False, "SIGKILL")
    assert state.deaths == 1
    assert state.failed_attempts <= 1
    assert state.end is not None
    assert state.end.state == "finished"


def test_a_run_that_is_cancelled_ends_as_by_ctrl_c(program: Callable[..., Path], place: Path) -> None:
    with going_on(program(LONG.replace("ROUNDS", "2000")), place) as (process, state, reader):
        cancel(state)
        process.communicate(timeout=120)
        state.feed(reader.poll())
    assert process.returncode != 0
    assert state.end is not None
    assert state.end.state == "interrupted"
    (run,) = runs(place)
    assert run.state == "interrupted"


def test_a_run_that_is_killed_leaves_a_journal(program: Callable[..., Path], place: Path) -> None:
    with going_on(program(LONG.replace("ROUNDS", "2000")), place) as (process, state, reader):
        assert runs(place)[0].state == "running"
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)
        state.feed(reader.poll())
    assert state.live
    assert state.tasks
    (run,) = runs(place)
    assert run.state == "gone"


# -- the terminal


def on_terminal(words: list[str], place: Path) -> tuple[str, str, int]:
    """Standard output, what appears on the terminal that standard error is, and the exit code."""
    master, slave = pty.openpty()
    with os.fdopen(master, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            [sys.executable, *words], env={**clean_environment(), **environment(place)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave, text=True,
        )  # fmt: skip
        os.close(slave)
        out, _ = process.communicate(timeout=120)
        shown = b""
        try:
            while piece := terminal.read(4096):
                shown += piece
        except OSError:  # Linux says so at the end of a terminal
            pass
    return out, shown.decode(), process.returncode


def test_a_summary_is_on_the_terminal_and_nowhere_else(program: Callable[..., Path], place: Path) -> None:
    file = str(program(PROGRAM.replace("ROUNDS", "3")))
    out, shown, code = on_terminal([*RUN, file], place)
    (run,) = runs(place)
    assert code == 0
    shown = re.sub(r"\r[^\r\n]*\x1b\[K|^\r\x1b\[K", "", shown)  # progress, on a machine that is slow just now
    assert re.fullmatch(
        r"zexus-parallel: \d+\.\d\d s, (\d+ tasks? on 2 workers, .*|nothing ran ahead); "
        rf"zexus-parallel report {re.escape(run.id)}\r\n",
        shown,
    )
    quiet, nothing, code = on_terminal([*RUN, "--quiet", file], place)
    assert (nothing, code) == ("", 0)
    assert out.splitlines()[-4:] == quiet.splitlines()[-4:]
