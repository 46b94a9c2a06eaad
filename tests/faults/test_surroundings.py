"""Pipes and devices in the place of files, closed and full standard streams: one line, or it just works."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, clean_environment

GOOD = "print(6 * 7);\n"
POOL = """
import sys
from zexus_parallel_plugin.runtime.pool import PoolSettings, WorkerSupervisor
settings = PoolSettings(size=2, handler="tests.faults.soak:Echo", start_method=sys.argv[2])
with WorkerSupervisor(settings) as pool:
    if sys.argv[2] == "template":
        pool.prepare()
    task = pool.submit(b"abc")
    while not task.done:
        pool.wait([task])
open(sys.argv[1], "wb").write(bytes(task.outcome.result))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "good.zx").write_text(GOOD, encoding="utf-8")
    return tmp_path


def shell(place: Path, command: str) -> tuple[int, str, list[str]]:
    """Exit code, output, and lines of errors of a command line; ``OURS`` in it is our command."""
    environment = {
        **clean_environment(), "XDG_RUNTIME_DIR": str(place), "HOME": str(place),
        "PYTHONPATH": str(REPOSITORY),
        "OURS": f"{sys.executable} -m zexus_parallel_plugin", "PYTHON": sys.executable,
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        cwd=place, env=environment, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout, [line for line in done.stderr.splitlines() if line.strip()]


def test_a_program_that_is_a_pipe_is_read_once(place: Path) -> None:
    os.mkfifo(place / "pipe.zx")
    writer = threading.Thread(target=(place / "pipe.zx").write_text, args=(GOOD,), daemon=True)
    writer.start()
    code, out, errors = shell(place, "$OURS run pipe.zx")
    assert (code, out.splitlines()[-1], errors) == (0, "42", [])
    writer.join(10)
    assert not writer.is_alive()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("mkfifo zexus-plugin.toml; $OURS run good.zx", "zexus-plugin.toml: cannot be read: it is a pipe"),
        ("mkfifo p.zx; $OURS explain p.zx", "'p.zx' is not a file"),
        ("$OURS explain /dev/zero", "'/dev/zero' is not a file"),
        ("cat good.zx | $OURS bench /dev/stdin", "'/dev/stdin' is not a file"),
    ],
)
def test_what_is_no_file(place: Path, command: str, says: str) -> None:
    code, _, errors = shell(place, command)
    assert code == 2
    assert len(errors) == 1
    assert errors[0].startswith("Error: ")
    assert says in errors[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("command", ["explain good.zx", "runs --help", "plugins"])
def test_standard_output_that_is_full(place: Path, command: str) -> None:
    code, _, errors = shell(place, f"$OURS {command} > /dev/full")
    assert (code, errors) == (1, ["Error: No space left on device"])


def test_no_standard_output(place: Path) -> None:
    assert shell(place, "$OURS explain good.zx >&-") == (0, "", [])


@pytest.mark.parametrize("method", ["template", "forkserver", "spawn"])
def test_a_pool_without_standard_streams(place: Path, method: str) -> None:
    (place / "pool.py").write_text(POOL, encoding="utf-8")
    code, _, _ = shell(place, f"timeout 60 $PYTHON pool.py result {method} <&- >&- 2>&-")
    assert code == 0
    assert (place / "result").read_bytes() == b"cba"
