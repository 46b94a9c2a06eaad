"""Every fault costs the task that caused it, and nothing else."""

from __future__ import annotations

import array
import fcntl
import os
import signal
import termios
import time

import psutil
import pytest
from pool_handler import call
from pool_helpers import PATIENCE, any_method, finish, result, unix_methods, until_running

from zexus_parallel_plugin.runtime.pool import PoolSettings, RetryBudget, TaskState, WorkerSupervisor, forking
from zexus_parallel_plugin.runtime.pool.errors import NoRoomError

NO_RETRIES = RetryBudget(died=0)
INNOCENT = 6


def until_readable(pool, size):
    """Wait until so many bytes have come from the only worker, without reading them."""
    (member,) = pool._crew.members.values()
    there = array.array("i", [0])
    deadline = time.monotonic() + PATIENCE
    while there[0] < size:
        assert time.monotonic() < deadline
        time.sleep(0.01)
        fcntl.ioctl(member.channel.source, termios.FIONREAD, there)


def guilty_and_innocent(pool, *arguments, **options):
    """The guilty task amid others, which must all have their results afterwards."""
    tasks = [pool.submit(call("echo", b"%d" % n)) for n in range(INNOCENT // 2)]
    guilty = pool.submit(call(*arguments), **options)
    tasks += [pool.submit(call("echo", b"%d" % n)) for n in range(INNOCENT // 2, INNOCENT)]
    outcomes = finish(pool, guilty, *tasks)
    assert outcomes[1:] == [b"%d" % n for n in range(INNOCENT)]
    assert not any(task.failures for task in tasks)
    assert result(pool, "echo", b"again") == b"again"
    assert not pool.broken
    return guilty.outcome.failure


@unix_methods
@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        (("kill", signal.SIGKILL), -9, "SIGKILL"),
        (("kill", signal.SIGTERM), -15, "SIGTERM"),
        (("exit", 3), 3, ""),
        (("exit", 0), 0, ""),
        (("segfault",), -11, "SIGSEGV"),
    ],
)
def test_a_worker_that_dies_in_a_task(make_pool, arguments, code, name):
    failure = guilty_and_innocent(make_pool(retries=NO_RETRIES), *arguments)
    assert (failure.cause, failure.exit_code, failure.signal) == ("died", code, name)
    assert f"exit code {code}" in failure.detail or name in failure.detail


@unix_methods
@pytest.mark.parametrize("size", [100, 8_000_000])
def test_a_worker_that_dies_in_the_middle_of_its_answer(make_pool, size):
    failure = guilty_and_innocent(make_pool(retries=NO_RETRIES), "half", size)
    assert (failure.cause, failure.exit_code) == ("died", 7)


@unix_methods
def test_a_crash_leaves_its_traceback(make_pool):
    failure = guilty_and_innocent(make_pool(retries=NO_RETRIES), "segfault")
    assert "Segmentation fault" in failure.detail
    assert "do_segfault" in failure.detail


def test_a_busy_worker_that_is_killed_from_outside_is_replaced_and_the_task_repeated(make_pool, gate):
    pool = make_pool(size=1)
    task = pool.submit(gate.call())
    behind = pool.submit(call("pid"))
    until_running(pool, task)
    os.kill(task.pid, signal.SIGKILL)
    first = task.pid
    gate.open()
    assert finish(pool, task)[0] == b"passed"
    assert task.attempts == 2
    assert task.failures[0].signal == "SIGKILL"
    assert task.pid != first
    assert int(bytes(finish(pool, behind)[0])) == task.pid
    assert behind.failures == []
    assert pool.stats().deaths == 1
    assert pool.stats().retried == 1


def test_an_idle_worker_that_is_killed_is_replaced(make_pool, events):
    pool = make_pool(size=1)
    before = int(bytes(result(pool, "pid")))
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while not [kind for kind, _ in events if kind == "worker.exit"]:
        assert time.monotonic() < deadline
        pool.poll()
    task = pool.submit(call("pid"))
    assert int(bytes(finish(pool, task)[0])) != before
    assert (task.attempts, task.failures) == (1, [])
    assert [worker.method for worker in pool.stats().workers] == [pool.stats().method]


@unix_methods
def test_a_task_sent_to_a_worker_that_is_dead_already_is_done_by_another(make_pool):
    pool = make_pool(size=1)
    for _ in range(3):
        os.kill(int(bytes(result(pool, "pid"))), signal.SIGKILL)
        assert result(pool, "echo", b"x") == b"x"  # retried at the worst: the worker had it at its head
        assert result(pool, "echo", b"x") == b"x"


def test_a_result_that_was_sent_before_the_death_counts(make_pool):
    pool = make_pool(size=1)
    result(pool, "echo", b"warm")
    task = pool.submit(call("bytes", 100_000))
    until_readable(pool, 100_000)
    os.kill(task.pid, signal.SIGKILL)
    time.sleep(0.3)  # both are there when somebody looks
    assert finish(pool, task) == [bytes(100_000)]
    assert (task.attempts, task.failures) == (1, [])


@any_method
def test_the_pipe_is_emptied_when_the_death_is_heard_of_first(make_pool):
    pool = make_pool(size=1)
    result(pool, "echo", b"warm")
    task = pool.submit(call("bytes", 100_000))
    until_readable(pool, 100_000)
    pool._crew.exited(task.worker_id, -9)
    assert finish(pool, task) == [bytes(100_000)]
    assert (task.attempts, task.failures) == (1, [])


@unix_methods
@pytest.mark.parametrize("name", ["loop", "loop_in_c", "stubborn"])
def test_a_task_that_does_not_end(make_pool, events, name):
    pool = make_pool(grace=0.2 if name == "stubborn" else PATIENCE)
    failure = guilty_and_innocent(pool, name, timeout=0.3)
    assert failure.cause == "timeout"
    assert "not finished after 0." in failure.detail
    pool.close()
    kills = [fields for kind, fields in events if kind == "worker.kill"]
    signals = [fields["signal"] for fields in kills if fields["worker"] == kills[0]["worker"]]
    assert signals == (["SIGTERM", "SIGKILL"] if name == "stubborn" else ["SIGTERM"])


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it may go at any moment
        return True


@unix_methods
def test_a_stopped_worker(make_pool):
    pool = make_pool(size=1, grace=0.1)
    task = pool.submit(call("sleep", 600), timeout=2.0)
    until_running(pool, task)
    os.kill(task.pid, signal.SIGSTOP)
    stopped = task.pid
    behind = pool.submit(call("echo", b"x"))
    assert finish(pool, task, behind) == ["timeout", b"x"]
    deadline = time.monotonic() + PATIENCE
    while not gone(stopped):
        assert time.monotonic() < deadline
        pool.wait(pool.submit(call("echo", b"x")))


@any_method
def test_the_time_of_a_task_counts_from_the_moment_it_is_at_the_head(make_pool):
    pool = make_pool(size=1, task_timeout=2.0, prefetch_seconds=10.0)
    tasks = [pool.submit(call("sleep", 0.7), weight=0.001) for _ in range(3)]
    assert finish(pool, *tasks) == [b"slept"] * 3


@any_method
def test_a_result_at_the_last_moment_counts(make_pool):
    pool = make_pool(size=1)
    result(pool, "echo", b"warm")
    task = pool.submit(call("sleep", 0.05), timeout=0.1)
    time.sleep(2.0)  # nobody looks while the time runs out, but the result is there
    pool._crew.tick(time.monotonic())
    assert finish(pool, task) == [b"slept"]


@unix_methods
@pytest.mark.parametrize("name", ["ValueError", "SystemExit", "KeyboardInterrupt"])
def test_an_exception_in_a_task(make_pool, name):
    pool = make_pool()
    failure = guilty_and_innocent(pool, "raise", name, "it went wrong")
    assert (failure.cause, failure.error_type, failure.detail) == ("error", name, "it went wrong")
    assert "do_raise" in failure.traceback
    assert pool.stats().deaths == 0


@any_method
def test_exceptions_that_cannot_even_be_shown(make_pool):
    pool = make_pool()
    failure = guilty_and_innocent(pool, "bad_text")
    assert (failure.cause, failure.error_type) == ("error", "BadTextError")
    assert guilty_and_innocent(pool, "recurse").error_type == "RecursionError"
    assert pool.stats().deaths == 0


@any_method
@pytest.mark.parametrize(("name", "text"), [("unsendable", "local object"), ("object", "returned object")])
def test_a_result_that_cannot_be_sent(pool, name, text):
    failure = guilty_and_innocent(pool, name)
    assert failure.cause == "unsendable"
    assert text in failure.detail.lower()
    assert pool.stats().deaths == 0


@any_method
def test_a_payload_that_cannot_be_read(pool):
    task = pool.submit(b"\x80\x05nonsense")
    assert finish(pool, task) == ["undecodable"]
    assert result(pool, "view") == bytes(range(8))
    assert pool.stats().deaths == 0


@any_method
def test_too_large_a_payload(pool, monkeypatch):
    monkeypatch.setattr("zexus_parallel_plugin.runtime.pool.supervisor.MAX_BODY", 100)
    task = pool.submit(bytes(101))
    assert task.outcome.failure.cause == "unsendable"
    assert pool.poll() == [task]


@pytest.mark.parametrize("data", [b"ZP\x01\x11" + bytes(20), b"no frame at all, no frame at all", bytes(100)])
@unix_methods
def test_garbage_in_the_pipe(make_pool, data):
    pool = make_pool()
    failure = guilty_and_innocent(pool, "garbage", data)
    assert failure.cause == "undecodable"


@unix_methods
def test_a_worker_that_closes_its_pipe_and_lives_on(make_pool):
    pool = make_pool(grace=0.1, retries=NO_RETRIES)
    failure = guilty_and_innocent(pool, "hang_up")
    assert (failure.cause, failure.signal) == ("died", "SIGKILL")


@unix_methods
def test_memory_has_a_limit(make_pool):
    pool = make_pool(memory_limit=200_000_000)
    failure = guilty_and_innocent(pool, "eat", 400_000_000)
    assert failure.cause == "memory"
    assert "the limit is 190 MiB" in failure.detail
    assert result(pool, "eat", 50_000_000) == b"full"
    assert pool.stats().deaths == 1


@unix_methods
def test_more_memory_at_once_than_there_may_be(make_pool):
    pool = make_pool(memory_limit=50_000_000)
    assert guilty_and_innocent(pool, "at_once", 10**13).cause == "memory"
    assert pool.stats().deaths == 0


@any_method
def test_retries_have_a_budget_by_cause_and_a_poison_limit(make_pool):
    pool = make_pool(size=1, retries=RetryBudget(died=10, error=1, timeout=2, poison_limit=3))
    died = pool.submit(call("exit", 1))
    error = pool.submit(call("raise", "ValueError", "x"))
    timeout = pool.submit(call("sleep", 60), timeout=0.05)
    assert finish(pool, died, error, timeout) == ["died", "error", "timeout"]
    assert [len(task.failures) for task in (died, error, timeout)] == [3, 2, 3]
    assert [task.attempts for task in (died, error, timeout)] == [3, 2, 3]
    assert pool.stats().retried == 5


@any_method
@pytest.mark.parametrize(
    ("factory", "text"),
    [("refuse", "does not want to exist"), ("die", "exit code 5"), ("missing", "missing")],
)
def test_workers_that_die_at_their_start_break_the_pool_once(make_pool, caplog, events, factory, text):
    pool = make_pool(handler=f"pool_handler:{factory}", max_start_failures=2)
    tasks = [pool.submit(call("echo", b"x")) for _ in range(5)]
    assert finish(pool, *tasks) == ["broken"] * 5
    assert all(text in task.outcome.failure.detail for task in tasks)
    assert all(task.failures == [] for task in tasks)
    late = pool.submit(call("echo", b"x"))
    assert late.outcome.failure.cause == "broken"
    assert pool.wait(late) == [late]
    assert text in pool.broken
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
    assert [kind for kind, _ in events].count("pool.broken") == 1
    assert pool.stats().launches <= 4


def test_a_handler_module_that_does_not_exist(make_pool):
    pool = make_pool(handler="there_is_no_such_module:make", max_start_failures=1)
    assert finish(pool, pool.submit(b"")) == ["broken"]
    assert "there_is_no_such_module" in pool.broken


@any_method
def test_workers_that_are_never_ready(make_pool):
    pool = make_pool(size=1, handler="pool_handler:hang", start_timeout=0.5, max_start_failures=2)
    task = pool.submit(call("echo", b"x"))
    assert finish(pool, task) == ["broken"]
    assert "not ready after 0.5 s" in pool.broken


def test_no_interpreter_to_start(make_pool, method, monkeypatch):
    pool = make_pool()
    if method == "template":
        pytest.skip("needs none")
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    task = pool.submit(call("echo", b"x"))
    assert task.outcome.failure.cause == "broken"
    assert "/nowhere/python" in pool.broken


@any_method
def test_no_room_for_another_worker(make_pool, monkeypatch):
    pool = make_pool(size=2)
    first = int(bytes(result(pool, "pid")))

    def none_left():
        raise NoRoomError("no socket for a worker: Too many open files")

    monkeypatch.setattr(forking, "socket_pair", none_left)
    tasks = [pool.submit(call("pid")) for _ in range(6)]
    assert {int(bytes(pid)) for pid in finish(pool, *tasks)} == {first}
    assert not pool.broken


def test_the_template_dies_and_the_next_start_method_takes_over(make_pool, method, events, gate):
    if method not in {"template", "forkserver"}:
        pytest.skip("has no template")
    pool = make_pool(retries=NO_RETRIES)
    tasks = [pool.submit(gate.call()) for _ in range(4)]
    until_running(pool, *tasks[:2])
    workers = [task.pid for task in tasks[:2]]
    psutil.Process(psutil.Process(workers[0]).ppid()).kill()
    next_method = {"template": "forkserver", "forkserver": "spawn"}[method]
    deadline = time.monotonic() + PATIENCE
    while pool.stats().method != next_method:
        assert time.monotonic() < deadline
        pool.wait(tasks[:2], time.monotonic() + 0.02)
    gate.open()
    assert finish(pool, *tasks) == [b"passed"] * 4
    assert not any(task.failures for task in tasks)
    assert [f["reason"] for kind, f in events if kind == "pool.fallback"] == ["the template process has died"]
    for pid in workers:
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_template_with_threads_is_not_used(events, monkeypatch):
    settings = PoolSettings(
        size=1, handler="pool_handler:Handler", start_method="forkserver", preload=("pool_threads",)
    )
    with WorkerSupervisor(settings, emit=lambda kind, **f: events.append((kind, f))) as pool:
        assert result(pool, "echo", b"x") == b"x"
        assert pool.stats().method == "spawn"
    assert "threads" in next(f["reason"] for kind, f in events if kind == "pool.fallback")


@any_method
@pytest.mark.parametrize("late", [False, True])
def test_workers_that_die_of_their_first_task_do_not_break_the_pool(make_pool, late):
    # The end of a pipe and the end of the process come in any order.
    pool = make_pool(size=1, retries=NO_RETRIES, max_start_failures=2)
    for _ in range(4):
        if late:
            task = pool.submit(call("hang_up"))
            until_running(pool, task)
            while pool.stats().workers[0].state.name != "LOST":
                pool.wait(task, time.monotonic() + 0.02)
            os.kill(task.pid, signal.SIGKILL)
        else:
            task = pool.submit(call("exit", 1))
        assert finish(pool, task) == ["died"]
    assert pool.stats().broken == ""
    assert result(pool, "echo", b"x") == b"x"


@unix_methods
def test_many_deaths_do_not_hurt_the_others(make_pool):
    pool = make_pool(retries=NO_RETRIES, size=2)
    count = 60 if pool.settings.start_method == "template" else 6
    tasks = [pool.submit(call("exit", 1) if n % 3 == 0 else call("echo", b"x")) for n in range(count)]
    outcomes = finish(pool, *tasks)
    assert outcomes == ["died" if n % 3 == 0 else b"x" for n in range(count)]
    assert pool.stats().deaths == count // 3


@any_method
def test_the_state_of_a_cancelled_head_that_dies(make_pool):
    pool = make_pool(size=1)
    task = pool.submit(call("sleep", 60))
    until_running(pool, task)
    pool.cancel(task)
    os.kill(task.pid, signal.SIGKILL)
    assert result(pool, "echo", b"x") == b"x"
    assert task.state is TaskState.CANCELLED
    assert task.failures == []


@any_method
def test_a_cancelled_head_that_hangs_is_timed_out(make_pool):
    pool = make_pool(size=1)
    task = pool.submit(call("loop"), timeout=2.0)
    until_running(pool, task)
    pool.cancel(task)
    assert result(pool, "echo", b"x") == b"x"
    assert pool.stats().kills >= 1
