"""Running ahead with real worker processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import REPOSITORY, clean_environment
from tests.runtime.hazards import HAZARDS

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


def left_over(group: int) -> list[int]:
    """Processes of the session of a process that has ended, after a moment."""
    deadline = time.monotonic() + 5
    while True:
        found = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
            except (OSError, psutil.Error):
                continue
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


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


ENDLESS = """
action spin(n) { while (true) { n = n + 1; } return n; }
print("begin"); let a = spin(1); let b = spin(2); let c = spin(3);
"""


def wait_for_workers(process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if len(psutil.Process(process.pid).children(recursive=True)) >= 2:
                return
        except psutil.Error:
            break
        time.sleep(0.02)
    pytest.fail("no workers were started")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_behind(how: signal.Signals, tmp_path: Path) -> None:
    program = tmp_path / "endless.zx"
    program.write_text(ENDLESS, encoding="utf-8")
    code = (
        "import sys; from zexus_parallel_plugin.cli import main; "
        "sys.argv = ['zexus-parallel', 'run', '--workers', '2', '--gas-limit', 'unlimited', "
        f"{str(program)!r}]; "
        "sys.exit(main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(),
        start_new_session=True,
    )  # fmt: skip
    try:
        wait_for_workers(process)
        if how == signal.SIGINT:
            os.killpg(process.pid, how)
        else:
            process.kill()
        process.communicate(timeout=30)
        assert process.returncode != 0
        assert left_over(process.pid) == []
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
