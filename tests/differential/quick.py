"""Many comparisons in little time: ``python -m tests.differential.quick --seconds 600``.

Programs come from a plain generator of random numbers, are compiled once, and run in this process: on the
host, then on the backend in every tier and with forced exits (`exits`), all without workers. Batches of
programs have a process of their own each, so that one that hangs or crashes costs its batch only. What
differs is looked at again by the judge, made small, and kept in the corpus like any finding.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import pickle
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection

from zexus.evaluator import Evaluator

from . import harness
from .compare import Comparison, compare, minimise
from .exits import forced
from .fuzz import save
from .generator import Sample, Writer, straight_program
from .harness import Configuration
from .judge import Judge
from .outcome import VALUE, Outcome, differences
from .shapes import shape_program

BATCH = 40
_BATCH_SECONDS = 240
_SHRINK_SECONDS = 45
_LIMITS = 5
_COMPILED = {"tier": "compiled", "mode": "sequential"}

CONFIGURATIONS = (
    Configuration("interpreter", {"tier": "interpreter", "mode": "sequential"}),
    Configuration("compiled", _COMPILED),
    Configuration("auto", {"tier": "auto", "mode": "sequential"}),
    *(Configuration(f"exits {plan}", _COMPILED, exits=plan) for plan in ("first", "always", "random 1")),
)

CHEAP = tuple(one for one in CONFIGURATIONS if one.name in {"interpreter", "auto"})


class Dice(Writer):
    """Draws a program with a plain generator of random numbers."""

    def __init__(self, seed: int) -> None:
        super().__init__(lambda _strategy: None)
        self._random = random.Random(seed)
        self._brief = self.chance(70)

    def block(self, depth: int, most: int) -> list[str]:
        """Statements; most programs are short, so that there are many."""
        return super().block(depth + self._brief, 1 if self._brief else most)

    def pick(self, *options: str) -> str:
        """One of the options."""
        return self._random.choice(options)

    def number(self, low: int, high: int) -> int:
        """A number, both ends included."""
        return self._random.randint(low, high)

    def names(self, most: int, *options: str) -> list[str]:
        """Up to ``most`` different ones."""
        return self._random.sample(options, self.number(0, most))


def sample(seed: int) -> tuple[str, list[int]]:
    """A program and the gas limits to run it under."""
    dice = Dice(seed)
    kind = dice.number(0, 4)
    if kind < 2:
        source = dice.program()
    elif kind < 4:
        source = shape_program(dice)
    else:
        source = straight_program(dice)
    return source, [4_000, *(dice.number(20, 1_000) for _ in range(_LIMITS))]


def kept(place: str) -> tuple[Configuration, ...]:
    """A run that keeps its translations in a directory, and two that find them there."""
    later = {"tier": "auto", "mode": "sequential", "cache": place}
    return (
        Configuration("keeping", {**_COMPILED, "cache": place}),
        Configuration("kept", {**_COMPILED, "cache": place}),
        Configuration("kept, auto", later),
    )


def look(seed: int, counts: Counter[str], place: str) -> tuple[Sample, Configuration, list[str]] | None:
    """Compare one program everywhere; the first difference.

    :param place: a directory for translations.
    """
    source, limits = sample(seed)
    compilation = harness.compile_program(source)
    counts["programs"] += 1
    if compilation.state != harness.COMPILED:
        counts[compilation.state] += 1
        return None
    frozen = pickle.dumps(compilation.bytecode, pickle.HIGHEST_PROTOCOL)
    builtins = Evaluator(use_vm=False).builtins

    def run(factory: harness.Factory, limit: int) -> Outcome:
        return harness.run_code(pickle.loads(frozen), factory, builtins, limit)

    for index, limit in enumerate(limits):
        host = run(harness.host_factory, limit)
        counts[f"host: {host.kind}"] += 1
        counts["operations"] += host.operation_count
        if "MemoryError" in host.kind:
            continue
        # Translation is what costs most: under most of the small limits the cheap tiers only.
        every = CONFIGURATIONS + kept(place) if index < 1 else CONFIGURATIONS
        for configuration in every if index < 2 else CHEAP:
            factory = harness.backend_factory(configuration.settings)
            if configuration.exits:
                with forced(configuration.exits) as sites:
                    found = run(factory, limit)
                counts["exits forced"] += sites.forced
            else:
                found = run(factory, limit)
            counts[f"compared: {configuration.name}"] += 1
            if report := differences(host, found):
                return Sample(source, limit), configuration, report
        if index == 0 and host.kind == VALUE:
            limits[1:] = [limit % host.gas_used for limit in limits[1:] if limit % host.gas_used]
    return None


def batch(first: int, answers: Connection) -> None:
    """Compare programs ``first`` to ``first + BATCH - 1``; sends the counts and what differs."""
    counts: Counter[str] = Counter()
    found = []
    with tempfile.TemporaryDirectory(prefix="zexus-cache-") as place:
        for seed in range(first, first + BATCH):
            finding = look(seed, counts, place)
            if finding is not None:
                found.append((seed, *finding))
            answers.send(("counts", dict(counts)))
            counts.clear()
    answers.send(("found", found))


def run_batch(first: int, totals: Counter[str]) -> list[tuple[int, Sample, Configuration, list[str]]]:
    """Run a batch in a process of its own."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=batch, args=(first, there))
    process.start()
    there.close()
    deadline = time.monotonic() + _BATCH_SECONDS
    done = 0
    found = None
    with contextlib.suppress(EOFError):
        while found is None and here.poll(max(0.0, deadline - time.monotonic())):
            kind, content = here.recv()
            if kind == "counts":
                totals.update(content)
                done += 1
            else:
                found = content
    if found is None:
        print(f"program {first + done} does not end, or its process has crashed", flush=True)
        totals["unfinished programs"] += 1
        process.kill()
    process.join()
    here.close()
    return found or []


