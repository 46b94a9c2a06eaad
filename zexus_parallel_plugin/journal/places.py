"""Where journals are, and which are kept."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.journal.processes import is_running
from zexus_parallel_plugin.paths import is_directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zexus_parallel_plugin.journal.events import RunStart

__all__ = ["SUFFIX", "PlaceError", "directory", "first_line", "is_live", "new_id", "open_directory", "prune"]

SUFFIX = ".jsonl"
_LONGEST_LINE = 1 << 20
_LAST_BYTES = 4096
_END = b'{"e":"run.end",'


class PlaceError(ZexusParallelError):
    """The directory of the journals is not as it must be, or there is no such run."""


def directory(environ: Mapping[str, str] | None = None) -> Path:
    """Where the journals of this user are; it need not be there."""
    environ = os.environ if environ is None else environ
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_absolute() and is_directory(Path(runtime)):
        return Path(runtime) / "zexus-parallel"
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"zexus-parallel-{user}"


def open_directory(place: Path | None = None, *, option: str = "--journal PATH") -> Path:
    """The directory, made if need be, readable for the user alone.

    :param option: what to use for another place.
    :raises PlaceError: it belongs to somebody else, or is no directory.
    :raises OSError: it cannot be made.
    """
    place = directory() if place is None else place
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o700)
        place.chmod(0o700)  # whatever the umask is
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise PlaceError(f"{place} is not a directory: remove it, or use {option}")
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        raise PlaceError(f"{place} belongs to another user: use {option}")
    if found.st_mode & 0o077:
        place.chmod(0o700)
    return place


def new_id(now: float, pid: int) -> str:
    """An id for a run: when it was started, in local time, and its process."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{pid}"


def is_live(start: RunStart) -> bool:
    """Whether the main process of a run is there."""
    return is_running(start.pid, start.started)


def prune(keep: int, place: Path | None = None, spare: Iterable[Path] = ()) -> list[Path]:
    """Remove the oldest journals but ``keep``, those of runs that go on not; returns what was removed.

    Looks at names and times of files only, unless there are too many.
    """
    place = directory() if place is None else place
    try:
        paths = [path for path in place.iterdir() if path.suffix == SUFFIX]
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
        if path in spared or _is_live(path):
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


def first_line(path: Path) -> dict[str, Any]:
    """The fields of the first line of a journal; empty if the file is none."""
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_LINE)
        data = json.loads(line)
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) and data.get("e") == "run.start" else {}


def _is_live(path: Path) -> bool:
    """Whether a journal has no end, and the process of its run is there."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_BYTES))
            last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
    except OSError:
        return False
    if last.startswith(_END):
        return False
    data = first_line(path)
    pid, mark = data.get("pid"), data.get("started", "")
    return isinstance(pid, int) and isinstance(mark, str) and is_running(pid, mark)
