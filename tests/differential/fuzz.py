"""Endless comparison of generated programs: ``python -m tests.differential.fuzz --seconds 600``.

Every finding is made small, written to ``tests/corpus/regressions``, and counted; then the hunt goes on.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import FlakyFailure

from .compare import Comparison, compare
from .corpus import CORPUS
from .generator import Sample, samples
from .harness import CONFIGURATIONS, Configuration, missing_backend, missing_setting
from .judge import Judge
from .shrink import shrink

EXAMPLES_PER_ROUND = 100


class DifferenceFoundError(AssertionError):
    """The backend did something else than the host."""


@dataclass
class Hunt:
    """State of one run of the fuzzer."""

    judge: Judge
    configurations: list[Configuration]
    deadline: float
    machine: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    smallest: tuple[Sample, Comparison] | None = None

    def compare(self, sample: Sample) -> Comparison:
        comparison = compare(self.judge, sample, self.configurations, self.machine)
        self.counts["programs"] += 1
        self.counts["runs"] += comparison.judged * (1 + len(self.configurations))
        self.counts[f"host: {comparison.host.kind}"] += 1
        self.counts["operations"] += comparison.host.operation_count
        return comparison

    def round(self, number: int) -> tuple[Sample, Comparison] | None:
        """Look at some programs; returns the smallest failing one of the first kind that is met."""
        self.smallest = None

        @seed(number)
        @settings(
            max_examples=EXAMPLES_PER_ROUND,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
            print_blob=False,
            report_multiple_bugs=False,
        )
        @given(samples())
        def look(sample: Sample) -> None:
            if time.monotonic() > self.deadline and self.smallest is None:
                return
            comparison = self.compare(sample)
            if comparison.report:
                if self.smallest is None or len(sample.source) <= len(self.smallest[0].source):
                    self.smallest = sample, comparison
                raise DifferenceFoundError

        try:
            look()
        except (DifferenceFoundError, FlakyFailure):
            return self.smallest
        return None

    def minimise(self, sample: Sample, comparison: Comparison) -> tuple[Sample, Comparison]:
        """Shorten line by line, as long as the same configuration differs in a field of the same name."""
        fields = _fields(comparison)
        configurations = [c for c in self.configurations if c.name == comparison.configuration]

        def fails(source: str) -> bool:
            other = compare(self.judge, Sample(source, sample.gas_limit), configurations, self.machine)
            return bool(fields & _fields(other))

        small = Sample(shrink(sample.source, fails, attempts=400), sample.gas_limit)
        return small, compare(self.judge, small, configurations, self.machine)


def _fields(comparison: Comparison) -> set[str]:
    """Names of the fields that differ, ``env[a]`` counting as ``env``."""
    return {line.partition(":")[0].partition("[")[0] for line in comparison.report}


def save(sample: Sample, comparison: Comparison) -> str:
    """Keep a finding as a program of the corpus; returns its name."""
    folder = CORPUS / "regressions"
    folder.mkdir(exist_ok=True)
    name = "found_" + hashlib.sha256(sample.source.encode()).hexdigest()[:10] + ".zx"
    first = comparison.report[0].splitlines()[0][:120] if comparison.report else "a difference seen only once"
    text = f"// Found by the fuzzer ({comparison.configuration}, gas limit {sample.gas_limit}): {first}\n"
    (folder / name).write_text(text + sample.source, encoding="utf-8")
    return name


def main(arguments: list[str] | None = None) -> int:
    """Hunt for ``--seconds``; the exit code is 1 if anything was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600, help="how long (default: an hour)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="number of the first round")
    parser.add_argument(
        "--settings", type=ast.literal_eval, help='one ParallelConfig only, as {"tier": "auto"}'
    )
    parser.add_argument("--findings", type=int, default=20, help="stop after so many")
    parser.add_argument("--machine", help="module:function of another factory in the place of the backend")
    options = parser.parse_args(arguments)
    if options.machine is None and (reason := missing_backend()):
        print(f"nothing to compare: {reason}", file=sys.stderr)
        return 2
    if options.settings is not None:
        configurations = [Configuration("settings", options.settings)]
    elif options.machine is not None:
        configurations = [Configuration("machine")]
    else:
        configurations = [c for c in CONFIGURATIONS if missing_setting(c) is None]
    with Judge(seconds=10) as judge:
        hunt = Hunt(judge, configurations, time.monotonic() + options.seconds, options.machine)
        return _hunt(hunt, options.seed, options.findings)


def _hunt(hunt: Hunt, first_round: int, most: int) -> int:
    found: list[str] = []
    number = first_round
    while time.monotonic() < hunt.deadline and len(found) < most:
        finding = hunt.round(number)
        number += 1
        if finding is not None:
            sample, comparison = hunt.minimise(*finding)
            name = save(sample, comparison)
            found.append(name)
            print(f"FOUND {name} in round {number - 1}, configuration {comparison.configuration}")
            print("  " + "\n  ".join(comparison.report), flush=True)
        left = hunt.deadline - time.monotonic()
        print(
            f"round {number - 1}: {hunt.counts['programs']} programs, {len(found)} found, {left:.0f} s left",
            flush=True,
        )
    for name, count in sorted(hunt.counts.items()):
        print(f"{count:10d} {name}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
