"""Shared state: several threads and processes at once, copies, and nothing that stays behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from zexus_parallel_plugin import SharedState

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

INCREMENTS = 200


def count(state: SharedState, times: int) -> None:
    for _ in range(times):
        with state.lock:
            state.write("n", state.read("n") + 1)


def test_reading_and_writing() -> None:
    state = SharedState()
    assert state.read("x") is None
    assert not state.has("x")
    state.write("x", None)
    assert state.has("x")
    state.batch_write({"x": [1, 2], "y": {"k": "v"}})
    assert state.batch_read(["y", "x", "z"]) == {"y": {"k": "v"}, "x": [1, 2], "z": None}
    assert "x" in state.variables
    assert list(state.variables) == ["x", "y"]
    assert len(state.variables) == 2
    del state.variables["x"]
    assert state.snapshot() == {"y": {"k": "v"}}
    with pytest.raises(KeyError):
        state.variables["x"]
    with pytest.raises(KeyError):
        del state.variables["x"]
    assert state.detect_conflict("x") is False
    state.clear()
    assert state.snapshot() == {}


def test_what_is_read_is_a_copy() -> None:
    state = SharedState()
    mine = [1]
    state.write("x", mine)
    mine.append(2)
    state.read("x").append(3)
    state.snapshot()["x"].append(4)
    assert state.read("x") == [1]


def test_what_cannot_be_pickled_is_refused_and_changes_nothing() -> None:
    state = SharedState()
    state.write("x", 1)
    with pytest.raises(Exception, match="pickle"):
        state.batch_write({"x": 2, "y": lambda: None})
    assert state.snapshot() == {"x": 1}


def test_threads_lose_no_update() -> None:
    state = SharedState()
    state.write("n", 0)
    threads = [threading.Thread(target=count, args=(state, INCREMENTS)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.read("n") == 4 * INCREMENTS


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_lose_no_update(method: str) -> None:
    state = SharedState()
    state.write("n", 0)
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=count, args=(state, INCREMENTS)) for _ in range(3)]
    for process in processes:
        process.start()
    count(state, INCREMENTS)
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert state.read("n") == 4 * INCREMENTS


def die_in_the_middle(state: SharedState) -> None:
    with state.lock:
        state.write("x", "half")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_while_it_writes_leaves_the_state_whole() -> None:
    state = SharedState()
    state.write("x", "whole")
    process = multiprocessing.get_context("fork").Process(target=die_in_the_middle, args=(state,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert state.read("x") == "whole"
    state.write("x", "new")
    assert state.read("x") == "new"


def test_an_error_under_the_lock_takes_back_what_was_written() -> None:
    state = SharedState()
    state.write("x", 1)

    def fail() -> None:
        with state.lock:
            state.write("x", 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert state.read("x") == 1


def test_with_a_manager() -> None:
    with multiprocessing.Manager() as manager:
        state = SharedState(manager)
        state.batch_write({"a": 1})
        assert state.snapshot() == {"a": 1}
        assert state.batch_read(["a", "b"]) == {"a": 1, "b": None}
        with state.lock:
            state.write("a", state.read("a") + 1)
        assert state.read("a") == 2


def test_it_goes_with_its_last_user() -> None:
    state = SharedState()
    state.write("x", 1)
    directory = Path(state.variables._directory)  # type: ignore[attr-defined]
    assert directory.is_dir()
    del state
    gc.collect()
    assert not directory.exists()


def test_it_goes_with_the_process(command: Callable[..., Finished]) -> None:
    code = (
        "from zexus_parallel_plugin import SharedState\n"
        "state = SharedState(); state.write('x', 1); print(state.variables._directory)\n"
    )
    done = command("-W", "error", "-c", code)
    assert (done.code, done.stderr) == (0, "")
    assert not Path(done.stdout.strip()).exists()


def test_a_fork_that_ends_leaves_it_to_its_owner() -> None:
    state = SharedState()
    state.write("x", 1)
    child = os.fork()
    if not child:
        status = 0 if state.read("x") == 1 else 1
        del state
        gc.collect()
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert state.read("x") == 1


def test_no_other_user_can_read_it() -> None:
    state = SharedState()
    directory = Path(state.variables._directory)  # type: ignore[attr-defined]
    assert directory.stat().st_mode & 0o077 == 0


def test_importing_the_api_is_light(command: Callable[..., Finished]) -> None:
    code = "import sys, zexus_parallel_plugin as z; z.SharedState; print('zexus' in sys.modules)"
    assert command("-c", code).stdout == "False\n"
