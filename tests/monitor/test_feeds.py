"""Reading a journal: as it grows, or as a film."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.codec import encode
from zexus_parallel_plugin.journal.processes import mark_of
from zexus_parallel_plugin.monitor.feeds import LiveFeed, ReplayFeed, journal_end

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def start(**more: object) -> ev.RunStart:
    return ev.RunStart(t=0, v=1, run="r1", time=1000.0, pid=4242, **more)  # type: ignore[arg-type]


def ticks(*times: float) -> list[ev.Event]:
    return [start(), *(ev.Log(t=time, level="info", text=f"at {time}") for time in times)]


def texts(feed: LiveFeed | ReplayFeed) -> list[str]:
    return [line.text for line in feed.watch.log][1:]


def test_a_journal_is_read_as_it_grows(journal: Callable[..., Path]) -> None:
    path = journal(start())
    feed = LiveFeed(path)
    feed.step(1)
    with path.open("a") as file:
        file.write(encode(ev.Output(t=1, text="hello")) + '{"e":"output","t":2,"te')
        file.flush()
        feed.step(1)
        assert feed.watch.state.output == ["hello"]
        file.write('xt":"world"}\n')
    feed.step(1)
    assert feed.watch.state.output == ["hello", "world"]
    feed.close()


def test_a_journal_that_is_not_there_yet_is_waited_for(tmp_path: Path, journal: Callable[..., Path]) -> None:
    feed = LiveFeed(tmp_path / "later.jsonl")
    feed.step(1)
    assert feed.watch.status == "waiting"
    journal(start(), path=tmp_path / "later.jsonl")
    feed.step(1)
    assert feed.watch.status != "waiting"
    feed.close()


def test_a_journal_that_begins_anew_makes_a_new_watch(journal: Callable[..., Path]) -> None:
    path = journal(*ticks(1.0, 2.0))
    feed = LiveFeed(path)
    feed.step(1)
    before = feed.watch
    path.unlink()
    journal(*ticks(3.0), path=path)
    feed.step(1)
    assert feed.watch is not before
    assert texts(feed) == ["at 3.0"]
    feed.close()


def test_time_goes_on_while_the_process_is_there(journal: Callable[..., Path]) -> None:
    clock = Clock()
    mine = ev.RunStart(t=0, v=1, run="r1", time=1000.0, pid=os.getpid(), started=mark_of(os.getpid()))
    feed = LiveFeed(journal(mine), clock=clock, wall=lambda: 1007.5)
    feed.step(1)
    assert (feed.watch.status, feed.watch.now) == ("running", 7.5)
    feed.close()
    gone = ev.RunStart(t=0, v=1, run="r1", time=1000.0, pid=os.getpid(), started="another process")
    feed = LiveFeed(journal(gone), clock=clock, wall=lambda: 1007.5)
    feed.step(1)
    assert (feed.watch.status, feed.watch.now) == ("gone", 0.0)
    feed.close()


def test_a_long_journal_is_read_in_pieces(journal: Callable[..., Path]) -> None:
    path = journal(tasks=2000)
    clock = Clock()
    feed = LiveFeed(path, clock=clock)
    feed.step(0.0)
    assert feed.behind
    assert 0 < feed.read_share < 1
    for _ in range(50):
        feed.step(0.0)
    assert not feed.behind
    assert feed.read_share == 1
    assert len(feed.watch.state.tasks) == 2000
    feed.close()


@pytest.fixture
def film(journal: Callable[..., Path]) -> tuple[ReplayFeed, Clock]:
    clock = Clock()
    feed = ReplayFeed(journal(*ticks(1.0, 2.0, 2.0, 3.0, 10.0)), 2.0, clock=clock)
    feed.step(1)
    return feed, clock


def test_a_replay_goes_at_its_speed(film: tuple[ReplayFeed, Clock]) -> None:
    feed, clock = film
    assert (feed.duration, texts(feed)) == (10.0, [])
    clock.now += 0.75
    feed.step(1)
    assert (feed.position, feed.watch.now, texts(feed)) == (1.5, 1.5, ["at 1.0"])
    feed.playing = False
    clock.now += 5
    feed.step(1)
    assert feed.position == 1.5
    feed.playing, feed.speed = True, 0.5
    clock.now += 1
    feed.step(1)
    assert feed.position == 2.0
    assert texts(feed) == ["at 1.0", "at 2.0", "at 2.0"]
    clock.now += 1000
    feed.step(1)
    assert feed.position == 10.0
    feed.close()


def test_a_replay_can_be_stepped_and_sought(film: tuple[ReplayFeed, Clock]) -> None:
    feed, _ = film
    seen = []
    for move in (feed.next_event, feed.next_event, feed.next_event, feed.previous_event, feed.previous_event):
        move()
        feed.step(1)
        seen.append((feed.position, len(texts(feed))))
    assert seen == [(1.0, 1), (2.0, 3), (3.0, 4), (2.0, 3), (1.0, 1)]
    assert not feed.playing
    feed.seek(9.0)
    feed.step(1)
    assert texts(feed)[-1] == "at 3.0"
    feed.seek(1.0)
    feed.step(1)
    assert texts(feed) == ["at 1.0"]
    feed.seek(-5)
    feed.step(1)
    assert feed.position == 0.0
    feed.seek(1e9)
    feed.step(1)
    assert feed.position == 10.0
    for _ in range(20):
        feed.next_event()
        feed.step(1)
    for _ in range(20):
        feed.previous_event()
        feed.step(1)
    assert feed.position == 0.0
    feed.close()


@pytest.mark.parametrize(
    ("tail", "end"),
    [("", 3.0), ('{"e":"log","t":9,"le', 3.0), ("garbage\n" * 20_000, 3.0), ('{"e":"new","t":7}\n', 3.0)],
)
def test_the_end_of_a_journal(journal: Callable[..., Path], tail: str, end: float) -> None:
    path = journal(*ticks(1.0, 3.0))
    with path.open("a") as file:
        file.write(tail)
    assert journal_end(path) == end


def test_no_journal_has_no_end(tmp_path: Path) -> None:
    assert journal_end(tmp_path / "none") == 0.0
    (tmp_path / "empty").touch()
    assert journal_end(tmp_path / "empty") == 0.0
