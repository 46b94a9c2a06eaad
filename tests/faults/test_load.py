"""Much work: nothing piles up, nothing grows. The long versions are `scripts/soak`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import REPOSITORY, clean_environment

if TYPE_CHECKING:
    from pathlib import Path

MAPPING = """
import gc, json, sys
from tests.runtime import running
from zexus_parallel_plugin.runtime.pool.supervisor import WorkerSupervisor
most = [0, 0]
kept = [0]
submit = WorkerSupervisor.submit
def look(pool, *arguments, **named):
    handle = submit(pool, *arguments, **named)
    stats = pool.stats()
    if stats.submitted % 500 == 0:
        gc.collect()
        kept[0] = max(kept[0], sum(type(one).__name__ == "TaskHandle" for one in gc.get_objects()))
    most[:] = max(most[0], stats.queued), max(most[1], stats.open)
    return handle
WorkerSupervisor.submit = look
count, room = map(int, sys.argv[1:])
source = "action inc(n) { return n + 1; } let xs = parallel_map(inc, range(%d)); print(len(xs));" % count
settings = {"worker_count": 2, "mode": "parallel", "min_task_seconds": 0.0, "gas_limit": "unlimited"}
settings["max_queue_size"] = room
result, metrics = running.run(source, settings)
print(json.dumps([result.stdout, metrics.tasks_sent, metrics.calls_committed, *most, *kept]))
"""


def python(code: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, check=True, cwd=REPOSITORY, text=True,
        env={**clean_environment(), "PYTHONPATH": str(REPOSITORY)}, timeout=240,
    )  # fmt: skip
    return done.stdout.splitlines()[-1]


# With the usual bound the program looks ahead a little only; a small one is reached, and holds.
@pytest.mark.parametrize(("count", "room", "most", "together"), [(10000, 1000, 64, 64), (20000, 3, 3, 7)])
def test_a_long_map_does_not_pile_up(count: int, room: int, most: int, together: int) -> None:
    printed, tasks, committed, waiting, opened, kept = json.loads(python(MAPPING, str(count), str(room)))
    assert printed.split()[0] == str(count)
    assert committed > 500
    assert tasks > 20
    assert waiting <= most
    assert opened <= together  # those of two workers, two deep, as well
    assert kept <= 5000  # done ones whose calls are to come; of all of them


def test_many_tasks_leave_nothing() -> None:
    code = "import json; from tests.faults.soak import tasks; print(json.dumps(tasks(4000)))"
    found: dict[str, Any] = json.loads(python(code))
    assert (found["tasks"], found["wrong"], found["deaths"], found["after"]["processes"]) == (4000, 0, 0, 0)
    assert found["most_waiting"] <= 1000
    descriptors = {number for part in found["parts"][2:] for number in part["descriptors"]}
    assert len(descriptors) == 1


def test_programs_under_random_faults(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    subprocess.run(
        [sys.executable, "-m", "tests.faults.soak", "kills", "6", "--few", "--report", str(report)],
        check=True, cwd=REPOSITORY, env=clean_environment(), capture_output=True, timeout=240,
    )  # fmt: skip
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["programs"] > 0
    assert found["wrong"] == []
    assert found["after"]["processes"] == 0


def test_a_program_that_differs_is_told() -> None:
    # The test above passes when nothing is wrong; this one shows that it can fail.
    code = """
import sys
from tests.faults import soak
from zexus_parallel_plugin.runtime import machine
execute = machine.ParallelMachine.execute
def execute_and_spoil(self, *arguments):
    value = execute(self, *arguments)
    self.gas_metering.gas_used += 1
    return value
machine.ParallelMachine.execute = execute_and_spoil
found = soak.kills(2, few=True)
print(len(found["wrong"]))
"""
    assert int(python(code)) > 0
