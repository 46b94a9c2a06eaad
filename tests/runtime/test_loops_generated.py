"""Random loops on workers do what they do in place."""

from __future__ import annotations

import contextlib
import io
import os
from typing import Any

import pytest

from tests.differential.describe import Describer

from .loop_programs import Maker
from .running import compiled, machine, use_fake_pool

IN_PLACE = {"worker_count": 1, "tier": "interpreter"}
EAGER = {"worker_count": 3, "mode": "parallel", "min_task_seconds": 0.0}
PROGRAMS = int(os.environ.get("LOOP_PROGRAMS", "40"))
GAS = 1_000_000
FIRST = int(os.environ.get("FIRST_LOOP_PROGRAM", "0"))


def outcome(source: str, settings: dict[str, Any], gas: int) -> tuple[Any, ...]:
    vm = machine(settings, gas)
    out = io.StringIO()
    error = ""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            vm.execute(compiled(source))
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    finally:
        vm.close()
    meter = vm.gas_metering
    env = Describer().environment({name: value for name, value in vm.env.items() if name != "__func__"})
    return error, out.getvalue(), env, meter.gas_used, meter.operation_count


@pytest.mark.parametrize("behaviour", ["prompt", "moody"])
def test_the_same_as_in_place(behaviour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(FIRST, FIRST + PROGRAMS):
        pools = use_fake_pool(monkeypatch, behaviour, seed)
        source = Maker(seed).program()
        expected = outcome(source, IN_PLACE, GAS)
        assert outcome(source, EAGER, GAS) == expected, f"program {seed}\n{source}"
        if seed % 3 == 0:
            limit = max(50, expected[3] * (seed % 97) // 97)
            expected = outcome(source, IN_PLACE, limit)
            pools.clear()
            assert outcome(source, EAGER, limit) == expected, f"program {seed} with gas {limit}\n{source}"
