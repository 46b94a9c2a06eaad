"""How long the analysis of a generated program takes, and the whole of `explain`, by size and kind of
program. Both should grow with the size, not with its square.

    python benchmarks/planning.py [KIND ...] [--sizes N,N]

Kinds: straight (assignments and output), loops, actions (each called, each calls another one), nested (loops
six deep), calls (of one action, results in variables), mixed (all of it, each piece uses earlier ones).
CPU seconds. *host*: the host's own parsing and compiling. *plan*: `analysis`, the chunks of all code and
their dependences. *explain*: everything that `zexus-parallel explain` does but for the host's part. With all
kinds, the table is written to results/planning.md.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from zexus_parallel_plugin.analysis.aliases import AliasClasses
from zexus_parallel_plugin.analysis.chunks import chunks
from zexus_parallel_plugin.analysis.dependences import accesses, dependences
from zexus_parallel_plugin.analysis.program import ProgramView
from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.explain import subject as subjects
from zexus_parallel_plugin.explain.build import report
from zexus_parallel_plugin.explain.render import render
from zexus_parallel_plugin.explain.subject import Subject, load
from zexus_parallel_plugin.host.listing import list_program

SIZES = (1_000, 10_000, 100_000)
RESULTS = Path(__file__).parent / "results" / "planning.md"
HEADING = (
    "# Planning and explain",
    "",
    "Made by `python benchmarks/planning.py`: CPU seconds by kind and size of generated programs. *host*:",
    "the host's own parsing and compiling. *plan*: the analysis. *explain*: everything but the host's part.",
    "",
)

_ACTION = """
action work_{0}(n) {{
    let wk_{0} = 0;
    while (wk_{0} < n) {{ wk_{0} = wk_{0} + 1; }}
    return wk_{0};
}}
"""
_MIXED = (
    _ACTION
    + """
let a_{0} = work_{0}({1});
let b_{0} = a_{2} + 1;
let list_{0} = [];
for i in range(100) {{
    if (i % 3 == 0) {{ list_{0} = push(list_{0}, work_{0}(i)); }}
    total = total + i * b_{0};
}}
let map_{0} = {{}};
for each x in list_{0} {{
    for j in range(10) {{ map_{0}[j] = x * j; }}
}}
print(total + a_{0});
if (total > 10) {{ let c_{0} = work_{0}(total); }} else {{ print(list_{2}); }}
"""
)
_LOOPS = """
for i_{0} in range(100) {{
    total = total + i_{0} * {1};
}}
let list_{0} = [];
let j_{0} = 0;
while (j_{0} < 50) {{
    list_{0} = push(list_{0}, j_{0} * 2);
    j_{0} = j_{0} + 1;
}}
"""
_START = "let total = 0;\nlet a_0 = 1;\nlet list_0 = [];\n"


def mixed(pieces: int) -> str:
    """Actions, calls, loops and branches; each piece uses results of an earlier one."""
    chance = random.Random(1)
    return _START + "".join(
        _MIXED.format(number, chance.randrange(100), chance.randrange(number))
        for number in range(1, pieces + 1)
    )


def straight(pieces: int) -> str:
    """Assignments and output."""
    return "let v0 = 1;\n" + "".join(
        f"let v{n} = v{n // 2} + {n};\nprint(v{n});\n" for n in range(1, pieces + 1)
    )


def loops(pieces: int) -> str:
    """Loops one after the other."""
    return _START + "".join(_LOOPS.format(n, n % 7) for n in range(1, pieces + 1))


def actions(pieces: int) -> str:
    """Actions, each called by the top level and by two others."""
    made = [_ACTION.format(0)]
    for n in range(1, pieces + 1):
        text = _ACTION.format(n).replace("return ", f"return work_{n // 2}(n - 1) + ")
        made.append(f"{text}let r_{n} = work_{n}({n});\n")
    return "".join(made)


def nested(pieces: int) -> str:
    """Loops six deep."""
    made = []
    for n in range(pieces):
        heads = "".join(f"for i_{n}_{depth} in range(9) {{\n" for depth in range(6))
        made.append(f"let t_{n} = 0;\n{heads}t_{n} = t_{n} + i_{n}_0 * i_{n}_5;\n{'}' * 6}\n")
    return "".join(made)


def calls(pieces: int) -> str:
    """Calls of one action, with results in variables that later calls use."""
    text = _ACTION.format(0) + "let r0 = 1;\n"
    return text + "".join(f"let r{n} = work_0(r{n // 2} + {n});\n" for n in range(1, pieces + 1))


KINDS: dict[str, tuple[Callable[[int], str], int]] = {
    "straight": (straight, 6),
    "loops": (loops, 55),
    "actions": (actions, 34),
    "nested": (nested, 142),
    "calls": (calls, 7),
    "mixed": (mixed, 142),
}
"""Generators, with the instructions that a piece is, about."""


class Clock:
    """CPU seconds of named parts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Any:
        begun = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - begun

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which counts its time."""

        def call(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return function(*args, **kwargs)

        return call


def measure(kind: str, size: int) -> tuple[Subject, Clock]:
    """Explain a program of about so many instructions."""
    make, each = KINDS[kind]
    gc.collect()  # what is left of another program is not this one's
    clock = Clock()
    with (
        patch.object(subjects, "list_program", clock.timed("host", list_program)),
        patch.object(subjects, "ProgramView", clock.timed("view", ProgramView)),
        tempfile.TemporaryDirectory() as directory,
    ):
        path = Path(directory) / f"{kind}.zx"
        path.write_text(make(max(1, size // each)), encoding="utf-8")
        with clock.part("all"):
            subject = load(path, ParallelConfig(worker_count=2))
            render(report(subject))
    assert subject.view is not None, subject.listing.said
    with clock.part("chunks"):
        for unit in subject.view.units:
            if unit.facts is not None:
                aliases = AliasClasses(unit.facts)
                cut = [(chunk.first, chunk.end) for chunk in chunks(unit.code)]
                dependences(accesses(unit.facts, aliases, cut), aliases)
    return subject, clock


def main() -> None:
    parser = argparse.ArgumentParser(description="How planning and explain grow.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="Instructions, by commas.")
    arguments = parser.parse_args()
    unknown = [kind for kind in arguments.kinds if kind not in KINDS]
    if unknown:
        parser.error(f"{unknown[0]}: no kind; {', '.join(KINDS)} are")
    lines: list[str] = []
    for line in table(arguments.kinds or list(KINDS), [int(size) for size in arguments.sizes.split(",")]):
        print(line, flush=True)
        lines.append(line)
    if not arguments.kinds:
        RESULTS.write_text("\n".join([*HEADING, *lines, ""]), encoding="utf-8")


def table(kinds: Sequence[str], sizes: Sequence[int]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    columns = "kind", "instructions", "loops", "actions", "host", "plan", "explain"
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for kind in kinds:
        for size in sizes:
            subject, clock = measure(kind, size)
            assert subject.view is not None
            units = subject.view.units
            count = sum(len(unit.code.instructions) for unit in units)
            found = sum(len(unit.plans) for unit in units)
            spent = clock.seconds
            yield (
                f"| {kind} | {count:,} | {found:,} | {len(units) - 1:,} | {spent['host']:.2f}"
                f" | {spent['view'] + spent['chunks']:.2f} | {spent['all'] - spent['host']:.2f} |"
            )
            del subject, units


if __name__ == "__main__":
    main()
