"""Generated programs do on the backend what they do on the bare host."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure

from .compare import Comparison, compare, minimise
from .generator import Sample, general, samples, shapes, straight_lines
from .harness import CONFIGURATIONS, Configuration, missing_backend, missing_setting
from .judge import Judge

EXAMPLES = {"general": 70, "shapes": 60, "straight_lines": 30}

needs_backend = pytest.mark.skipif(missing_backend() is not None, reason=str(missing_backend()))


def available() -> list[Configuration]:
    """The configurations that this version of the plugin has; all are run on every program."""
    return [configuration for configuration in CONFIGURATIONS if missing_setting(configuration) is None]


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(seconds=10) as one:
        yield one


def check(judge: Judge, strategy: st.SearchStrategy[Sample], examples: int) -> Counter[str]:
    """Compare so many programs, the same at every run; a shortened one that differs is in the failure."""
    counts: Counter[str] = Counter()
    configurations = available()
    findings: list[tuple[Sample, Comparison]] = []

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(strategy)
    def judged(sample: Sample) -> None:
        comparison = compare(judge, sample, configurations)
        counts["judged" if comparison.judged else "not judged"] += 1
        counts["operations"] += comparison.host.operation_count
        counts.update(comparison.notes)
        if comparison.report:
            findings.append((sample, comparison))
            raise _DifferenceFoundError

    with contextlib.suppress(_DifferenceFoundError, FlakyFailure):
        judged()
    if findings:
        sample, comparison = minimise(judge, *findings[0], configurations)
        pytest.fail(
            f"configuration {comparison.configuration}, gas limit {sample.gas_limit}\n"
            + "\n".join(comparison.report)
            + f"\n--- the program ---\n{sample.source}",
            pytrace=False,
        )
    return counts


class _DifferenceFoundError(Exception):
    pass


@needs_backend
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "strategy", [general, shapes, straight_lines], ids=lambda strategy: strategy.__name__
)
def test_generated_programs(strategy: st.SearchStrategy[Sample], judge: Judge) -> None:
    name = strategy.__name__  # type: ignore[attr-defined]
    counts = check(judge, strategy(), EXAMPLES[name])  # type: ignore[operator]
    # Nothing is proved by programs that the backend leaves to the host or whose calls it never sends away.
    assert all(counts[f"{configuration.name}: left_to_host"] == 0 for configuration in available()), counts
    if name == "shapes":
        committed = counts["patient: calls_committed"] + counts["patient: iterations_committed"]
        assert committed > 20, counts
    # The judge must have had something to judge: programs that compile and run for a while.
    assert counts["judged"] >= 0.9 * EXAMPLES[name], counts
    assert counts["operations"] / counts["judged"] > 20, counts


def test_every_kind_of_program_is_generated() -> None:
    kinds: Counter[str] = Counter()

    @settings(max_examples=60, derandomize=True, database=None, deadline=None)
    @given(samples())
    def look(sample: Sample) -> None:
        kinds["loops"] += "while" in sample.source or "for " in sample.source
        kinds["actions"] += "action" in sample.source
        kinds["tries"] += "catch" in sample.source
        kinds["small limits"] += sample.gas_limit < 4000

    look()
    assert min(kinds.values()) > 5, kinds
