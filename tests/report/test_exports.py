"""Text, job log, Prometheus, JSON, Chrome trace: right, and harmless whatever is in the journal."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.journal.synthetic import Shape, write
from tests.journal.test_events import EVENTS
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.codec import encode
from zexus_parallel_plugin.report.document import document
from zexus_parallel_plugin.report.load import Loaded, load
from zexus_parallel_plugin.report.plain import printable, shortened
from zexus_parallel_plugin.report.tables import joblog, prometheus
from zexus_parallel_plugin.report.text import duration, size, text_report
from zexus_parallel_plugin.report.trace import trace

from .hostile import NASTY, hostile

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = Shape(tasks=300, workers=4, failures=0.1, lost=0.03, thrown=0.05, seed=5)


@pytest.fixture
def run(tmp_path: Path) -> Loaded:
    return load(write(tmp_path / "synthetic.jsonl", SHAPE))


@pytest.fixture
def nasty(tmp_path: Path) -> Loaded:
    return load(hostile(tmp_path / "hostile.jsonl"))


# -- text


@given(st.text())
def test_printable_text_controls_nothing(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert shown.isascii() or not text.isascii()
    if text.isprintable():
        assert shown == text


def test_ends_of_lines_stay_where_they_are_wanted() -> None:
    assert printable("a\n\tb\x1b", lines=True) == "a\n\tb\\x1b"
    assert printable("a\nb\u202e\U000e0001") == "a\\x0ab\\u202e\\U000e0001"
    assert shortened("abcdef", 4) == "abc…"


def test_units() -> None:
    assert [duration(s) for s in (None, 0, 2e-6, 0.0123, 1.5, 75, 3700)] == [
        "–", "0 µs", "2 µs", "12.3 ms", "1.5 s", "75 s", "61:40 min",
    ]  # fmt: skip
    assert [size(n) for n in (5, 1500, 2.5e6, 3e9, 5e12)] == ["5 B", "1.5 kB", "2.5 MB", "3 GB", "5e+03 GB"]


def test_the_text_has_the_totals(run: Loaded) -> None:
    text = text_report(run)
    state = run.state
    assert f"{state.committed_calls} committed, {state.thrown_calls} thrown away" in text
    assert "(estimate)" in text
    assert "effect-time" in text
    assert f"  … and {state.failed_attempts - 20} more" in text


def test_a_report_on_a_terminal_is_harmless(nasty: Loaded) -> None:
    for text in (text_report(nasty), joblog(nasty)):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800]", text)
    assert "\\x1b[31mred" in text_report(nasty)


# -- tables


def test_the_job_log_has_a_line_for_each_attempt(run: Loaded) -> None:
    rows = [line.split("\t") for line in joblog(run).splitlines()]
    assert rows[0] == [
        "Seq",
        "Host",
        "Starttime",
        "JobRuntime",
        "Send",
        "Receive",
        "Exitval",
        "Signal",
        "Command",
    ]
    assert {len(row) for row in rows} == {9}
    assert len(rows) - 1 == SHAPE.tasks + run.state.retries
    assert [row[2] for row in rows[1:]] == sorted(row[2] for row in rows[1:])
    failed = [row for row in rows[1:] if row[6] == "1"]
    assert len(failed) == run.state.failed_attempts
    assert {row[7] for row in failed} == {"0", "9"}  # those that died were killed
    assert all(float(row[3]) >= 0 for row in rows[1:])


def test_the_job_log_has_nine_columns_whatever_the_names_are(nasty: Loaded) -> None:
    assert {line.count("\t") for line in joblog(nasty).splitlines()} == {8}


METRIC = re.compile(r'(\w+)(\{(\w+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? -?[0-9.e+]+')


@pytest.mark.parametrize("which", ["run", "nasty"])
def test_prometheus_text_is_well_formed(which: str, request: pytest.FixtureRequest) -> None:
    text = prometheus(request.getfixturevalue(which))
    assert text.endswith("\n")
    typed = set(re.findall(r"^# TYPE (\w+) gauge$", text, re.MULTILINE))
    for line in text.removesuffix("\n").split("\n"):
        if not line.startswith("#"):
            found = METRIC.fullmatch(line)
            assert found, line
            assert found[1] in typed
    assert "zexus_parallel_tasks{" in text


# -- JSON


def test_the_document_has_everything(run: Loaded) -> None:
    found = json.loads(json.dumps(document(run), allow_nan=False))
    assert len(found["tasks"]) == SHAPE.tasks
    assert sum(found["summary"]["tasks"].values()) == SHAPE.tasks
    assert found["summary"]["speedup_estimate"] == run.state.speedup()
    assert {chunk["verdict"] for chunk in found["chunks"]} == {"parallel", "in-place"}
    assert len(found["failures"]) == run.state.failed_attempts
    assert found["output"].startswith("task ")
    assert found["decisions"][0]["sentence"]


def test_the_document_of_a_hostile_run_is_ascii(nasty: Loaded) -> None:
    text = json.dumps(document(nasty))
    assert text.isascii()
    assert json.loads(text)["output"] == NASTY * 3


# -- the trace


def complaints(events: list[dict[str, Any]]) -> list[str]:
    """What is wrong with a trace, by the rules of the format."""
    found: list[str] = []
    tracks: dict[int, list[tuple[float, float]]] = defaultdict(list)
    named: set[int] = set()
    flows: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        for key, kinds in (("ph", str), ("name", str), ("pid", int), ("tid", int), ("ts", (int, float))):
            if not isinstance(event.get(key), kinds):
                found.append(f"{key} of {event}")
        if event["ts"] < 0:
            found.append(f"negative time: {event}")
        phase = event["ph"]
        if phase == "X":
            if event["dur"] < 0:
                found.append(f"negative duration: {event}")
            tracks[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
        elif phase == "M":
            named.add(event["tid"])
        elif phase == "C":
            if not all(isinstance(value, (int, float)) for value in event["args"].values()):
                found.append(f"counter: {event}")
        elif phase == "i":
            if event["s"] not in {"g", "p", "t"}:
                found.append(f"scope: {event}")
        elif phase in {"s", "f"}:
            flows[event["cat"], event["id"]].append(event)
        else:
            found.append(f"phase {phase}")
    found += [f"track {tid} has no name" for tid in tracks.keys() - named]
    for tid, slices in tracks.items():
        found += [f"track {tid}: {problem}" for problem in crossing(slices)]
    for pair in flows.values():
        found += broken(pair, tracks)
    return found


def crossing(slices: list[tuple[float, float]]) -> list[str]:
    """Slices of a track must be nested or apart. A nanosecond is rounding."""
    found, open_ends = [], [float("inf")]
    for begin, end in sorted(slices, key=lambda piece: (piece[0], -piece[1])):
        while open_ends[-1] <= begin + 0.001:
            open_ends.pop()
        if end > open_ends[-1] + 0.001:
            found.append(f"{begin}–{end} crosses {open_ends[-1]}")
        open_ends.append(end)
    return found


def broken(pair: list[dict[str, Any]], tracks: dict[int, list[tuple[float, float]]]) -> list[str]:
    """An arrow has a start and an end, forwards in time, each in a slice of its track."""
    if [event["ph"] for event in pair] != ["s", "f"]:
        return [f"not an arrow: {pair}"]
    start, end = pair
    found = [] if start["name"] == end["name"] and start["ts"] <= end["ts"] else [f"arrow: {pair}"]
    lost = [
        event
        for event in pair
        if not any(begin <= event["ts"] <= last for begin, last in tracks[event["tid"]])
    ]
    return found + [f"arrow without a slice: {event}" for event in lost]


def test_the_trace_follows_the_format(run: Loaded) -> None:
    made = json.loads(json.dumps(trace(run), allow_nan=False))
    events = made["traceEvents"]
    assert complaints(events) == []
    slices = [event for event in events if event["ph"] == "X" and event["cat"] == "task"]
    assert len(slices) == SHAPE.tasks + run.state.retries
    assert {event["tid"] for event in slices} == set(range(1, SHAPE.workers + 1))
    assert {event["name"] for event in events if event["ph"] == "C"} == {
        "tasks running", "tasks finished per second", "memory (MB)",
    }  # fmt: skip
    running = [event["args"]["running"] for event in events if event["name"] == "tasks running"]
    assert running[-1] == 0
    assert max(running) == SHAPE.workers
    names = {event["name"] for event in events if event["ph"] == "s"}
    assert names == {"sent", "committed"}


def test_dependences_are_arrows_between_tasks(tmp_path: Path) -> None:
    path = write(tmp_path / "one.jsonl", Shape(tasks=40, workers=1, failures=0))
    events = trace(load(path))["traceEvents"]
    assert complaints(events) == []
    (arrow,) = [event for event in events if event["name"] == "waw i" and event["ph"] == "s"]
    slices = [event for event in events if event.get("cat") == "task"]
    first = [event for event in slices if event["name"] == "square"]
    assert arrow["ts"] > max(event["ts"] for event in first)


def test_slices_never_cross(tmp_path: Path) -> None:
    # The main process sees the end of an attempt that failed after the next task has begun in its slot.
    events = [
        ev.RunStart(t=0, v=1, run="r", time=0, pid=1, started="gone/1"),
        ev.Task(t=0.1, id=1, state="running", worker=1, attempt=1, begun=0.1),
        ev.Attempt(t=0.5, task=1, attempt=1, worker=1, begun=0.1, cause="died"),
        ev.Task(t=0.9, id=2, state="committed", worker=1, attempt=1, begun=0.4, ended=0.8, committed=1),
        ev.Task(t=0.9, id=3, state="committed", worker=1, attempt=1, begun=0.45, ended=0.7, committed=1),
    ]
    path = tmp_path / "run.jsonl"
    path.write_text("".join(map(encode, events)), encoding="ascii")
    made = trace(load(path))["traceEvents"]
    assert complaints(made) == []
    assert [event["ts"] for event in made if event.get("cat") == "task"] == [100_000, 500_000, 800_000]


def test_calls_are_slices_in_their_task(nasty: Loaded) -> None:
    events = trace(nasty)["traceEvents"]
    assert complaints(events) == []
    state = load(nasty.path).state
    state.tasks[1].cause = state.tasks[1].slice.cause = ""  # type: ignore[union-attr]
    fine = Loaded(nasty.name, nasty.path, nasty.start, state, nasty.status, (), 0)
    events = trace(fine)["traceEvents"]
    assert complaints(events) == []
    assert [event["name"] for event in events if event.get("cat") == "call"] == ["call 1", "call 2"]


def test_the_judge_of_traces_finds_what_is_wrong(run: Loaded) -> None:
    events = trace(run)["traceEvents"]
    task = next(event for event in events if event.get("cat") == "task")
    assert complaints([*events, {**task, "ts": task["ts"] + task["dur"] / 2}])
    assert complaints([event for event in events if event["ph"] != "f"])
    assert complaints([{**task, "tid": 99}])


@given(st.lists(EVENTS, max_size=20), st.integers(0, 50))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_report_can_be_made_of_any_journal(tmp_path: Path, events: list[ev.Event], seed: int) -> None:
    path = tmp_path / "run.jsonl"
    start = ev.RunStart(t=0, v=1, run="r", time=0, pid=1, started="gone/1")
    write(path, Shape(tasks=seed % 7, seed=seed))
    with path.open("a", encoding="ascii") as file:
        file.writelines(map(encode, [start, *events]))
    run = load(path)
    text_report(run)
    joblog(run)
    prometheus(run)
    json.dumps(document(run))
    assert complaints(trace(run)["traceEvents"]) == []


def test_what_was_compiled_is_in_every_report(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", Shape(tasks=3))
    counts = {"units_translated": 7, "units_cached": 2, "units_refused": 1, "translation_seconds": 0.25}
    with path.open("a") as file:
        file.write(encode(ev.Metrics(t=9.0, counts=counts)))
    run = load(path)
    assert "compiled:   7 actions and loops in 250 ms, 2 of them from the cache, 1 refused" in text_report(
        run
    )
    assert document(run)["summary"]["compiled"] == {"units": 7, "cached": 2, "refused": 1, "seconds": 0.25}
    lines = prometheus(run).splitlines()
    assert 'zexus_parallel_units{outcome="translated"} 5' in lines
    assert 'zexus_parallel_units{outcome="cached"} 2' in lines
    assert 'zexus_parallel_units{outcome="refused"} 1' in lines
    assert "zexus_parallel_translation_seconds 0.250000" in lines


def test_each_attempt_in_the_job_log_has_the_signal_of_its_own_worker(tmp_path: Path) -> None:
    events: list[ev.Event] = [ev.RunStart(t=0.0, v=ev.VERSION, run="r", time=0.0, pid=1, workers=2)]
    for number, name in ((1, "SIGKILL"), (2, "SIGSEGV")):
        events += [
            ev.Worker(t=0.0, id=number, state="ready", slot=number - 1),
            ev.Task(t=1.0 * number, id=7, state="running", worker=number, attempt=number, begun=1.0 * number),
            ev.Worker(t=number + 0.5, id=number, state="dead", signal=name, expected=False),
            ev.Attempt(
                t=number + 0.5, task=7, attempt=number, worker=number, begun=1.0 * number, cause="died"
            ),
        ]
    path = tmp_path / "run.jsonl"
    path.write_text("".join(map(encode, events)), encoding="ascii")
    rows = [line.split("\t") for line in joblog(load(path)).splitlines()[1:]]
    assert [(row[1], row[7]) for row in rows] == [("worker-1", "9"), ("worker-2", "11")]
