"""The main process's side without processes: attention, and what outcomes say."""

from __future__ import annotations

from typing import Any

import pytest

from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.runtime.forks.home import Forks, _error
from zexus_parallel_plugin.runtime.forks.messages import Outcome
from zexus_parallel_plugin.runtime.snapshot import Library


class Group:
    """Counts how often it is served."""

    def __init__(self) -> None:
        self.served = 0
        self.on_serve: Any = None

    def serve(self, timeout: float | None) -> None:
        self.served += 1
        if self.on_serve is not None:
            self.on_serve()


@pytest.fixture
def forks() -> Forks:
    made = Forks(ParallelConfig(), {}, Library())
    made._group = Group()  # type: ignore[assignment]
    return made


def test_what_comes_while_alarms_are_off_is_served_afterwards(forks: Forks) -> None:
    group: Any = forks._group
    with forks._attention():
        forks._on_alarm()
        assert group.served == 0
    assert group.served == 1


def test_an_alarm_while_copies_are_served_is_not_lost(forks: Forks) -> None:
    group: Any = forks._group
    group.on_serve = lambda: group.served < 3 and forks._on_alarm()
    forks._on_alarm()
    assert group.served == 3


OK, BROKEN = Outcome("returned"), Outcome("broken", text="copy 1 has died")


@pytest.mark.parametrize(
    ("outcomes", "overdue", "text"),
    [
        ([OK, OK], [], ""),
        ([OK, Outcome("raised", text="why")], [], "copy 1 of 2 failed: why"),
        ([BROKEN, Outcome("died", text="died: killed by SIGKILL"), BROKEN], [],
         "copy 1 of 3 died: killed by SIGKILL (2 more failed)"),
        ([OK, BROKEN], [], "copy 1 of 2 failed: copy 1 has died"),
        ([Outcome("unsendable", text="f is an action"), OK], [],
         "copy 0 of 2 returned a value that cannot be sent: f is an action"),
        ([OK, Outcome("killed")], [1], "copy 1 of 2 was still running after 1.5 s; it was killed"),
        ([Outcome("killed"), OK, Outcome("killed")], [0, 2],
         "copies 0, 2 of 3 were still running after 1.5 s; they were killed"),
    ],
)  # fmt: skip
def test_what_outcomes_say(outcomes: list[Outcome], overdue: list[int], text: str) -> None:
    assert _error(outcomes, overdue, 1.5) == text
