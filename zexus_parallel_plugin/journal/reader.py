"""Reading a journal, also one that is still being written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.journal.codec import decode
from zexus_parallel_plugin.journal.events import VERSION, RunStart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zexus_parallel_plugin.journal.events import Event

__all__ = ["JournalError", "JournalReader", "read_all", "read_start"]

_PIECE = 1 << 18
_LONGEST_LINE = 1 << 24


class JournalError(ZexusParallelError):
    """A journal cannot be opened, or is none."""


class JournalReader:
    """Reads the events of a journal piece by piece, as the file grows.

    Nothing that is in the file makes it fail: lines that are no events are counted and left out, a last line
    without an end is waited for, and when the file has become shorter or is another one, reading begins anew.

    Attributes:
        path: the file.
        offset: bytes that have been read as whole lines.
        size: size of the file at the last look.
        corrupt: lines that were no events; first_corrupt: what was wrong with the first one.
        unknown: lines of a kind that this version does not know.
        generation: how often reading began anew. When it changes, what was made of earlier events is void.
        version: version of the schema that the journal says it has; 0 before its first line.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._file: int | None = None
        self._identity: tuple[int, int] | None = None
        self._rest = b""
        self._skipping = False
        self.offset = 0
        self.size = 0
        self.corrupt = 0
        self.first_corrupt = ""
        self.unknown = 0
        self.generation = 0
        self.version = 0

    def __enter__(self) -> JournalReader:  # noqa: PYI034 - typing.Self came with Python 3.11
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; may be repeated, and reading opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def behind(self) -> int:
        """Bytes that were in the file at the last look and have not been read."""
        return max(0, self.size - self.offset)

    def poll(self, limit: int | None = None) -> list[Event]:
        """The events that have come since the last call; none if there are none, or there is no file (yet).

        :param limit: stop after about so many bytes; :attr:`behind` tells whether there is more.
        :raises JournalError: the file is there and cannot be read.
        """
        try:
            if not self._look():
                return []
            return self._read(limit)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be read: {error.strerror}") from None

    def _look(self) -> bool:
        """Open the file, or find that it is another one now; whether there is one."""
        try:
            now = Path(self.path).stat()
        except FileNotFoundError:
            # It was removed: what is open can still be read to its end.
            if self._file is None:
                return False
            now = os.fstat(self._file)
        identity = now.st_dev, now.st_ino
        if self._file is None:
            self._file = os.open(self.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | os.O_NONBLOCK)
            opened = os.fstat(self._file)
            if self._identity not in {None, (opened.st_dev, opened.st_ino)}:
                self._begin_anew()
            self._identity = opened.st_dev, opened.st_ino
            now = opened
        elif identity != self._identity:
            self.close()
            return self._look()
        if now.st_size < self.offset:
            self._begin_anew()
        self.size = now.st_size
        return True

    def _begin_anew(self) -> None:
        self.generation += 1
        self.offset = self.corrupt = self.unknown = self.version = 0
        self.first_corrupt = ""
        self._rest = b""
        self._skipping = False

    def _read(self, limit: int | None) -> list[Event]:
        assert self._file is not None
        events: list[Event] = []
        read = 0
        while limit is None or read < limit:
            data = os.pread(self._file, _PIECE, self.offset + len(self._rest))
            if not data:
                break
            read += len(data)
            lines = (self._rest + data).split(b"\n")
            self._rest = lines.pop()
            for line in lines:
                self.offset += len(line) + 1
                self._take(line, events)
            if len(self._rest) > _LONGEST_LINE:
                # Nothing that we have written is as long: do not keep it in memory.
                self.offset += len(self._rest)
                self._rest = b""
                self._skipping = True
        return events

    def _take(self, line: bytes, events: list[Event]) -> None:
        if self._skipping:
            self._skipping = False
            self._is_corrupt("a line is too long")
            return
        if not line:
            return
        try:
            event = decode(line)
        except ValueError as error:
            self._is_corrupt(str(error))
            return
        if event is None:
            self.unknown += 1
            return
        if isinstance(event, RunStart):
            self.version = event.v
        events.append(event)

    def _is_corrupt(self, what: str) -> None:
        self.corrupt += 1
        self.first_corrupt = self.first_corrupt or what


def read_all(path: str | os.PathLike[str]) -> Iterator[Event]:
    """All events that are in a journal now.

    :raises JournalError: the file cannot be read, is no journal, or one of a later version.
    """
    read_start(path)
    with JournalReader(path) as reader:
        yield from reader.poll()


def read_start(path: str | os.PathLike[str]) -> RunStart:
    """The first event of a journal.

    :raises JournalError: the file cannot be read, is no journal, or one of a later version.
    """
    try:
        with Path(path).open("rb") as file:
            line = file.readline(_LONGEST_LINE)
    except OSError as error:
        raise JournalError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from None
    try:
        start = decode(line)
    except ValueError:
        start = None
    if not isinstance(start, RunStart):
        raise JournalError(f"{os.fspath(path)} is not a journal: its first line is not a run.start")
    if start.v > VERSION:
        raise JournalError(
            f"{os.fspath(path)} is a journal of version {start.v}, this program reads up to {VERSION};"
            " update zexus-parallel-plugin"
        )
    return start
