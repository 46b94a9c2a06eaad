"""Load: a million tasks, and programs under random kills for as long as one likes.

``scripts/soak tasks 1000000`` sends so many tasks through one pool; ``scripts/soak kills 600`` runs programs
for so many seconds while their workers are killed, stopped and spoiled at random, and compares each with the
bare host. Both report counts, and whether memory, descriptors, threads and processes stay as they are: these
are looked at all the time and summed up for each twelfth of the run. Exit code 1: something was different, or
grew. No result depends on how long anything takes: the machine may be slow, the command stopped for a while.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from tests.differential import harness
from tests.differential.judge import Judge
from tests.differential.outcome import Outcome, differences
from tests.faults.machines import be_patient
from tests.faults.programs import PROGRAMS
from tests.runtime.hazards import HAZARDS
from zexus_parallel_plugin.runtime.pool import PoolSettings, WorkerSupervisor

RULES = (
    "kill=0.2", "kill~0.1", "kill~0.5", "segfault=0.1", "exit=0.3", "exit@2", "memory=0.2", "error=0.3",
    "unsendable=0.3", "garbage=0.3", "noise=0.05", "interrupt=0.2", "leave=0.2", "hang=0.02", "stop=0.02",
    "stubborn=0.01", "kill~0.2,stop~2,exit=0.1", "kill=1",
)  # fmt: skip
_EVERY = 5
_GROWTH = 1.15  # of memory, after the first twelfth
_PARTS = 12
_JUDGE_SECONDS = 600  # more than anybody stops the command for


class Echo:
    """The handler of the million tasks."""

    def __init__(self, _arguments: bytes) -> None:
        pass

    def blob(self, key: bytes, blob: Any) -> None:
        """There are none."""

    def run(self, payload: Any) -> bytes:
        """The payload, backwards."""
        return bytes(payload)[::-1]


def state() -> dict[str, int]:
    """What this process has, and what its session has: nothing of a pool leaves that."""
    process = psutil.Process()
    return {
        "rss_kib": process.memory_info().rss >> 10,
        "descriptors": process.num_fds(),
        "threads": process.num_threads(),
        "processes": len(process.children(recursive=True)),
        "in_session": sum(_is_in_session(pid) for pid in psutil.pids()),
    }


def _is_in_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == os.getsid(0)
    except OSError:
        return False


def tasks(count: int, workers: int = 2, samples: int = 48) -> dict[str, Any]:
    """Send so many tasks; what came of them."""
    settings = PoolSettings(size=workers, handler="tests.faults.soak:Echo")
    wrong = sent = done = most_waiting = 0
    seen = []
    begun = time.monotonic()
    with WorkerSupervisor(settings) as pool:
        pool.prepare()
        while done < count:
            while sent < count and pool.room:
                pool.submit(b"%d" % sent)
                sent += 1
            most_waiting = max(most_waiting, pool.stats().queued)
            for task in pool.wait():
                done += 1
                wrong += not _right(task)
                if done % max(1, count // samples) == 0:
                    seen.append(state())
        stats = pool.stats()
    return {
        "tasks": done, "wrong": wrong, "seconds": round(time.monotonic() - begun, 1),
        "most_waiting": most_waiting, "deaths": stats.deaths, "launches": stats.launches,
        "parts": parts(seen), "after": state(), "flat": is_flat(seen),
    }  # fmt: skip


def _right(task: Any) -> bool:
    return bool(task.outcome.ok and bytes(task.outcome.result) == (b"%d" % (task.id - 1))[::-1])


def parts(seen: list[dict[str, int]]) -> list[dict[str, Any]]:
    """Least, median and greatest of each number, for each twelfth of what was seen."""
    size = max(1, -(-len(seen) // _PARTS))
    return [_summary(seen[at : at + size]) for at in range(0, len(seen), size)]


def _summary(seen: list[dict[str, int]]) -> dict[str, Any]:
    summary: dict[str, Any] = {"samples": len(seen)}
    for name in seen[0]:
        values = sorted(each[name] for each in seen)
        summary[name] = [values[0], round(statistics.median(values)), values[-1]]
    return summary


def is_flat(seen: list[dict[str, int]]) -> bool:
    """Whether nothing grows once everything is warm: the last twelfth compared with the second one."""
    warm = parts(seen)[1:]
    if len(warm) < 2:
        return True
    (_, before, _), (_, after, _) = warm[0]["rss_kib"], warm[-1]["rss_kib"]
    same = all(warm[-1][name][1] <= warm[0][name][1] for name in ("descriptors", "threads", "processes"))
    return same and after <= before * _GROWTH + (8 << 10)


class Totals:
    """Sums over all pools."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        close = WorkerSupervisor.close

        def count_and_close(pool: WorkerSupervisor, kill: bool = False) -> None:
            if not pool._closed:
                self._add(pool)
            close(pool, kill)

        WorkerSupervisor.close = count_and_close  # type: ignore[method-assign]

    def _add(self, pool: WorkerSupervisor) -> None:
        stats = pool.stats()
        for name in ("submitted", "done", "retried", "launches", "deaths", "kills"):
            self.counts[name] += getattr(stats, name)
        self.counts["pools"] += 1
        self.counts["broken pools"] += bool(stats.broken)
        for cause, number in stats.failed.items():
            self.counts[f"failed: {cause}"] += number


