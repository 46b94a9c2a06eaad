"""Limits of gas, operations and depth over all workers, while tasks fail: the host's error at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.differential.outcome import differences

from .programs import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Run

DEEP = """
action down(n) { if (n == 0) { return 0; } return down(n - 1) + 1; }
action safe(n) { try { return down(n); } catch (e) { return "too deep"; } }
print(safe(10)); print(safe(20)); print(safe(3000)); print(safe(30)); print(safe(3000)); print(safe(40));
let a = down(5); let b = down(3000); print(a + b);
"""
FAULTS = ["exit@3", "error@3,garbage@2"]


@pytest.mark.parametrize("rule", FAULTS)
@pytest.mark.parametrize("name", ["calls", "ranges"])
@pytest.mark.parametrize("share", [0.4, 0.999])
def test_gas_runs_out_where_it_does_on_the_host(
    run: Callable[..., Run], expected: Callable[..., Any], name: str, share: float, rule: str
) -> None:
    source = PROGRAMS[name]
    limit = int(expected(source).gas_used * share)
    host = expected(source, limit)
    assert host.kind != "value"
    done = run(name, gas_limit=limit, chaos=rule)
    assert differences(host, done.outcome) == []


def test_depth_ends_where_it_does_on_the_host(run: Callable[..., Run], expected: Callable[..., Any]) -> None:
    for rule in FAULTS:
        done = run(DEEP, chaos=rule)
        assert differences(expected(DEEP), done.outcome) == []
