"""Signals go to the processes of a run, and to no others."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.control import ControlError, cancel, kill_worker
from zexus_parallel_plugin.journal.model import RunState
from zexus_parallel_plugin.journal.processes import mark_of

if TYPE_CHECKING:
    from collections.abc import Iterator

WAITS = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
print(".", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read(1)
    yield child
    child.kill()
    child.communicate()


def run_of(pid: int, mark: str, *more: ev.Event) -> RunState:
    state = RunState()
    state.feed([ev.RunStart(t=0, v=1, run="r", time=0, pid=pid, started=mark), *more])
    return state


def test_cancelling_is_ctrl_c(process: subprocess.Popen[bytes]) -> None:
    cancel(run_of(process.pid, mark_of(process.pid)))
    assert process.wait(60) == -signal.SIGINT
    with pytest.raises(ControlError, match="not running any more"):
        cancel(run_of(process.pid, "1/2"))


@pytest.mark.parametrize("mark", ["", "another/1"])
def test_a_process_that_may_be_another_one_is_left_alone(process: subprocess.Popen[bytes], mark: str) -> None:
    with pytest.raises(ControlError, match=r"not running any more|does not tell"):
        cancel(run_of(process.pid, mark))
    assert process.poll() is None


def test_a_run_that_has_ended_is_left_alone(process: subprocess.Popen[bytes]) -> None:
    ended = run_of(process.pid, mark_of(process.pid), ev.RunEnd(t=1, state="finished"))
    with pytest.raises(ControlError, match="ended already"):
        cancel(ended)
    with pytest.raises(ControlError, match="ended already"):
        cancel(RunState())
    assert process.poll() is None


def test_killing_a_worker(process: subprocess.Popen[bytes]) -> None:
    ready = ev.Worker(t=0, id=3, state="ready", pid=process.pid, started=mark_of(process.pid))
    starting = ev.Worker(t=0, id=4, state="starting")
    run = run_of(1, "", ready, starting)
    with pytest.raises(ControlError, match="worker 4 has not started yet"):
        kill_worker(run, run.workers[4])
    kill_worker(run, run.workers[3])
    assert process.wait(60) == -signal.SIGKILL
    run.feed([ev.Worker(t=1, id=3, state="dead")])
    with pytest.raises(ControlError, match="worker 3 is gone already"):
        kill_worker(run, run.workers[3])
