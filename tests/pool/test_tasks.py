from __future__ import annotations

import pickle
import threading
import time

import psutil
import pytest
from pool_handler import call
from pool_helpers import PATIENCE, any_method, finish, result, unix_methods, until_running

from zexus_parallel_plugin.runtime.pool import (
    BlobError,
    PoolClosedError,
    PoolError,
    PoolFullError,
    PoolSettings,
    PoolSettingsError,
    RetryBudget,
    TaskState,
    WorkerState,
    WorkerSupervisor,
)


def test_a_result_with_its_timing(pool):
    task = pool.submit(call("sleep", 0.05))
    assert not task.done
    assert pool.wait(task) == [task]
    assert task.state is TaskState.DONE
    assert task.outcome.ok
    assert task.outcome.result == b"slept"
    timing = task.outcome.timing
    assert timing.finished_ns - timing.started_ns >= 50_000_000
    assert task.submitted_ns <= task.sent_ns <= min(task.head_ns, timing.started_ns)
    assert timing.finished_ns <= task.done_ns
    assert timing.cpu_ns < 50_000_000
    assert timing.peak_rss > 1_000_000
    assert (task.attempts, task.failures) == (1, [])
    assert task.pid == pool.stats().workers[0].pid


@any_method
def test_nothing_is_started_before_it_is_needed_and_no_more_than_that(pool):
    assert pool.stats().launches == 0
    assert pool.poll() == []
    for _ in range(3):
        result(pool, "echo", b"x")
    assert pool.stats().launches == 1
    finish(pool, *[pool.submit(call("sleep", 0.05)) for _ in range(6)])
    assert pool.stats().launches == 2


@unix_methods
def test_both_workers_work_at_the_same_time(pool):
    tasks = [pool.submit(call("sleep", 60)) for _ in range(2)]
    until_running(pool, *tasks)
    assert tasks[0].pid != tasks[1].pid


def test_many_small_tasks(make_pool):
    pool = make_pool(max_queue_size=100)
    payloads = iter(range(20_000 if pool.settings.start_method == "template" else 500))
    tasks, delivered, more = [], [], True
    while more:
        while pool.room and more:
            number = next(payloads, None)
            more = number is not None
            if more:
                tasks.append(pool.submit(call("echo", b"%d" % number)))
        delivered += pool.wait()
    while len(delivered) < len(tasks):
        delivered += pool.wait()
    assert sorted(task.id for task in delivered) == [task.id for task in tasks]
    assert [bytes(task.outcome.result) for task in tasks] == [b"%d" % n for n in range(len(tasks))]
    assert all(task.attempts == 1 for task in tasks)
    assert pool.stats().done == len(tasks)


@any_method
def test_every_finished_task_is_delivered_once(pool):
    tasks = [pool.submit(call("echo", b"x")) for _ in range(10)]
    assert pool.wait(tasks[3]) == [tasks[3]]
    assert pool.wait(tasks[3]) == [tasks[3]]
    seen = []
    while len(seen) < 9:
        seen += pool.poll()
    assert sorted(task.id for task in seen) == [task.id for task in tasks if task is not tasks[3]]
    assert pool.wait() == []


@any_method
def test_poll_alone_is_enough(pool):
    task = pool.submit(call("echo", b"x"))
    deadline = time.monotonic() + PATIENCE
    while not (finished := pool.poll()):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert finished == [task]


@unix_methods
def test_arguments_of_the_handler_and_environment(make_pool):
    pool = make_pool(handler_args=b"\x00\xffabc", env={"POOL_TEST_EXTRA": "here"})
    assert result(pool, "arguments") == b"\x00\xffabc"
    assert pickle.loads(result(pool, "state"))["extra"] == "here"


def test_blobs_come_once_per_worker_and_before_the_task(pool):
    pool.publish(b"k1", b"one")
    pool.publish(b"k2", bytes(300_000))
    pool.publish(b"k1", b"one")
    tasks = [pool.submit(call("blob", b"k1"), needs=[b"k1"]) for _ in range(30)]
    assert set(map(bytes, finish(pool, *tasks))) == {b"onex1"}
    assert result(pool, "blob", b"k2", needs=[b"k1", b"k2"]) == bytes(300_000) + b"x1"
    with pytest.raises(BlobError, match=r"b'k3'.*publish"):
        pool.submit(b"", needs=[b"k3"])
    with pytest.raises(BlobError, match="other contents"):
        pool.publish(b"k1", b"two")


@any_method
def test_a_blob_that_fails_fails_the_tasks_that_need_it_only(pool):
    pool.publish(b"bad", b"poison")
    bad = pool.submit(call("echo", b"x"), needs=[b"bad"])
    good = pool.submit(call("echo", b"y"))
    again = pool.submit(call("echo", b"x"), needs=[b"bad"])
    assert finish(pool, bad, good, again) == ["error", b"y", "error"]
    assert bad.outcome.failure.error_type == "ValueError"
    assert bad.outcome.failure.detail == "a poisoned blob"


