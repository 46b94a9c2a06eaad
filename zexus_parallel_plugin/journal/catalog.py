"""The runs whose journals are in the directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.codec import decode
from zexus_parallel_plugin.journal.estimates import speedup
from zexus_parallel_plugin.journal.places import SUFFIX, PlaceError, directory, is_live
from zexus_parallel_plugin.journal.reader import JournalError, read_start
from zexus_parallel_plugin.paths import is_file

__all__ = ["PlaceError", "Run", "Totals", "find", "runs", "totals"]

_TAIL = 4096
_MOST_TAIL = 1 << 20
_FAILURES = frozenset(
    f"worker-{cause}"
    for cause in ("died", "timeout", "error", "memory", "unsendable", "undecodable", "broken")
)


@dataclass(frozen=True, slots=True)
class Run:
    """A journal in the directory.

    Attributes:
        id: what people type. path: the file. start: its first event. state: running, finished, failed,
        interrupted, or ``gone``: the process was ended without a last line.
        size, changed: of the file; bytes, and seconds since 1970.
    """

    id: str
    path: Path
    start: ev.RunStart
    state: str
    size: int
    changed: float


def runs(place: Path | None = None) -> list[Run]:
    """All journals in the directory, the newest first. Files that are no journals are left out."""
    place = directory() if place is None else place
    try:
        paths = [path for path in place.iterdir() if path.suffix == SUFFIX]
    except OSError:
        return []
    found = [run for path in paths if (run := _run(path)) is not None]
    return sorted(found, key=lambda run: (run.start.time, run.id), reverse=True)


def _run(path: Path) -> Run | None:
    try:
        start = read_start(path)
        found = path.stat()
        last = _last_events(path, _TAIL)
    except (JournalError, OSError):
        return None
    end = last[-1] if last else None
    state = end.state if isinstance(end, ev.RunEnd) else "running" if is_live(start) else "gone"
    return Run(path.name.removesuffix(SUFFIX), path, start, state, found.st_size, found.st_mtime)


def find(name: str | None, place: Path | None = None) -> Path:
    """The journal that a person means: an id or the beginning of one, a path, or ``None`` for the newest run.

    :raises PlaceError: there is none, or several.
    """
    place = directory() if place is None else place
    known = runs(place)
    if name is None:
        if not known:
            raise PlaceError(f"there are no runs in {place}: run a program first, or name a journal")
        return known[0].path
    if "/" in name or os.sep in name or name.endswith(SUFFIX):
        path = Path(name)
        try:
            path.stat()
        except FileNotFoundError:
            raise PlaceError(f"{name}: there is no such file") from None
        except OSError as error:
            raise PlaceError(f"{name}: {error.strerror}") from None
        return path
    matching = [run for run in known if run.id == name] or [run for run in known if run.id.startswith(name)]
    if len(matching) == 1:
        return matching[0].path
    if not matching:
        if is_file(Path(name)):
            return Path(name)
        raise PlaceError(f"there is no run {name!r} in {place}; `zexus-parallel runs` lists them")
    some = ", ".join(run.id for run in matching[:3])
    raise PlaceError(f"{name!r} may be one of {len(matching)} runs: {some} …; write more of it")


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run came to, or has come to so far: seconds, tasks, calls, and an estimate of the speed-up.

    ``failed`` counts tasks that failed on their workers for good. ``error`` is what ended the program.
    """

    seconds: float
    tasks: int = 0
    committed: int = 0
    thrown: int = 0
    failed: int = 0
    speedup: float | None = None
    error: str = ""
    left_to_host: str = ""


def totals(run: Run) -> Totals:
    """The totals of a run, from the end of its journal only: a journal can be large."""
    tail = _TAIL
    while True:
        events = _last_events(run.path, tail)
        metrics = next((event for event in reversed(events) if isinstance(event, ev.Metrics)), None)
        if metrics is not None or tail >= min(run.size, _MOST_TAIL):
            break
        tail *= 8
    seconds = max((event.t for event in events), default=0.0)
    end = events[-1] if events and isinstance(events[-1], ev.RunEnd) else None
    error, host = (end.error, end.left_to_host) if end is not None else ("", "")
    if metrics is None:
        return Totals(seconds, error=error, left_to_host=host)
    counts, reasons = metrics.counts, metrics.reasons
    return Totals(
        seconds=seconds,
        tasks=int(counts.get("tasks_sent", 0)),
        committed=int(counts.get("calls_committed", 0)),
        thrown=int(counts.get("calls_thrown_away", 0)),
        failed=sum(count for code, count in reasons.items() if code in _FAILURES),
        speedup=speedup(
            seconds,
            waited=counts.get("waited_seconds", 0.0),
            ahead=counts.get("ahead_seconds", 0.0),
            committed=counts.get("committed_seconds", 0.0),
        ),
        error=error,
        left_to_host=host,
    )


def _last_events(path: Path, tail: int) -> list[ev.Event]:
    """The events in the last bytes of a journal; what is no whole line is left out."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - tail))
            lines = file.read().split(b"\n")
    except OSError:
        return []
    found = []
    for line in lines if size <= tail else lines[1:]:
        try:
            event = decode(line)
        except ValueError:
            continue
        if event is not None:
            found.append(event)
    return found
