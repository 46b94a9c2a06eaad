"""What workers are as processes: nothing of the terminal, nothing of each other, nothing left behind."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from pool_handler import call, open_descriptors
from pool_helpers import PATIENCE, any_method, finish, result, unix_methods, until_running

from tests.sessions import as_at_a_terminal

HERE = Path(__file__).parent
METHODS = ["template", "forkserver", "spawn"]

MAIN = """\
import os, sys, time
sys.path.insert(0, {here!r})
print("main module runs", flush=True)
from pool_handler import call, open_descriptors
from zexus_parallel_plugin.runtime.pool import PoolSettings, WorkerSupervisor, forking, launch
if {method!r} == "connection":
    launch.TRANSPORT = "connection"
pool = WorkerSupervisor(
    PoolSettings(
        size=3,
        handler="pool_handler:Handler",
        start_method={method!r}.replace("connection", "spawn"),
    )
)
pool.prepare()
tasks = [pool.submit(call(*arguments)) for arguments in {work!r}]
quick = pool.submit(call("pid"), weight=0)
while len([task for task in tasks if task.state.name == "RUNNING"]) < len(tasks) or not quick.done:
    pool.wait(None, time.monotonic() + 0.02)
print(*[task.pid for task in tasks], int(bytes(quick.outcome.result)), flush=True)
{rest}
"""


def start_main(method, work, rest, **options):
    code = MAIN.format(here=str(HERE), method=method, work=work, rest=rest)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZEXUS")}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # lines are read one by one, and the rest by communicate()
        env=environment,
        cwd=HERE.parent.parent,
        preexec_fn=as_at_a_terminal,  # noqa: PLW1509 - it takes no locks
        **options,
    )
    assert process.stdout.readline() == b"main module runs\n"
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return process, [int(word) for word in line.split()]


def outputs(process):
    return [text.decode() for text in process.communicate(timeout=PATIENCE)]


def alive(pids):
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            pass
    return found


def none_alive(pids):
    deadline = time.monotonic() + PATIENCE
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pids)


@pytest.mark.parametrize("method", [*METHODS, "connection"])
def test_no_worker_outlives_a_main_process_that_is_killed(method):
    # One worker sleeps, one never lets another thread run, one is idle.
    process, _ = start_main(method, [("sleep", 60), ("loop_in_c",)], "time.sleep(60)")
    family = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    assert len(family) == (3 if method in {"spawn", "connection"} else 4)
    process.kill()
    process.communicate()
    assert none_alive(family)


@pytest.mark.parametrize("method", METHODS)
def test_a_stopped_worker_does_not_outlive_the_main_process(method):
    process, workers = start_main(method, [("sleep", 60), ("sleep", 60)], "time.sleep(60)")
    os.kill(workers[0], signal.SIGSTOP)
    process.kill()
    process.communicate()
    assert none_alive(workers)


@pytest.mark.parametrize("method", METHODS)
def test_no_worker_outlives_a_main_process_that_just_leaves(method):
    process, _ = start_main(method, [("sleep", 60), ("loop",)], "os._exit(3)")
    assert outputs(process) == ["", ""]
    assert process.returncode == 3


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_to_the_whole_group_reaches_the_main_process_only(method):
    rest = """\
try:
    print("waiting", flush=True)
    pool.wait(tasks)
except KeyboardInterrupt:
    again = pool.submit(call("echo", b"x"), timeout=60)
    while not again.done:
        pool.wait(again)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pool.wait(None, end)
    print("interrupted", len(pool.stats().workers), pool.stats().deaths, flush=True)
    pool.close(kill=True)
    print("closed", flush=True)
"""
    process, workers = start_main(method, [("sleep", 60), ("loop",)], rest, start_new_session=True)
    assert process.stdout.readline() == b"waiting\n"
    os.killpg(process.pid, signal.SIGINT)
    output, errors = outputs(process)
    assert output == "interrupted 3 0\nclosed\n"
    assert errors == ""
    assert process.returncode == 0
    assert none_alive(workers)


@pytest.mark.parametrize("method", METHODS)
def test_workers_print_nothing_and_the_main_module_is_not_run_again(method):
    rest = """\
print(bytes(pool.wait(pool.submit(call("print", "NOISE")))[0].outcome.result), flush=True)
sys.stdout.write("buffered text")
pool.close(kill=True)
"""
    process, _ = start_main(method, [("sleep", 60), ("sleep", 60)], rest)
    output, errors = outputs(process)
    assert output == "b'printed'\nbuffered text"
    assert errors == ""


@unix_methods
def test_a_worker_has_no_descriptor_of_anybody_else(make_pool, tmp_path):
    with (tmp_path / "open.txt").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        other = make_pool(size=1)
        result(other, "echo", b"x")
        pool = make_pool(size=3)
        tasks = [pool.submit(call("sleep", 60)) for _ in range(2)]
        until_running(pool, *tasks)
        descriptors = pickle.loads(result(pool, "descriptors"))
    sockets = [target for _, target, _ in descriptors if target.startswith("socket:")]
    assert len(sockets) == 1
    # The crash pipe as standard error, and the lifeline (on Linux opened once more for the kernel's signal).
    pipes = {target for _, target, _ in descriptors if target.startswith("pipe:")}
    assert len(pipes) == 2
    files = {target for _, target, _ in descriptors if target.startswith("/")}
    assert {target for target in files if not target.startswith("/proc/")} == {"/dev/null"}
    assert {number for number, _, inheritable in descriptors if inheritable} <= {0, 1, 2}
    ends = [str(Path(f"/proc/self/fd/{number}").readlink()) for number in open_descriptors()]
    assert sockets[0] not in ends


@unix_methods
def test_the_state_of_a_worker(make_pool):
    before = os.umask(0o22)
    try:
        signal.signal(signal.SIGTERM, handler := lambda number, frame: None)
        state = pickle.loads(result(make_pool(), "state"))
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.umask(before)
    assert state["sigint"]
    assert state["sigterm"]
    assert state["mask"] == set()
    assert state["marker"] == "1"
    assert sorted(state["threads"]) == ["MainThread", "zexus-parallel-lifeline"]


@pytest.mark.parametrize("umask", [0o777, 0o000])
@unix_methods
def test_any_umask_will_do(make_pool, umask):
    before = os.umask(umask)
    try:
        assert result(make_pool(), "echo", b"x") == b"x"
    finally:
        os.umask(before)


@unix_methods
def test_a_worker_may_not_have_a_pool(make_pool):
    assert result(make_pool(), "nested") == b"PoolNestedError"


@any_method
def test_the_main_process_keeps_its_signal_mask_and_lets_nothing_be_inherited(make_pool):
    before = set(open_descriptors())
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    result(make_pool(), "echo", b"x")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    new = set(open_descriptors()) - before
    assert len(new) > 4
    assert not [number for number in new if os.get_inheritable(number)]


@unix_methods
def test_pools_one_after_the_other_leave_nothing(make_pool):
    descriptors = open_descriptors()
    children = psutil.Process().children(recursive=True)
    for _ in range(3):
        pool = make_pool(size=1)
        finish(pool, *[pool.submit(call("echo", b"x")) for _ in range(4)])
        pool.close()
    assert open_descriptors() == descriptors
    assert psutil.Process().children(recursive=True) == children
