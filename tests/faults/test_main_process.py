"""When the main process is killed, interrupted, or cannot get what it needs from the system."""

from __future__ import annotations

import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.conftest import clean_environment
from tests.sessions import Running, all_ended

from .programs import MAP, RANGES, WORK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OURS = [sys.executable, "-m", "zexus_parallel_plugin", "run", "--workers", "2"]
HOST = [sys.executable, "-m", "zexus", "run"]
# Calls whose results are waited for while workers compute them, a loop on workers, a map on workers: endless.
SPIN = "action spin(n) { while (true) { n = n + 1; } return n; }\n"
ENDLESS = {
    "calls": SPIN + 'print("begin"); let a = spin(1); let b = spin(2); let c = spin(3); print(a + b + c);',
    "ranges": WORK
    + 'print("begin"); let t = 0; let i = 0; while (i < 100000000) { t = t + work(i); i = i + 1; } print(t);',
    "map": WORK
    + 'print("begin"); let m = 0; while (m >= 0) { let xs = parallel_map(work, range(300)); m = m + 1; }',
}
EAGER = ["--mode", "parallel", "--min-task", "0", "--gas-limit", "unlimited"]


def at_work(program: Running, start_method: str = "template") -> None:
    """Wait until both workers have computed for a while; new interpreters take some time to load."""
    program.workers(2, busy=2, seconds=0.5 if start_method == "spawn" else 0.1)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    with all_ended() as started:

        def begin(source: str, words: list[str], before: Callable[[], None] | None = None) -> Running:
            started.append(Running(tmp_path, source, words, before))
            return started[-1]

        yield begin


@pytest.mark.parametrize(
    ("name", "start_method"),
    [*((name, "template") for name in ENDLESS), ("calls", "forkserver"), ("calls", "spawn")],
)
def test_no_worker_outlives_a_main_process_that_is_killed(
    start: Callable[..., Running], name: str, start_method: str
) -> None:
    program = start(ENDLESS[name], [*OURS, *EAGER, "--start-method", start_method])
    at_work(program, start_method)
    program.process.kill()
    assert program.finish()[2] == -signal.SIGKILL


def bare_host(start: Callable[..., Running], send: Callable[[Running], None]) -> tuple[bytes, int]:
    """Last line and exit code of the bare host, interrupted."""
    program = start(ENDLESS["calls"], HOST)
    deadline = time.monotonic() + 120
    assert program.process.stdout is not None
    for line in program.process.stdout:
        if line == b"begin\n":
            break
        assert time.monotonic() < deadline
    send(program)
    _, err, code = program.finish()
    return (err.splitlines() or [b""])[-1], code


def once(program: Running) -> None:
    os.killpg(program.process.pid, signal.SIGINT)


def once_for_the_main_process(program: Running) -> None:
    os.kill(program.process.pid, signal.SIGINT)


def twice(program: Running) -> None:
    os.killpg(program.process.pid, signal.SIGINT)
    time.sleep(0.02)
    if program.process.poll() is None:
        os.killpg(program.process.pid, signal.SIGINT)


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("press", [once, once_for_the_main_process, twice])
def test_ctrl_c_ends_everything(
    start: Callable[..., Running], name: str, press: Callable[[Running], None]
) -> None:
    program = start(ENDLESS[name], [*OURS, *EAGER])
    at_work(program)
    press(program)
    out, err, code = program.finish()
    assert code not in {0, None}
    assert b"begin" in out
    if press is not twice:
        assert b"Traceback" not in err
        # Click's "Aborted!" is all that the host says.
        assert err.strip().splitlines()[-1:] == [b"Aborted!"], err


def test_ctrl_c_ends_as_on_the_host(start: Callable[..., Running]) -> None:
    program = start(ENDLESS["calls"], [*OURS, *EAGER])
    at_work(program)
    once(program)
    _, err, code = program.finish()
    assert ((err.splitlines() or [b""])[-1], code) == bare_host(start, once)


def shell(command: str, path: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**clean_environment(), "XDG_RUNTIME_DIR": str(path)}
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, check=False, cwd=path, env=environment, timeout=120
    )


PRINTING = (
    WORK
    + 'let i = 0; while (i < 4000) { print(work(i % 40) + " is what there is in this line"); i = i + 1; }'
)


def test_a_reader_that_leaves(tmp_path: Path) -> None:
    (tmp_path / "program.zx").write_text(PRINTING, encoding="utf-8")
    ends = []
    for words in (HOST, [*OURS, "--no-journal"]):
        done = shell(f"{shlex.join(words)} program.zx | head -n 3; echo ${{PIPESTATUS[0]}}", tmp_path)
        ends.append((done.stdout, done.stderr.splitlines()[-1:]))
    assert ends[1] == ends[0]


SIZES = (1024, 5000)


@pytest.mark.parametrize("size", SIZES)
def test_a_disk_that_is_full(start: Callable[..., Running], tmp_path: Path, size: int) -> None:
    expected = start(RANGES, [*OURS, "--workers", "1", "--no-journal"]).finish()
    journal = tmp_path / "journal.jsonl"

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = start(RANGES, [*OURS, *EAGER[:4], "--journal", str(journal)], before=small_files).finish()
    assert done == expected
    assert journal.stat().st_size <= size


@pytest.mark.parametrize("more", [6, 12, 20, 32])
@pytest.mark.parametrize("source", [RANGES, MAP], ids=["ranges", "map"])
def test_no_descriptors_left(start: Callable[..., Running], source: str, more: int) -> None:
    def few_descriptors() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (more, more))

    alone = [*OURS, "--workers", "1", "--no-journal"]
    expected = start(source, alone, before=few_descriptors).finish()

    out, err, code = start(source, [*OURS, *EAGER[:4], "--no-journal"], before=few_descriptors).finish()
    assert (out, code) == expected[::2]
    assert all(
        re.match(rb"no workers|worker processes|Warning|Install", line) for line in err.splitlines()
    ), err
