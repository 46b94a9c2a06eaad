"""The runs whose journals are in the directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.places import SUFFIX, PlaceError, directory, is_live
from zexus_parallel_plugin.journal.reader import JournalError, read_start

__all__ = ["PlaceError", "Run", "find", "runs"]

_TAIL = 4096


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
        end = _last_event(path, found.st_size)
    except (JournalError, OSError):
        return None
    state = end.state if isinstance(end, ev.RunEnd) else "running" if is_live(start) else "gone"
    return Run(path.name.removesuffix(SUFFIX), path, start, state, found.st_size, found.st_mtime)


def _last_event(path: Path, size: int) -> ev.Event | None:
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL))
        whole = file.read().rpartition(b"\n")[0]
    try:
        return ev.decode(whole.rpartition(b"\n")[2])
    except ValueError:
        return None


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
        if not path.exists():
            raise PlaceError(f"{name}: there is no such file")
        return path
    matching = [run for run in known if run.id == name] or [run for run in known if run.id.startswith(name)]
    if len(matching) == 1:
        return matching[0].path
    if not matching:
        if Path(name).is_file():
            return Path(name)
        raise PlaceError(f"there is no run {name!r} in {place}; `zexus-parallel runs` lists them")
    some = ", ".join(run.id for run in matching[:3])
    raise PlaceError(f"{name!r} may be one of {len(matching)} runs: {some} …; write more of it")
