"""A quantity over time, in buckets that become wider as time goes on."""

from __future__ import annotations

__all__ = ["Series"]

_BUCKETS = 256


class Series:
    """Sums of amounts per bucket of time; at most 256 buckets, however long the time.

    Attributes:
        width: seconds of a bucket.
        values: the sums, from time 0 on.
    """

    __slots__ = ("values", "width")

    def __init__(self, width: float = 0.25) -> None:
        self.width = width
        self.values: list[float] = []

    def add(self, t: float, amount: float) -> None:
        """Add an amount at a time. Times before 0 count as 0."""
        index = max(0, int(t / self.width))
        while index >= _BUCKETS:
            self._widen()
            index = int(t / self.width)
        values = self.values
        while len(values) <= index:
            values.append(0.0)
        values[index] += amount

    def _widen(self) -> None:
        old = self.values
        if len(old) % 2:
            old.append(0.0)
        self.values = [old[i] + old[i + 1] for i in range(0, len(old), 2)]
        self.width *= 2

    def rates(self, until: float | None = None) -> list[float]:
        """Amounts per second, of all buckets up to a time (by default the latest that has anything)."""
        count = len(self.values) if until is None else min(_BUCKETS, int(until / self.width) + 1)
        values = [*self.values[:count], *[0.0] * (count - len(self.values))]
        return [value / self.width for value in values]
