"""The pulse, and what it is for: looking ahead while the first call is still running."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from tests.runtime.running import run, use_fake_pool
from zexus_parallel_plugin.runtime.pulse import Pulse

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timer")


def compute(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@pytest.fixture
def beats() -> list[int]:
    return []


def test_it_beats_while_the_process_computes(beats: list[int]) -> None:
    pulse = Pulse(lambda: beats.append(1), 0.002)
    pulse.start()
    try:
        compute(0.1)
        assert beats
        pulse.hold()
        held = len(beats)
        compute(0.05)
        assert len(beats) == held
        pulse.release()
        compute(0.1)
        assert len(beats) > held
    finally:
        pulse.stop()
    stopped = len(beats)
    compute(0.05)
    assert len(beats) == stopped


def test_one_that_fails_stops(beats: list[int]) -> None:
    def beat() -> None:
        beats.append(1)
        raise ValueError

    pulse = Pulse(beat, 0.002)
    pulse.start()
    compute(0.1)
    assert len(beats) == 1
    assert not pulse.running


def test_there_is_one_at_a_time_and_only_in_the_main_thread() -> None:
    first, second = Pulse(lambda: None), Pulse(lambda: None)
    thread = threading.Thread(target=first.start)
    thread.start()
    thread.join()
    assert not first.running
    first.start()
    second.start()
    assert first.running
    assert not second.running
    first.stop()
    second.start()
    assert second.running
    second.stop()


def test_the_handler_of_somebody_else_is_respected() -> None:
    before = signal.signal(signal.SIGVTALRM, lambda *_: None)
    try:
        pulse = Pulse(lambda: None)
        pulse.start()
        assert not pulse.running
    finally:
        signal.signal(signal.SIGVTALRM, before)


def test_the_next_calls_are_sent_while_the_first_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    source = """
        action f(n) { let k = 0; while (k < 60000) { k = k + 1; n = n + k % 3; } return n; }
        action g(n) { let k = 0; while (k < 60000) { k = k + 1; n = n + k % 5; } return n; }
        let a = f(1); let b = f(2); let c = g(3);
        print(a + b + c);
    """
    result, metrics = run(source, {"worker_count": 2, "tier": "interpreter"})
    assert not result.error
    assert metrics.calls_in_place == 1
    assert metrics.calls_committed == 2, "also the one of an action that has never been measured"
