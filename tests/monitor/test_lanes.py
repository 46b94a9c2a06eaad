"""The timeline: sums per cell, zooming and scrolling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zexus_parallel_plugin.monitor.figures import ratio
from zexus_parallel_plugin.monitor.ink import UNICODE
from zexus_parallel_plugin.monitor.lanes import IDLE, KINDS, RUNNING, Lanes, steps
from zexus_parallel_plugin.monitor.timeline import LABEL, Window, legend, row
from zexus_parallel_plugin.monitor.watch import Watch

OK, DONE, THROWN, FAILED = (KINDS.index(name) for name in ("committed", "done", "thrown-away", "failed"))


def shares(lanes: Lanes, cell: float, count: int, now: float, first: int = 0) -> list[tuple[float, int]]:
    return [(round(c.share, 6), c.kind) for c in lanes.cells("w", cell, first, count, now)]


def test_cells_add_up_what_was_done() -> None:
    lanes = Lanes()
    lanes.record("w", 1, 0.5, 1.5, OK)
    lanes.record("w", 2, 2.0, 2.25, THROWN)
    assert shares(lanes, 1.0, 4, 4.0) == [(0.5, OK), (0.5, OK), (0.25, THROWN), (0.0, IDLE)]
    assert shares(lanes, 2.0, 2, 4.0) == [(0.5, OK), (0.125, THROWN)]
    assert shares(lanes, 1.0, 2, 4.0, first=1) == [(0.5, OK), (0.25, THROWN)]
    assert lanes.cells("nobody", 1.0, 0, 1, 4.0) == [(0.0, IDLE)]


def test_what_goes_on_is_drawn_up_to_now() -> None:
    lanes = Lanes()
    lanes.record("w", 1, 1.0, None, RUNNING)
    assert shares(lanes, 1.0, 3, 2.5) == [(0.0, IDLE), (1.0, RUNNING), (0.5, RUNNING)]
    lanes.record("w", 1, 1.0, 1.25, DONE)
    assert shares(lanes, 1.0, 3, 2.5) == [(0.0, IDLE), (0.25, DONE), (0.0, IDLE)]
    lanes.record("w", 1, 1.0, 1.25, OK)  # it is committed later
    assert shares(lanes, 1.0, 3, 2.5)[1] == (0.25, OK)


def test_a_failure_is_seen_though_it_was_short() -> None:
    lanes = Lanes()
    lanes.record("w", 1, 0.0, 0.9, OK)
    lanes.record("w", 2, 0.9, 0.95, FAILED)
    assert shares(lanes, 1.0, 1, 1.0) == [(0.95, FAILED)]


SPANS = st.lists(st.tuples(st.floats(0.001, 3), st.floats(0, 3), st.integers(0, 4)), max_size=40)


@given(SPANS, st.floats(0.01, 2), st.randoms(use_true_random=False))
def test_the_order_of_the_events_does_not_matter_and_nothing_is_lost(
    pieces: list[tuple[float, float, int]], cell: float, rng: object
) -> None:
    spans, time = [], 0.0
    for key, (length, pause, kind) in enumerate(pieces):
        spans.append((key, time, time + length, kind))
        time += length + pause
    count = int(time / cell) + 2
    lanes, other = Lanes(), Lanes()
    lanes.cells("w", cell, 0, 1, time)
    for key, start, end, kind in spans:
        lanes.record("w", key, start, end, DONE)
        lanes.cells("w", cell, 0, 1, time)
        lanes.record("w", key, start, end, kind)
    shuffled = list(spans)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    for key, start, end, kind in shuffled:
        other.record("w", key, start, end, kind)
    drawn = lanes.cells("w", cell, 0, count, time)
    assert sum(c.share for c in drawn) * cell == pytest.approx(sum(end - start for _, start, end, _ in spans))
    assert [c.share for c in drawn] == pytest.approx(
        [c.share for c in other.cells("w", cell, 0, count, time)]
    )
    # A long run is zoomed into by another way, with the same result.
    lanes.cells("w", cell, 0, 1, time)
    zoomed = lanes.cells("w", cell, 0, count, 1e9)
    assert [c.share for c in zoomed] == pytest.approx([c.share for c in drawn])


def test_what_was_at_a_time() -> None:
    lanes = Lanes()
    lanes.record("w", "a", 1.0, 2.0, OK)
    lanes.record("w", "b", 3.0, None, RUNNING)
    lane = lanes.lanes["w"]
    assert [lane.at(time) for time in (0.5, 1.5, 2.5, 3.5)] == [None, "a", None, "b"]
    assert [span.key for span in lane.between(1.5, 3.5)] == ["a", "b"]
    assert [span.key for span in lane.between(2.1, 2.9)] == []


def test_round_steps() -> None:
    assert [steps(value) for value in (0.0011, 0.1, 0.3, 7, 60)] == [0.002, 0.1, 0.5, 10, 100]


def test_the_window_shows_the_whole_run_first() -> None:
    window = Window()
    for now in (0.0, 0.01, 5.0, 5e9):
        shown = window.on(now, 80)
        assert shown.first == 0
        assert max(now, 0.001) <= shown.cell * 80 <= max(now, 0.001) * 1.04


def test_zooming_keeps_the_place() -> None:
    window = Window().zoom(1, 100.0, 80, centre=50.0)
    assert window.cell == pytest.approx(Window().on(100.0, 80).cell / 2)
    assert window.first * window.cell == pytest.approx(25.0, abs=2 * window.cell)
    assert not window.follows
    further = window.zoom(1, 100.0, 80)
    assert further.cell == pytest.approx(window.cell / 2)
    assert further.zoom(-1, 100.0, 80).zoom(-1, 100.0, 80) == Window()
    assert Window().zoom(-1, 100.0, 80) == Window()
    smallest = window
    for _ in range(60):
        smallest = smallest.zoom(1, 100.0, 80)
    assert smallest.cell >= 1e-5


def test_scrolling_ends_at_both_ends() -> None:
    window = Window().zoom(1, 100.0, 80, centre=50.0)
    start = window.scroll(-10_000, 100.0, 80)
    assert (start.first, start.follows) == (0, False)
    end = start.scroll(10_000, 100.0, 80)
    assert end.follows
    assert end.on(200.0, 80).at(79) >= 199.0 - end.cell  # it moves on with the run
    assert Window().scroll(5, 100.0, 80) == Window()


def bars(share: float, lines: int, *, colour: bool = True) -> list[str]:
    """The lines of a row with one cell."""
    watch = Watch()
    watch.now = 1.0
    watch.lanes.record(0, 1, 0.0, share, OK)
    window = Window(1.0, 0)
    return [
        "".join(ink.text for ink in row(watch, 0, window, 1, UNICODE, colour=colour, part=(line, lines))[1:])
        for line in range(lines)
    ]


@pytest.mark.parametrize(
    ("share", "one", "two"),
    [(1.0, "▇", "▇█"), (0.75, "▅", "▃█"), (0.5, "▄", " █"), (0.25, "▂", " ▄"), (0.001, "▁", " ▁")],
)
def test_a_row_of_more_lines_has_higher_bars(share: float, one: str, two: str) -> None:
    assert bars(share, 1) == [one]
    assert bars(share, 2) == list(two)


def test_marks_are_as_high_as_bars() -> None:
    assert bars(1.0, 2, colour=False) == ["#", "#"]
    assert bars(0.25, 2, colour=False) == [" ", "#"]


@pytest.mark.parametrize(
    ("columns", "text"),
    [(80, "committed  ▇ failed  a cell is 2.00 s"), (35, "failed  cell 2.00 s"), (25, "▇ failed  ")],
)
def test_the_legend_leaves_out_what_has_no_room(columns: int, text: str) -> None:
    watch = Watch()
    watch.state.counts["failed"] = 1
    line = legend(watch, Window(2.0, 0), columns, UNICODE)
    shown = "".join(ink.text for ink in line)
    assert shown.endswith(text)
    assert len(shown) <= LABEL + columns


@pytest.mark.parametrize(
    ("done", "total", "room", "text"),
    [
        (12, None, 9, "12"), (12, 345, 9, "12/345"), (1234567, None, 8, "1.2 M"), (594, 594, 9, "594/594"),
        (10000, 10000, 9, "10 k/10 k"), (258845, 284608, 13, "259 k/285 k"), (1, 2000000, 9, "1/2.0 M"),
    ],
)  # fmt: skip
def test_counts_become_shorter_where_they_have_no_room(
    done: int, total: int | None, room: int, text: str
) -> None:
    assert ratio(done, total, room) == text
