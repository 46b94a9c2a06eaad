"""Journals that have lost lines: every view shows what is left."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.journal.synthetic import Shape, synthetic
from tests.monitor.piloting import drive, press, screen_text
from tests.monitor.views import VIEWS
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.monitor.details import Selection, details
from zexus_parallel_plugin.monitor.ink import ASCII, plain
from zexus_parallel_plugin.monitor.snapshot import page, record
from zexus_parallel_plugin.monitor.tui.app import MonitorApp
from zexus_parallel_plugin.monitor.tui.specs import specs
from zexus_parallel_plugin.monitor.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot


def left_of(seed: int, share: float) -> list[ev.Event]:
    """What is left of a run when only a share of the lines behind the first one is."""
    rng = random.Random(seed)
    first, *rest = synthetic(Shape(tasks=60, workers=6, failures=0.2, lost=0.1, seed=seed), pid=4242)
    return [first, *(event for event in rest if rng.random() < share)]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_every_row_and_every_detail_can_be_shown(seed: int, share: float) -> None:
    watch = Watch()
    for event in left_of(seed, share):
        watch.feed([event])
    for spec in specs():
        columns = spec.columns(lambda: watch, ASCII)
        for key, row in spec.rows(watch).items():
            assert all(column.cell(row) is not None for column in columns)
            assert isinstance(spec.text(row), str)
            assert details(watch, Selection(spec.kind, key), ASCII, 60)[0]
    assert [plain(line) for line in page(watch, ASCII, 100)]
    assert record(watch)["status"]


def test_a_worker_that_the_journal_does_not_tell_of_is_shown(journal: Callable[..., Path]) -> None:
    start = ev.RunStart(t=0, v=1, run="r", time=0.0, pid=4242, program="lost.zx")
    task = ev.Task(t=1, id=1, state="running", name="work", worker=7, begun=0.5)

    async def script(pilot: Pilot[Any]) -> None:
        assert "unknown" in screen_text(pilot.app)
        for number in range(len(VIEWS)):
            await press(pilot, f"{(number + 1) % 10}")
        assert pilot.app.is_running

    drive(MonitorApp(journal(start, task)), script)