def kills(seconds: float, seed: int = 0, *, show: bool = False, few: bool = False) -> dict[str, Any]:
    """Run programs under random faults for so long; what came of them."""
    chance = random.Random(seed)
    programs = {**PROGRAMS, **{f"hazard {name}": source for name, source in HAZARDS.items()}}
    names = sorted(PROGRAMS if few else programs)
    expected: dict[str, Outcome] = {}
    totals = Totals()
    be_patient()
    wrong: list[Any] = []
    seen = []
    runs: Counter[str] = Counter()
    with Judge(seconds=_JUDGE_SECONDS) as judge:
        for name in names:
            source = programs[name]
            ours = "parallel_map" in source
            expected[name] = judge.backend(source, {"worker_count": 1}) if ours else judge.host(source)
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        name, rule = chance.choice(names), chance.choice(RULES)
        settings = {
            "worker_count": chance.choice([2, 3]), "chaos": rule, "timeout_seconds": 0.5,
            "mode": "parallel", "min_task_seconds": 0.0, "retry_attempts": chance.choice([0, 1, 3]),
            "tier": chance.choice(["auto", "interpreter", "compiled"]),
            "start_method": chance.choice([None, None, None, "template", "forkserver", "spawn"]),
        }  # fmt: skip
        outcome = harness.run(programs[name], harness.backend_factory(settings))
        found = differences(expected[name], outcome)
        runs["programs"] += 1
        runs["different"] += bool(found)
        if found:
            wrong.append({"program": name, "settings": settings, "differences": found})
            print(json.dumps(wrong[-1]), file=sys.stderr, flush=True)
        if runs["programs"] % _EVERY == 0:
            seen.append(state())
            if show and len(seen) % 4 == 0:
                print(json.dumps({**runs, **totals.counts, **seen[-1]}), file=sys.stderr, flush=True)
    return {
        **runs, "seconds": round(time.monotonic() - begun, 1), **dict(sorted(totals.counts.items())),
        "wrong": wrong, "parts": parts(seen), "after": state(), "flat": is_flat(seen),
    }  # fmt: skip


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("tasks", "kills"))
    parser.add_argument("amount", type=float, nargs="?", help="tasks, or seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--few", action="store_true", help="a few programs only")
    parser.add_argument("--report", type=Path, help="write the counts to this file, too")
    given = parser.parse_args()
    if given.what == "tasks":
        found = tasks(int(given.amount or 1_000_000))
    else:
        found = kills(given.amount or 3600, given.seed, show=True, few=given.few)
    text = json.dumps(found, indent=1)
    print(text)
    if given.report is not None:
        given.report.write_text(text + "\n", encoding="utf-8")
    return 0 if not found["wrong"] and found["flat"] and not found["after"]["processes"] else 1


if __name__ == "__main__":
    sys.exit(main())
