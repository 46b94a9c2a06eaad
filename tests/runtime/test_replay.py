"""What was recorded for an accumulator is applied as the program would have done it, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.runtime.loops.replay import (
    CannotReplayError,
    can_grow,
    folded,
    grow,
    replacements_left,
    replay,
)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("int", [1, 2, 3], ("sum", 6)),
        ("int", [1, 2.0], ("each", [1, 2.0])),
        ("int", [1, True], ("each", [1, True])),
        ("str", ["a", "b"], ("text", "ab")),
        ("str", ["a", 1], ("each", ["a", 1])),
        ("", [1, 2], ("each", [1, 2])),
        ("int", [], ("each", [])),
    ],
)
def test_folding(kind: str, values: list[Any], expected: tuple[str, Any]) -> None:
    assert folded(kind, values) == expected


def test_floats_are_added_in_the_order_of_the_program() -> None:
    assert replay("add", 0.1, "each", [0.2, 0.3]) == (0.1 + 0.2) + 0.3 != 0.1 + (0.2 + 0.3)


@pytest.mark.parametrize(
    ("operation", "value", "recorded", "expected"),
    [
        ("add", "x", ["a", 1], "xa1"),
        ("add", 1, ["a"], "1a"),
        ("added to", "x", ["a", "b"], "bax"),
        ("subtract", 10, [1, 2], 7),
        ("multiply", 2, [3, 4], 24),
        ("copy", [1], [2, 3], [1, 2, 3]),
    ],
)
def test_replay(operation: str, value: Any, recorded: list[Any], expected: Any) -> None:
    assert replay(operation, value, "each", recorded) == expected


@pytest.mark.parametrize(
    ("operation", "value", "fold", "recorded"),
    [
        ("add", 1.5, "sum", 3),
        ("add", 1, "text", "a"),
        ("copy", "text", "each", [1]),
    ],
)
def test_what_does_not_fit_is_refused(operation: str, value: Any, fold: str, recorded: Any) -> None:
    with pytest.raises(CannotReplayError):
        replay(operation, value, fold, recorded)


def test_a_copy_leaves_the_list_alone() -> None:
    before = [1]
    assert replay("copy", before, "each", [2]) is not before
    assert before == [1]


@pytest.mark.parametrize(
    ("op", "before", "values", "left"),
    [
        (isa.GT, 5, [3, 5, 6, 9], 2),
        (isa.GTE, 5, [3, 5, 6], 2),
        (isa.LT, 5, [9, 5, 4, 1], 2),
        (isa.LTE, 5, [9, 5, 4], 2),
        (isa.GT, "b", ["a", "c"], 1),
        (isa.GT, 9, [], 0),
    ],
)
def test_replacements_that_the_true_value_would_have_made(
    op: int, before: Any, values: list[Any], left: int
) -> None:
    assert replacements_left(op, before, values) == left


@pytest.mark.parametrize("before", [float("nan"), "a", None])
def test_values_without_an_order_are_refused(before: Any) -> None:
    with pytest.raises(CannotReplayError):
        replacements_left(isa.GT, before, [1])


def test_growing_in_place() -> None:
    rows: list[Any] = [0, 0]
    assert can_grow("push", rows, [1])
    grow("push", rows, [1])
    assert can_grow("store", rows, [(-1, 7)])
    assert not can_grow("store", rows, [(3, 7)])
    assert not can_grow("store", rows, [("a", 7)])
    grow("store", rows, [(-1, 7), (0, 5)])
    assert rows == [5, 0, 7]
    assert not can_grow("store", {}, [([], 1)])
    assert not can_grow("push", {}, [1])
