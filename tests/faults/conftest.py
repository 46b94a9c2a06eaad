"""Programs under faults: run in processes of their own, compared with the bare host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.differential.judge import Judge, Outcome

from .programs import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Whatever is legal is sent, so that short programs have tasks.
EAGER: dict[str, Any] = {"worker_count": 2, "mode": "parallel", "min_task_seconds": 0.0}


class Run(NamedTuple):
    """What a program did, and how its pool was afterwards."""

    outcome: Outcome
    pool: dict[str, Any]


@pytest.fixture(scope="package")
def judge() -> Iterator[Judge]:
    with Judge(seconds=60) as one:
        yield one


@pytest.fixture(scope="package")
def expected(judge: Judge) -> Callable[..., Outcome]:
    """What the bare host does; where the program has functions of ours, the engine without workers."""
    known: dict[tuple[str, int], Outcome] = {}

    def run(source: str, gas_limit: int = 100_000_000) -> Outcome:
        key = source, gas_limit
        if key not in known:
            known[key] = (
                judge.backend(source, {"worker_count": 1}, gas_limit=gas_limit)
                if "parallel_map" in source
                else judge.host(source, gas_limit=gas_limit)
            )
        return known[key]

    return run


@pytest.fixture
def run(judge: Judge, tmp_path: Path) -> Callable[..., Run]:
    """Run a program on workers."""

    def run_on_workers(name: str, gas_limit: int = 100_000_000, **settings: Any) -> Run:
        report = tmp_path / "report.json"
        given = json.dumps({**EAGER, "report": str(report), **settings})
        source = PROGRAMS.get(name, name)
        outcome = judge.backend(source, {}, gas_limit=gas_limit, machine=f"tests.faults.machines:{given}")
        return Run(outcome, json.loads(report.read_text(encoding="utf-8")) if report.exists() else {})

    return run_on_workers
