"""Which rows a table has, in which order: filters and sorting that keep up with many rows."""

from __future__ import annotations

import time
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from zexus_parallel_plugin.monitor.columns import Column

__all__ = ["Listing"]

Row = TypeVar("Row")

_DUTY = 12
"""Sorting takes at most one part in so many of the time."""


class Listing(Generic[Row]):
    """The keys of rows that pass the filter, in order.

    The filter is a list of words, all of which must occur in the text of a row. ``column:word`` looks into
    one column only, ``-word`` must not occur. The case of letters does not matter.

    Attributes:
        keys: what is to be shown. order: name of a column, empty for the order in which the rows came, or,
            with ``by_key``, that of their keys.
        query: the filter as typed.
    """

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        text: Callable[[Row], str],
        *,
        order: str = "",
        descending: bool = False,
        by_key: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.columns = {column.name: column for column in columns}
        self.keys: list[Any] = []
        self.order, self.descending = order, descending
        self.query = ""
        self._by_key = by_key
        self._text = text
        self._tests: list[Callable[[Row], bool]] = []
        self._passed: dict[Hashable, None] = {}
        self._seen = 0
        self._stale = True
        self._sorted_at, self._sorting_took = -1e9, 0.0
        self._clock = clock

    def reset(self) -> None:
        """Begin anew, with other rows."""
        self._passed.clear()
        self.keys, self._seen, self._stale = [], 0, True
        self._sorted_at = -1e9

    def order_by(self, name: str, *, descending: bool | None = None) -> None:
        """Sort by a column; by the same one again means the other way round."""
        if descending is None:
            descending = not self.descending if name == self.order else False
        self.order, self.descending = name, descending
        self._stale, self._sorted_at = True, -1e9

    def next_order(self, step: int = 1) -> None:
        """Sort by the next column that can be sorted by; after the last one, not at all."""
        names = ["", *(column.name for column in self.columns.values() if column.order is not None)]
        self.order_by(names[(names.index(self.order) + step) % len(names)], descending=False)

    def filter(self, query: str) -> None:
        """Take another filter."""
        if query != self.query:
            self.query = query
            self._tests = [self._test(word) for word in query.lower().split()]
            self.reset()

    def _test(self, word: str) -> Callable[[Row], bool]:
        if len(word) > 1 and word.startswith("-"):
            inner = self._test(word[1:])
            return lambda row: not inner(row)
        name, colon, value = word.partition(":")
        if colon and name in self.columns:
            cell = self.columns[name].cell
            return lambda row: value in cell(row).text.lower()
        text = self._text
        return lambda row: word in text(row).lower()

    def update(self, rows: Mapping[Any, Row], touched: Iterable[Hashable] | None = None) -> list[Hashable]:
        """Take the rows as they are now; ``touched`` are those that have changed, None for all of them."""
        plain = not (self._tests or self.order or self.descending)
        if plain and touched is not None and not self._stale and len(rows) >= len(self.keys):
            known = len(self.keys)
            self.keys += list(islice(reversed(rows), len(rows) - known))[::-1]
            if self._by_key and any(a > b for a, b in pairwise(self.keys[max(0, known - 1) :])):
                self.keys.sort()
            return self.keys
        if self._tests:
            self._update_filtered(rows, touched)
        elif touched is None:
            self._passed = dict.fromkeys(rows)
        elif len(rows) != len(self._passed):
            self._passed.update(dict.fromkeys(key for key in touched if key in rows))
            if len(rows) != len(self._passed):
                self._passed = dict.fromkeys(rows)
            self._stale = True
        if self.order and touched is not None and self._passed:
            self._stale = self._stale or bool(touched)
        if touched is None:
            self._stale = True
        self._sort(rows)
        return self.keys

    def _update_filtered(self, rows: Mapping[Any, Row], touched: Iterable[Hashable] | None) -> None:
        first = not self._seen
        candidates: Iterable[Hashable] = rows if touched is None or first else touched
        if touched is None:
            self._passed.clear()
        self._seen = 1
        for key in candidates:
            row = rows.get(key)
            if row is not None and all(test(row) for test in self._tests):
                if key not in self._passed:
                    self._passed[key] = None
                    self._stale = True
            elif key in self._passed:
                del self._passed[key]
                self._stale = True

    def _sort(self, rows: Mapping[Any, Row]) -> None:
        if not self._stale:
            return
        start = self._clock()
        if self.order and start < self._sorted_at + _DUTY * self._sorting_took:
            return
        column = self.columns.get(self.order)
        keys: list[Any] = list(self._passed)
        if column is not None and column.order is not None:
            value = column.order
            keys.sort(key=lambda key: value(rows[key]), reverse=self.descending)
        else:
            if self._by_key:
                keys.sort()
            if self.descending:
                keys.reverse()
        self.keys, self._stale = keys, False
        self._sorted_at = self._clock()
        self._sorting_took = self._sorted_at - start
