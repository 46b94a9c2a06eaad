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

from .compare import Comparison, compare, minimise
from .corpus import CORPUS
from .generator import Sample, samples
from .harness import CONFIGURATIONS, Configuration, missing_backend, missing_setting
from .judge import Judge

EXAMPLES_PER_ROUND = 100
_SHRINK_SECONDS = 90
_COUNTED = ("tasks_sent", "calls_sent", "calls_committed", "left_to_host", "depth", "host-only-code")


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
    found: tuple[Sample, Comparison] | None = None

    def compare(self, sample: Sample) -> Comparison:
        comparison = compare(self.judge, sample, self.configurations, self.machine)
        self.counts["programs"] += 1
        self.counts["runs"] += comparison.judged * (1 + len(self.configurations))
        self.counts[f"host: {comparison.host.kind}"] += 1
        self.counts["operations"] += comparison.host.operation_count
        for name, count in comparison.notes.items():
            if name.endswith(_COUNTED):
                self.counts[name] += count
        return comparison

    def round(self, number: int) -> tuple[Sample, Comparison] | None:
        """Look at some programs; returns the first one that differs."""
        self.found = None

        @seed(number)
        @settings(
            max_examples=EXAMPLES_PER_ROUND,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
            print_blob=False,
        )
        @given(samples())
        def look(sample: Sample) -> None:
            if time.monotonic() > self.deadline and self.found is None:
                return
            comparison = self.compare(sample)
            if comparison.report:
                self.found = sample, comparison
                raise DifferenceFoundError

        try:
            look()
        except (DifferenceFoundError, FlakyFailure):  # a second look may not see it again
            return self.found
        return None


def save(sample: Sample, comparison: Comparison, *, ends: bool) -> str:
    """Keep a finding in the corpus and return its name; ``ends``: it does so without a gas limit."""
    folder = CORPUS / "regressions"
    folder.mkdir(exist_ok=True)
    name = "found_" + hashlib.sha256(sample.source.encode()).hexdigest()[:10] + ".zx"
    first = comparison.report[0].splitlines()[0][:120] if comparison.report else "a difference seen only once"
    limit = f"gas limit {sample.gas_limit}" if ends else f"only under gas limit {sample.gas_limit}"
    text = f"// Found by the fuzzer ({comparison.configuration}, {limit}): {first}\n"
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
            sample, comparison = minimise(
                hunt.judge, *finding, hunt.configurations, machine=hunt.machine, seconds=_SHRINK_SECONDS
            )
            name = save(sample, comparison, ends=hunt.judge.host(sample.source).reached_vm)
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
