"""Measures what the journal costs a run: with and without it side by side, and the time spent in it.

    python benchmarks/journal_cost.py [NAME|FILE ...] [--runs N] [--workers N]

Each run is a process of its own that compiles the program, executes it on workers, and ends; runs with and
without a journal take turns. ``in it`` is the CPU time of the main process in everything that belongs to the
journal, opening, closing and looking at the workers included. ``of time`` is its part of the time of the run:
this must stay below one per cent. On a machine with other work to do a run takes longer, and that part is too
small; ``at best`` is what it would be if all workers had been busy all the time, with its CPU time,
so the truth is between the two. The difference of the two medians is mostly noise.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

PROGRAMS = Path(__file__).resolve().parent / "parallel"
DEFAULT = ("call_graph", "collected", "printed_report", "prime_search", "totals")


class Stopwatch:
    """Adds up the CPU time of calls; a call within a call counts once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._deep = 0

    def timed(self, function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._deep:
                return function(*args, **kwargs)
            self._deep = 1
            begin = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.thread_time() - begin
                self._deep = 0

        return call


class TimedRecorder:
    """A recorder whose every method is timed, and so is what it gives to others to call."""

    def __init__(self, recorder: Any, watch: Stopwatch) -> None:
        self._recorder = recorder
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        return self._watch.timed(getattr(self._recorder, name))

    def pool_listener(self) -> Any:
        return self._watch.timed(self._recorder.pool_listener())

    def begin(self, *args: Any) -> None:
        self._watch.timed(self._recorder.begin)(*args)
        tee: Any = sys.stdout
        tee._heard = self._watch.timed(tee._heard)


def child(program: Path, workers: int, journal: str) -> dict[str, Any]:
    """Run a program in this process; what it took."""
    from zexus.evaluator import Evaluator

    from tests.runtime.running import compiled
    from zexus_parallel_plugin.config import resolve_config
    from zexus_parallel_plugin.host.vm import VMMode
    from zexus_parallel_plugin.journal.writer import open_journal
    from zexus_parallel_plugin.runtime.machine import ParallelMachine
    from zexus_parallel_plugin.runtime.recorder import OFF
    from zexus_parallel_plugin.runtime.recording.live import LiveRecorder

    options = {"worker_count": str(workers), "gas_limit": "unlimited"}
    config = resolve_config(program=program, options=options)
    code = compiled(program.read_text(encoding="utf-8"))
    watch = Stopwatch()
    begin = time.perf_counter()
    recorder: Any = OFF
    if journal:

        def opened() -> LiveRecorder:
            return LiveRecorder(config, open_journal(journal, 20), None, print)

        recorder = TimedRecorder(watch.timed(opened)(), watch)
    vm = ParallelMachine(config, recorder, mode=VMMode.AUTO, use_jit=True, gas_limit=10**15)
    vm.builtins.update(Evaluator(use_vm=False).builtins)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            vm.execute(code)
    finally:
        vm.close()
    seconds = time.perf_counter() - begin
    metrics = vm.last_metrics
    size = Path(journal).stat().st_size if journal else 0
    return {"seconds": seconds, "inside": watch.seconds, "tasks": metrics.tasks_sent, "bytes": size}


def measure(program: Path, workers: int, journal: str) -> dict[str, Any]:
    words = [sys.executable, __file__, "--child", journal, "--workers", str(workers), str(program)]
    before = _cpu()
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=600)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    found["least"] = (_cpu() - before) / workers
    return found


def _cpu() -> float:
    """CPU seconds of all processes so far that were started from here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("programs", nargs="*", default=DEFAULT)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--child", metavar="JOURNAL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    paths = [Path(name) if name.endswith(".zx") else PROGRAMS / f"{name}.zx" for name in given.programs]
    if given.child is not None:
        print(json.dumps(child(paths[0], given.workers, given.child)))
        return
    heading = ("program", "without", "with", "difference", "tasks", "journal", "in it", "of time", "at best")
    print("{:<22}{:>10}{:>10}{:>12}{:>8}{:>10}{:>11}{:>9}{:>9}".format(*heading))
    with tempfile.TemporaryDirectory() as place:
        for path in paths:
            pairs = [
                (measure(path, given.workers, ""), measure(path, given.workers, f"{place}/run.jsonl"))
                for _ in range(given.runs)
            ]
            without = median(one["seconds"] for one, _ in pairs)
            journals = [other for _, other in pairs]
            with_it = median(other["seconds"] for other in journals)
            inside = median(other["inside"] for other in journals)
            part = median(other["inside"] / other["seconds"] for other in journals)
            best = median(other["inside"] / other["least"] for other in journals)
            size = median(other["bytes"] for other in journals)
            tasks = median(other["tasks"] for other in journals)
            print(
                f"{path.stem:<22}{without:>8.3f} s{with_it:>8.3f} s{with_it / without - 1:>+11.1%}"
                f"{tasks:>9.0f}{size / 1000:>7.0f} kB{inside * 1000:>8.1f} ms{part:>9.2%}{best:>9.2%}"
            )


if __name__ == "__main__":
    main()
