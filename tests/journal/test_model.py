from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.compiled import Compiled
from zexus_parallel_plugin.journal.model import RunState
from zexus_parallel_plugin.journal.series import Series
from zexus_parallel_plugin.journal.tasks import ACTIVE

from .synthetic import Shape, synthetic
from .test_events import EVENTS


def state_of(*events: ev.Event) -> RunState:
    state = RunState()
    state.feed(events)
    return state


def consistent(state: RunState) -> None:
    """What must hold after any events."""
    assert sum(state.counts.values()) == len(state.tasks)
    assert all(count >= 0 for count in state.counts.values())
    assert state.finished + sum(state.counts[name] for name in ACTIVE) == len(state.tasks)
    for slot, row in enumerate(state.timeline):
        for piece in row:
            assert piece.slot == slot
            assert piece.end is None or piece.end >= piece.begin
    for worker in state.workers.values():
        assert worker.task is None or state.tasks[worker.task].worker == worker.id
        assert worker.slot < state.slots


@given(st.integers(0, 1000), st.integers(1, 80), st.integers(1, 6))
@settings(deadline=None, max_examples=40)
def test_a_run_is_counted_once(seed: int, tasks: int, workers: int) -> None:
    shape = Shape(tasks, workers, failures=0.2, lost=0.1, thrown=0.1, seed=seed, output=7)
    state = state_of(*synthetic(shape))
    consistent(state)
    assert len(state.tasks) == tasks
    assert state.committed_calls == state.counts["committed"]
    assert state.thrown_calls == state.counts["thrown-away"]
    assert state.failed_attempts == state.retries + state.counts["failed"]
    assert state.deaths == state.retries
    assert sum(map(len, state.timeline)) == tasks + state.retries
    assert state.slots == workers
    assert sum(group.tasks for group in state.groups.values()) == tasks
    assert sum(state.throughput.values) == tasks
    assert not state.live
    assert state.finished == tasks
    assert not any(worker.alive for worker in state.workers.values())
    assert state.work == pytest.approx(sum(task.duration or 0 for task in state.tasks.values()))


@given(st.lists(EVENTS, max_size=25))
@settings(deadline=None)
def test_any_events_make_a_state(events: list[ev.Event]) -> None:
    state = RunState()
    state.feed(events)
    assert state.changes == len(events)
    assert sum(state.counts.values()) == len(state.tasks)
    state.speedup()
    state.efficiency()


def test_events_may_be_missing() -> None:
    events = list(synthetic(Shape(tasks=100, failures=0.3, lost=0.1)))
    rng = random.Random(4)
    for _ in range(20):
        consistent(state_of(*(event for event in events if rng.random() < 0.7)))


def test_a_long_task_is_seen_while_it_runs() -> None:
    state = state_of(
        ev.Worker(t=0.1, id=7, state="ready", slot=2, pid=99),
        ev.Task(t=0.2, id=1, state="running", name="f", worker=7, attempt=1, begun=0.2, calls=2),
    )
    assert state.workers[7].task == 1
    assert state.tasks[1].running_for(1.2) == pytest.approx(1.0)
    assert state.groups["f"].running == 1
    assert [piece.end for piece in state.timeline[2]] == [None]
    assert state.efficiency(0.3) == pytest.approx(0.5)
    state.feed([ev.Task(t=2.2, id=1, state="done", ended=2.2, seconds=[1.0, 1.0])])
    assert state.workers[7].task is None
    assert state.workers[7].busy == pytest.approx(2.0)
    assert state.groups["f"].running == 0
    assert state.timeline[2][0].end == 2.2
    state.feed([ev.Task(t=2.3, id=1, state="committed", committed=1, thrown={"changed-names": 1})])
    assert (state.committed_calls, state.thrown_calls) == (1, 1)
    assert state.committed_work == pytest.approx(1.0)


