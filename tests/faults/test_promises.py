"""The table of promises, with whole programs: a fault costs the task that it hits, and no program notices."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.differential.outcome import differences
from zexus_parallel_plugin.journal.events import Attempt, Worker
from zexus_parallel_plugin.journal.reader import read_all

from .programs import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from .conftest import Run

# Every so many tasks of every worker, a fault; what the pool says about it.
FAULTS = {
    "kill@3": "died",
    "segfault@4": "died",
    "exit@3": "died",
    "memory@2": "memory",
    "hang@5": "timeout",
    "stubborn@5": "timeout",
    "stop@5": "timeout",
    "error@2": "error",
    "interrupt@2": "error",
    "leave@2": "error",
    "unsendable@2": "unsendable",
    "noise@4": "undecodable",
}
# Several in one run: what depends on processes, with every start method.
TOGETHER = {
    "unsendable@2,exit@5": {"unsendable", "died"},
    "leave@2,stop@5": {"error", "timeout"},
    "error@2,kill@3": {"error", "died"},
}


def patience(causes: Collection[str], seconds: float) -> dict[str, float]:
    """A short time for tasks where some do not end; elsewhere a busy machine must not make others overdue."""
    return {"timeout_seconds": seconds} if "timeout" in causes else {}


def check(run: Run, expected: Any, tasks: int = 4) -> None:
    """Nothing was noticed, and the pool is whole again."""
    assert differences(expected, run.outcome) == []
    assert run.outcome.notes["left_to_host"] == 0
    assert not run.outcome.notes.get("internal-error")
    assert run.pool["submitted"] >= tasks
    assert run.pool["broken"] == ""
    assert run.pool["usable"] == run.pool["size"] == 2


def happened(run: Run, cause: str) -> bool:
    """Whether a task failed for this reason, and what the pool has done about it."""
    pool = run.pool
    if cause == "died":
        return bool(pool["deaths"] and pool["retried"])
    if cause == "timeout":
        return bool(pool["kills"] and pool["failed"].get(cause))
    return bool(pool["failed"].get(cause) or pool["retried"])


def check_journal(run: Run, journal: Path) -> None:
    """Every failure is told, with its reason."""
    told = list(read_all(journal))
    attempts = [event for event in told if isinstance(event, Attempt)]
    ends = [event for event in told if isinstance(event, Worker) and event.state == "dead"]
    assert sum(not event.expected for event in ends) == run.pool["deaths"]
    assert sum(event.again for event in attempts) == run.pool["retried"]
    failed = Counter(event.cause for event in attempts if not event.again)
    failed["cancelled"] = run.pool["failed"].get(
        "cancelled", 0
    )  # nobody waited for it: no attempt has failed
    assert failed == Counter(run.pool["failed"])


@pytest.mark.parametrize("rule", FAULTS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_fault_in_a_task(
    run: Callable[..., Run], expected: Callable[..., Any], tmp_path: Path, name: str, rule: str
) -> None:
    journal = tmp_path / "run.jsonl"
    done = run(name, chaos=rule, journal=str(journal), **patience([FAULTS[rule]], 0.3))
    check(done, expected(PROGRAMS[name]))
    check_journal(done, journal)
    assert happened(done, FAULTS[rule])
    assert (done.pool["deaths"] > 0) == (FAULTS[rule] == "died")
    if FAULTS[rule] == "undecodable":
        assert done.pool["kills"] > 0
    if name != "ranges":  # a range that has failed may be one that nobody waits for any more
        failed = {f"worker-{cause}": number for cause, number in done.pool["failed"].items()}
        assert {reason: done.outcome.notes.get(reason) for reason in failed} == failed


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_result_that_cannot_be_read(
    run: Callable[..., Run], expected: Callable[..., Any], name: str
) -> None:
    done = run(name, chaos="garbage@2")
    check(done, expected(PROGRAMS[name]))
    assert done.outcome.notes["worker-undecodable"] > 0
    assert done.pool["deaths"] == 0
    assert done.outcome.stderr == ""


@pytest.mark.parametrize("name", PROGRAMS)
def test_idle_workers_that_are_killed(
    run: Callable[..., Run], expected: Callable[..., Any], name: str
) -> None:
    done = run(name, patch="kill_idle_workers")
    check(done, expected(PROGRAMS[name]))
    assert done.pool["deaths"] >= 2


@pytest.mark.parametrize("name", PROGRAMS)
def test_deaths_at_any_moment(run: Callable[..., Run], expected: Callable[..., Any], name: str) -> None:
    check(run(name, chaos="kill~0.3"), expected(PROGRAMS[name]))


@pytest.mark.parametrize("rule", TOGETHER)
@pytest.mark.parametrize("start_method", ["template", "forkserver", "spawn"])
def test_every_start_method(
    run: Callable[..., Run], expected: Callable[..., Any], start_method: str, rule: str
) -> None:
    done = run("calls", chaos=rule, start_method=start_method, **patience(TOGETHER[rule], 1.0))
    check(done, expected(PROGRAMS["calls"]))
    assert done.pool["method"] == start_method
    assert [cause for cause in TOGETHER[rule] if not happened(done, cause)] == []


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("rule", ["exit@1", "kill=1", "error@1"])
def test_no_task_ever_succeeds(
    run: Callable[..., Run], expected: Callable[..., Any], name: str, rule: str
) -> None:
    done = run(name, chaos=rule, retry_attempts=1)
    assert differences(expected(PROGRAMS[name]), done.outcome) == []
    assert done.outcome.notes["calls_committed"] + done.outcome.notes["ranges_committed"] == 0
    assert done.pool["done"] == 0
    assert done.pool["failed"].get("error" if rule == "error@1" else "died", 0) + done.pool["deaths"] > 0


def test_no_semaphores_and_no_shared_memory(run: Callable[..., Run], expected: Callable[..., Any]) -> None:
    for start_method in ("template", "forkserver", "spawn"):
        done = run("calls", patch="without_semaphores", start_method=start_method)
        check(done, expected(PROGRAMS["calls"]))
        assert done.outcome.notes["calls_committed"] > 0


EATER = """
action grow(text, n) { if (n == 0) { return len(text); } return grow(text + text, n - 1); }
action main() {
    let a = grow("ab", 3); let b = grow("ab", 4); let c = grow("ab", 25); let d = grow("ab", 5);
    let e = grow("ab", 25); let f = grow("ab", 6);
    print(a + b + c + d + e + f); return a;
}
print(main());
"""


def test_a_task_that_needs_more_memory_than_a_worker_may_have(
    run: Callable[..., Run], expected: Callable[..., Any]
) -> None:
    done = run(EATER, worker_memory=60_000_000)
    check(done, expected(EATER), tasks=2)
    assert done.outcome.notes["worker-memory"] > 0
    assert max(done.pool["peaks"]) < 200_000_000


@pytest.mark.parametrize("limit", [{"recycle_after": 2}, {"recycle_above": 1 << 20}])
def test_workers_are_replaced_in_time(
    run: Callable[..., Run], expected: Callable[..., Any], limit: dict[str, int]
) -> None:
    done = run("ranges", **limit)
    check(done, expected(PROGRAMS["ranges"]))
    assert done.pool["launches"] > 4
    assert done.pool["deaths"] == 0


CATCHER = """
action grow(text, n) { if (n == 0) { return len(text); } return grow(text + text, n - 1); }
action safe(n) { try { return grow("ab", n); } catch (e) { return "caught " + e; } }
action main() {
    let a = safe(3); let b = safe(4); let c = safe(25); let d = safe(5); let e = safe(24); let f = safe(6);
    print(a); print(b); print(c); print(d); print(e); print(f);
}
main();
let t = 0;
for i in range(6) { let v = safe(i % 2 * 24 + 1); t = t + v; }
print(t);
"""


@pytest.mark.parametrize("limit", [16 << 20, 60 << 20])
def test_a_program_cannot_catch_that_a_worker_has_no_memory(
    run: Callable[..., Run], expected: Callable[..., Any], limit: int
) -> None:
    # The smaller limit is met by a single allocation, which fails; with the other one the worker is ended.
    done = run(CATCHER, worker_memory=limit)
    assert differences(expected(CATCHER), done.outcome) == []
    assert done.outcome.notes["worker-memory"] > 0
