"""Translations kept on disk: generated source, and what Python's compiler made of it, for later runs.

One file for each program and version, read when code gets warm, written at the end of the run. What is in it
is found by a digest of all that it was made of, so an entry can be missing, but never be the wrong one. It is
trusted as much as Python's own ``__pycache__``: it must belong to the user, in a directory of the user.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import marshal
import os
import stat
import sys
import time
from collections import Counter
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine.compiler.translator import Translator
from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.journal.places import open_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MOST_BYTES", "SUFFIX", "Translations", "cache_directory", "usage"]

SUFFIX = ".zxc"
MOST_BYTES = 32 << 20
"""Size of the directory above which the files that were not used for the longest time go."""

_MAGIC = b"zexus-parallel translations 2\n"
_HOT = b"hot"
_HOME = Path(__file__).parent
_CHECKSUM = 32
_MOST_OF_ONE = 2 << 20  # bytes of code in one file; generated code of a large program is a tenth of that
_MOST_FILES = 500
_UNFINISHED = 3600.0  # seconds after which a file that is being written belongs to a process that has died
_TOUCH_AFTER = 86400.0  # seconds after which a file that is in use is marked as such again


def cache_directory(setting: str = "auto", environ: Mapping[str, str] | None = None) -> Path:
    """Where translations are; it need not be there.

    As the XDG base directory specification has it, a relative ``XDG_CACHE_HOME`` is nothing (libraries
    for such directories take it, and the cache would be another one in each working directory).

    :param setting: the setting ``cache``: ``auto``, or the directory to have it in.
    """
    environ = os.environ if environ is None else environ
    if setting != "auto":
        return Path(setting).absolute() / "zexus-parallel"
    base = environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "zexus-parallel"
    home = Path(environ.get("HOME") or Path.home())
    parts = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)
    return home.joinpath(*parts, "zexus-parallel")


class Translations(Translator):
    """The translations of one program.

    ``hits``: units whose code was there; ``drawn``: those whose source was. ``problems``: what went wrong,
    by reason code: each costs time, and nothing else. ``failure``: what the system said to the last of them.
    """

    keeps = True

    def __init__(self, place: Path, program: str, versions: str) -> None:
        """
        :param place: the directory.
        :param program: what tells programs apart, such as a path.
        :param versions: of this project and of the host.
        """
        python = (sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER.hex(), sys.flags.optimize)
        self._stamp = repr((versions, python, _engine())).encode()
        name = hashlib.blake2b(repr((program, self._stamp)).encode(), digest_size=16).hexdigest()
        self.path = place / (name + SUFFIX)
        self.hits = self.drawn = 0
        self.problems: Counter[str] = Counter()
        self.failure = ""
        self._process = os.getpid()
        self._used: dict[bytes, bytes] = {}
        self._has_news = False
        self._changed = 0.0
        self._stored = self._read()
        hot = self._loaded(_HOT)
        self.hot = hot if type(hot) is dict else {}

    def compile(self, source: str, filename: str) -> CodeType:
        """What ``compile`` makes of a module's source.

        :raises Exception: what ``compile`` raises.
        """
        text = f"{filename}\0{source}".encode("utf-8", "surrogatepass")
        key = hashlib.blake2b(text, digest_size=_CHECKSUM).digest()
        code = self._loaded(key)
        if isinstance(code, CodeType) and code.co_filename == filename:
            self.hits += 1
            return code
        if code is not None:
            self.drop(key)
        made = super().compile(source, filename)
        self.keep(key, made)
        return made

    def find(self, key: bytes) -> Any:
        """The data that was kept under a key, None if there is none."""
        found = self._loaded(key)
        self.drawn += found is not None
        return found

    def keep(self, key: bytes, data: Any) -> None:
        """Keep plain data, or a code object, for later runs."""
        self._used[key] = marshal.dumps(data)
        self._has_news = True

    def drop(self, key: bytes) -> None:
        """Drop an entry that is not what it should be."""
        self._stored.pop(key, None)
        self._used.pop(key, None)
        self.problems["cache-damaged"] += 1

    def note_hot(self, hot: dict[tuple[bytes, int], tuple[int, ...]]) -> None:
        """Note what of the program has been worth compiling in this run or in an earlier one."""
        if hot != self.hot:
            self.hot = hot
            self.keep(_HOT, hot)

    def _loaded(self, key: bytes) -> Any:
        data = self._used.get(key) or self._stored.get(key)
        if data is None:
            return None
        found = _load(data)
        if found is None:
            self.drop(key)
        else:
            self._used[key] = data
        return found

    def save(self) -> None:
        """Write what is new, at the end of the run; does nothing in a copy of the process."""
        if os.getpid() != self._process:
            return
        try:
            if self._has_news:
                self._has_news = False
                self._write()
            elif self.hits and time.time() - self._changed > _TOUCH_AFTER:
                os.utime(self.path)
        except (OSError, ZexusParallelError) as error:
            self._note("cache-not-written", error)

    def _read(self) -> dict[bytes, bytes]:
        try:
            content = self._content()
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            self._note("cache-not-read", error)
            return {}
        payload = content[len(_MAGIC) + _CHECKSUM :]
        if content[: len(_MAGIC) + _CHECKSUM] == _MAGIC + self._checksum(payload):
            entries = _load(payload)
            if isinstance(entries, dict):
                return entries
        self.problems["cache-damaged"] += 1
        with contextlib.suppress(OSError):
            self.path.unlink()
        return {}

    def _note(self, problem: str, error: Exception) -> None:
        self.problems[problem] += 1
        self.failure = str(error)
        if isinstance(error, OSError):
            words = "Not a directory" if isinstance(error, FileExistsError) else error.strerror or str(error)
            self.failure = f"{error.filename or self.path.parent}: {words}"

    def _content(self) -> bytes:
        """All of the file.

        :raises OSError: it cannot be read, or it is not the user's alone.
        """
        _require_own(self.path.parent.lstat(), stat.S_ISDIR)
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(self.path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            status = os.fstat(file.fileno())
            _require_own(status, stat.S_ISREG)
            self._changed = status.st_mtime
            return file.read(2 * _MOST_OF_ONE)

    def _checksum(self, payload: bytes) -> bytes:
        return hashlib.blake2b(self._stamp + b"\0" + payload, digest_size=_CHECKSUM).digest()

    def _write(self) -> None:
        self.path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = open_directory(self.path.parent, option="--cache DIR")
        entries: dict[bytes, bytes] = {}
        room = _MOST_OF_ONE
        # What this run used comes first; what it did not use may stay as long as there is room.
        for key, data in {**self._used, **self._stored}.items():
            room -= len(key) + len(data)
            if room < 0:
                break
            entries[key] = data
        payload = marshal.dumps(entries)
        unfinished = place / f"{self.path.stem}-{self._process}.tmp"
        with contextlib.suppress(FileNotFoundError):
            unfinished.unlink()  # of a process that had this number, and died
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
                if hasattr(os, "fchmod"):
                    os.fchmod(file.fileno(), 0o600)  # whatever the umask is
                file.write(_MAGIC + self._checksum(payload) + payload)
            unfinished.replace(self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
        _prune(place)


def _engine() -> list[tuple[str, int, int]]:
    """Names, sizes and times of the modules that decide what generated code looks like: within one version
    they may change in a checkout.
    """
    found = []
    for place in (_HOME, _HOME.parent, _HOME.parent / "fastcalls"):
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append((entry.name, status.st_size, status.st_mtime_ns))
    return sorted(found)


def usage(place: Path) -> tuple[int, int]:
    """Number and bytes of the files in a directory of translations."""
    found = [size for _used, size, _path in _files(place)]
    return len(found), sum(found)


def _require_own(status: os.stat_result, is_kind: Callable[[int], bool]) -> None:
    """Make sure of a file or directory.

    :raises OSError: it is of another kind, of another user, or others may write it.
    """
    mine = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)
    if not (is_kind(status.st_mode) and mine):
        raise PermissionError("not a file of this user alone")


def _load(data: bytes) -> object:
    """An object as ``marshal`` wrote it; None if it is damaged."""
    try:
        loaded: object = marshal.loads(data)  # noqa: S302 - of a file of the user's own, with its checksum
    except (ValueError, EOFError, TypeError):
        return None
    return loaded


def _files(place: Path) -> list[tuple[float, int, Path]]:
    """Time of the last use, size and path of all files of translations; none if that cannot be told."""
    found = []
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name.endswith((SUFFIX, ".tmp")):
                    with contextlib.suppress(OSError):
                        status = entry.stat(follow_symlinks=False)
                        found.append((status.st_mtime, status.st_size, Path(entry.path)))
    except OSError:
        return []
    return found


def _prune(place: Path) -> None:
    """Remove what was not used for the longest time, as far as there is too much."""
    room, now = MOST_BYTES, time.time()
    for count, (used, size, path) in enumerate(sorted(_files(place), reverse=True), 1):
        room -= size
        if room < 0 or count > _MOST_FILES or (path.suffix == ".tmp" and now - used > _UNFINISHED):
            with contextlib.suppress(OSError):
                path.unlink()
