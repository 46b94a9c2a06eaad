"""``runs`` and ``report`` as commands."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.journal.synthetic import Shape, synthetic, write
from tests.report.hostile import hostile
from zexus_parallel_plugin.cli import main
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.codec import encode
from zexus_parallel_plugin.journal.processes import mark_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the journals, with two runs."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "zexus-parallel"
    place.mkdir()
    write(place / "first.jsonl", Shape(tasks=30, seed=1))
    write(place / "second.jsonl", Shape(tasks=40, seed=2, lost=0.5, failures=0))
    return place


class Outcome:
    """What a command printed, and its exit code."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: str) -> None:
        with pytest.raises(SystemExit) as exit_:
            main(list(words))
        self.code = exit_.value.code
        self.out, self.err = capsys.readouterr()


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    done = Outcome(capsys, "runs")
    assert (done.code, done.err) == (0, "")
    heading, *rows = done.out.splitlines()
    assert heading.split() == ["run", "state", "started", "time", "tasks", "speed-up", "failures", "program"]
    assert {row.split()[0] for row in rows} == {"first", "second"}
    assert all("finished" in row and "synthetic.zx" in row for row in rows)


def test_the_list_as_json(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    live = ev.RunStart(t=0, v=1, run="live", time=1e10, pid=os.getpid(), started=mark_of(os.getpid()))
    counts = {"tasks_sent": 7, "calls_committed": 5, "committed_seconds": 3.0, "waited_seconds": 1.0}
    so_far = ev.Metrics(t=2.0, counts=counts, reasons={"worker-died": 2, "cheap": 9})
    (place / "live.jsonl").write_text(encode(live) + encode(so_far) + '{"e":"ta')
    found = json.loads(Outcome(capsys, "runs", "--json").out)["runs"]
    assert found[0]["run"] == "live"
    assert found[0]["state"] == "running"
    assert (found[0]["seconds"], found[0]["tasks"], found[0]["tasks_failed"]) == (2.0, 7, 2)
    assert found[0]["speedup_estimate"] == pytest.approx(2.0)
    assert {run["state"] for run in found[1:]} == {"finished"}


def test_totals_are_found_far_from_the_end(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    events = [event for event in synthetic(Shape(tasks=300)) if not isinstance(event, ev.Metrics)]
    events.insert(5, ev.Metrics(t=0, counts={"tasks_sent": 300}))
    (place / "long.jsonl").write_text("".join(map(encode, events)))
    found = {run["run"]: run for run in json.loads(Outcome(capsys, "runs", "--json").out)["runs"]}
    assert found["long"]["tasks"] == 300


def test_there_are_no_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert Outcome(capsys, "runs", "prune", "--keep", "0").out.startswith("removed 2 journals from ")
    assert "There are no runs in " in Outcome(capsys, "runs").out
    done = Outcome(capsys, "report")
    assert done.code == 2
    assert done.err.startswith("Error: there are no runs in ")


def test_removing(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    assert Outcome(capsys, "runs", "rm", "fir", "first").out == "removed first\n"
    assert [path.stem for path in place.iterdir()] == ["second"]
    done = Outcome(capsys, "runs", "rm", "nothing")
    assert (done.code, done.out) == (2, "")
    assert "there is no run 'nothing'" in done.err


def test_a_run_that_goes_on_is_not_removed(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    live = ev.RunStart(t=0, v=1, run="live", time=1, pid=os.getpid(), started=mark_of(os.getpid()))
    (place / "live.jsonl").write_text(encode(live))
    done = Outcome(capsys, "runs", "rm", "first", "live")
    assert done.code == 2
    assert "use --force" in done.err
    assert len(list(place.iterdir())) == 3
    Outcome(capsys, "runs", "rm", "live", "--force")
    assert len(list(place.iterdir())) == 2


def test_a_file_elsewhere_is_not_removed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = write(tmp_path / "mine.jsonl", Shape(tasks=2))
    done = Outcome(capsys, "runs", "rm", str(other))
    assert (done.code, other.exists()) == (2, True)
    assert "remove it by hand" in done.err


def test_pruning(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    assert Outcome(capsys, "runs", "prune", "--keep", "1").out.startswith("removed 1 journal from ")
    assert len(list(place.iterdir())) == 1


def test_a_hostile_name_is_harmless(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    hostile(place / "evil\x1b[2J.jsonl")
    for words in (["runs"], ["report", "evil"]):
        done = Outcome(capsys, *words)
        assert done.code == 0
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.out)


# -- report


def test_the_newest_run_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    done = Outcome(capsys, "report")
    assert done.code == 0
    assert done.out.startswith("program:    synthetic.zx\n")


def test_several_reports_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--html", "a.html", "--trace", "a.json", "--joblog", "a.tsv", "--prometheus", "a.prom"]
    done = Outcome(capsys, "report", "second", *words)
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [f"{name} written" for name in words[1::2]]
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "a.json").read_text())["traceEvents"]
    assert (tmp_path / "a.tsv").read_text().startswith("Seq\tHost")
    assert (tmp_path / "a.prom").read_text().startswith("# HELP")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_report_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert Outcome(capsys, "report", "first", "--joblog", "-").out.startswith("Seq\t")
    assert json.loads(Outcome(capsys, "report", "first", "--json").out)["summary"]["run"] == "first"
    done = Outcome(capsys, "report", "first", "--joblog", "-", "--json")
    assert (done.code, done.out) == (2, "")
    assert "--joblog and --json would be mixed up" in done.err


def test_a_report_goes_into_a_pipe_and_through_a_link_and_leaves_both_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pipe, link, real = tmp_path / "pipe", tmp_path / "link", tmp_path / "real"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        text = pool.submit(pipe.read_text)
        assert Outcome(capsys, "report", "first", "--joblog", str(pipe)).code == 0
        assert text.result(30).startswith("Seq\t")
    assert pipe.is_fifo()
    real.touch()
    link.symlink_to(real)
    assert Outcome(capsys, "report", "first", "--joblog", str(link)).code == 0
    assert link.is_symlink()
    assert real.read_text().startswith("Seq\t")


def test_a_report_that_cannot_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = Outcome(capsys, "report", "first", "--html", "nowhere/a.html")
    assert done.code == 2
    assert done.err == "Error: nowhere/a.html: cannot be written: No such file or directory\n"
    (tmp_path / "x.jsonl").write_text("print(1);\n")
    done = Outcome(capsys, "report", "x.jsonl")
    assert done.code == 2
    assert "x.jsonl is not a journal" in done.err
