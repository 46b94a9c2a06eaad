"""Numbers for people: times, sizes, rates, always in few characters."""

from __future__ import annotations

__all__ = ["count", "duration", "percent", "rate", "ratio", "size"]


def duration(seconds: float | None) -> str:
    """A time in few characters: ``0.4 ms``, ``82 ms``, ``1.25 s``, ``3:07``, ``2:05:00``; or ``-``."""
    if seconds is None:
        return "-"
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 0.0005:
        return f"{seconds * 1e6:.0f} us" if seconds > 0 else "0 s"
    if seconds < 0.01:
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def size(count_of_bytes: float | None) -> str:
    """A size in at most 6 characters, in powers of 1024: ``0 B``, ``48 K``, ``1.2 M``, ``3.0 G``."""
    if count_of_bytes is None:
        return "-"
    value, unit = float(count_of_bytes), "B"
    for unit in "BKMGT":
        if value < 1000 or unit == "T":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit in "BK" or value >= 100 else f"{value:.1f} {unit}"


def count(number: int | None, room: int = 9) -> str:
    """A whole number with groups of three, ``12 345``; without room shorter: ``12.3 M``, ``48 k``."""
    if number is None:
        return "-"
    text = f"{number:,}".replace(",", " ")
    if len(text) <= room:
        return text
    for unit, scale in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= scale:
            digits = 0 if unit == "k" else 1
            return f"{number / scale:.{digits}f} {unit}"
    return text


def ratio(done: int, total: int | None, room: int) -> str:
    """How many of how many, ``12/345``; without a total only how many. Shorter where it has no room."""
    if not total:
        return count(done, room)
    text = f"{count(done)}/{count(total)}"
    return text if len(text) <= room else f"{count(done, 4)}/{count(total, 4)}"


def percent(share: float | None) -> str:
    """A share of 1 as ``42 %``."""
    return "-" if share is None else f"{share * 100:.0f} %"


def rate(per_second: float | None) -> str:
    """Something per second: ``0.4/s``, ``33/s``, ``1 250/s``."""
    if per_second is None:
        return "-"
    if 0 < per_second < 10:
        return f"{per_second:.1f}/s"
    return f"{count(round(per_second))}/s"
