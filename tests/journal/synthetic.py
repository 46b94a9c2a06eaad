"""Makes journals of runs that never were: any number of tasks and workers, with failures.

As a program: ``python tests/journal/synthetic.py FILE --tasks 100000 --workers 64``; with ``--live`` it
writes them at the speed of a run that goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.codec import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = """\
// A program for synthetic journals.
action square(n) {
    let total = 0;
    for each i in range(n) {
        total = total + i * i;
    }
    return total;
}

action is_prime(n) {
    let d = 2;
    while (d * d <= n) {
        if (n % d == 0) { return false; }
        d = d + 1;
    }
    return true;
}

let squares = [];
for each i in range(1000) {
    squares = push(squares, square(i));
}
let count = 0;
for each i in range(1000) {
    if (is_prime(i)) { count = count + 1; }
}
let stamp = now();
print(count);
"""

_CAUSES = ("died", "timeout", "memory")


@dataclass(frozen=True)
class Shape:
    """What the run looks like. ``failures`` is the part of the tasks that fail once, ``lost`` those that fail
    for good, ``thrown`` those whose results are not used. ``length`` is the mean of a task in seconds.
    """

    tasks: int = 500
    workers: int = 4
    failures: float = 0.01
    lost: float = 0.002
    thrown: float = 0.02
    length: float = 0.02
    seed: int = 1
    ended: bool = True
    output: int = 50


def synthetic(shape: Shape | None = None, *, pid: int | None = None) -> Iterator[ev.Event]:
    """The events of a run, in order."""
    shape = shape or Shape()
    rng = random.Random(shape.seed)
    yield from _head(shape, os.getpid() if pid is None else pid)
    yield from _body(shape, rng)


def lines(shape: Shape | None = None) -> list[str]:
    """The lines of its journal."""
    return [encode(event) for event in synthetic(shape)]


def write(path: Path, shape: Shape | None = None) -> Path:
    """Write its journal."""
    with path.open("w", encoding="ascii") as file:
        for event in synthetic(shape):
            file.write(encode(event))
    return path


def _head(shape: Shape, pid: int) -> Iterator[ev.Event]:
    yield ev.RunStart(
        t=0.0, v=ev.VERSION, run=f"synthetic-{shape.seed}", time=1_700_000_000.0, pid=pid,
        program="synthetic.zx", path="/programs/synthetic.zx", workers=shape.workers, cores=shape.workers,
        gas_limit=100_000_000, config={"worker_count": shape.workers, "mode": "hybrid"},
        versions={"plugin": "0.1.0", "zexus": "2.0.0", "python": "3.11.7"}, system="Linux x86_64",
    )  # fmt: skip
    yield ev.Source(
        t=0.0, path="/programs/synthetic.zx", sha256=hashlib.sha256(PROGRAM.encode()).hexdigest(),
        lines=PROGRAM.splitlines(),
    )  # fmt: skip
    yield ev.Chunk(
        t=0.001, id=1, what="call", name="square", inside="", line=21, end_line=21, verdict="parallel",
        reads=["i"], writes=[], expected=shape.tasks // 2, seconds=shape.length,
    )  # fmt: skip
    yield ev.Chunk(
        t=0.002, id=2, what="call", name="is_prime", inside="", line=25, end_line=25, verdict="parallel",
        reads=["i"], writes=[], expected=shape.tasks - shape.tasks // 2,
        depends=[{"on": 1, "name": "i", "type": "waw", "proven": True}],
    )  # fmt: skip
    yield ev.Chunk(
        t=0.003, id=3, what="call", name="now", inside="", line=27, end_line=27, verdict="in-place",
        reason="effect-time", depends=[{"on": 2, "name": "count", "type": "control", "proven": False}],
    )  # fmt: skip


class _Life:
    """Workers with their slots, and times at which they are free."""

    def __init__(self, workers: int) -> None:
        self.number = 0
        self.free: list[tuple[float, int, int]] = []
        self.workers = workers

    def new(self, t: float, slot: int) -> tuple[int, list[ev.Event]]:
        self.number += 1
        pid = 100_000 + self.number
        start = ev.Worker(t=t, id=self.number, state="starting", slot=slot, pid=pid, method="template")
        ready = ev.Worker(t=t + 0.005, id=self.number, state="ready", ready=0.005)
        return self.number, [start, ready]


def _death(
    life: _Life, cause: str, task: int, worker: int, slot: int, begun: float, t: float
) -> tuple[list[ev.Event], int]:
    """A worker dies in the middle of a task; the number of the one that replaces it."""
    detail = f"worker {100_000 + worker} was ended by SIGKILL (-9)"
    number, born = life.new(t, slot)
    return [
        ev.Attempt(
            t=t, task=task, attempt=1, worker=worker, begun=begun, cause=cause, again=True, detail=detail
        ),
        ev.Worker(
            t=t, id=worker, state="dead", code=-9, signal="SIGKILL", expected=False, reason=detail
        ),
        ev.Task(t=t, id=task, state="delayed"),
        *born,
    ], number  # fmt: skip


def _measured(life: _Life, t: float, committed: int, gas: int) -> list[ev.Event]:
    rows = [[worker, 40_000_000 + 1000 * worker, t * 0.9] for _, _, worker in life.free]
    counts = {"calls_committed": committed, "waited_seconds": t * 0.8}
    return [
        ev.Sample(t=t, workers=rows, rss=80_000_000, cpu=t * 0.2),
        ev.Metrics(t=t, gas=gas, operations=gas // 2, counts=counts, reasons={"cheap": 3}),
    ]


def _body(  # noqa: C901 - one loop over the tasks, with the rare cases in it
    shape: Shape, rng: random.Random
) -> Iterator[ev.Event]:
    life = _Life(shape.workers)
    pending: list[tuple[float, int, ev.Event]] = []
    order = 0

    def later(event: ev.Event) -> None:
        nonlocal order
        order += 1
        heapq.heappush(pending, (event.t, order, event))

    for slot in range(shape.workers):
        number, born = life.new(0.01, slot)
        for event in born:
            later(event)
        heapq.heappush(life.free, (0.02, slot, number))
    end, committed, gas = 0.05, 0, 0
    settled, next_sample, every = 0.0, 0.1, max(1, shape.tasks // shape.output if shape.output else 1)
    for ident in range(1, shape.tasks + 1):
        begun, slot, worker = heapq.heappop(life.free)
        first = ident <= shape.tasks // 2
        name, chunk, line = ("square", 1, 21) if first else ("is_prime", 2, 25)
        seconds = rng.expovariate(1 / shape.length) + shape.length / 10
        common: dict[str, Any] = {
            "id": ident, "what": "calls", "name": name, "chunk": chunk, "line": line, "calls": 1,
            "bytes": rng.randrange(200, 2000), "queued": max(0.01, begun - 0.05), "expected": shape.length,
        }  # fmt: skip
        attempt, luck = 1, rng.random()
        if luck < shape.failures:
            half = begun + seconds / 2
            later(ev.Task(t=begun, state="running", worker=worker, attempt=1, begun=begun, **common))
            died, worker = _death(life, rng.choice(_CAUSES), ident, worker, slot, begun, half)
            for event in died:
                later(event)
            begun, attempt = half + 0.02, 2
        ended = begun + seconds
        state = "committed"
        more: dict[str, Any] = {"committed": 1, "gas": 5000}
        if luck > 1 - shape.lost:
            state, more = "failed", {"cause": "timeout", "detail": "not finished after 30.0 s"}
            later(
                ev.Attempt(t=ended, task=ident, attempt=attempt, worker=worker, begun=begun, cause="timeout")
            )
        elif luck > 1 - shape.lost - shape.thrown:
            state, more = "thrown-away", {"thrown": {"changed-names": 1}}
        else:
            committed, gas = committed + 1, gas + 5000
        settled = max(settled, ended) + 0.0001
        if ended - begun > 0.25:
            later(ev.Task(t=begun, state="running", worker=worker, attempt=attempt, begun=begun, **common))
        later(
            ev.Task(
                t=max(settled, ended), state=state, worker=worker, attempt=attempt, begun=begun, ended=ended,
                sent=begun - 0.0005, settled=settled, seconds=[seconds], cpu=seconds * 0.98, rss=40_000_000,
                **common, **more,
            )
        )  # fmt: skip
        heapq.heappush(life.free, (ended + 0.0002, slot, worker))
        end = max(end, ended, settled)
        if begun > next_sample:
            next_sample += 1.0
            for event in _measured(life, begun, committed, gas):
                later(event)
        if shape.output and ident % every == 0:
            later(ev.Output(t=settled, text=f"task {ident} is done\n"))
        while pending and pending[0][0] <= begun - 5:
            yield heapq.heappop(pending)[2]
    later(ev.Decision(t=end, reason="effect-time", chunk=3))
    later(ev.Log(t=end, level="info", text="execution ended", logger="zexus_parallel_plugin.runtime.machine"))
    later(ev.Metrics(t=end, gas=gas, operations=gas // 2, counts={"calls_committed": committed}))
    if shape.ended:
        for _, _, worker in life.free:
            later(ev.Worker(t=end, id=worker, state="dead", code=0, expected=True))
    while pending:
        yield heapq.heappop(pending)[2]
    if shape.ended:
        yield ev.RunEnd(t=end + 0.01, state="finished")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--tasks", type=int, default=500)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--length", type=float, default=0.02, help="mean seconds of a task")
    parser.add_argument("--failures", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--live", action="store_true", help="write at the speed of a run that goes on")
    given = parser.parse_args()
    shape = Shape(given.tasks, given.workers, given.failures, length=given.length, seed=given.seed)
    start = time.monotonic()
    with given.file.open("w", encoding="ascii") as file:
        for event in synthetic(shape):
            if given.live and event.t > time.monotonic() - start:
                file.flush()
                time.sleep(max(0.0, event.t - (time.monotonic() - start)))
            file.write(encode(event))
    sys.stderr.write(f"{given.file}: {shape.tasks} tasks on {shape.workers} workers\n")


if __name__ == "__main__":
    main()
