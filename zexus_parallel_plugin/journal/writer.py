"""Writing a journal: a buffer and a file. What goes wrong with the file ends the journal, never the run."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

from zexus_parallel_plugin.journal import places
from zexus_parallel_plugin.paths import exists, is_directory

__all__ = ["JournalWriter", "check_target", "open_journal"]

_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class JournalWriter:
    """An open journal. Only the process that has opened it writes: one forked from it has a copy of the
    buffer, which must not end up in the file twice.

    Attributes:
        path: the file. run: id of the run. name: what a person types to name it.
        failure: why nothing is written any more; empty: it is. written: bytes in the file.
    """

    def __init__(self, path: Path, run: str, file: int, name: str) -> None:
        self.path = path
        self.run = run
        self.name = name
        self.failure = ""
        self.written = 0
        self._file: int | None = file
        self._pid = os.getpid()
        self._lines: list[str] = []

    @property
    def open(self) -> bool:
        """Whether what is added will be written."""
        return self._file is not None and self._pid == os.getpid()

    def add(self, kind: str, t: float, fields: dict[str, Any]) -> None:
        """Take an event; :meth:`flush` writes it. ``fields`` are those of its record (`journal.events`)."""
        if self._file is not None:
            self._lines.append(_encode({"e": kind, "t": round(t, 6), **fields}) + "\n")

    def flush(self) -> None:
        """Write what has been taken. After a failure nothing is written any more."""
        if not self._lines or not self.open:
            return
        data = "".join(self._lines).encode("ascii")
        self._lines.clear()
        assert self._file is not None
        try:
            view = memoryview(data)
            while view:
                done = os.write(self._file, view)
                self.written += done
                view = view[done:]
        except OSError as error:
            self.failure = error.strerror or str(error)
            self._close()

    def close(self) -> None:
        """Write the rest and close; may be repeated."""
        self.flush()
        if self.open:
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        self._lines.clear()
        if file is not None:
            with contextlib.suppress(OSError):  # a network file system may complain now
                os.close(file)


def check_target(target: str) -> None:
    """See whether a journal can be written to where a person wants it.

    :raises ValueError: one line that says why not.
    """
    path = Path(target).expanduser()
    if _is_directory(target, path):
        _check_directory(path)
        return
    if not is_directory(path.parent):
        raise ValueError(f"there is no directory {path.parent}")
    try:
        found = path.lstat()
    except FileNotFoundError:
        _check_writable(path.parent)
        return
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    if stat.S_ISLNK(found.st_mode):
        raise ValueError(f"{path} is a link, which is not followed")
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path} is not a file")
    _check_writable(path)
    if found.st_size and not places.first_line(path):
        raise ValueError(f"{path} is there and is no journal; it is not overwritten")


def _is_directory(target: str, path: Path) -> bool:
    return is_directory(path) or target.endswith(("/", os.sep))


def _check_directory(path: Path) -> None:
    """What is missing of it will be made."""
    while not exists(path) and path != path.parent:
        path = path.parent
    if not is_directory(path):
        raise ValueError(f"{path} is not a directory")
    _check_writable(path)


def _check_writable(path: Path) -> None:
    if not os.access(path, os.W_OK):
        raise ValueError(f"{path.absolute()} cannot be written to")


def open_journal(target: str, keep: int) -> JournalWriter:
    """Begin a journal: in the usual place for an empty ``target``, else in a file or directory.

    Only the usual place is tidied up: the oldest journals but ``keep`` are removed.

    :raises OSError, places.PlaceError, ValueError: it cannot be made.
    """
    run = places.new_id(time.time(), os.getpid())
    if target:
        check_target(target)
        path = Path(target).expanduser()
        if not _is_directory(target, path):
            file = os.open(path, _FLAGS, 0o600)
            os.fchmod(file, 0o600)
            os.ftruncate(file, 0)
            return JournalWriter(path.absolute(), run, file, target)
        path.mkdir(parents=True, exist_ok=True)
        return _in_directory(path, run, shown=target)
    place = places.open_directory()
    places.prune(max(0, keep - 1), place)
    return _in_directory(place, run)


def _in_directory(place: Path, run: str, shown: str = "") -> JournalWriter:
    """A file that was not there before; a process that runs several programs has several."""
    name, number = run, 1
    while True:
        path = place / (name + places.SUFFIX)
        try:
            file = os.open(path, _FLAGS | os.O_EXCL, 0o600)
        except FileExistsError:
            number += 1
            name = f"{run}-{number}"
            continue
        os.fchmod(file, 0o600)
        return JournalWriter(path.absolute(), name, file, os.path.join(shown, path.name) if shown else name)  # noqa: PTH118
