"""Room for the frames of a program."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tests.runtime.running import compiled, machine
from zexus_parallel_plugin import room
from zexus_parallel_plugin.room import with_room
from zexus_parallel_plugin.runtime.pool import worker
from zexus_parallel_plugin.runtime.pool.frames import Kind


def deep(levels: int) -> int:
    return 1 + deep(levels - 1) if levels else 0


def test_calls_and_errors_go_through() -> None:
    assert with_room(deep, 500) == 500
    with pytest.raises(ZeroDivisionError):
        with_room(lambda: 1 // 0)


def test_room_can_be_had_within_a_room_and_in_a_thread() -> None:
    assert with_room(with_room, deep, 20) == 20
    found = []
    thread = threading.Thread(target=lambda: found.append(with_room(deep, 20)))
    thread.start()
    thread.join()
    assert found == [20]


def names() -> list[str]:
    """The functions that are being called, innermost first."""
    frame, found = sys._getframe(), []
    while frame.f_back is not None:
        frame = frame.f_back
        found.append(frame.f_code.co_name)
    return found


def test_it_costs_two_python_frames() -> None:
    assert with_room(names)[:2] == ["_large", "with_room"]
    assert len(with_room(names)) - len(names()) == 2


def test_the_frame_is_larger_than_a_block() -> None:
    assert room._large.__code__.co_stacksize * 8 > 16 * 1024


def test_programs_have_it() -> None:
    vm = machine({"worker_count": 1})
    vm.builtins["names"] = lambda *_: names()
    try:
        assert "_large" in vm.execute(compiled("return names();"))
    finally:
        vm.close()


def test_workers_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    monkeypatch.setattr(worker, "_make_handler", lambda _frame: object())
    monkeypatch.setattr(worker, "_serve", lambda *_: found.extend(names()) or 0)
    endpoint: Any = SimpleNamespace(receive=lambda: SimpleNamespace(kind=Kind.INIT), send=lambda *_: None)
    assert worker.run_worker(endpoint) == 0
    assert "_large" in found
