"""Pipes and devices in the place of files, closed and full standard streams: one line, or it just works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, clean_environment
from zexus_parallel_plugin.cli import checks

GOOD = "print(6 * 7);\n"
# The superuser may write anywhere, unless it gives that up.
HUMBLY = "setpriv --inh-caps=-all --bounding-set=-all" if os.geteuid() == 0 else ""
humbly = pytest.mark.skipif(bool(HUMBLY) and not shutil.which("setpriv"), reason="needs setpriv")
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
        "OURS": f"{sys.executable} -m zexus_parallel_plugin", "PYTHON": sys.executable, "HUMBLY": HUMBLY,
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
    writer.join(60)
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(
    ("command", "code"),
    [("explain nowhere.zx", 2), ("run --workers x good.zx", 2), ("test nowhere", 4), ("runs --nope", 2)],
)
def test_an_error_that_cannot_be_written_has_its_exit_code(place: Path, command: str, code: int) -> None:
    assert shell(place, f"$OURS {command} 2> /dev/full")[0] == code
    assert shell(place, f"$OURS {command} 2>&-")[0] == code


def test_no_standard_output(place: Path) -> None:
    assert shell(place, "$OURS explain good.zx >&-") == (0, "", [])


@pytest.mark.parametrize("method", ["template", "forkserver", "spawn"])
def test_a_pool_without_standard_streams(place: Path, method: str) -> None:
    (place / "pool.py").write_text(POOL, encoding="utf-8")
    code, _, _ = shell(place, f"timeout 60 $PYTHON pool.py result {method} <&- >&- 2>&-")
    assert code == 0
    assert (place / "result").read_bytes() == b"cba"


@humbly
@pytest.mark.parametrize("target", ["j.jsonl", "new/", ".", "old.jsonl"])
def test_a_journal_that_cannot_be_written(place: Path, target: str) -> None:
    (place / "closed").mkdir()
    (place / "closed" / "old.jsonl").write_text("", encoding="utf-8")
    command = f"cd closed; chmod 400 old.jsonl; chmod 500 .; $HUMBLY $OURS run --journal {target} ../good.zx"
    code, out, errors = shell(place, command)
    assert (code, len(errors)) == (2, 1)
    assert "42" not in out
    assert errors[0].startswith("Error: --journal: ")
    assert errors[0].endswith(" cannot be written to")


@humbly
def test_directories_that_cannot_be_written(place: Path) -> None:
    command = (
        "mkdir closed; chmod 500 closed; export HOME=$PWD/closed TMPDIR=$PWD/closed XDG_RUNTIME_DIR=$HOME"
    )
    code, out, errors = shell(place, f"{command}; XDG_CACHE_HOME=$HOME $HUMBLY $OURS run good.zx")
    assert (code, out.splitlines()[-1], errors) == (0, "42", [])


@pytest.mark.parametrize("command", ["run", "explain", "doctor"])
def test_a_directory_that_has_gone(place: Path, command: str) -> None:
    words = "" if command == "doctor" else "$HOME/good.zx"
    code, _, errors = shell(place, f"mkdir gone; cd gone; rmdir ../gone; $OURS {command} {words}")
    assert (code, errors) == (1, ["Error: the current directory is not there any more"])


def test_the_comparison_of_doctor_where_there_is_only_ascii(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")):
        monkeypatch.setenv(name, value)
    host, backend = (checks._run(place / "good.zx", backend) for backend in ("host", "parallel"))
    assert backend == host
    assert (host[0].splitlines()[-1], host[2]) == (b"42", 0)
