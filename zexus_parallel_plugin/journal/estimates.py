"""Figures that are estimates. Wherever they are shown, they are called so."""

from __future__ import annotations

__all__ = ["speedup"]


def speedup(seconds: float, *, waited: float, ahead: float, committed: float) -> float | None:
    """How many times faster a run is than one process would be: the work done, divided by the time.

    Work is what the main process did itself, without waiting and looking ahead, and what workers did of that
    which was used. So work that would cost something else in one process (caches, a busy machine) is not
    seen; ``zexus-parallel bench`` measures.

    :param seconds: from the start of the run. waited, ahead: seconds of it in which the main process waited
        for workers, and looked ahead.
    :param committed: seconds of work of workers whose results were used.
    :returns: None before anything was used.
    """
    if seconds <= 0 or committed <= 0:
        return None
    return (max(0.0, seconds - waited - ahead) + committed) / seconds