def test_a_second_attempt_is_a_second_slice() -> None:
    state = state_of(
        ev.Task(t=0.2, id=1, state="running", name="f", worker=1, attempt=1, begun=0.2),
        ev.Attempt(t=0.5, task=1, attempt=1, worker=1, begun=0.2, cause="died", again=True),
        ev.Task(t=0.5, id=1, state="delayed"),
        ev.Task(t=0.7, id=1, state="done", worker=2, attempt=2, begun=0.6, ended=0.7),
    )
    assert [(piece.attempt, piece.end, piece.cause) for piece in state.timeline[0]] == [
        (1, 0.5, "died"),
        (2, 0.7, ""),
    ]
    assert state.workers[1].failed == 1
    assert state.counts["done"] == 1


def test_a_slow_task_is_one_that_takes_longer_than_its_like() -> None:
    done = [
        ev.Task(t=i / 10, id=i, state="done", name="f", worker=1, attempt=1, begun=0.0, ended=0.1)
        for i in range(1, 5)
    ]
    running = ev.Task(t=1.0, id=9, state="running", name="f", worker=1, attempt=1, begun=1.0)
    state = state_of(*done, running)
    assert not state.is_slow(state.tasks[9], 1.2)
    assert state.is_slow(state.tasks[9], 1.7)
    assert not state.is_slow(state.tasks[1], 9.0)


def test_output_and_source() -> None:
    state = state_of(
        ev.Source(t=0, path="p", sha256="", lines=["a", "b"]),
        ev.Output(t=1, text="1\n"),
        ev.Output(t=2, text="2\n", dropped=3),
    )
    assert "".join(state.output) == "1\n2\n"
    assert (state.output_chars, state.output_dropped) == (7, 3)
    assert [state.text_of_line(n) for n in (0, 1, 2, 3)] == ["", "a", "b", ""]


@given(st.lists(st.tuples(st.floats(0, 1e5), st.integers(0, 5)), max_size=50))
def test_a_series_loses_nothing(points: list[tuple[float, int]]) -> None:
    series = Series()
    for t, amount in points:
        series.add(t, amount)
    assert len(series.values) <= 256
    assert sum(series.values) == sum(amount for _, amount in points)
    assert sum(series.rates()) * series.width == pytest.approx(sum(series.values))


@pytest.mark.parametrize("attempt_first", [False, True])
def test_the_time_of_an_attempt_that_failed_for_good_counts_once(*, attempt_first: bool) -> None:
    lines: list[ev.Event] = [
        ev.Attempt(t=4.0, task=1, attempt=1, worker=1, begun=2.0, cause="timeout"),
        ev.Task(t=4.0, id=1, state="failed", worker=1, attempt=1, begun=2.0, ended=4.0, cause="timeout"),
    ]
    state = state_of(
        ev.Worker(t=0.0, id=1, state="ready", slot=0),
        ev.Task(t=2.0, id=1, state="running", name="a", worker=1, attempt=1, begun=2.0),
        *(lines if attempt_first else reversed(lines)),
        ev.Metrics(t=8.0),
    )
    worker = state.workers[1]
    assert (worker.busy, worker.failed, worker.finished) == (2.0, 1, 0)
    assert state.efficiency() == 0.25


def test_a_task_that_was_given_up_is_no_failure_of_its_worker() -> None:
    state = state_of(
        ev.Worker(t=0.0, id=1, state="ready", slot=0),
        ev.Task(t=2.0, id=1, state="cancelled", worker=1, begun=1.0, ended=2.0, cause="cancelled"),
    )
    assert (state.workers[1].failed, state.workers[1].finished) == (0, 0)


def test_what_was_compiled_is_in_the_metrics() -> None:
    assert state_of(ev.Metrics(t=1.0)).compiled is None
    counts = {"units_translated": 7, "units_cached": 2, "units_refused": 1, "translation_seconds": 0.25}
    compiled = state_of(ev.Metrics(t=1.0, counts=counts)).compiled
    assert compiled == Compiled(units=7, cached=2, refused=1, seconds=0.25)
    assert compiled.words("{:.2f} s".format) == (
        "7 actions and loops in 0.25 s, 2 of them from the cache, 1 refused"
    )
    assert Compiled(1, 0, 0, 2.0).words("{:.0f} s".format) == "1 action or loop in 2 s"
