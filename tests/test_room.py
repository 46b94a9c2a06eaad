"""Room for the frames of a program."""

from __future__ import annotations

import sys
import threading

import pytest

from zexus_parallel_plugin.room import with_room


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


def test_it_costs_two_python_frames() -> None:
    def frames() -> int:
        frame, count = sys._getframe(), 0
        while frame.f_back is not None:
            frame, count = frame.f_back, count + 1
        return count

    assert with_room(frames) - frames() == 2
