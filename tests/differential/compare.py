"""One generated program on the host and on the backend in several configurations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .generator import Sample
from .outcome import CRASH, TIMEOUT, Outcome, differences
from .shrink import shrink

if TYPE_CHECKING:
    from .harness import Configuration
    from .judge import Judge


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it: a line for each difference in ``report``; not ``judged`` if the host did not end."""

    host: Outcome
    judged: bool
    report: tuple[str, ...] = ()
    configuration: str = ""
    notes: Mapping[str, int] = field(default_factory=Counter)


def compare(
    judge: Judge, sample: Sample, configurations: Iterable[Configuration], machine: str | None = None
) -> Comparison:
    """Run a sample everywhere and stop at the first configuration that differs.

    A program that the host itself does not end in time or that exhausts its memory is not judged.
    ``machine`` names a factory that takes the backend's place.
    """
    host = judge.host(sample.source, gas_limit=sample.gas_limit)
    if not host.reached_vm or host.kind in {TIMEOUT, CRASH} or "MemoryError" in host.kind:
        return Comparison(host, judged=False)
    notes: Counter[str] = Counter()
    for configuration in configurations:
        if machine is None:
            found = judge.configured(sample.source, configuration, gas_limit=sample.gas_limit)
        else:
            found = judge.backend(sample.source, {}, gas_limit=sample.gas_limit, machine=machine)
        notes.update({f"{configuration.name}: {name}": count for name, count in found.notes.items()})
        report = differences(host, found, ignore=configuration.ignore)
        if report:
            return Comparison(host, True, tuple(report), configuration.name, notes)
    return Comparison(host, judged=True, notes=notes)


def minimise(
    judge: Judge,
    sample: Sample,
    comparison: Comparison,
    configurations: Iterable[Configuration],
    *,
    machine: str | None = None,
    seconds: float = 60,
) -> tuple[Sample, Comparison]:
    """Shorten a finding, as long as the same configuration differs in a field of the same name."""
    fields = _fields(comparison)
    same = [
        configuration for configuration in configurations if configuration.name == comparison.configuration
    ]

    def fails(source: str) -> bool:
        return bool(fields & _fields(compare(judge, Sample(source, sample.gas_limit), same, machine)))

    patience = judge.seconds
    if any("backend 'timeout'" in line for line in comparison.report):
        judge.seconds = max(1.5, 10 * comparison.host.seconds)
    small = Sample(shrink(sample.source, fails, seconds=seconds), sample.gas_limit)
    judge.seconds = patience
    again = compare(judge, small, same, machine)
    return (small, again) if again.report else (sample, comparison)


def _fields(comparison: Comparison) -> set[str]:
    """Names of the fields that differ, ``env[a]`` counting as ``env``."""
    return {line.partition(":")[0].partition("[")[0] for line in comparison.report}
