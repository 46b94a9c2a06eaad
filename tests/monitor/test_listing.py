"""Filters and orders of tables, and the places of columns."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zexus_parallel_plugin.monitor.columns import Column, heading, place, row_line
from zexus_parallel_plugin.monitor.ink import ASCII, UNICODE, Ink, plain, width
from zexus_parallel_plugin.monitor.listing import Listing


@dataclass
class Row:
    name: str
    number: int


COLUMNS: list[Column[Row]] = [
    Column("name", "name", 6, lambda row: Ink(row.name), lambda row: row.name, grows=1),
    Column("number", "number", 6, lambda row: Ink(str(row.number)), lambda row: row.number, ">"),
    Column("rest", "rest", 10, lambda row: Ink("\x1b" * 3), None, drop=1),
]


def listing(clock: list[float] | None = None) -> Listing[Row]:
    now = clock or [0.0]
    return Listing(COLUMNS, lambda row: f"{row.name} {row.number}", clock=lambda: now[0])


def rows(*names: str) -> dict[int, Row]:
    return {number: Row(name, -number) for number, name in enumerate(names)}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", [0, 1, 2]), ("be", [1]), ("A", [0, 1, 2]), ("-be", [0, 2]), ("a -be", [0, 2]), ("name:gam", [2]),
        ("number:1", [1]), ("nope", []), ("number:a", []), (" ", [0, 1, 2]), ("-", [1, 2]), ("other:x", []),
    ],
)  # fmt: skip
def test_filters(query: str, shown: list[int]) -> None:
    found = listing()
    found.filter(query)
    assert found.update(rows("alpha", "beta", "gamma")) == shown


def test_filters_follow_what_changes() -> None:
    found, data = listing(), rows("alpha", "beta")
    found.filter("beta")
    assert found.update(data, set()) == [1]
    data[0].name = "beta"
    data[2] = Row("beta", 2)
    assert found.update(data, {0, 2}) == [1, 0, 2]
    data[1].name = "other"
    assert found.update(data, {1}) == [0, 2]
    found.filter("")
    assert found.update(data, set()) == [0, 1, 2]


def test_new_rows_come_last() -> None:
    found, data = listing(), rows("a", "b")
    assert found.update(data) == [0, 1]
    data[7] = Row("c", 0)
    assert found.update(data, {7}) == [0, 1, 7]
    assert found.update(data, set()) == [0, 1, 7]
    assert found.update({5: Row("x", 0)}) == [5]


def test_orders() -> None:
    found, data = listing(), rows("b", "a", "c")
    found.order_by("name")
    assert found.update(data) == [1, 0, 2]
    found.order_by("name")
    assert found.update(data) == [2, 0, 1]
    found.next_order()
    assert (found.order, found.update(data)) == ("number", [2, 1, 0])
    found.next_order()
    assert (found.order, found.update(data)) == ("", [0, 1, 2])


def test_sorting_does_not_take_all_the_time() -> None:
    clock = [0.0]
    found, data = listing(clock), rows("b", "a")
    found.order_by("name")
    assert found.update(data) == [1, 0]
    found._sorting_took = 1.0  # as if there were very many rows
    data[0].name = "0"
    clock[0] = 3.0
    assert found.update(data, {0}) == [1, 0]
    clock[0] = 30.0
    assert found.update(data, {0}) == [0, 1]


@given(st.integers(1, 120))
def test_rows_are_as_wide_as_the_table(room: int) -> None:
    placed = place(COLUMNS, room)
    for look in (UNICODE, ASCII):
        line = row_line(placed, Row("a\x1b[31m long name", 123456789), look)
        assert width("".join(ink.text for ink in line)) <= max(room, 14)
        assert "\x1b" not in plain(line)
        assert len(heading(placed, look)) == len(line)


def test_columns_without_room_are_left_out() -> None:
    assert [item.column.name for item in place(COLUMNS, 40)] == ["name", "number", "rest"]
    assert [item.column.name for item in place(COLUMNS, 20)] == ["name", "number"]
    assert [(item.start, item.width) for item in place(COLUMNS, 20)] == [(0, 12), (14, 6)]
    assert plain(heading(place(COLUMNS, 20), UNICODE, "number", descending=True)).endswith("▼ num…")


def test_rows_are_ordered_by_their_keys_where_they_come_in_another_order() -> None:
    table: Listing[Row] = Listing(COLUMNS, lambda row: row.name, by_key=True)
    known = {3: Row("c", 1), 5: Row("a", 2)}
    assert table.update(known) == [3, 5]
    known |= {4: Row("b", 3), 9: Row("d", 4)}
    assert table.update(known, {4, 9}) == [3, 4, 5, 9]
    table.filter("-c")
    assert table.update(known) == [4, 5, 9]
    table.filter("")
    table.order_by("", descending=True)
    assert table.update(known) == [9, 5, 4, 3]
