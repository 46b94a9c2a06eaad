"""What `docs/security.md` promises, as far as no other test holds it."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.conftest import REPOSITORY, clean_environment
from tests.differential.outcome import differences
from tests.docs.pages import DOCS, table
from tests.sessions import Running, all_ended

from .programs import WORK
from .test_main_process import EAGER, ENDLESS, OURS, at_work

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Run

ESCAPES = (
    WORK
    + """
action bad(n) { return "\\x1b[31mred" + work(n); }
let i = 0;
while (i < 6) { print(bad(i) + "\\x1b]0;title\\x07"); i = i + 1; }
"""
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A program at work whose umask gives everything to everybody, with a secret in its environment."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("A_SECRET", "hunter2")
    place = tmp_path_factory.mktemp("running")

    def no_umask() -> None:
        os.umask(0)

    with all_ended() as started:
        started.append(Running(place, ENDLESS["calls"], [*OURS, *EAGER], no_umask))
        monkeypatch.undo()
        at_work(started[0])
        yield started[0]


def family(program: Running) -> list[psutil.Process]:
    main = psutil.Process(program.process.pid)
    return [main, *main.children(recursive=True)]


def test_nothing_listens_on_a_network(running: Running) -> None:
    for process in family(running):
        connections = process.net_connections(kind="all")
        assert {one.family for one in connections} <= {socket.AF_UNIX}
        assert [one.laddr for one in connections if one.laddr] == []  # none has a name


def test_all_files_are_the_user_s_own_whatever_the_umask(running: Running) -> None:
    place = running.file.parent / "zexus-parallel"
    journals = list(place.iterdir())
    assert journals
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in journals} == {0o600}
    # The third one is the host's.
    known = {place.name, running.file.name, "context_parser_log.txt"}
    assert {path.name for path in running.file.parent.iterdir()} <= known


def test_secrets_of_the_environment_are_not_written_down(running: Running) -> None:
    assert psutil.Process(running.process.pid).environ()["A_SECRET"] == "hunter2"
    (journal,) = (running.file.parent / "zexus-parallel").iterdir()
    assert b"hunter2" not in journal.read_bytes()
    assert b"A_SECRET" not in journal.read_bytes()


def test_workers_have_no_terminal_and_no_pipe_of_another(running: Running) -> None:
    seen: dict[str, int] = {}
    streams = {str(Path(f"/proc/{running.process.pid}/fd/{number}").readlink()) for number in (1, 2)}
    for process in family(running)[1:]:
        for entry in Path(f"/proc/{process.pid}/fd").iterdir():
            target = str(entry.readlink())
            assert not target.startswith(("/dev/pts", "/dev/tty")), target
            assert entry.name not in {"0", "1"} or target == os.devnull
            assert target not in streams
            if target.startswith("socket:"):
                seen[target] = seen.get(target, 0) + 1
    assert set(seen.values()) == {1}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the journal of a program that prints control characters, and has some in its name."""
    place = tmp_path_factory.mktemp("hostile")
    # Of control characters, click takes out those that begin with "\x1b[", where there is no terminal.
    file = place / "evil\x1b]0;title\x07\x1b[2J\x9b2J.zx"
    file.write_text(ESCAPES, encoding="utf-8")
    environment = {**clean_environment(), "XDG_RUNTIME_DIR": str(place)}
    subprocess.run(
        [*OURS, *EAGER, str(file)], check=True, capture_output=True, env=environment, timeout=120, cwd=place
    )
    return place


@pytest.mark.parametrize("words", [("monitor", "--once"), ("report",), ("runs",), ("report", "--html", "-")])
def test_control_characters_do_not_reach_a_terminal(hostile: Path, words: tuple[str, ...]) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "zexus_parallel_plugin", *words],
        check=True, capture_output=True, timeout=120, cwd=hostile,
        env={**clean_environment(), "XDG_RUNTIME_DIR": str(hostile)},
    ).stdout  # fmt: skip
    assert b"evil" in shown
    assert re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown.decode()) == []


READER = """
action peek(n) { let t = ""; try { t = file_read_text("s"); } catch (e) { t = "no: " + e; } return t + n; }
action write(n) { try { file_write_text("/dev/null", "x"); } catch (e) { return "no: " + e; } return n; }
print(peek(1)); print(peek(2)); print(peek(3)); print(write(1)); print(write(2)); print(write(3));
for i in range(6) { print(peek(i)); }
"""


def test_workers_touch_no_files(run: Callable[..., Run], expected: Callable[..., Any]) -> None:
    done = run(READER)
    assert differences(expected(READER), done.outcome) == []
    assert done.outcome.notes["ranges_committed"] == 0
    assert done.outcome.notes["calls_committed"] == 0


def test_results_are_read_by_the_main_process_from_its_own_pipes_only() -> None:
    # Every place that reads pickles, by hand: a new one must be looked at before it is added here.
    found = set()
    for path in sorted((REPOSITORY / "zexus_parallel_plugin").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if re.search(r"\bpickle\.loads?\(|Unpickler\(|\bmarshal\.", text):
            found.add(path.relative_to(REPOSITORY / "zexus_parallel_plugin").as_posix())
    found.remove("engine/compiler/translations.py")  # the line of the cache
    assert all(name.startswith(("runtime/", "api/")) for name in found), found
    assert not {name for name in found if "journal" in name or "monitor" in name or "report" in name}


def test_every_line_of_the_page_has_its_tests() -> None:
    rows = table(DOCS / "security.md", "threat")
    assert len(rows) >= 10
    text = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests").rglob("test_*.py"))
    for page, heading in (("security.md", "threat"), ("faults.md", "what happens")):
        for row in table(DOCS / page, heading):
            names = re.findall(r"`(test_\w+)`", row[-1])
            assert names, row
            assert [name for name in names if not re.search(rf"def {name}\b", text)] == []