@pytest.mark.parametrize("method", ["template", "connection"], indirect=True)  # one for each kind of pipe
def test_large_both_ways_at_once_does_not_lock_up(pool):
    size = 50_000_000
    large = bytes(range(250)) * (size // 250)
    payload = call("echo", large)
    tasks = [pool.submit(payload) for _ in range(3)]
    for task in tasks:
        assert finish(pool, task) == [large]
        task.outcome = None  # let go of it


@unix_methods
def test_a_worker_that_does_not_read_does_not_block_the_main_process(make_pool):
    pool = make_pool(prefetch_bytes=1 << 30, prefetch_seconds=100.0)
    busy = [pool.submit(call("sleep", 60), weight=1.0) for _ in range(2)]
    until_running(pool, *busy)
    tasks = [pool.submit(call("length", bytes(5_000_000))) for _ in range(2)]
    for _ in range(50):
        pool.poll()
    assert [task.state for task in tasks] == [TaskState.SENT] * 2
    for task in busy:
        pool.cancel(task, kill=True)
    assert finish(pool, *tasks) == [b"5000000"] * 2


@any_method
def test_the_queue_has_a_limit(make_pool, gate):
    pool = make_pool(size=1, max_queue_size=3)
    head = pool.submit(gate.call())
    tasks = []
    while pool.room:
        tasks.append(pool.submit(call("echo", b"x")))
    with pytest.raises(PoolFullError, match="collect"):
        pool.submit(call("echo", b"too much"))
    assert pool.stats().queued == 3
    gate.open()
    assert finish(pool, head, *tasks) == [b"passed"] + [b"x"] * len(tasks)
    assert pool.room == 3


@any_method
def test_a_deadline_ends_a_wait(pool, gate):
    task = pool.submit(gate.call())
    assert pool.wait(task, time.monotonic() + 0.05) == []
    assert pool.wait(task, time.monotonic() - 1) == []
    assert not task.done
    gate.open()
    assert finish(pool, task) == [b"passed"]


def test_a_wake_up_from_another_thread_ends_a_wait(pool, gate):
    task = pool.submit(gate.call())
    timer = threading.Timer(0.1, pool.wake)
    timer.start()
    assert pool.wait(task) == []
    timer.join()
    gate.open()
    assert finish(pool, task) == [b"passed"]


@any_method
def test_a_task_of_another_pool_is_refused(pool, make_pool):
    task = make_pool().submit(call("echo", b"x"))
    with pytest.raises(PoolError, match="does not belong"):
        pool.wait(task)


@any_method
def test_cancel_of_a_waiting_task(make_pool, gate):
    pool = make_pool(size=1, depth=1)
    head = pool.submit(gate.call())
    waiting = [pool.submit(call("echo", b"x")) for _ in range(3)]
    pool.cancel(waiting[1])
    assert waiting[1].state is TaskState.CANCELLED
    assert waiting[1].outcome.failure.cause == "cancelled"
    gate.open()
    assert finish(pool, head, *waiting) == [b"passed", b"x", "cancelled", b"x"]
    assert waiting[1].attempts == 0
    assert pool.stats().queued == 0
    pool.cancel(head)
    assert head.state is TaskState.DONE


def test_a_task_is_sent_after_all_that_waited_were_cancelled(make_pool, gate):
    pool = make_pool(size=1, depth=1)
    head = pool.submit(gate.call())
    until_running(pool, head)
    waiting = [pool.submit(call("echo", b"x")) for _ in range(3)]
    for task in waiting:
        pool.cancel(task)
    gate.open()
    assert finish(pool, head) == [b"passed"]
    pool.poll()
    assert finish(pool, pool.submit(call("echo", b"next"))) == [b"next"]


@any_method
def test_cancel_of_a_running_task_ignores_its_result(make_pool, gate):
    pool = make_pool(size=1)
    first = pool.submit(gate.call())
    until_running(pool, first)
    pool.cancel(first)
    gate.open()
    assert result(pool, "echo", b"next") == b"next"
    assert first.outcome.failure.cause == "cancelled"
    assert pool.stats().deaths == 0


def test_cancel_with_kill_replaces_the_worker(make_pool):
    pool = make_pool(size=1, depth=2)
    endless = pool.submit(call("stubborn"))
    until_running(pool, endless)
    behind = [pool.submit(call("echo", b"%d" % n)) for n in range(5)]
    pool.cancel(endless, kill=True)
    assert finish(pool, endless, *behind) == ["cancelled", b"0", b"1", b"2", b"3", b"4"]
    assert {task.pid for task in behind} != {endless.pid}


@unix_methods
def test_workers_are_recycled_after_tasks(make_pool):
    pool = make_pool(size=1, recycle_after_tasks=5)
    pids = {bytes(result(pool, "pid")) for _ in range(12)}
    assert len(pids) == 3
    assert pool.stats().deaths == 0


@any_method
def test_workers_are_recycled_above_a_size(make_pool):
    # A worker that is forked has as much as this process to begin with.
    pool = make_pool(size=1, recycle_above_rss=psutil.Process().memory_info().rss + 150_000_000)
    before = result(pool, "pid")
    assert result(pool, "pid") == before
    result(pool, "eat", psutil.Process().memory_info().rss + 200_000_000)
    assert result(pool, "pid") != before


def test_closing_cancels_what_waits_and_lets_running_tasks_finish(make_pool, events, gate):
    pool = make_pool(size=1, depth=1, grace=PATIENCE)
    running = pool.submit(gate.call())
    until_running(pool, running)
    waiting = pool.submit(call("echo", b"x"))
    timer = threading.Timer(0.2, gate.open)
    timer.start()
    pool.close()
    pool.close()
    timer.join()
    assert running.outcome.result == b"passed"
    assert waiting.outcome.failure.cause == "cancelled"
    assert [fields["code"] for kind, fields in events if kind == "worker.exit"] == [0]
    assert not [kind for kind, _ in events if kind == "worker.kill"]
    with pytest.raises(PoolClosedError, match="new one"):
        pool.submit(b"")


def test_closing_does_not_wait_for_the_endless(make_pool):
    pool = make_pool(grace=0.1)
    tasks = [pool.submit(call(name)) for name in ("stubborn", "loop", "echo")]
    until_running(pool, *tasks[:2])
    pool.close()
    assert {task.outcome.failure.cause for task in tasks} == {"cancelled"}


@unix_methods
def test_an_exception_in_the_with_block_kills(make_pool):
    pool = make_pool(grace=60.0)
    task = pool.submit(call("loop"))
    until_running(pool, task)
    with pytest.raises(ZeroDivisionError), pool:
        raise ZeroDivisionError
    assert task.outcome.failure.cause == "cancelled"


@any_method
def test_closing_a_pool_that_never_started(make_pool):
    make_pool().close()
    make_pool(size=5).close(kill=True)


@unix_methods
def test_closing_while_workers_start(make_pool):
    pool = make_pool()
    pool.start(2)
    pool.close()
    assert pool.stats().workers == ()


@any_method
def test_warm_workers_take_the_first_tasks(make_pool):
    pool = make_pool()
    pool.start(2)
    deadline = time.monotonic() + PATIENCE
    while [worker.state for worker in pool.stats().workers] != [WorkerState.IDLE] * 2:
        assert time.monotonic() < deadline
        pool.poll()
    assert result(pool, "echo", b"x") == b"x"
    assert pool.stats().launches == 2


@any_method
def test_events_tell_the_whole_story(pool, events):
    result(pool, "echo", b"x")
    finish(pool, pool.submit(call("raise", "ValueError", "no")))
    pool.close()
    kinds = [kind for kind, _ in events]
    assert kinds == [
        "worker.start", "worker.ready", "task.start", "task.end", "task.start", "task.end", "worker.exit",
    ]  # fmt: skip
    assert [fields["cause"] for kind, fields in events if kind == "task.end"] == ["", "error"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"size": 0}, "size"),
        ({"size": True}, "size"),
        ({"handler": "nothing"}, "module:factory"),
        ({"start_method": "fork"}, "template, forkserver, spawn"),
        ({"task_timeout": float("nan")}, "task_timeout"),
        ({"grace": -1}, "grace"),
        ({"depth": 0}, "depth"),
        ({"memory_limit": 0}, "memory_limit"),
        ({"prefetch_bytes": -1}, "prefetch_bytes"),
    ],
)
def test_wrong_settings_are_refused_with_their_name(changes, text):
    with pytest.raises(PoolSettingsError, match=text):
        PoolSettings(**{"size": 1, "handler": "a:b", **changes})


def test_wrong_budgets_are_refused_with_their_name():
    with pytest.raises(PoolSettingsError, match=r"retries\.timeout"):
        RetryBudget(timeout=-1)


@any_method
def test_a_copy_of_the_pool_in_a_forked_process_leaves_the_workers_alone(pool, monkeypatch):
    task = pool.submit(call("sleep", 0.1))
    monkeypatch.setattr(pool, "_owner_pid", -1)
    pool.close(kill=True)
    monkeypatch.undo()
    assert finish(pool, task) == [b"slept"]


def test_prepare_says_why_it_cannot(monkeypatch):
    thread = threading.Event()
    waiting = threading.Thread(target=thread.wait)
    waiting.start()
    try:
        with WorkerSupervisor(PoolSettings(size=1, handler="pool_handler:Handler")) as pool:
            assert "threads" in pool.prepare()
            assert result(pool, "echo", b"x") == b"x"
            assert pool.stats().method == "forkserver"
    finally:
        thread.set()
        waiting.join()
    with WorkerSupervisor(PoolSettings(size=1, handler="a:b", start_method="spawn")) as pool:
        assert "spawn" in pool.prepare()
