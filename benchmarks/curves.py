"""How much faster two workers are than one, as programs get longer and as iterations get shorter.

    python benchmarks/curves.py [--runs N] [--longest SECONDS] [--workers N]

Two shapes of program, made from templates: *calls*, independent calls in a loop that itself needs its order,
so that the calls run ahead of it; and *ranges*, a loop that adds up, of which ranges go to workers. The first
curve gives 100 iterations from 10 ms to 10 s of work in all, the second spends one second on iterations of
1 s to 10 microseconds. Whole processes, those with one and with more workers in turn; the least time of each
counts. *net* is without the time of an empty program. Writes results/curves.json and results/curves.md.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from zexus_parallel_plugin.cli.measure import EMPTY_PROGRAM, Variant, backend

RESULTS = Path(__file__).resolve().parent / "results"
WORK = """action work(n) {
    let k = 0;
    let found = 0;
    while (k < n) {
        found = (found * 31 + k) % 9973;
        k = k + 1;
    }
    return found;
}
"""
SHAPES = {
    "calls": WORK
    + """let seed = 7;
let total = 0;
for i in range(COUNT) {
    seed = (seed * 16807) % 2147483647;
    total = (total * 31 + work(STEPS + seed % 2)) % 1000003;
}
print(total);
""",
    "ranges": WORK
    + """let total = 0;
for i in range(COUNT) {
    total = total + work(STEPS + i % 2);
}
print(total);
""",
}
ITERATIONS = 100
WORKS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
LENGTHS = (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5)
SPENT = 1.0
"""Seconds of work for each point of the second curve; at least two iterations."""
BETTER = 1.05
"""A speed-up that is more than noise."""


@dataclass(frozen=True, slots=True)
class Point:
    """One program: what it should take on one worker, and what it took. Times in seconds."""

    shape: str
    iterations: int
    iteration: float
    one: float
    more: float
    empty_one: float
    empty_more: float

    @property
    def work(self) -> float:
        """Seconds of work that were aimed at."""
        return self.iterations * self.iteration

    @property
    def whole(self) -> float:
        """Speed-up of whole processes."""
        return self.one / self.more

    @property
    def net(self) -> float:
        """Speed-up without start and end; 1 where that is lost in the noise."""
        one, more = self.one - self.empty_one, self.more - self.empty_more
        return one / more if one > 0.002 and more > 0.002 else 1.0


class Bench:
    """Runs programs from a directory, with one worker and with more."""

    def __init__(self, directory: Path, workers: int, runs: int) -> None:
        self._directory = directory
        self._variants = backend(1, "unlimited"), backend(workers, "unlimited")
        self._runs = runs
        empty = directory / "empty.zx"
        empty.write_text(EMPTY_PROGRAM, encoding="utf-8")
        self._empty = self._least(empty, runs)
        self._step = self._calibrate()

    def point(self, shape: str, iterations: int, iteration: float) -> Point:
        """Measure one program."""
        steps = max(1, round(iteration / self._step))
        path = self._directory / f"{shape}.zx"
        text = SHAPES[shape].replace("COUNT", str(iterations)).replace("STEPS", str(steps))
        path.write_text(text, encoding="utf-8")
        # Long programs are disturbed less.
        runs = self._runs if iterations * iteration < 3.0 else max(1, self._runs - 1)
        one, more = self._least(path, runs)
        return Point(shape, iterations, iteration, one, more, *self._empty)

    def _least(self, path: Path, runs: int) -> tuple[float, float]:
        """Least times of both variants, which take turns and must print the same."""
        times: list[list[float]] = [[], []]
        printed = set()
        for _ in range(runs):
            for each, variant in zip(times, self._variants, strict=True):
                seconds, output = _run(variant, path)
                each.append(seconds)
                printed.add(output)
        if len(printed) > 1:
            raise SystemExit(f"{path.name}: the outputs differ")
        return min(times[0]), min(times[1])

    def _calibrate(self) -> float:
        """Seconds for one step of ``work`` on one worker."""
        steps = 1_000_000
        path = self._directory / "calibrate.zx"
        path.write_text(WORK + f"print(work({steps}));\nprint(work({steps} + 1));\n", encoding="utf-8")
        took = min(_run(self._variants[0], path)[0] for _ in range(max(2, self._runs)))
        return max(1e-9, (took - self._empty[0]) / (2 * steps))


def _run(variant: Variant, path: Path) -> tuple[float, bytes]:
    begun = time.perf_counter()
    done = subprocess.run(
        variant.command(path), env=variant.full_environment(), capture_output=True, check=False, timeout=300
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{path.name} ended with exit code {done.returncode}: {done.stderr.decode()[-500:]}")
    return seconds, done.stdout


def break_even(points: list[tuple[float, float]]) -> float | None:
    """From which size on there is a speed-up: interpolated between the last point without one and the next.

    :param points: sizes in rising order, with speed-ups.
    """
    below = max((index for index, (_size, gain) in enumerate(points) if gain < BETTER), default=-1)
    if below == len(points) - 1:
        return None
    if below < 0:
        return points[0][0]
    (size, gain), (next_size, next_gain) = points[below], points[below + 1]
    share = (BETTER - gain) / (next_gain - gain)
    return math.exp(math.log(size) + share * (math.log(next_size) - math.log(size)))


def seconds_text(seconds: float) -> str:
    """A time in a handy unit."""
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def curve(title: str, points: list[Point], by: str) -> list[str]:
    """A table, a plot and the break-even point of one curve."""
    rows = sorted((getattr(point, by), point) for point in points)
    lines = [f"## {title}", "", "| size | one worker | more | whole | net | |", "|---|---|---|---|---|---|"]
    for size, point in rows:
        bar = "#" * round(20 * max(0.0, point.net))
        lines.append(
            f"| {seconds_text(size)} | {seconds_text(point.one)} | {seconds_text(point.more)} |"
            f" {point.whole:.2f} | {point.net:.2f} | `{bar}` |"
        )
    lines.append("")
    for name in ("net", "whole"):
        found = break_even([(size, getattr(point, name)) for size, point in rows])
        what = f"from {seconds_text(found)} on" if found is not None else "nowhere here"
        lines.append(f"Faster by a twentieth or more, {name}: {what}.")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed-up by size of programs and of iterations.")
    parser.add_argument("--runs", type=int, default=3, help="Runs of each program and variant.  [3]")
    parser.add_argument("--longest", type=float, default=max(WORKS), help="Longest program, seconds.  [10]")
    parser.add_argument("--workers", type=int, default=2, help="Workers to compare with one.  [2]")
    arguments = parser.parse_args()
    text = [
        "# Curves",
        "",
        f"Made by `python benchmarks/curves.py`: {arguments.workers} workers and one.",
        "",
    ]
    document = {}
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory), arguments.workers, arguments.runs)
        for shape in SHAPES:
            spent = min(SPENT, arguments.longest)
            growing = [
                bench.point(shape, ITERATIONS, work / ITERATIONS)
                for work in WORKS if work <= arguments.longest
            ]  # fmt: skip
            shrinking = [
                bench.point(shape, max(2, round(spent / length)), length)
                for length in LENGTHS if length <= spent
            ]  # fmt: skip
            text += curve(f"{shape}: {ITERATIONS} iterations, by the work in all of them", growing, "work")
            text += curve(
                f"{shape}: {spent:g} s of work, by the length of an iteration", shrinking, "iteration"
            )
            document[shape] = {
                name: [{**asdict(point), "whole": point.whole, "net": point.net} for point in points]
                for name, points in (("growing", growing), ("shrinking", shrinking))
            }
    print("\n".join(text))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "curves.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "curves.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
