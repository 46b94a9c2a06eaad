"""Runs programs with language functions: in processes of their own, where they may fork."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import psutil

from tests.conftest import REPOSITORY, clean_environment

_SCRIPT = """
import json, sys
sys.path.insert(0, {root!r})
import zexus.cli.main
from tests.runtime.running import run
sources, settings = json.load(sys.stdin)
found = []
for source in sources:
    result, metrics = run(source, settings)
    found.append([result.error, result.stdout, result.gas, result.operations, dict(metrics.reasons),
                  metrics.calls_committed])
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Ran:
    """What a program did."""

    error: str
    stdout: str
    gas: int
    operations: int
    reasons: dict[str, int]
    committed: int

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


def run_all(sources: list[str], **settings: Any) -> list[Ran]:
    """Run programs one after the other in one fresh process; afterwards nothing is left of it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT.format(root=str(REPOSITORY))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=clean_environment(), start_new_session=True,
    )  # fmt: skip
    out, err = process.communicate(json.dumps([sources, {"worker_count": 1, **settings}]), timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in err, err
    assert left_over(process.pid) == []
    return [Ran(*found) for found in json.loads(out.splitlines()[-1])]


def run_one(source: str, **settings: Any) -> Ran:
    """Run one program."""
    (found,) = run_all([source], **settings)
    return found


def left_over(session: int, seconds: float = 5) -> list[int]:
    """Processes of a session whose leader has ended, after a moment."""
    deadline = time.monotonic() + seconds
    while True:
        found = processes_of(session)
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def processes_of(session: int) -> list[int]:
    """Live processes of a session."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (OSError, psutil.Error):
            continue
    return found
