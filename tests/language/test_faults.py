"""What happens to forks when processes are killed or interrupted: errors at once, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.conftest import clean_environment

from .running import left_over

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COPIES = 3

SPINNING = "action work(i) { while (true) { i = i + 1; } return i; }"
AT_BARRIER = "action work(i) { if (i > 0) { barrier_sync(1); } while (true) { i = i + 1; } return i; }"
HOLDING = """
action hold(v) { while (true) { v = v + 1; } return v; }
action work(i) {
    if (i == 0) { shared_write("x", 1); shared_update("x", hold); }
    while (shared_read("x") == null) { }
    let later = 0;
    while (later < 3000000) { later = later + 1; }
    return shared_read("x");
}
"""
FORK = f"""
fork_execution({COPIES}, work);
print("forked");
"""


def cpu_seconds(process: psutil.Process) -> float:
    """CPU time of a process."""
    return float(sum(process.cpu_times()[:2]))


class Program:
    """A running program that has forked."""

    def __init__(self, path: Path, source: str) -> None:
        file = path / "program.zx"
        file.write_text(source, encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "zexus_parallel_plugin", "run", "--gas-limit", "unlimited", str(file)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**clean_environment(), "PYTHONUNBUFFERED": "1", "HOME": str(path), "TMPDIR": str(path)},
            start_new_session=True,
        )  # fmt: skip

    def copies(self) -> list[psutil.Process]:
        """The copies, once all of them are at work."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            leaves = [child for child in self.children() if not child.children()]
            if len(leaves) == COPIES and max(map(cpu_seconds, leaves)) > 0.2:
                return leaves
            time.sleep(0.02)
        raise AssertionError(self.process.communicate(timeout=5))

    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.Error:
            return []

    def finish(self, seconds: float = 20) -> tuple[str, str, int]:
        out, err = self.process.communicate(timeout=seconds)
        assert left_over(self.process.pid) == []
        return out.partition("Executing on VM...\n")[2], err, self.process.returncode


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    started: list[Program] = []

    def begin(source: str) -> Program:
        started.append(Program(tmp_path, source))
        return started[-1]

    yield begin
    for program in started:
        if program.process.poll() is None:
            os.killpg(program.process.pid, signal.SIGKILL)
            program.process.communicate()


JOIN = FORK + "action main() { try { join_workers(); } catch (e) { print(e); } } main(); print(5);"


def test_a_copy_that_is_killed_is_an_error_at_once(start: type[Program]) -> None:
    program = start(
        "action work(i) { if (i == 1) { while (true) { i = i + 1; } } barrier_sync(1); return i; }" + JOIN
    )
    max(program.copies(), key=cpu_seconds).kill()
    out, err, code = program.finish()
    assert out == "forked\njoin_workers: copy 1 of 3 died: killed by SIGKILL (2 more failed)\n5\n"
    assert code == 0, err


def test_a_copy_that_is_killed_while_it_has_a_variable_taken(start: type[Program]) -> None:
    program = start(HOLDING + JOIN)
    holder = min(program.copies(), key=lambda copy: copy.pid)
    holder.kill()
    out, err, code = program.finish()
    # The others get the variable, and the value that it had.
    assert out == "forked\njoin_workers: copy 0 of 3 died: killed by SIGKILL\n5\n"
    assert code == 0, err


def test_the_death_of_the_template(start: type[Program]) -> None:
    program = start(SPINNING + JOIN)
    program.copies()
    (template,) = [child for child in program.children() if child.children()]
    template.kill()
    out, err, code = program.finish()
    assert out == "forked\njoin_workers: copy 0 of 3 died: the template process has died (2 more failed)\n5\n"
    assert code == 0, err


JOINING, COMPUTING = "join_workers();", "while (true) { }"


@pytest.mark.parametrize(
    ("work", "main"),
    [(SPINNING, JOINING), (AT_BARRIER, COMPUTING), (HOLDING, JOINING)],
    ids=["spinning, joining", "barrier, computing", "holding, joining"],
)
def test_nothing_outlives_the_main_process(start: type[Program], work: str, main: str) -> None:
    program = start(work + FORK + main)
    program.copies()
    program.process.kill()
    assert program.finish()[2] == -signal.SIGKILL


@pytest.mark.parametrize(
    ("work", "main"),
    [(SPINNING, COMPUTING), (AT_BARRIER, JOINING)],
    ids=["spinning, computing", "barrier, joining"],
)
def test_ctrl_c_ends_everything(start: type[Program], work: str, main: str) -> None:
    program = start(work + FORK + main)
    program.copies()
    begun = time.monotonic()
    os.killpg(program.process.pid, signal.SIGINT)
    _, err, code = program.finish()
    assert code != 0
    assert time.monotonic() - begun < 10
    assert "Traceback" not in err
