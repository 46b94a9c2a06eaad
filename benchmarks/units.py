"""Measures compiled functions alone, without what surrounds a run, beside the same functions in plain Python.

    python benchmarks/units.py [--runs N]

Each function of `benchmarks/functions` that does the work is called directly, as a unit of the compiled tier
and as Python; milliseconds, the least of N calls.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import tables
from tests.engine.programs import compiled, on_engine

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTIONS = Path(__file__).resolve().parent / "functions"
CALLS: dict[str, tuple[str, Callable[[Callable[..., Any]], tuple[Any, ...]]]] = {
    "loop": ("loop", lambda _call: (20_000,)),
    "fibonacci": ("fibonacci", lambda _call: (18,)),
    "matrix_product": ("product", lambda call: (call("matrix", 24, 3), call("matrix", 24, 5), 24)),
    "sieve": ("sieve", lambda _call: (3_000,)),
    "text": ("build", lambda _call: (5_000,)),
}
"""Program -> the function that is measured, and its arguments; those may be made by other functions."""


def units(program: str) -> Callable[..., Any]:
    """What calls an action of a program as its unit."""
    bytecode = compiled((FUNCTIONS / f"{program}.zx").read_text())
    execution = on_engine(bytecode, "compiled", gas=10**12).execution
    builder = execution.tier.builder
    found = {builder.program.functions[key].code.name: unit for key, unit in builder.units.items()}

    def call(name: str, *args: Any) -> Any:
        unit = found[name]
        return unit.function(*((1, *args) if unit.depth else args))

    return call


def twins(program: str) -> Callable[..., Any]:
    """The same for the twin in plain Python."""
    path = FUNCTIONS / f"{program}.py"
    place: dict[str, Any] = {"__name__": "twin"}
    with contextlib.redirect_stdout(None):
        exec(compile(path.read_text(), str(path), "exec"), place)
    return lambda name, *args: place[name](*args)


def least(call: Callable[..., Any], name: str, args: tuple[Any, ...], runs: int) -> float:
    """Seconds of the quickest of some calls."""
    best = float("inf")
    for _ in range(runs):
        begin = time.perf_counter()
        call(name, *args)
        best = min(best, time.perf_counter() - begin)
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=15, help="calls of each function (default: 15)")
    runs = max(1, parser.parse_args().runs)
    rows = []
    for program, (name, arguments) in CALLS.items():
        with contextlib.redirect_stdout(sys.stderr):  # the host warns when it is first used
            ours, python = units(program), twins(program)
        mine, theirs = (least(call, name, arguments(call), runs) * 1000 for call in (ours, python))
        rows.append([program, f"{mine:.2f}", f"{theirs:.2f}", f"{mine / theirs:.2f}"])
    print(tables.markdown(["milliseconds", "unit", "Python", "unit ÷ Python"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
