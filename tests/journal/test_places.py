"""Where journals are, who may read them, which are kept, and how they are found."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal import places
from zexus_parallel_plugin.journal.catalog import find, runs
from zexus_parallel_plugin.journal.codec import encode
from zexus_parallel_plugin.journal.places import PlaceError
from zexus_parallel_plugin.journal.processes import is_running, mark_of
from zexus_parallel_plugin.journal.writer import JournalWriter, check_target, open_journal

from .synthetic import Shape, synthetic, write


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the journals."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "zexus-parallel"


@pytest.fixture(params=[0o000, 0o077, 0o777])
def umask(request: pytest.FixtureRequest) -> object:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def journal(place: Path, name: str, *, pid: int = 0, ended: bool = True, when: float = 1.0) -> Path:
    """A journal of a run whose process is gone, unless it is that of ``pid``."""
    place.mkdir(exist_ok=True)
    path = place / f"{name}.jsonl"
    start = ev.RunStart(t=0, v=1, run=name, time=when, pid=pid or 1, started=mark_of(pid) if pid else "gone")
    events: list[ev.Event] = [start]
    if ended:
        events.append(ev.RunEnd(t=1, state="finished"))
    path.write_text("".join(map(encode, events)))
    os.utime(path, (when, when))
    return path


def test_only_the_user_may_read(umask: int, place: Path) -> None:
    writer = open_journal("", 20)
    writer.add("run.start", 0, {})
    writer.close()
    assert mode(place) == 0o700
    assert mode(writer.path) == 0o600
    assert writer.path.parent == place
    assert writer.path.name == f"{writer.run}.jsonl"


def test_a_file_of_a_person_is_private_too(umask: int, tmp_path: Path) -> None:
    writer = open_journal(str(tmp_path / "mine.jsonl"), 20)
    writer.close()
    assert mode(writer.path) == 0o600


def test_a_directory_that_others_may_read_is_closed(place: Path) -> None:
    place.mkdir(mode=0o755)
    open_journal("", 20).close()
    assert mode(place) == 0o700


def test_a_link_is_not_followed(place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PlaceError, match="is not a directory"):
        open_journal("", 20)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_not_used(place: Path) -> None:
    place.mkdir()
    os.chown(place, 12345, 12345)
    with pytest.raises(PlaceError, match="belongs to another user"):
        open_journal("", 20)


def test_without_a_runtime_directory_it_is_one_of_the_user_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert places.directory().name == f"zexus-parallel-{os.getuid()}"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert places.directory().is_absolute()


def test_two_runs_of_one_process_have_two_journals() -> None:
    first, second = open_journal("", 20), open_journal("", 20)
    first.close()
    second.close()
    assert first.path != second.path
    assert first.path.exists()


# -- writing to where a person wants it


def test_a_directory_gets_a_file(tmp_path: Path) -> None:
    for target in (str(tmp_path), f"{tmp_path}/new/"):
        writer = open_journal(target, 20)
        writer.close()
        assert writer.path.parent == Path(target)


def test_an_old_journal_is_replaced(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", Shape(tasks=3))
    writer = open_journal(str(path), 20)
    assert path.read_bytes() == b""
    writer.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("print(1);"), "is there and is no journal; it is not overwritten"),
        (os.mkfifo, "is not a file"),
        (lambda path: None, ""),
    ],
)
def test_something_else_is_not_overwritten(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "target"
    make(path)  # type: ignore[operator]
    if not message:
        check_target(str(path))
        return
    with pytest.raises(ValueError, match=message):
        check_target(str(path))


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no directory .*nowhere"):
        check_target(str(tmp_path / "nowhere" / "run.jsonl"))


# -- a file that fails


def test_a_full_disk_ends_the_journal_and_nothing_else() -> None:
    writer = JournalWriter(Path("/dev/full"), "run", os.open("/dev/full", os.O_WRONLY), "run")
    writer.add("run.start", 0, {})
    writer.flush()
    assert "space" in writer.failure
    assert not writer.open
    writer.add("run.end", 1, {"state": "finished"})
    writer.flush()
    writer.close()


def test_a_forked_process_does_not_write(tmp_path: Path) -> None:
    writer = open_journal(str(tmp_path / "mine.jsonl"), 20)
    writer.add("run.start", 0, {"v": 1})
    child = os.fork()
    if not child:
        writer.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert writer.path.read_bytes() == b""
    writer.close()
    assert writer.path.read_bytes().count(b"\n") == 1


# -- keeping and finding


def test_the_latest_are_kept_and_those_that_go_on(place: Path) -> None:
    old = journal(place, "old", pid=os.getpid(), ended=False, when=1)
    for number in range(2, 8):
        journal(place, f"run-{number}", when=number)
    removed = places.prune(3, place)
    assert sorted(path.stem for path in removed) == ["run-2", "run-3", "run-4", "run-5"]
    assert old.exists()
    assert [run.id for run in runs(place)] == ["run-7", "run-6", "old"]


def test_a_new_run_makes_room_for_itself(place: Path) -> None:
    for number in range(5):
        journal(place, f"run-{number}", when=number)
    open_journal("", 3).close()
    assert len(list(place.iterdir())) == 3


def test_states_of_runs(place: Path) -> None:
    journal(place, "done", when=1)
    journal(place, "gone", ended=False, when=2)
    journal(place, "live", pid=os.getpid(), ended=False, when=3)
    (place / "rubbish.jsonl").write_bytes(b"\0\1\2")
    (place / "empty.jsonl").write_bytes(b"")
    assert [(run.id, run.state) for run in runs(place)] == [
        ("live", "running"),
        ("gone", "gone"),
        ("done", "finished"),
    ]
    assert runs(place / "nowhere") == []


def test_a_process_of_the_same_number_is_not_the_same(place: Path) -> None:
    mine = mark_of(os.getpid())
    assert mine
    assert is_running(os.getpid(), mine)
    assert not is_running(os.getpid(), mine + "1")
    other = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], stdout=subprocess.PIPE, check=True
    )
    assert mark_of(int(other.stdout)) == ""
    assert not is_running(int(other.stdout), "")
    assert not is_running(-1, "")
    assert not is_running(1 << 70, "x")


def test_finding_a_run(place: Path, tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="there are no runs"):
        find(None)
    first, second = journal(place, "20260101-1", when=1), journal(place, "20260102-1", when=2)
    assert find(None) == second
    assert find("20260101-1") == find("20260101") == first
    assert find(str(first)) == first
    with pytest.raises(PlaceError, match="may be one of 2 runs"):
        find("2026")
    with pytest.raises(PlaceError, match="there is no run 'x'"):
        find("x")
    with pytest.raises(PlaceError, match="there is no such file"):
        find("x.jsonl")


def test_the_synthetic_journal_is_a_run(place: Path) -> None:
    place.mkdir()
    write(place / "s.jsonl", Shape(tasks=3))
    (run,) = runs(place)
    assert (run.id, run.state, run.start) == ("s", "finished", next(synthetic(Shape(tasks=3))))


def test_a_link_is_no_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aim, link = tmp_path / "aim", tmp_path / "link.jsonl"
    aim.write_bytes(b"")
    link.symlink_to(aim)
    for target in (link, link.with_name("nowhere.jsonl")):
        if target != link:
            target.symlink_to(tmp_path / "nothing")
        with pytest.raises(ValueError, match="is a link, which is not followed"):
            check_target(str(target))
        # Nor if it has come after the look.
        with monkeypatch.context() as patch:
            patch.setattr("zexus_parallel_plugin.journal.writer.check_target", lambda target: None)
            with pytest.raises(OSError, match="symbolic link"):
                open_journal(str(target), 20)
    assert not (tmp_path / "nothing").exists()
    assert aim.read_bytes() == b""
