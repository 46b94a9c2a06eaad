"""Whatever workers answer, and whenever: a program does what it does without them."""

from __future__ import annotations

from functools import cache

import pytest

from .hazards import HAZARDS
from .running import Result, run, use_fake_pool

BEHAVIOURS = ("prompt", "lazy", "stuck", "lossy", "garbage", "wrong", "moody")
IN_PLACE = {"worker_count": 1, "tier": "interpreter"}
EVERYTHING = {"worker_count": 3, "tier": "interpreter", "mode": "parallel"}


@cache
def in_place(name: str) -> Result:
    return run(HAZARDS[name], IN_PLACE)[0]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("name", HAZARDS)
def test_same_as_in_place(name: str, behaviour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, behaviour)
    result, metrics = run(HAZARDS[name], EVERYTHING)
    assert result == in_place(name)
    assert not metrics.reasons["internal-error"]


@pytest.mark.parametrize("tier", ["compiled", "auto"])
@pytest.mark.parametrize("name", HAZARDS)
def test_compiled_code_on_workers(name: str, tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    assert run(HAZARDS[name], {**EVERYTHING, "tier": tier})[0] == in_place(name)
