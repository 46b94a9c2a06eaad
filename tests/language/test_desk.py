"""The desk of shared variables and the meetings at barriers, without processes."""

from __future__ import annotations

from typing import Any

import pytest

from zexus_parallel_plugin.runtime.forks.desk import MAIN, Desk
from zexus_parallel_plugin.runtime.forks.meeting import Meeting, Release
from zexus_parallel_plugin.runtime.forks.messages import (
    Answer,
    Ask,
    Outcome,
    decode_outcome,
    encode_outcome,
    value_of,
)
from zexus_parallel_plugin.runtime.snapshot import dumps


class Answers:
    """Notes the answers of a desk."""

    def __init__(self) -> None:
        self.given: list[tuple[int, Any]] = []
        self.desk = Desk(lambda client, answer, body: self.given.append((client, (answer, body))))

    def ask(self, client: int, question: Ask, value: Any = None, name: str = "x") -> None:
        self.desk.ask(client, question, name, dumps(value))

    def take(self) -> list[tuple[int, Any]]:
        """Who has got what since the last time."""
        given, self.given = self.given, []
        return [
            (client, value_of(body) if answer is Answer.VALUE else bytes(body).decode())
            for client, (answer, body) in given
        ]


def test_values_and_sums() -> None:
    desk = Answers()
    desk.ask(0, Ask.READ)
    desk.ask(0, Ask.ADD, 2)
    desk.ask(1, Ask.ADD, "b")
    desk.ask(MAIN, Ask.READ)
    desk.ask(MAIN, Ask.READ, name="y")
    desk.ask(MAIN, Ask.WRITE, [1])
    desk.ask(MAIN, Ask.READ)
    assert desk.take() == [
        (0, None),
        (0, 2),
        (1, "2b"),
        (MAIN, "2b"),
        (MAIN, None),
        (MAIN, None),
        (MAIN, [1]),
    ]


def test_others_wait_while_a_variable_is_taken() -> None:
    desk = Answers()
    desk.ask(0, Ask.WRITE, 1)
    desk.ask(0, Ask.TAKE)
    desk.ask(1, Ask.ADD, 10)
    desk.ask(MAIN, Ask.TAKE)
    desk.ask(2, Ask.READ)
    desk.ask(2, Ask.READ, name="other")
    assert desk.take() == [(0, None), (0, 1), (2, None)]
    desk.ask(0, Ask.PUT, 5)
    # In the order in which they came; the one that takes it holds up those behind it.
    assert desk.take() == [(0, None), (1, 15), (MAIN, 15)]
    desk.ask(MAIN, Ask.DROP)
    assert desk.take() == [(MAIN, None), (2, 15)]


def test_what_a_dead_client_has_taken_is_free_and_unchanged() -> None:
    desk = Answers()
    desk.ask(0, Ask.WRITE, 1)
    desk.ask(0, Ask.TAKE)
    desk.ask(1, Ask.TAKE)
    desk.ask(2, Ask.READ)
    desk.take()
    desk.desk.gone(1)
    assert desk.take() == []
    desk.desk.gone(0)
    assert desk.take() == [(2, 1)]
    desk.desk.gone(0)


def test_a_sum_that_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Answers()
    monkeypatch.setattr("zexus_parallel_plugin.engine.operators.add", lambda _a, _b: object())
    desk.ask(0, Ask.WRITE, 1)
    desk.ask(0, Ask.ADD, 1)
    desk.ask(0, Ask.READ)
    (_, written), (_, error), (_, value) = desk.take()
    assert (written, value) == (None, 1)
    assert error.startswith("shared_add: ")


def test_a_meeting() -> None:
    meeting = Meeting(3)
    assert meeting.arrive(0, "a") == []
    assert meeting.arrive(2, "a") == []
    assert {release.copy for release in meeting.arrive(1, "a")} == {0, 1, 2}
    assert meeting.arrive(0, "a") == []


def test_one_is_a_meeting() -> None:
    assert Meeting(1).arrive(0, 5) == [Release(0)]


@pytest.mark.parametrize("other", ["1", 2, 1.0, True])
def test_different_barriers(other: Any) -> None:
    meeting = Meeting(2)
    assert meeting.arrive(0, 1) == []
    releases = meeting.arrive(1, other)
    assert [release.copy for release in releases] == [0, 1]
    assert all("the copies wait at different barriers (1, " in release.error for release in releases)
    assert not any(release.broken for release in releases)
    assert meeting.arrive(0, 1) == []


def test_who_has_ended_breaks_all_barriers() -> None:
    meeting = Meeting(3)
    meeting.arrive(0, "a")
    text = "barrier_sync('a'): copy 1 has died, so the 3 copies cannot meet"
    assert meeting.leave(1, "has died") == [Release(0, text, broken=True)]
    assert meeting.leave(2, "has returned") == []
    assert meeting.arrive(0, "a") == [Release(0, text, broken=True)]


def test_outcomes_as_bytes() -> None:
    outcome = Outcome("returned", dumps([1]), printed="x", gas=5)
    assert decode_outcome(encode_outcome(outcome)) == outcome
    for wrong in (b"", b"junk", encode_outcome(outcome)[:-2], dumps(5)):
        with pytest.raises(ValueError, match="not the outcome of a copy"):
            decode_outcome(wrong)
