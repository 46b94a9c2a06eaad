"""Variables that several threads and processes share.

Without a manager they live in an SQLite database in a directory of their own, in memory where the system has
such a place. So there is no server process and no thread, a fork takes the variables along, and a process
that dies in the middle of a write leaves the state as it was before.
"""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

__all__ = ["SharedState"]

_MEMORY = Path("/dev/shm")  # noqa: S108 - only as the parent of a private directory


class SharedState:
    """Variables by name. Every method is atomic; values are copied on their way in and out.

    Can be used by any number of threads and processes at once, and can be given to other processes: by a
    fork, or as an argument (it can be pickled). What is written must be something that :mod:`pickle` takes.
    The variables are gone when the process that made them lets go of the object.

    With a ``multiprocessing`` manager they are kept there instead, as the host's class does it.

    >>> state = SharedState()
    >>> state.write("x", 10)
    >>> state.read("x"), state.read("nothing")
    (10, None)
    >>> state.batch_write({"a": 1, "b": 2})
    >>> state.batch_read(["a", "b"]), state.has("c")
    ({'a': 1, 'b': 2}, False)
    >>> with state.lock:  # nobody else reads or writes meanwhile
    ...     state.write("x", state.read("x") + 1)
    >>> state.snapshot()
    {'x': 11, 'a': 1, 'b': 2}
    >>> state.clear()
    >>> state.snapshot()
    {}
    """

    def __init__(self, manager: Any | None = None) -> None:
        self.lock: Any
        self.variables: MutableMapping[str, Any]
        if manager is not None:
            self.variables = manager.dict()
            self.lock = manager.RLock()
        else:
            self.lock = self.variables = _Variables()

    def read(self, key: str) -> Any:
        """Value of a variable, None if there is none of that name."""
        with self.lock:
            return self.variables.get(key)

    def write(self, key: str, value: Any) -> None:
        """Set a variable."""
        with self.lock:
            self.variables[key] = value

    def batch_read(self, keys: Iterable[str]) -> dict[str, Any]:
        """Values of several variables as they are at one moment; None for those that do not exist."""
        with self.lock:
            return {key: self.variables.get(key) for key in keys}

    def batch_write(self, updates: Mapping[str, Any]) -> None:
        """Set several variables at one moment."""
        with self.lock:
            self.variables.update(updates)

    def has(self, key: str) -> bool:
        """Whether there is a variable of that name."""
        with self.lock:
            return key in self.variables

    def snapshot(self) -> dict[str, Any]:
        """A copy of all variables as they are at one moment."""
        with self.lock:
            return dict(self.variables.items())

    def clear(self) -> None:
        """Remove all variables."""
        with self.lock:
            self.variables.clear()

    def detect_conflict(self, key: str) -> bool:  # noqa: ARG002 - the signature of the host's class
        """Always False, as in the host's class: conflicts are found by dependence analysis, beforehand."""
        return False


class _Variables(MutableMapping[str, Any]):
    """The database as a mapping, and as the lock of itself: one transaction at a time."""

    def __init__(self) -> None:
        parent = str(_MEMORY) if os.access(_MEMORY, os.W_OK) else None
        self._directory = Path(tempfile.mkdtemp(prefix="zexus-shared-", dir=parent))
        self._set_up()
        weakref.finalize(self, _remove, str(self._directory), os.getpid())
        with self:
            self._run("CREATE TABLE variable (name TEXT PRIMARY KEY, value BLOB NOT NULL)")

    def _set_up(self) -> None:
        """Have nothing open yet in this process."""
        self._pid = os.getpid()
        self._threads = threading.RLock()
        self._depth = 0
        self._gate: Any = None
        self._connection: Any = None

    def __getstate__(self) -> str:
        return str(self._directory)

    def __setstate__(self, directory: str) -> None:
        self._directory = Path(directory)
        self._set_up()

    def __enter__(self) -> _Variables:  # noqa: PYI034 - typing.Self came with Python 3.11
        if self._pid != os.getpid():
            # After a fork: what was open belongs to the other process, and must not even be closed here.
            _ABANDONED.append(self._connection)
            self._set_up()
        self._threads.acquire()
        try:
            if not self._depth:
                self._begin()
        except BaseException:
            self._threads.release()
            raise
        self._depth += 1
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._depth -= 1
        try:
            if not self._depth:
                self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
                _unlock(self._gate)
        finally:
            self._threads.release()

    def _begin(self) -> None:
        import fcntl

        if self._connection is None:
            self._connect()
        # SQLite waits for locks by asking again and again; this waits in the system.
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            _unlock(self._gate)
            raise

    def _connect(self) -> None:
        import sqlite3

        self._gate = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._connection = connection = sqlite3.connect(
            self._directory / "variables", isolation_level=None, timeout=60, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")
        weakref.finalize(self, _disconnect, connection, self._gate, self._pid)

    def _run(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        rows: list[Any] = self._connection.execute(statement, values).fetchall()
        return rows

    # -- the mapping

    def __getitem__(self, name: str) -> Any:
        with self:
            rows = self._run("SELECT value FROM variable WHERE name = ?", (name,))
        if not rows:
            raise KeyError(name)
        return pickle.loads(rows[0][0])

    def __setitem__(self, name: str, value: Any) -> None:
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        upsert = "INSERT INTO variable VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        with self:
            self._run(upsert, (name, data))

    def __delitem__(self, name: str) -> None:
        with self:
            if name not in self:
                raise KeyError(name)
            self._run("DELETE FROM variable WHERE name = ?", (name,))

    def __contains__(self, name: object) -> bool:
        with self:
            return bool(self._run("SELECT 1 FROM variable WHERE name = ?", (name,)))

    def __iter__(self) -> Iterator[str]:
        with self:
            return iter([row[0] for row in self._run("SELECT name FROM variable ORDER BY rowid")])

    def __len__(self) -> int:
        with self:
            return int(self._run("SELECT count(*) FROM variable")[0][0])

    def clear(self) -> None:
        """Remove all."""
        with self:
            self._run("DELETE FROM variable")


_ABANDONED: list[Any] = []
"""Connections of another process, kept from being closed in this one."""


def _unlock(gate: int) -> None:
    import fcntl

    fcntl.flock(gate, fcntl.LOCK_UN)


def _disconnect(connection: Any, gate: int, pid: int) -> None:
    if os.getpid() == pid:
        connection.close()
        os.close(gate)


def _remove(directory: str, owner_pid: int) -> None:
    if os.getpid() == owner_pid:
        shutil.rmtree(directory, ignore_errors=True)
