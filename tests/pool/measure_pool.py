"""Prints the pool's figures; not a test, and to be run on a quiet machine.

``python tests/pool/measure_pool.py [tasks]``
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from pool_handler import Handler, call

from zexus_parallel_plugin.runtime.pool import PoolSettings, WorkerSupervisor

METHODS = ("template", "forkserver", "spawn")


class Noop(Handler):
    """Gives the payload back."""

    def run(self, payload: bytes) -> bytes:
        return payload


def make(method: str, handler: str = "Noop", **changes: object) -> WorkerSupervisor:
    settings = {"size": 2, "max_queue_size": 1_000_000, "task_timeout": 30.0, **changes}
    pool = WorkerSupervisor(PoolSettings(handler=f"measure_pool:{handler}", start_method=method, **settings))
    if method == "template" and (reason := pool.prepare()):
        sys.exit(f"no template: {reason}")
    return pool


def ready(pool: WorkerSupervisor, count: int) -> None:
    pool.start(count)
    while [worker.state.name for worker in pool.stats().workers].count("IDLE") < count:
        pool.wait(None, time.monotonic() + 0.01)
        pool.poll()


def first_result(method: str) -> tuple[float, float]:
    """Milliseconds to the first result of a pool, and to that of a replacement."""
    with make(method, size=1) as pool:
        time.sleep(0.1)  # the template of the start method that has one is there long before it is needed
        started = time.perf_counter()
        pool.wait(pool.submit(b"x"))
        first = time.perf_counter() - started
        os.kill(pool.stats().workers[0].pid or 0, 9)
        while pool.stats().workers and pool.stats().deaths == 0:
            pool.poll()
        started = time.perf_counter()
        pool.wait(pool.submit(b"x"))
        return first * 1e3, (time.perf_counter() - started) * 1e3


def round_trips(size: int, count: int = 3000) -> list[float]:
    """Microseconds of single round trips."""
    payload, times = bytes(size), []
    with make("template") as pool:
        ready(pool, 2)
        for _ in range(count):
            started = time.perf_counter()
            pool.wait(pool.submit(payload))
            times.append((time.perf_counter() - started) * 1e6)
    return times


def throughput(size: int, count: int, **changes: object) -> float:
    """Tasks per second, submitted at once."""
    payload = bytes(size)
    with make("template", **changes) as pool:
        ready(pool, 2)
        started, done = time.perf_counter(), 0
        for _ in range(count):
            pool.submit(payload)
        while done < count:
            done += len(pool.wait())
        return count / (time.perf_counter() - started)


def share_of_two_cores(seconds: float, count: int) -> float:
    """Percentage of two cores inside the bodies of tasks of the given length."""
    with make("template", "Spinner") as pool:
        ready(pool, 2)
        started, done = time.perf_counter(), 0
        for _ in range(count):
            pool.submit(call("spin", seconds))
        while done < count:
            done += len(pool.wait())
        return 100 * count * seconds / 2 / (time.perf_counter() - started)


class Spinner(Handler):
    """Keeps a core busy."""

    def do_spin(self, seconds: float) -> bytes:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass
        return b""


def poll_cost() -> tuple[float, float]:
    """Microseconds of a poll with nothing there: all idle, and one task running."""
    with make("template", "Handler") as pool:
        ready(pool, 2)
        costs = []
        for payload in (None, call("sleep", 1.0)):
            if payload is not None:
                pool.submit(payload)
            started = time.perf_counter()
            for _ in range(10_000):
                pool.poll()
            costs.append((time.perf_counter() - started) * 100)
        pool.close(kill=True)
        return costs[0], costs[1]


def main() -> None:
    """Print all figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for method in METHODS:
        runs = [first_result(method) for _ in range(7)]
        first, again = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{method:10} first result {first:6.1f} ms, after a death {again:6.1f} ms (medians of 7)")
    for size in (1, 1_000, 100_000):
        times = sorted(round_trips(size, 3000 if size < 100_000 else 500))
        half, most = times[len(times) // 2], times[len(times) * 95 // 100]
        print(f"{size:7} bytes: p50 {half:6.1f} µs, p95 {most:6.1f} µs")
        number = count if size < 100_000 else count // 10
        deep, flat = throughput(size, number), throughput(size, number, depth=1)
        print(f"{size:7} bytes: {deep:8.0f} tasks/s; {flat:8.0f} at depth 1")
    for microseconds in (50, 200, 1000):
        share = share_of_two_cores(microseconds / 1e6, min(count, 2_000_000 // microseconds))
        print(f"tasks of {microseconds:4} µs: {share:4.1f} % of two cores in their bodies")
    idle, busy = poll_cost()
    print(f"poll with nothing there: {idle:.2f} µs idle, {busy:.2f} µs with a task running")


if __name__ == "__main__":
    main()
