"""Compiled units may be left at every guard: the interpreter goes on as if nothing had been compiled."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .corpus import CORPUS, Program, folders, programs
from .exits import forced
from .harness import backend_factory, missing_backend, run, run_host
from .judge import Judge
from .outcome import differences
from .server import BACKEND, PATIENT, Request

pytestmark = pytest.mark.skipif(missing_backend() is not None, reason=str(missing_backend()))

COMPILED = {"tier": "compiled", "mode": "sequential"}
RANGES = {"tier": "compiled", "mode": "parallel", "worker_count": 2, "min_task_seconds": 0.0}
SOURCE = """
let total = 0;
let i = 0;
while (i < 20) {
    total = total + i * 2;
    i = i + 1;
}
print(total);
"""


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge() as one:
        yield one


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus in a directory of its own: the host writes caches next to modules."""
    target = tmp_path_factory.mktemp("corpus") / "corpus"
    shutil.copytree(CORPUS, target)
    return target


def test_exits_are_forced_and_counted() -> None:
    expected = run_host(SOURCE)
    executed = []
    for plan in ("never", "first", "always", "only 0", "random 1"):
        with forced(plan) as sites:
            assert differences(expected, run(SOURCE, backend_factory(COMPILED))) == []
        executed.append((len(sites.order), sites.forced))
    never, first, always, only, _random = executed
    assert never[0] > 1
    assert never[1] == 0
    assert first[0] == first[1] > 1
    assert always[1] >= first[1]
    assert only[1] == 1


@pytest.mark.parametrize("folder", folders())
def test_exits_in_the_corpus(folder: str, judge: Judge, copy: Path) -> None:
    """All first exits of each program, and in one program of three a single exit, which one by its name."""
    report = []
    for program in programs():
        if program.folder == folder:
            report += compared(program, judge, copy)
    assert not report, "\n" + "\n".join(report[:40])


def compared(program: Program, judge: Judge, copy: Path, *, every: bool = False) -> list[str]:
    """What differs when exits of a program are forced; ``every``: each of them alone as well."""
    chosen = int(hashlib.sha256(program.name.encode()).hexdigest(), 16)
    if chosen % 2 and not every:
        return []  # half of the corpus has to do, for the time that it takes
    path = str(copy / program.name)
    limit = program.gas_limits[0]
    expected = judge.host(program.source, gas_limit=limit, path=path)
    if not expected.reached_vm:
        return []

    def look(plan: str) -> tuple[list[str], int]:
        request = Request(program.source, BACKEND, dict(COMPILED), limit, path, judge.seconds, plan)
        found = judge.run(request)
        lines = [f"{program.name} with exits {plan}: {line}" for line in differences(expected, found)]
        return lines, found.notes.get("sites", 0)

    report, sites = look("first")
    if not sites:
        return report
    if not every:
        return report + (look(f"only {chosen // 3 % sites}")[0] if chosen % 3 == 0 else [])
    report += look("always")[0] + look("random 1")[0]
    number, sites = 0, look("never")[1]
    while number < sites:
        report += look(f"only {number}")[0]
        number += 1
    return report


def test_exits_while_workers_compute(judge: Judge, copy: Path) -> None:
    """Exits are forced in the main process; workers execute what they were sent as always."""
    report = []
    for program in programs():
        if program.name.startswith("parallel/s"):
            path = str(copy / program.name)
            expected = judge.host(program.source, path=path)
            request = Request(
                program.source, PATIENT, dict(RANGES), program.gas_limits[0], path, judge.seconds, "first"
            )
            report += [f"{program.name}: {line}" for line in differences(expected, judge.run(request))]
    assert not report, "\n" + "\n".join(report[:40])
