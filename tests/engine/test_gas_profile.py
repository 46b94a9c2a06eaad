"""``exact_gas_profile``: the tables of the host's meter, filled as by the host itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.differential import harness

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.conftest import Finished
    from tests.differential.outcome import Outcome

TESTS = Path(__file__).parent.parent
# Those in `fallback` are executed by no VM; the host takes many seconds for the slow ones.
SLOW = ("deep", "recursion", "themselves")
SAMPLE = sorted(
    path
    for path in (TESTS / "corpus").rglob("*.zx")
    if path.parent.name != "fallback" and not any(word in path.stem for word in SLOW)
)[::16]

LOOP = "let i = 0; while (i < 20) { i = i + 1; } print(i);"
HANDLED = """
action endless(n) { let i = 0; while (i < n) { i = i + 1; } return i; }
let got = "no";
try { got = endless(1000); } catch (e) { got = "caught"; }
print(got);
"""


def tables(source: str, factory: harness.Factory, **settings: Any) -> tuple[Outcome, Mapping[str, Any]]:
    made = []

    def noted(**arguments: Any) -> harness.Machine:
        made.append(factory(**arguments))
        return made[-1]

    outcome = harness.run(source, noted, **settings)
    return outcome, made[-1].gas_metering.get_stats() if made else {"gas_by_operation": {}}


def assert_same_tables(source: str, settings: Mapping[str, object] | None = None, **more: Any) -> None:
    expected, host = tables(source, harness.host_factory, **more)
    profiled = harness.backend_factory({"exact_gas_profile": True, "worker_count": 2, **(settings or {})})
    outcome, ours = tables(source, profiled, **more)
    assert ours == host
    assert list(ours["gas_by_operation"]) == list(host["gas_by_operation"])
    assert (outcome.stdout, outcome.kind, outcome.text) == (expected.stdout, expected.kind, expected.text)


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.stem)
def test_the_corpus_has_the_tables_of_the_host(path: Path) -> None:
    assert_same_tables(path.read_text(encoding="utf-8"), path=str(path))


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 20, 37, 100, 101, 102, 103, 104, 250])
def test_the_instruction_that_a_limit_forbids_is_not_in_them(limit: int) -> None:
    assert_same_tables(LOOP, gas_limit=limit)


@pytest.mark.parametrize("limit", [500, 501, 502, 503, 2000])
def test_nor_is_it_when_the_program_goes_on(limit: int) -> None:
    assert_same_tables(HANDLED, gas_limit=limit)


def test_all_settings_of_tier_and_mode_give_way() -> None:
    assert_same_tables(LOOP, {"tier": "compiled", "mode": "parallel", "min_task_seconds": 0})


def test_the_host_s_own_vm_has_them_anyway() -> None:
    assert_same_tables(LOOP, {"tier": "host"})


def test_without_the_setting_they_are_not_kept() -> None:
    _, ours = tables(LOOP, harness.backend_factory({"worker_count": 2}))
    assert not ours["gas_by_operation"]
    assert not ours["operation_counts"]


def test_the_command_shows_them_in_its_log(
    command: Callable[..., Finished], program: Callable[..., Path]
) -> None:
    path = program(LOOP)
    words = ("-m", "zexus", "run", "--backend", "parallel", "--exact-gas-profile", str(path))
    done = command(*words, env={"ZEXUS_PARALLEL_LOG_LEVEL": "info", "ZEXUS_PARALLEL_JOURNAL": "off"})
    _, host = tables(LOOP, harness.host_factory)
    assert f"'operation_counts': {host['operation_counts']}" in done.stderr
