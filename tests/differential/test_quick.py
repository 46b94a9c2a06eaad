"""The quick comparison finds nothing in one batch of programs, and does compare them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from . import quick

ROOT = Path(__file__).resolve().parents[2]


def test_a_batch_of_programs() -> None:
    command = [sys.executable, "-m", "tests.differential.quick", "--seconds", "0.1", "--seed", "20000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=250, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {name: int(count) for count, name in re.findall(r"^ +(\d+) (.+)$", done.stdout, re.MULTILINE)}
    assert counts["programs"] >= quick.BATCH
    assert "unfinished programs" not in counts
    assert sum(count for name, count in counts.items() if name.startswith("compared: ")) > 20 * quick.BATCH
    assert counts["exits forced"] > 100
