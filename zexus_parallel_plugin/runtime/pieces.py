"""How much is sent at once where nobody knows how much is left.

Where the rest is known, guided self-scheduling takes a share of it (Polychronopoulos and Kuck, 1987). Here
what has been done stands for the rest, as something that has gone on for so long may well go on for as long
again: the cores end at about the same time, and little is lost beyond the end.
"""

from __future__ import annotations

_PARTS = 16


def piece(done: float, least: float, most: float) -> float:
    """Seconds of work for the next piece of something of which ``done`` seconds are done or sent already.

    :param least: seconds from which on a piece is worth its way.
    :param most: seconds above which larger pieces gain nothing.
    """
    return min(max(done / _PARTS, least), most)
