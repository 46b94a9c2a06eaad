"""What `explain` says of loops is what a run does with them: on all programs of the project, and on generated
ones.

Everything that is legal is given away in these runs, however little it is, on a pool without processes. A
loop that is called parallel by ranges must not be refused, and results of its ranges must be used; of a loop
that is called not legal, none may be, unless that is only assumed; and where a run gives a reason, it is the
same one, or one that says less.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.suite import Program
from tests.runtime.loop_programs import Maker
from tests.runtime.running import use_fake_pool
from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.explain.build import report
from zexus_parallel_plugin.explain.measured import measure
from zexus_parallel_plugin.explain.subject import Subject, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zexus_parallel_plugin.explain.model import Chunk, Report

ROOT = Path(__file__).parents[2]
EAGER = ParallelConfig(worker_count=2, mode="parallel", min_task_seconds=0.0, gas_limit=40_000)
GENERATED = 24

SAYS_LESS = {
    ("loop-carried", "loop-count"),  # the variable that is carried is the one that counts
    ("loop-carried", "loop-changes-object"),
    ("loop-changes-object", "loop-carried"),
    ("loop-changes-object", "changes-input"),
    ("loop-changes-object", "loop-count"),
    ("loop-changes-source", "loop-aliases"),
    ("loop-changes-source", "loop-changes-object"),
    ("loop-changes-source", "loop-carried"),
    ("loop-changes-source", "changes-input"),
    ("writes-caller-variable", "loop-scoping"),
    ("writes-caller-variable", "loop-count"),
    ("loop-leaves", "loop-count"),
    ("loop-handler", "loop-not-compiled"),
    ("loop-handler", "loop-count"),
}
"""Reasons of `explain` and of a run that are two sights of one thing; `explain` names more of it."""
UNDER_WAY = {"worker-failed", "loop-stopped", "loop-left", "near-limit"}
"""What happens to single ranges, whatever the loop is."""


def disagreements(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    use_fake_pool(monkeypatch, "prompt")
    subject = load(path, EAGER)
    found = report(subject)
    if subject.view is None or subject.listing.bytecode is None or found.reason:
        return
    measure(subject, found)
    for chunk in found.chunks:
        if chunk.kind == "loop":
            wrong = disagreement(subject, found, chunk)
            if wrong:
                place = f"{path.name}, {chunk.unit}, line {chunk.first}"
                yield f"{place}: {chunk.verdict} [{chunk.reason}]: {wrong}"


def disagreement(subject: Subject, found: Report, chunk: Chunk) -> str:
    assert subject.view is not None
    heads = {
        plan.head for unit in subject.view.units if unit.name == chunk.unit for plan in unit.plans.values()
        if plan.end == chunk.span[1] and plan.head >= chunk.span[0]
    }  # fmt: skip
    runs = [each for pc, each in chunk.measured if each.loop and pc in heads]
    used, sent = (sum(getattr(each, name) for each in runs if not each.whole) for name in ("used", "sent"))
    refusal = next((each.refusal for each in runs if each.refusal), "")
    thrown = {reason for each in runs for reason in each.thrown} - UNDER_WAY
    if chunk.how == "ranges":
        if refusal and refusal not in UNDER_WAY:
            return f"refused [{refusal}]"
        if sent and not used and thrown and not found.measured["error"]:
            return f"nothing of {sent} iterations was used {thrown}"
    elif chunk.verdict == "not legal":
        assumed = chunk.dependence is not None and not chunk.dependence.proven
        if used and not assumed:
            return f"{used} iterations were executed by workers"
        if refusal not in {"", chunk.reason} and (chunk.reason, refusal) not in SAYS_LESS:
            return f"the run says [{refusal}]"
    return ""


def files(*places: str) -> list[Path]:
    return sorted(path for place in places for path in (ROOT / place).rglob("*.zx"))


PLACES = ["examples", "benchmarks/functions"]
CORPUS = ["parallel", "programs", "scoping", "values"]


@pytest.mark.parametrize("place", PLACES + [f"tests/corpus/{name}" for name in CORPUS])
def test_programs(place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert [wrong for path in files(place) for wrong in disagreements(path, monkeypatch)] == []


@pytest.mark.parametrize("place", ["benchmarks/programs", "benchmarks/parallel"])
def test_large_programs(place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = []
    for path in files(place):
        small = tmp_path / path.name
        small.write_text(Program(path.stem, path).small(path), encoding="utf-8")
        found += disagreements(small, monkeypatch)
    assert found == []


def test_generated_loops(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = []
    for seed in range(GENERATED):
        path = tmp_path / f"seed_{seed}.zx"
        path.write_text(Maker(seed).program(), encoding="utf-8")
        found += disagreements(path, monkeypatch)
    assert found == []
