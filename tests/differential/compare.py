"""One generated program on the host and on the backend in several configurations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .outcome import CRASH, TIMEOUT, Outcome, differences

if TYPE_CHECKING:
    from .generator import Sample
    from .harness import Configuration
    from .judge import Judge


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it: a line for each difference in ``report``; not ``judged`` if the host did not end."""

    host: Outcome
    judged: bool
    report: tuple[str, ...] = ()
    configuration: str = ""


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
    for configuration in configurations:
        found = judge.backend(
            sample.source,
            configuration.settings,
            gas_limit=sample.gas_limit,
            **({"machine": machine} if machine else {}),
        )
        report = differences(host, found, ignore=configuration.ignore)
        if report:
            return Comparison(host, True, tuple(report), configuration.name)
    return Comparison(host, judged=True)
