"""The head of the screen: what runs, how far it is, where its tasks are, how fast it goes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from zexus_parallel_plugin.monitor.figures import count, duration, percent, rate
from zexus_parallel_plugin.monitor.ink import Ink, Line, Look, Tone, line_width, width
from zexus_parallel_plugin.reasons import REASONS

if TYPE_CHECKING:
    from zexus_parallel_plugin.monitor.watch import Watch

__all__ = ["HEAD_LINES", "STATE_TONES", "STATUS_TONES", "head"]

HEAD_LINES = 4

STATE_TONES: dict[str, Tone] = {
    "queued": "wait",
    "sent": "wait",
    "delayed": "warn",
    "running": "run",
    "done": "info",
    "committed": "ok",
    "thrown-away": "warn",
    "failed": "bad",
    "cancelled": "dim",
}
_WAITING = ("queued", "sent", "delayed")
_SHORT_TONES: dict[str, Tone] = {
    "waiting": "wait",
    **{("thrown" if state == "thrown-away" else state): tone for state, tone in STATE_TONES.items()},
}
STATUS_TONES: dict[str, Tone] = {
    "waiting": "wait",
    "running": "run",
    "finished": "ok",
    "failed": "bad",
    "interrupted": "warn",
    "gone": "bad",
}
_STATUS_WORDS = {
    "waiting": "waiting for a run",
    "gone": "ended without a word: its process is gone",
}
_LABEL = 11


def head(watch: Watch, look: Look, room: int, badge: str = "") -> list[Line]:
    """Four lines, none longer than ``room``. ``badge`` is a word about the view, such as "paused"."""
    if watch.state.start is None:
        return [*_waiting(look), [], [], []][:HEAD_LINES]
    return [
        _title(watch, look, room, badge),
        _progress(watch, look, room),
        _counts(watch, look, room),
        _speed(watch, look, room),
    ]


def _waiting(look: Look) -> list[Line]:
    return [
        [Ink(f" {look.ring} ", "wait"), Ink("waiting for a run", "strong")],
        [
            Ink("   start one in another terminal:  ", "dim"),
            Ink("zexus run --backend parallel file.zx", "key"),
        ],
    ]


def _title(watch: Watch, look: Look, room: int, badge: str) -> Line:
    start = watch.state.start
    assert start is not None
    status = watch.status
    tone = STATUS_TONES.get(status, "text")
    left = [Ink(f" {look.dot} ", tone), Ink(look.clean(start.program or "code object"), "strong")]
    left += [
        Ink("  "),
        Ink(_STATUS_WORDS.get(status, status), tone),
        Ink("  "),
        Ink(duration(watch.now), "text"),
    ]
    end = watch.state.end
    if end is not None and end.code:
        left.append(Ink(f"  exit code {end.code}", "bad"))
    if badge:
        left += [Ink("  "), Ink(f" {badge} ", "on_warn")]
    alive = len([worker for worker in watch.state.workers.values() if worker.alive])
    workers = (
        f"{alive} of {start.workers} workers" if watch.status == "running" else f"{start.workers} workers"
    )
    right = f"{workers}  pid {start.pid}  run {start.run} "
    for shown in (right, f"pid {start.pid}  run {start.run} ", f"run {start.run} ", ""):
        if line_width(left) + width(shown) + 2 <= room:
            right = shown
            break
    right = look.clean(right)
    return [*left, Ink(" " * max(0, room - line_width(left) - width(right))), Ink(right, "dim")]


def _progress(watch: Watch, look: Look, room: int) -> Line:
    progress = watch.progress()
    share = progress.share
    if watch.state.end is not None and not watch.state.tasks:
        return _labelled("progress", _nothing(watch, look), look, room)
    if share is None:
        text = f"{count(progress.done)} {progress.unit} finished"
        words = [Ink(text, "text")]
        if watch.status == "running":
            words.append(Ink(f"  {look.point} the program does not tell how many there will be", "dim"))
        return _labelled("progress", [*words], look, room)
    total = count(progress.total)
    words = [
        Ink(f" {percent(share):>5}", "strong"),
        Ink(f"  {count(progress.done)} of {total} {progress.unit}"),
    ]
    if progress.left is not None:
        words.append(Ink(f"  {look.point} about {duration(progress.left)} left", "text"))
    taken = _LABEL + line_width(words) + 1
    filled, empty = look.bar_of(share, max(8, min(60, room - taken)))
    tone: Tone = STATUS_TONES.get(watch.status, "run")
    return _labelled("progress", [Ink(filled, tone), Ink(empty, "dim"), *words], look, room)


def _nothing(watch: Watch, look: Look) -> list[Ink]:
    """Why a run that has ended had no tasks."""
    state = watch.state
    left = state.end.left_to_host if state.end is not None else ""
    most = left or max(state.reasons, key=lambda code: state.reasons[code], default="")
    inks = [Ink("nothing was given to workers", "strong")]
    if most:
        known = REASONS.get(most)
        inks.append(Ink(f"  {look.clean(known.sentence if known is not None else most)}", "warn"))
    return inks


def _counts(watch: Watch, look: Look, room: int) -> Line:
    for gap, nulls, short in (
        (3, True, False), (2, True, False), (3, False, False), (2, False, False), (2, False, True),
    ):  # fmt: skip
        inks = _states(watch, " " * gap, nulls=nulls, short=short)
        if _LABEL + line_width(inks) <= room:
            break
    return _labelled("tasks", inks, look, room)


def _states(watch: Watch, gap: str, *, nulls: bool, short: bool) -> list[Ink]:
    """How many tasks are in each state; ``nulls``: the usual states, too, where none is in them; ``short``:
    in fewer words.
    """
    inks: list[Ink] = []
    counts = Counter(watch.state.counts)
    if short:
        for state in _WAITING:
            counts["waiting"] += counts.pop(state, 0)
        counts["thrown"] = counts.pop("thrown-away", 0)
    for state, tone in (_SHORT_TONES if short else STATE_TONES).items():
        number = counts[state]
        if number:
            inks += [Ink(count(number), tone), Ink(f" {state}{gap}")]
        elif nulls and state in {"committed", "running", "queued", "failed"}:
            inks.append(Ink(f"0 {state}{gap}", "dim"))
    slow = len(watch.slow_tasks())
    if slow:
        inks.append(Ink(f"{slow} slow", "warn"))
    elif inks:
        inks[-1] = Ink(inks[-1].text.rstrip(), inks[-1].tone)
    return inks or [Ink("none", "dim")]


def _speed(watch: Watch, look: Look, room: int) -> Line:
    speedup, efficiency = watch.state.speedup(watch.now), watch.state.efficiency(watch.now)
    inks = [
        Ink(f"{speedup:.2f}{look.times}" if speedup else "-", "strong" if speedup else "dim"),
        Ink(" speed-up (est.)   "),
        Ink(percent(efficiency), "strong" if efficiency else "dim"),
        Ink(" efficiency (est.)   "),
        Ink(rate(watch.recent_rate()), "strong" if watch.recent_rate() else "dim"),
        Ink(" tasks   "),
    ]
    left = room - _LABEL - line_width(inks) - 1
    if left >= 8:
        columns = min(left, 60)
        inks.append(Ink(look.spark(watch.rates(columns), columns).lstrip(look.blocks[0]), "run"))
    return _labelled("pace", inks, look, room)


def _labelled(label: str, inks: list[Ink], look: Look, room: int) -> Line:
    return cut_line([Ink(f" {label}".ljust(_LABEL), "dim"), *inks], room, look)


def cut_line(line: Line, room: int, look: Look) -> Line:
    """A line of clean text, cut to ``room`` cells."""
    left, kept = room, []
    for ink in line:
        if left <= 0:
            break
        if width(ink.text) > left:
            kept.append(Ink(look.cut(ink.text, left), ink.tone))
            break
        kept.append(ink)
        left -= width(ink.text)
    return kept
