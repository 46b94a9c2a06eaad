"""Where journals are, which there are, and which are kept."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.control import is_running
from zexus_parallel_plugin.journal.reader import JournalError, read_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "PlaceError",
    "Run",
    "directory",
    "find",
    "is_live",
    "new_id",
    "open_directory",
    "prune",
    "runs",
]

SUFFIX = ".jsonl"
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TAIL = 4096


class PlaceError(ZexusParallelError):
    """The directory of the journals is not as it must be, or there is no such run."""


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


def directory(environ: Mapping[str, str] | None = None) -> Path:
    """Where the journals of this user are; it need not be there."""
    environ = os.environ if environ is None else environ
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_absolute() and Path(runtime).is_dir():
        return Path(runtime) / "zexus-parallel"
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"zexus-parallel-{user}"


def open_directory(place: Path | None = None) -> Path:
    """The directory, made if need be, readable for the user alone.

    :raises PlaceError: it belongs to somebody else, or is no directory.
    :raises OSError: it cannot be made.
    """
    place = directory() if place is None else place
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o700)
        place.chmod(0o700)  # whatever the umask is
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise PlaceError(f"{place} is not a directory: remove it, or use --journal PATH")
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        raise PlaceError(f"{place} belongs to another user: use --journal PATH")
    if found.st_mode & 0o077:
        place.chmod(0o700)
    return place


def new_id(now: float, pid: int) -> str:
    """An id for a run: when it was started, in local time, and its process."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{pid}"


def is_live(start: ev.RunStart) -> bool:
    """Whether the main process of a run is there."""
    return is_running(start.pid, start.started)


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


def prune(keep: int, place: Path | None = None, spare: Iterable[Path] = ()) -> list[Path]:
    """Remove the oldest journals but ``keep``, those of runs that go on not; returns what was removed.

    Looks at names and times of files only, unless there are too many.
    """
    place = directory() if place is None else place
    try:
        paths = [path for path in place.iterdir() if path.suffix == SUFFIX and _RUN_ID.fullmatch(path.name)]
    except OSError:
        return []
    spared = set(spare)
    if len(paths) <= keep:
        return []
    removed: list[Path] = []
    excess = len(paths) - keep
    for path in sorted(paths, key=_changed):
        if len(removed) >= excess:
            break
        if path in spared:
            continue
        run = _run(path)
        if run is not None and run.state == "running":
            continue
        with contextlib.suppress(OSError):
            path.unlink()
            removed.append(path)
    return removed


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
