"""What happens to forks when processes are killed or interrupted: errors at once, and nothing left behind."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.sessions import Running, all_ended, cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psutil

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


class Program(Running):
    """A running program that has forked."""

    def __init__(self, path: Path, source: str) -> None:
        words = [sys.executable, "-m", "zexus_parallel_plugin", "run", "--gas-limit", "unlimited"]
        super().__init__(path, source, words)

    def copies(self) -> list[psutil.Process]:
        """The copies, once all of them are there, and at work."""
        return self.workers(COPIES, busy=1, seconds=0.2)

    def printed(self) -> tuple[str, str, int]:
        """What the program has printed, errors, and its exit code."""
        out, err, code = self.finish()
        return out.decode().partition("Executing on VM...\n")[2], err.decode(), code


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    with all_ended() as started:

        def begin(source: str) -> Program:
            program = Program(tmp_path, source)
            started.append(program)
            return program

        yield begin


JOIN = FORK + "action main() { try { join_workers(); } catch (e) { print(e); } } main(); print(5);"


def test_a_copy_that_is_killed_is_an_error_at_once(start: type[Program]) -> None:
    program = start(
        "action work(i) { if (i == 1) { while (true) { i = i + 1; } } barrier_sync(1); return i; }" + JOIN
    )
    max(program.copies(), key=cpu_seconds).kill()
    out, err, code = program.printed()
    assert out == "forked\njoin_workers: copy 1 of 3 died: killed by SIGKILL (2 more failed)\n5\n"
    assert code == 0, err


def test_a_copy_that_is_killed_while_it_has_a_variable_taken(start: type[Program]) -> None:
    program = start(HOLDING + JOIN)
    holder = min(program.copies(), key=lambda copy: copy.pid)
    holder.kill()
    out, err, code = program.printed()
    # The others get the variable, and the value that it had.
    assert out == "forked\njoin_workers: copy 0 of 3 died: killed by SIGKILL\n5\n"
    assert code == 0, err


def test_the_death_of_the_template(start: type[Program]) -> None:
    program = start(SPINNING + JOIN)
    program.copies()
    (template,) = [child for child in program.children() if child.children()]
    template.kill()
    out, err, code = program.printed()
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
    assert program.printed()[2] == -signal.SIGKILL


@pytest.mark.parametrize(
    ("work", "main"),
    [(SPINNING, COMPUTING), (AT_BARRIER, JOINING)],
    ids=["spinning, computing", "barrier, joining"],
)
def test_ctrl_c_ends_everything(start: type[Program], work: str, main: str) -> None:
    program = start(work + FORK + main)
    program.copies()
    os.killpg(program.process.pid, signal.SIGINT)
    _, err, code = program.printed()
    assert code != 0
    assert "Traceback" not in err
