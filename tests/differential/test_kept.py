"""What is kept on disk of a program's translation makes no difference to what the program does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from . import harness
from .corpus import CORPUS, Program, folders, programs

COMPARED = ("kind", "text", "value", "stdout", "stderr", "env", "gas_used", "operation_count")
GAS_LIMIT = 2_000_000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus in a directory of its own: the host writes caches next to modules."""
    target = tmp_path_factory.mktemp("corpus") / "corpus"
    shutil.copytree(CORPUS, target)
    return target


def observe(program: Program, settings: dict[str, object], path: Path) -> tuple[dict[str, Any], Any]:
    """What can be seen of a run, and the machine that did it."""
    machines: list[Any] = []
    factory = harness.backend_factory(settings)

    def make(**given: Any) -> Any:
        machines.append(factory(**given))
        return machines[-1]

    outcome = harness.run(program.source, make, gas_limit=GAS_LIMIT, path=str(path / program.name))
    return {name: getattr(outcome, name) for name in COMPARED}, machines[0] if machines else None


@pytest.mark.parametrize("folder", folders())
def test_a_translation_from_the_cache_is_the_same(folder: str, corpus: Path, tmp_path: Path) -> None:
    found = 0
    for number, program in enumerate(p for p in programs() if p.folder == folder):
        settings = {"mode": "sequential", "tier": "compiled", "cache": str(tmp_path / str(number))}
        first, _machine = observe(program, settings, corpus)
        again, machine = observe(program, settings, corpus)
        assert again == first, program.name
        if machine is not None and machine.last_metrics is not None:
            assert not machine.last_metrics.reasons["cache-damaged"], program.name
            found += machine._translations.drawn if machine._translations is not None else 0
    assert found or folder in {"fallback", "flags", "rejected", "transactions"}
