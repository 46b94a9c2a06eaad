"""Pools for tests, over all start methods; every test leaves the process as it found it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # workers import pool_handler by its name

from pool_handler import call, open_descriptors
from pool_helpers import PATIENCE

from zexus_parallel_plugin.runtime.pool import PoolSettings, WorkerSupervisor, forking, launch

METHODS = ["template", "forkserver", "spawn", "connection"]  # the last: spawn over the pipes that Windows has
MakePool = Callable[..., WorkerSupervisor]


def traces() -> dict[str, Any]:
    return {
        "children": {child.pid for child in psutil.Process().children(recursive=True)},
        "descriptors": len(open_descriptors()),
        "threads": {thread.ident for thread in threading.enumerate()},
    }


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = traces()
    yield
    deadline = time.monotonic() + PATIENCE
    while (after := traces()) != before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert after == before


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Gate:
    """Keeps tasks from ending until the test opens it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def call(self) -> bytes:
        """The payload of a task that waits for it, and then returns ``passed``."""
        return call("gate", str(self._path))

    def open(self) -> None:
        """Let the tasks end."""
        self._path.touch()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "gate")


@pytest.fixture
def events() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def make_pool(
    method: str, events: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakePool]:
    # pytest's own watchdog is a thread; it takes no locks, so a fork is safe all the same.
    monkeypatch.setattr(forking, "has_threads", lambda: False)
    if method == "connection":
        monkeypatch.setattr(launch, "TRANSPORT", "connection")
    pools: list[WorkerSupervisor] = []

    def make(**changes: Any) -> WorkerSupervisor:
        settings = {"size": 2, "handler": "pool_handler:Handler", "retry_delay": 0.001, **changes}
        settings["start_method"] = "spawn" if method == "connection" else method
        pool = WorkerSupervisor(PoolSettings(**settings), emit=lambda kind, **f: events.append((kind, f)))
        pools.append(pool)
        if method == "template":
            assert pool.prepare() == ""
        return pool

    yield make
    for pool in pools:
        pool.close(kill=True)


@pytest.fixture
def pool(make_pool: MakePool) -> WorkerSupervisor:
    return make_pool()
