"""A journal changes nothing in what programs do: results, output, variables, gas."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.differential.harness import run_backend, run_host
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.reader import JournalReader

from .test_events import complaints

CORPUS = REPOSITORY / "tests" / "corpus"
PROGRAMS = (
    "builtins/arguments_are_copied",
    "classic/control_flow",
    "errors/error_after_prints_in_loop",
    "errors/throw_uncaught",
    "gas/loop",
    "methods/shared_list_results",
    "operators/floats",
)
COMPARED = ("kind", "text", "value", "stdout", "stderr", "env", "gas_used", "operation_count")
LOOP = """\
action f(n) {
    let t = 0; let i = 0;
    while (i < n) { t = t + i % 3; i = i + 1; }
    print("in " + string(n));
    return t;
}
let out = [];
for each k in range(12) { out = push(out, f(300 + k)); }
print(out);
"""


def source_of(name: str) -> str:
    return LOOP if name == "loop" else (CORPUS / f"{name}.zx").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["loop", *PROGRAMS])
def test_results_are_those_of_the_host(name: str, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    source = source_of(name)
    settings = {
        "worker_count": 2, "mode": "parallel", "min_task_seconds": 0.0, "journal": str(path), "quiet": True,
    }  # fmt: skip
    host, backend = run_host(source), run_backend(source, settings=settings)
    assert {key: getattr(backend, key) for key in COMPARED} == {key: getattr(host, key) for key in COMPARED}
    text = path.read_text(encoding="ascii")
    assert not [line for line in text.splitlines() if complaints(line)]
    with JournalReader(path) as reader:
        events = reader.poll()
    assert isinstance(events[-1], ev.RunEnd)
    assert "".join(event.text for event in events if isinstance(event, ev.Output)) == host.stdout
