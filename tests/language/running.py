"""Runs programs with language functions: in processes of their own, where they may fork."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.conftest import REPOSITORY, clean_environment
from tests.sessions import left_over

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
