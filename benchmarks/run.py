"""Runs the sets and writes what the README quotes.

    python benchmarks/run.py [functions programs short examples parallel] [--runs N]

`functions` and `programs` are measured inside one process (in_process.py), `examples` as whole processes on
the host, on one worker and on all cores, `parallel` as whole processes on one worker and on all cores,
without a gas limit, beside what the machine gains from as many plain Python processes; `short` are the
`programs` again, measured like `parallel`: what workers cost where there is hardly time to use them. Writes
results/SET.json and, from all the files that are there, results/tables.md. The exit code is 1 if an output
differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import machine, suite, tables
from benchmarks.in_process import measure_all
from zexus_parallel_plugin.cli.bench import plan, record
from zexus_parallel_plugin.cli.measure import compare
from zexus_parallel_plugin.config import ParallelConfig

TITLES = {
    "functions": "Five functions, execution alone, one core",
    "programs": "Ordinary programs, execution alone, one core",
    "short": "Ordinary programs, whole processes, no gas limit",
    "examples": "The examples, whole processes",
    "parallel": "Parallel shapes, whole processes, no gas limit",
}


def run_processes(name: str, runs: int) -> dict[str, Any]:
    """Measure a set as whole processes."""
    limit = None if name == "examples" else "unlimited"
    config = ParallelConfig(gas_limit=limit)
    documents = []
    for program in suite.programs("programs" if name == "short" else name):
        print(f"{program.name} …", file=sys.stderr, flush=True)
        # parallel_map is a name of the plugin: what the host makes of it is no measure.
        variants, skipped = plan(config, limit, no_host="S10" in program.shapes)
        comparison = compare(program.path, variants, runs)
        document = record(Path(program.path.name), config, comparison, skipped)
        gain = machine.scaling(config.worker_count) if name == "parallel" else None
        documents.append({"name": program.name, "shapes": program.shapes, "machine": gain, **document})
    return {"programs": documents}


def run_set(name: str, runs: int) -> bool:
    """Measure a set and write its file; False if an output differs."""
    if name in {"functions", "programs"}:
        document = measure_all(suite.programs(name), runs=runs)
        same = all(item["same"] for item in document["programs"])
    else:
        document = run_processes(name, runs)
        same = all(item["same_output"] for item in document["programs"])
    suite.RESULTS.mkdir(exist_ok=True)
    path = suite.RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return same


def write_tables() -> str:
    """Write the tables of all the results that are there."""
    parts = []
    for name, title in TITLES.items():
        path = suite.RESULTS / f"{name}.json"
        if not path.exists():
            continue
        document = json.loads(path.read_text(encoding="utf-8"))
        if "geometric_means" in document:
            table = tables.in_process(document)
        else:
            complete = [item for item in document["programs"] if "host" not in item["skipped"]]
            table = tables.processes(complete if name == "examples" else document["programs"])
        parts.append(f"## {title}\n\n{table}\n")
    text = "\n".join(parts)
    (suite.RESULTS / "tables.md").write_text(text, encoding="utf-8")
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(TITLES)}; default: all")
    parser.add_argument("--runs", type=int, default=5, help="runs of each variant (default: 5)")
    arguments = parser.parse_args()
    if arguments.runs < 1:
        parser.error("--runs must be at least 1")
    for name in arguments.sets:
        if name not in TITLES:
            parser.error(f"there is no set {name!r}; there are {', '.join(TITLES)}")
    same = [run_set(name, arguments.runs) for name in arguments.sets or TITLES]
    print(write_tables())
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
