"""The pulse, and what it is for: looking ahead while the first call is still running."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from tests.runtime.running import run, use_fake_pool
from zexus_parallel_plugin.runtime import pulse as pulse_module
from zexus_parallel_plugin.runtime.late import LateAhead
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


def test_a_beat_does_not_come_into_another_one(beats: list[int]) -> None:
    def beat() -> None:
        beats.append(1)
        signal.raise_signal(signal.SIGVTALRM)

    pulse = Pulse(beat, 1000.0)
    pulse.start()
    signal.raise_signal(signal.SIGVTALRM)
    pulse.stop()
    assert len(beats) == 1


def test_a_signal_that_comes_while_the_frames_are_looked_at_is_dropped(
    beats: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def importing(_frame: object) -> bool:
        looks.append(1)
        if len(looks) < 3:
            signal.raise_signal(signal.SIGVTALRM)
        return False

    monkeypatch.setattr(pulse_module, "_importing", importing)
    pulse = Pulse(lambda: beats.append(1), 1000.0)
    pulse.start()
    signal.raise_signal(signal.SIGVTALRM)
    pulse.stop()
    assert (len(looks), len(beats)) == (1, 1)


def test_a_signal_that_comes_while_somebody_wakes_up_leaves_no_timer_behind() -> None:
    # The handler of signals is reset when Python ends: a timer that is still there then ends the process.
    made: list[Woken] = []

    class Woken:
        def __init__(self) -> None:
            made.append(self)
            self.pulse = Pulse(lambda: None, 1000.0)
            if len(made) < 3:
                signal.raise_signal(signal.SIGVTALRM)

        def finish(self) -> None:
            self.pulse.stop()

    meter = SimpleNamespace(gas_used=0)
    execution: Any = SimpleNamespace(meter=meter, gas_limit=float("inf"), counters=Counter(), ahead=None)
    execution.translation = SimpleNamespace(seconds=0.0)
    make: Any = Woken
    late = LateAhead(execution, make, 2, forced=False)
    late.pulse.start()
    compute(0.01)
    late.wake()
    late.finish()
    assert len(made) == 1
    assert signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0.0


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
    result, metrics = run(source, {"worker_count": 2, "tier": "interpreter"}, gas_limit=10**10)
    assert not result.error
    assert metrics.calls_in_place == 1
    assert metrics.calls_committed == 2, "also the one of an action that has never been measured"
