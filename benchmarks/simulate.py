"""How the scheduler behaves with more workers than this machine has.

    python benchmarks/simulate.py [--work SECONDS]

Prints tables, and writes them to results/simulation.md.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.simulation import Costs, Outcome, guided, scaled, simulate, static

WORKERS = (4, 16, 64, 256)
LENGTHS = (10e-6, 100e-6, 1e-3, 10e-3, 100e-3)
RESULTS = Path(__file__).parent / "results" / "simulation.md"


def even(seconds: float, work: float) -> list[float]:
    """Iterations of the same length."""
    return [seconds] * max(1, round(work / seconds))


def uneven(seconds: float, work: float) -> list[float]:
    """Iterations whose lengths differ by orders of magnitude, in no order."""
    chance = random.Random(1)
    return [seconds * chance.lognormvariate(-0.72, 1.2) for _ in range(max(1, round(work / seconds)))]


def rising(seconds: float, work: float) -> list[float]:
    """Iterations that get longer: the last are twice as long as the mean."""
    count = max(1, round(work / seconds))
    return [2 * seconds * (number + 1) / count for number in range(count)]


RULES = {"guided": guided, "scaled": scaled, "in line": guided, "static": static}
KINDS = {"even": even, "uneven": uneven, "rising": rising}


def cell(outcome: Outcome) -> str:
    bound = "" if outcome.bound > 0.95 * outcome.workers else f" of {outcome.bound:.1f}"
    return f"{outcome.speedup:.1f}{bound} ({outcome.central_share:.0%})"


def tables(work: float) -> Iterator[str]:
    yield "# The scheduler in virtual time"
    yield ""
    yield "Made by `python benchmarks/simulate.py`; the model is `benchmarks/simulation.py`."
    yield ""
    yield f"A loop with {work:g} seconds of work. Each cell: speed-up over one core, the greatest one that is"
    yield "possible where a single iteration limits it, and how much of the time the main process is busy."
    for kind, make in KINDS.items():
        yield ""
        yield f"## {kind.capitalize()} iterations"
        yield ""
        yield "| iteration | " + " | ".join(f"{workers} workers" for workers in WORKERS) + " |"
        yield "|---|" + "---|" * len(WORKERS)
        for seconds in LENGTHS:
            outcomes = [simulate(make(seconds, work), workers) for workers in WORKERS]
            yield f"| {seconds * 1e3:g} ms | " + " | ".join(map(cell, outcomes)) + " |"
    yield ""
    yield "## Other rules"
    yield ""
    yield "Speed-ups; iterations of 1 and 10 ms on the mean. *guided*: what the run time does. *scaled*: the"
    yield "same, with a least size that grows with the workers, and no more than a worker's share of what is"
    yield "left. *in line*: guided, but ranges that are done and wait for an earlier one count as being on"
    yield "their way. *static*: one range for each worker."
    yield ""
    yield "| iterations | rule | " + " | ".join(f"{workers} workers" for workers in WORKERS) + " |"
    yield "|---|---|" + "---|" * len(WORKERS)
    for kind, make in KINDS.items():
        for seconds, (name, sizes) in product((1e-3, 1e-2), RULES.items()):
            outcomes = [
                simulate(make(seconds, work), workers, Costs(), sizes, in_line=name == "in line")
                for workers in WORKERS
            ]
            yield (
                f"| {kind}, {seconds * 1e3:g} ms | {name} | "
                + " | ".join(f"{each.speedup:.1f}" for each in outcomes)
                + " |"
            )
    yield ""
    yield "## How much work 64 workers need"
    yield ""
    yield "Even iterations of 1 ms."
    yield ""
    yield "| work | time | speed-up | main process busy | ranges |"
    yield "|---|---|---|---|---|"
    for amount in (0.1, 1.0, 10.0, 100.0):
        outcome = simulate(even(1e-3, amount), 64)
        yield (
            f"| {amount:g} s | {outcome.seconds * 1e3:.1f} ms | {outcome.speedup:.1f} |"
            f" {outcome.central_share:.0%} | {outcome.ranges} |"
        )


def main() -> None:
    words = sys.argv[1:]
    work = float(words[words.index("--work") + 1]) if "--work" in words else 20.0
    text = "\n".join(tables(work)) + "\n"
    print(text, end="")
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
