"""Copies are answered while the program computes, and the system is as it was afterwards."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.runtime.running import run
from zexus_parallel_plugin.runtime.forks import alarm as module
from zexus_parallel_plugin.runtime.forks.alarm import Alarm

from .running import run_one

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not hasattr(os, "O_ASYNC"), reason="this system has no SIGIO")

COMPUTING = """
action work(i) {
    let k = 0;
    while (k < 50) { shared_add("n", 1); barrier_sync(k); k = k + 1; }
    shared_add("done", 1);
    return i;
}
action main() {
    shared_write("done", 0);
    fork_execution(3, work);
    let begun = timestamp();
    let turns = 0;
    while (timestamp() - begun < 3) { turns = turns + 1; }
    print(shared_read("done"));
    join_workers();
}
main();
"""


def test_copies_do_not_wait_for_the_program() -> None:
    assert run_one(COMPUTING, gas_limit="unlimited").stdout == "3\n"


def test_without_the_signal_they_wait_for_the_join() -> None:
    source = 'action add(i) { shared_add("n", 1); return shared_add("n", 1); } fork_execution(2, add);'
    source += ' join_workers(); print(shared_read("n"));'
    before = signal.getsignal(signal.SIGIO)
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # it belongs to somebody else
    try:
        result, _ = run(source, {"worker_count": 1})
    finally:
        signal.signal(signal.SIGIO, before)
    assert (result.error, result.stdout) == ("", "4\n")


def wait(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)


def test_an_alarm_comes_and_the_handler_goes() -> None:
    ours, theirs = socket.socketpair()
    heard: list[int] = []
    alarm = Alarm(lambda: heard.append(1))
    with ours, theirs:
        alarm.start([ours])
        assert alarm.running
        theirs.send(b"x")
        wait(lambda: heard)
        assert heard
        alarm.pause()
        heard.clear()
        theirs.send(b"x")
        time.sleep(0.05)
        assert not heard
        alarm.resume()
        theirs.send(b"x")
        wait(lambda: heard)
        assert heard
        alarm.stop()
        alarm.stop()
        heard.clear()
        theirs.send(b"x")
        time.sleep(0.05)
        assert not heard
    assert signal.getsignal(signal.SIGIO) == signal.SIG_DFL


def test_an_error_in_it_ends_it() -> None:
    ours, theirs = socket.socketpair()

    def fail() -> None:
        raise RuntimeError("no")

    alarm = Alarm(fail)
    with ours, theirs:
        alarm.start([ours])
        theirs.send(b"x")
        wait(lambda: not alarm.running)
        assert not alarm.running
    assert signal.getsignal(signal.SIGIO) == signal.SIG_DFL


def test_not_in_another_thread() -> None:
    found: list[bool] = []

    def look() -> None:
        alarm = Alarm(lambda: None)
        alarm.start([])
        found.append(alarm.running)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [False]
    assert module._available()
