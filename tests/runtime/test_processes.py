"""Running ahead with real worker processes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import REPOSITORY, clean_environment
from tests.runtime.hazards import HAZARDS
from tests.sessions import left_over

SLOW = "action work(n) { let k = 0; while (k < 3000) { k = k + 1; n = n + k % 7; } return n; } "
LOOP = SLOW + 'let t = 0; for i in range(12) { t = t + work(i); print(i + ": " + t); } print(t);'

SCRIPT = """
import json, os, sys, threading
sys.path.insert(0, {root!r})
import zexus.cli.main
from tests.runtime.running import run, machine
from tests.runtime.hazards import HAZARDS
source, settings, kill = json.load(sys.stdin)
if kill:
    import psutil
    from zexus_parallel_plugin.runtime.dispatch import Dispatch
    send = Dispatch.send
    def send_and_kill(self, *args):
        batch = send(self, *args)
        if self._metrics.tasks_sent in kill:
            self._pool.wait(None, __import__("time").monotonic() + 0.2)
            for child in psutil.Process().children(recursive=True):
                if child.children() == [] and child.pid != os.getpid():
                    child.kill()
        return batch
    Dispatch.send = send_and_kill
result, metrics = run(source, settings)
print(json.dumps([result.error, result.stdout, result.gas, result.operations, metrics.to_dict()]))
"""


def start(source: str, settings: dict[str, Any], kill: tuple[int, ...] = ()) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(root=str(REPOSITORY))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=clean_environment(), start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps([source, settings, list(kill)]))
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: subprocess.Popen[str]) -> list[Any]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in err, err
    assert not left_over(process.pid)
    result: list[Any] = json.loads(out.splitlines()[-1])
    return result


EAGER = {"worker_count": 2, "min_task_seconds": 0.0}


@pytest.mark.parametrize("start_method", ["template", "forkserver", "spawn"])
def test_same_output_and_results_used(start_method: str) -> None:
    settings = {**EAGER, "start_method": start_method, "tier": "interpreter"}
    alone = finish(start(LOOP, {**settings, "worker_count": 1}))
    together = finish(start(LOOP, settings))
    assert together[:4] == alone[:4]
    if start_method == "template":
        assert together[4]["calls_committed"] > 0


def test_dead_workers_change_nothing() -> None:
    alone = finish(start(LOOP, {"worker_count": 1, "tier": "interpreter"}))
    killed = finish(start(LOOP, {**EAGER, "tier": "interpreter"}, kill=(1, 2)))
    assert killed[:4] == alone[:4]


def test_tasks_that_take_too_long_are_executed_in_place() -> None:
    settings = {**EAGER, "tier": "interpreter", "timeout_seconds": 0.001}
    alone = finish(start(LOOP, {"worker_count": 1, "tier": "interpreter"}))
    late = finish(start(LOOP, settings))
    assert late[:4] == alone[:4]


def test_values_that_cannot_be_sent_change_nothing() -> None:
    source = HAZARDS["entities"]
    alone = finish(start(source, {"worker_count": 1}))
    assert finish(start(source, EAGER))[:4] == alone[:4]
