"""Measures execution alone, inside this process: the host's VM, the backend in place, and plain Python.

    python benchmarks/in_process.py [SET|NAME|FILE ...] [--runs N] [--json FILE] …
    python benchmarks/in_process.py parallel --host-runs 0 --gas-limit 1000000000000

They take turns, and medians are reported. The backend is measured twice: as in the first run of a program,
and as in later ones, which find the translations that earlier ones have left on disk. What the host and the
backend print, leave in the root environment, and count as gas and operations is compared, as is what the
Python program prints. Sets: functions, programs (both by default), parallel, examples. The exit code is 1 if
something differs.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import platform
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import suite, tables
from tests.differential import harness
from zexus_parallel_plugin.config import HOST_GAS_LIMIT

COMPARED = ("kind", "text", "value", "stdout", "env", "gas_used", "operation_count")


_EARLIER = 2  # runs that leave behind what later ones find: in the second, failed optimism is known


class Clock:
    """Creates machines whose ``execute`` is timed, and nothing else of what the harness does with them."""

    def __init__(self, factory: harness.Factory) -> None:
        self._factory = factory
        self.seconds: list[float] = []

    def __call__(self, **kwargs: Any) -> harness.Machine:
        machine = self._factory(**kwargs)
        execute = machine.execute

        def timed(code: Any) -> Any:
            gc.collect()
            begin = time.perf_counter()
            try:
                return execute(code)
            finally:
                self.seconds.append(time.perf_counter() - begin)

        machine.execute = timed  # type: ignore[method-assign]
        return machine


class Twin:
    """A plain Python program, compiled once and executed in a fresh namespace each time."""

    def __init__(self, path: Path) -> None:
        self._code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
        self.seconds: list[float] = []

    def run(self) -> str:
        with harness.Capture() as captured:
            namespace = {"__name__": "__main__"}
            gc.collect()
            begin = time.perf_counter()
            exec(self._code, namespace)
            self.seconds.append(time.perf_counter() - begin)
        return captured.stdout


def measure(program: suite.Program, runs: int, host_runs: int, tier: str, gas_limit: int) -> dict[str, Any]:
    """Measure one program; times in seconds."""
    host = Clock(harness.host_factory)
    settings = {"mode": "sequential", "tier": tier, "gas_limit": gas_limit}
    first = Clock(harness.backend_factory({**settings, "cache": "off"}))
    twin = Twin(program.twin) if program.twin else None
    differences: list[str] = []
    reference = None
    with tempfile.TemporaryDirectory(prefix="zexus-cache-") as place:
        later = Clock(harness.backend_factory({**settings, "cache": place}))
        for number in range(-_EARLIER, max(runs, host_runs)):
            if 0 <= number < host_runs:
                reference = harness.run(program.source, host, path=str(program.path), gas_limit=gas_limit)
                if reference.kind != "value":
                    differences.append(f"host: {reference.kind} {reference.text}")
            for backend in (first, later) if number < runs else ():
                outcome = harness.run(program.source, backend, path=str(program.path), gas_limit=gas_limit)
                if outcome.kind != "value":
                    differences.append(f"backend: {outcome.kind} {outcome.text}")
                if reference is not None:
                    differences += [
                        name for name in COMPARED if getattr(outcome, name) != getattr(reference, name)
                    ]
            if number < runs and twin is not None and twin.run() != outcome.stdout:
                differences.append("output of the Python program")
    del first.seconds[:_EARLIER], later.seconds[:_EARLIER]
    times = {
        "host": median(host.seconds) if host.seconds else None,
        "backend_first": median(first.seconds),
        "backend": median(later.seconds),
        "python": median(twin.seconds) if twin else None,
    }
    return {
        "name": program.name,
        **times,
        "host_over_first": _ratio(times["host"], times["backend_first"]),
        "host_over_backend": _ratio(times["host"], times["backend"]),
        "backend_over_python": _ratio(times["backend"], times["python"]),
        "runs": {
            "host": host.seconds,
            "backend_first": first.seconds,
            "backend": later.seconds,
            "python": twin.seconds if twin else [],
        },
        "same": not differences,
        "differences": sorted(set(differences)),
    }


def measure_all(
    programs: list[suite.Program],
    *,
    runs: int = 5,
    host_runs: int = 2,
    tier: str = "auto",
    gas_limit: int = HOST_GAS_LIMIT,
) -> dict[str, Any]:
    """Measure programs and add geometric means."""
    measured = []
    with contextlib.redirect_stdout(sys.stderr):  # the host warns on standard output when it is first used
        for program in programs:
            print(f"{program.name} …", flush=True)
            measured.append(measure(program, runs, host_runs, tier, gas_limit))
    means = {
        name: tables.geometric_mean(item[name] for item in measured if item[name])
        for name in ("host_over_first", "host_over_backend", "backend_over_python")
    }
    slowest = [item["host_over_backend"] for item in measured if item["host_over_backend"]]
    return {
        "tier": tier,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "programs": measured,
        "geometric_means": means,
        "smallest_host_over_backend": min(slowest, default=None),
    }


def _ratio(over: float | None, under: float | None) -> float | None:
    return over / under if over and under else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="SET|NAME|FILE")
    parser.add_argument("--runs", type=int, default=5, help="runs of the backend and of Python (default: 5)")
    parser.add_argument("--host-runs", type=int, default=2, help="runs of the host, 0 for none (default: 2)")
    parser.add_argument("--tier", default="auto", choices=("auto", "interpreter", "compiled"))
    parser.add_argument(
        "--gas-limit",
        type=int,
        default=HOST_GAS_LIMIT,
        metavar="N",
        help="for `parallel`, with --host-runs 0",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured to a file")
    arguments = parser.parse_args()
    if arguments.runs < 1 or arguments.host_runs < 0:
        parser.error("--runs must be at least 1, --host-runs at least 0")
    document = measure_all(
        suite.select(arguments.what),
        runs=arguments.runs,
        host_runs=arguments.host_runs,
        tier=arguments.tier,
        gas_limit=arguments.gas_limit,
    )
    print(tables.in_process(document))
    if arguments.json:
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    different = [item for item in document["programs"] if not item["same"]]
    for item in different:
        print(f"{item['name']} differs in: {', '.join(item['differences'])}", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
