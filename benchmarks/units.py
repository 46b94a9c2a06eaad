"""Measures compiled functions alone, without what surrounds a run, beside the same functions in plain Python.

    python benchmarks/units.py [--runs N] [--gas-limit N]

Each function of `benchmarks/functions` that does the work is called directly, as a unit of the compiled tier
and as Python, in turn; milliseconds, the least of N calls. Every call begins with all of the gas.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import tables
from tests.engine.programs import compiled, on_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FUNCTIONS = Path(__file__).resolve().parent / "functions"
CALLS: dict[str, tuple[str, Callable[[Callable[..., Any]], tuple[Any, ...]]]] = {
    "loop": ("loop", lambda _call: (20_000,)),
    "fibonacci": ("fibonacci", lambda _call: (18,)),
    "matrix_product": ("product", lambda call: (call("matrix", 24, 3), call("matrix", 24, 5), 24)),
    "sieve": ("sieve", lambda _call: (3_000,)),
    "text": ("build", lambda _call: (5_000,)),
}
"""Program -> the function that is measured, and its arguments; those may be made by other functions."""


def units(program: str, gas_limit: int) -> Callable[..., Any]:
    """What calls an action of a program as its unit."""
    bytecode = compiled((FUNCTIONS / f"{program}.zx").read_text())
    execution = on_engine(bytecode, "compiled", gas=gas_limit, operations=gas_limit).execution
    builder = execution.tier.builder
    found = {builder.program.functions[key].code.name: unit for key, unit in builder.units.items()}
    meter = execution.meter

    def call(name: str, *args: Any) -> Any:
        unit = found[name]
        meter.gas_used = meter.operation_count = 0
        return unit.function(*((1, *args) if unit.depth else args))

    return call


def twins(program: str) -> Callable[..., Any]:
    """The same for the twin in plain Python."""
    path = FUNCTIONS / f"{program}.py"
    place: dict[str, Any] = {"__name__": "twin"}
    with contextlib.redirect_stdout(None):
        exec(compile(path.read_text(), str(path), "exec"), place)
    return lambda name, *args: place[name](*args)


def least(ways: Sequence[Callable[[], Any]], runs: int) -> list[float]:
    """Seconds of the quickest of some calls of each of some functions, which take turns."""
    best = [float("inf")] * len(ways)
    for _ in range(runs):
        for index, way in enumerate(ways):
            begin = time.perf_counter()
            way()
            best[index] = min(best[index], time.perf_counter() - begin)
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=15, help="calls of each function (default: 15)")
    parser.add_argument("--gas-limit", type=int, default=100_000_000, help="default: the host's")
    options = parser.parse_args()
    rows = []
    for program, (name, arguments) in CALLS.items():
        with contextlib.redirect_stdout(sys.stderr):  # the host warns when it is first used
            calls = units(program, options.gas_limit), twins(program)
        ways = [partial(call, name, *arguments(call)) for call in calls]
        mine, theirs = (seconds * 1000 for seconds in least(ways, max(1, options.runs)))
        rows.append([program, f"{mine:.2f}", f"{theirs:.2f}", f"{mine / theirs:.2f}"])
    print(tables.markdown(["milliseconds", "unit", "Python", "unit ÷ Python"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