def report(totals: Counter[str]) -> str:
    """The counts so far, one a line."""
    compared = sum(count for name, count in totals.items() if name.startswith("compared: "))
    lines = [f"Python {platform.python_version()}: {compared} comparisons"]
    return "\n".join([*lines, *(f"{count:10d} {name}" for name, count in sorted(totals.items()))])


def main(arguments: list[str] | None = None) -> int:
    """Compare for ``--seconds``; the exit code is 1 if anything was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600, help="how long (default: ten minutes)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="number of the first program")
    parser.add_argument("--findings", type=int, default=20, help="stop after so many")
    options = parser.parse_args(arguments)
    deadline = time.monotonic() + options.seconds
    totals: Counter[str] = Counter()
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 3000))
    names: set[str] = set()
    number, batches = options.seed, 0
    while time.monotonic() < deadline and len(names) < options.findings:
        for seed, found, configuration, lines in run_batch(number, totals):
            totals["differences"] += 1
            print(f"DIFFERENCE in program {seed}, {configuration.name}, gas limit {found.gas_limit}:")
            print("  " + "\n  ".join(lines), flush=True)
            name = keep(found, configuration)
            print(f"  kept as {name}" if name else "  not seen again", flush=True)
            names |= {name} - {""}
        number += BATCH
        batches += 1
        if batches % 20 == 1:
            print(report(totals), flush=True)
    print(report(totals), flush=True)
    return 1 if totals["differences"] else 0


def keep(found: Sample, configuration: Configuration) -> str:
    """Make a finding small and put it into the corpus; its name, or nothing if it is not seen again."""
    with Judge(seconds=10) as judge:
        comparison: Comparison = compare(judge, found, [configuration])
        if not comparison.report:
            return ""
        small, comparison = minimise(judge, found, comparison, [configuration], seconds=_SHRINK_SECONDS)
        return save(small, comparison, ends=judge.host(small.source).reached_vm)


if __name__ == "__main__":
    sys.exit(main())
