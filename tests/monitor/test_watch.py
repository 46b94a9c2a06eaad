"""What is derived from a run: status, progress, the time left, the log, details of things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.journal.synthetic import Shape, synthetic
from tests.report.hostile import hostile
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.reader import read_all
from zexus_parallel_plugin.monitor.details import Selection, details
from zexus_parallel_plugin.monitor.ink import ASCII, UNICODE, plain, width
from zexus_parallel_plugin.monitor.pane import wrap
from zexus_parallel_plugin.monitor.snapshot import page, record
from zexus_parallel_plugin.monitor.source import source_lines
from zexus_parallel_plugin.monitor.summary import head
from zexus_parallel_plugin.monitor.tables import failures
from zexus_parallel_plugin.monitor.watch import Watch
from zexus_parallel_plugin.monitor.workers import workers_by_slot

if TYPE_CHECKING:
    from pathlib import Path

START = ev.RunStart(t=0, v=1, run="r1", time=1e9, pid=4242, program="a.zx", workers=2)


def watch_of(*events: ev.Event) -> Watch:
    watch = Watch()
    watch.feed(events)
    return watch


def text(watch: Watch, kind: str, key: object = None, room: int = 60) -> str:
    title, lines = details(watch, Selection(kind, key), UNICODE, room)  # type: ignore[arg-type]
    return "\n".join([title, *(plain(line) for line in lines)])


def task(ident: int, t: float, state: str = "committed", **more: object) -> ev.Task:
    values = {"name": "f", "chunk": 1, "line": 3, "calls": 1, "worker": 1, "attempt": 1, **more}
    return ev.Task(t=t, id=ident, state=state, **values)  # type: ignore[arg-type]


def test_status() -> None:
    watch = Watch()
    assert watch.status == "waiting"
    watch.feed([START])
    assert watch.status == "running"
    watch.alive = False
    assert watch.status == "gone"
    watch.feed([ev.RunEnd(t=1, state="interrupted", code=130)])
    assert watch.status == "interrupted"


def test_the_time_left_is_told_by_the_pace_of_the_last_seconds() -> None:
    watch = watch_of(START, ev.Chunk(t=0, id=1, verdict="parallel", expected=100))
    assert watch.progress() == (0, 100, "calls", None)
    for second in range(1, 41):  # one call a second, later two
        watch.feed([task(second, float(second), begun=second - 1.0, ended=second, committed=1)])
    assert watch.progress().left == pytest.approx(60, rel=0.1)
    for number in range(41, 81):
        t = 40 + (number - 40) / 2
        watch.feed([task(number, t, begun=t - 1, ended=t, committed=1)])
    progress = watch.progress()
    assert (progress.done, progress.share) == (80, 0.8)
    assert progress.left == pytest.approx(10, rel=0.1)
    watch.feed([ev.RunEnd(t=70, state="finished")])
    assert watch.progress() == (80, 80, "calls", None)


def test_without_expectations_there_is_no_promise() -> None:
    watch = watch_of(START, task(1, 1.0, begun=0, ended=1, committed=1))
    assert watch.progress() == (1, None, "tasks", None)
    assert "does not tell" in plain(head(watch, UNICODE, 100)[1])


def test_rates() -> None:
    watch = watch_of(START, *(task(n, n / 10, begun=0, ended=n / 10, committed=1) for n in range(1, 101)))
    assert watch.recent_rate() == pytest.approx(10, rel=0.25)
    assert len(watch.rates(20)) <= 20
    assert sum(watch.rates(20)) / len(watch.rates(20)) == pytest.approx(10, rel=0.2)
    assert Watch().recent_rate() is None


def test_slow_tasks_are_those_that_take_longer_than_their_like() -> None:
    quick = [task(n, n / 10, begun=n / 10 - 0.1, ended=n / 10, committed=1) for n in range(1, 10)]
    watch = watch_of(
        START,
        ev.Worker(t=0, id=1, state="ready", slot=0),
        *quick,
        task(50, 1.0, "running", begun=1.0),
    )
    watch.now = 1.2
    assert watch.slow_tasks() == []
    watch.now = 3.0
    assert [found.id for found in watch.slow_tasks()] == [50]
    assert "(slow)" in text(watch, "task", 50)
    assert record(watch)["slow_tasks"] == [50]
    assert "1 slow" in plain(head(watch, UNICODE, 120)[2])


def test_the_log_tells_what_happened() -> None:
    watch = watch_of(
        START,
        ev.Worker(t=0.1, id=1, state="starting", slot=0, pid=11),
        ev.Worker(t=0.2, id=1, state="ready"),
        ev.Chunk(t=0.2, id=1, name="f", line=3),
        task(1, 0.3, "running", begun=0.3),
        ev.Attempt(t=0.5, task=1, attempt=1, worker=1, begun=0.3, cause="died", detail="SIGKILL", again=True),
        ev.Worker(t=0.5, id=1, state="killed", reason="too slow"),
        ev.Worker(t=0.6, id=1, state="dead", signal="SIGKILL", expected=False, reason="killed"),
        ev.Decision(t=0.7, reason="cheap", chunk=1, detail="too short"),
        ev.Warn(t=0.8, text="careful", reason="cheap"),
        ev.Log(t=0.9, level="debug", text="hello", logger="x.y"),
        ev.Barrier(t=1.0, name="b", state="waiting", waiting=1, of=2),
        ev.Barrier(t=1.1, name="b", state="open", waiting=2, of=2),
        ev.RunEnd(t=1.2, state="failed", code=1, error="boom"),
    )
    assert [(line.level, line.text) for line in watch.log] == [
        ("info", "run r1 of a.zx started"),
        ("info", "worker 1 (slot 0, pid 11) is ready"),
        ("warning", "task 1, attempt 1 on worker 1 failed: SIGKILL; it is tried again"),
        ("warning", "worker 1 (slot 0, pid 11) is killed: too slow"),
        ("error", "worker 1 (slot 0, pid 11) is gone, SIGKILL: killed"),
        ("info", "f in line 3: cheap: too short"),
        ("warning", "careful (cheap)"),
        ("debug", "x.y: hello"),
        ("info", "barrier b is open (2 of 2)"),
        ("error", "run failed, exit code 1: boom"),
    ]
    assert "too slow" in text(watch, "log", 4)


def test_a_failed_attempt_is_on_the_timeline_beside_the_next_one() -> None:
    watch = watch_of(
        START,
        ev.Worker(t=0, id=1, state="ready", slot=0),
        task(1, 1.0, "running", begun=1.0),
        ev.Attempt(t=2.0, task=1, attempt=1, worker=1, begun=1.0, cause="died", again=True),
        ev.Worker(t=2.0, id=1, state="dead", expected=False),
        ev.Worker(t=2.0, id=2, state="ready", slot=0),
        task(1, 4.0, "committed", worker=2, attempt=2, begun=3.0, ended=4.0, committed=1),
    )
    lane = watch.lanes.lanes[0]
    assert [(span.start, span.end, span.key) for span in lane.spans] == [
        (1.0, 2.0, (1, 1)),
        (3.0, 4.0, (1, 2)),
    ]
    assert lane.open is None
    assert [worker.id for worker in workers_by_slot(watch)] == [2]
    assert [failure.number for failure in failures(watch)] == [1]


@pytest.fixture(scope="module")
def long_run() -> Watch:
    return watch_of(*synthetic(Shape(tasks=300, failures=0.05, lost=0.03, thrown=0.05), pid=4242))


def test_details_tell_everything(long_run: Watch) -> None:
    failed = next(found for found in long_run.state.tasks.values() if found.state == "failed")
    shown = text(long_run, "task", failed.id)
    assert "timeout: not finished after 30.0 s" in shown
    assert f"▸{failed.line} │" in shown
    chunk = text(long_run, "chunk", 3)
    assert "effect-time" in chunk
    assert "#2 by count (control, assumed)" in chunk
    function = text(long_run, "function", "is_prime")
    assert "▸10 │ action is_prime(n) {" in function
    failure = text(long_run, "failure", 1)
    assert "SIGKILL" in failure
    worker = text(long_run, "worker", 1)
    assert "in slot 0, by template" in worker
    run = text(long_run, "run")
    assert "/programs/synthetic.zx" in run
    assert "cheap:" in run


@pytest.mark.parametrize("kind", ["task", "worker", "chunk", "function", "failure", "log", "nonsense"])
def test_details_of_what_is_not_there_are_those_of_the_run(long_run: Watch, kind: str) -> None:
    assert details(long_run, Selection(kind, "no such key"), UNICODE, 50)[0] == "run"
    assert details(Watch(), Selection(kind), UNICODE, 50)[0] == "run"


@pytest.mark.parametrize("room", [60, 80, 133])
def test_a_page_is_as_wide_as_it_may_be(long_run: Watch, room: int) -> None:
    for look in (UNICODE, ASCII):
        lines = page(long_run, look, room)
        assert max(width(plain(line)) for line in lines) <= room
        assert not look.ascii_only or all(plain(line).isascii() for line in lines)


def test_the_source_has_its_verdicts_in_the_margin(long_run: Watch) -> None:
    lines = [plain(line) for line in source_lines(long_run, UNICODE, 110)]
    parallel, in_place = long_run.state.chunks[1].line, long_run.state.chunks[3].line
    assert lines[parallel - 1].startswith(f" {parallel} │ ")
    assert "#1 parallel  ×" in lines[parallel - 1]
    assert "#3 in-place: effect-time" in lines[in_place - 1]
    assert len(source_lines(long_run, UNICODE, 110, around=(1, 2), context=1)) == 3
    assert len(source_lines(Watch(), UNICODE, 110)) == 1


def test_hostile_text_is_harmless_everywhere(tmp_path: Path) -> None:
    watch = watch_of(*read_all(hostile(tmp_path / "run.jsonl")))
    keys = [
        ("task", 1), ("worker", 1), ("chunk", 1), ("chunk", 2), ("failure", 1), ("run", None),
        *(("function", name) for name in watch.state.groups), *(("log", line.number) for line in watch.log),
    ]  # fmt: skip
    shown = [text(watch, kind, key) for kind, key in keys]
    for look in (UNICODE, ASCII):
        shown += [plain(line) for room in (60, 200) for line in page(watch, look, room)]
        shown += [plain(line) for line in source_lines(watch, look, 100)]
    assert not [char for part in shown for char in part if char != "\n" and not char.isprintable()]


def test_wrapping() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("abcdefgh", 3) == ["abc", "def", "gh"]
    assert wrap("a bcdefgh i", 4) == ["a", "bcde", "fgh", "i"]
    assert wrap("", 5) == []
    assert wrap("日本語", 4) == ["日本", "語"]


def test_a_run_without_tasks_says_why() -> None:
    end = ev.RunEnd(t=1, state="finished")
    counted = watch_of(START, ev.Metrics(t=1, reasons={"cheap": 5, "depth": 1}), end)
    assert "nothing was given to workers  The calls here take so little" in plain(
        head(counted, UNICODE, 110)[1]
    )
    left = watch_of(START, ev.RunEnd(t=1, state="finished", left_to_host="host-mode"))
    assert "only the host's VM has" in plain(head(left, UNICODE, 150)[1])
    assert plain(head(watch_of(START, end), UNICODE, 110)[1]).endswith("nothing was given to workers")


def test_a_run_that_stands_still_is_told_by_all_of_its_pace() -> None:
    watch = watch_of(START, ev.Chunk(t=0, id=1, verdict="parallel", expected=20))
    for second in range(1, 11):
        watch.feed([task(second, float(second), begun=second - 1.0, ended=second, committed=1)])
    watch.feed([ev.Sample(t=40.0)])
    assert watch.progress().left == pytest.approx(40, rel=0.1)  # ten calls in forty seconds, ten are left


@pytest.mark.parametrize(
    ("room", "text"),
    [
        (120, " tasks     2 queued   0 running   152 committed   79 thrown-away   0 failed   47 cancelled"),
        (80, " tasks     2 queued   152 committed   79 thrown-away   47 cancelled"),
        (60, " tasks     2 waiting  152 committed  79 thrown  47 cancelled"),
    ],
)
def test_states_are_told_in_fewer_words_where_there_is_no_room(room: int, text: str) -> None:
    watch = Watch()
    watch.feed([ev.RunStart(t=0, v=1, run="r", time=0, pid=1)])
    watch.state.counts.update({"queued": 2, "committed": 152, "thrown-away": 79, "cancelled": 47})
    assert plain(head(watch, UNICODE, room)[2]) == text
