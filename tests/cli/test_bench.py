"""`zexus-parallel bench` and the measuring below it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.conftest import Finished, clean_environment
from zexus_parallel_plugin.cli.bench import plan
from zexus_parallel_plugin.cli.measure import Measured, MeasureError, Variant, backend, bare_host, compare
from zexus_parallel_plugin.config import HOST_GAS_LIMIT, ParallelConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLI = ("-c", "from zexus_parallel_plugin.cli import main; main()", "bench")
SHORT = "let total = 0;\nfor i in range(50) { total = total + i; }\nprint(total);\n"
ENDLESS = "let i = 0;\nwhile (i >= 0) { i = i + 1; }\n"
ENVIRONMENT = 'print("one");\nprint(env_get("FLAVOUR"));\n'


def flavoured(name: str, flavour: str) -> Variant:
    return replace(bare_host(), name=name, environment=(*bare_host().environment, ("FLAVOUR", flavour)))


# What is measured


def test_the_host_the_single_worker_and_all_workers_are_planned() -> None:
    variants, skipped = plan(ParallelConfig(worker_count=3), None)
    assert [item.name for item in variants] == ["host", "workers-1", "workers-3"]
    assert skipped == {}


def test_a_raised_gas_limit_leaves_the_host_out_with_the_reason() -> None:
    variants, skipped = plan(ParallelConfig(worker_count=2, gas_limit=200_000_000), "200000000")
    assert [item.name for item in variants] == ["workers-1", "workers-2"]
    assert "200,000,000" in skipped["host"]
    assert f"{HOST_GAS_LIMIT:,}" in skipped["host"]
    assert all(item.arguments[-2:] == ("--gas-limit", "200000000") for item in variants)


def test_the_hosts_own_gas_limit_keeps_the_host() -> None:
    variants, _ = plan(ParallelConfig(worker_count=2, gas_limit=HOST_GAS_LIMIT), str(HOST_GAS_LIMIT))
    assert variants[0].name == "host"


def test_one_worker_is_not_measured_twice() -> None:
    variants, skipped = plan(ParallelConfig(worker_count=1), None, no_host=True)
    assert [item.name for item in variants] == ["workers-1"]
    assert set(skipped) == {"host", "workers"}


def test_the_host_runs_without_this_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEXUS_BACKEND", "parallel")
    environment = bare_host().full_environment()
    assert environment["ZEXUS_PARALLEL_DISABLE"] == "1"
    assert "ZEXUS_BACKEND" not in environment


def test_the_backend_runs_even_where_this_project_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEXUS_PARALLEL_DISABLE", "1")
    assert "ZEXUS_PARALLEL_DISABLE" not in backend(2).full_environment()


# Figures


def test_speedups_are_of_medians_and_net_of_start_up() -> None:
    slow = Measured(bare_host(), (4.0, 9.0, 5.0), (1.0, 1.0, 1.0), 0)
    fast = Measured(backend(2), (2.0, 2.5, 3.0), (0.5, 0.5, 0.6), 0)
    assert (slow.median, slow.net) == (5.0, 4.0)
    assert fast.times_faster(slow) == 2.0
    assert fast.net_times_faster(slow) == 2.0


def test_a_net_time_within_the_noise_gives_no_net_speedup() -> None:
    slow = Measured(bare_host(), (4.0,), (1.0,), 0)
    nothing = Measured(backend(2), (1.0,), (1.01,), 0)
    assert nothing.net == 0.0
    assert nothing.net_times_faster(slow) is None


# Measuring


def test_every_variant_runs_as_often_as_asked(program: Callable[..., Path]) -> None:
    told: list[str] = []
    comparison = compare(program(SHORT), [bare_host()], 2, progress=told.append)
    (measured,) = comparison.measured
    assert len(measured.seconds) == len(measured.startup_seconds) == 2
    assert comparison.difference is None
    assert told == ["warming up: bare host", "run 1 of 2: bare host", "run 2 of 2: bare host"]


def test_different_output_is_found_with_its_place(program: Callable[..., Path]) -> None:
    variants = [flavoured("first", "sweet"), flavoured("second", "salty")]
    comparison = compare(program(ENVIRONMENT), variants, 1)
    assert comparison.difference is not None
    assert comparison.difference.variant.name == "second"
    assert (comparison.difference.expected, comparison.difference.found) == ("'sweet'", "'salty'")
    assert "line " in str(comparison.difference)


def test_a_broken_installation_is_an_error_and_not_a_figure(program: Callable[..., Path]) -> None:
    broken = replace(bare_host(), arguments=("run", "--no-such-option"))
    with pytest.raises(MeasureError, match=r"exit code 2.*no-such-option.*doctor"):
        compare(program(SHORT), [broken], 1)


# The command


def test_json_document(command: Callable[..., Finished], program: Callable[..., Path]) -> None:
    done = command(*CLI, str(program(SHORT)), "--runs", "1", "--workers", "2", "--json")
    assert (done.code, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["same_output"] is True
    assert document["difference"] is None
    assert [item["name"] for item in document["variants"]] == ["host", "workers-1", "workers-2"]
    for item in document["variants"]:
        assert item["exit_code"] == 0
        assert item["min"] <= item["median"] <= item["max"]
        assert item["startup"] > 0
        assert item["speedup_over_host"] > 0


def test_table_is_plain_where_there_is_no_terminal(
    command: Callable[..., Finished], program: Callable[..., Path]
) -> None:
    done = command(*CLI, str(program(SHORT)), "--runs", "1", "--workers", "1")
    assert (done.code, done.stderr) == (0, "")
    lines = done.stdout.split("\n")
    assert lines[1].split() == [
        "seconds",
        "median",
        "min–max",
        "start-up",
        "net",
        "vs",
        "host",
        "vs",
        "1",
        "worker",
    ]
    assert lines[2].startswith("bare host ")
    assert lines[3].startswith("1 worker ")
    assert "\x1b" not in done.stdout
    assert "output: the same in all runs" in lines


def test_different_output_ends_with_exit_code_1(
    command: Callable[..., Finished], program: Callable[..., Path]
) -> None:
    # Only a program that asks for the time prints something else each time.
    done = command(*CLI, str(program("print(now());\nprint(random());\n")), "--runs", "1", "--workers", "1")
    assert done.code == 1
    assert "output: DIFFERS; 1 worker, run 1: line " in done.stdout
    assert done.stderr == ""


def test_exit_code_of_the_program_is_shown(
    command: Callable[..., Finished], program: Callable[..., Path]
) -> None:
    failing = program('require(1 > 2, "too small");\n')
    done = command(*CLI, str(failing), "--runs", "1", "--no-host", "--workers", "1")
    assert done.code == 0
    assert "the program ends with exit code 1" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing.zx",), "'missing.zx' does not exist"),
        (("{program}", "--runs", "0"), "--runs"),
        (("{program}", "--workers", "none"), "--workers must be a whole number from 1"),
        (("{program}", "--gas-limit", "much"), "--gas-limit must be a whole number"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    command: Callable[..., Finished], program: Callable[..., Path], arguments: tuple[str, ...], said: str
) -> None:
    path = str(program(SHORT))
    done = command(*CLI, *(path if word == "{program}" else word for word in arguments))
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_measured_process_ends_with_the_command(
    program: Callable[..., Path], tmp_path: Path, number: signal.Signals
) -> None:
    path = program(ENDLESS)
    bench = subprocess.Popen(
        [sys.executable, *CLI, str(path), "--workers", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env=clean_environment(),
        cwd=tmp_path,
    )
    try:
        child = wait_for_child(bench.pid, str(path))
        bench.send_signal(number)
        assert bench.wait(timeout=120) != 0
        gone, alive = psutil.wait_procs([child], timeout=120)
        assert (gone, alive) == ([child], [])
    finally:
        bench.kill()
        bench.wait()


def test_an_interruption_while_a_process_is_started_ends_it(
    program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def interrupted(*args: object, **kwargs: object) -> subprocess.Popen[bytes]:
        process = popen(*args, **kwargs)  # type: ignore[call-overload]
        started.append(process)
        signal.raise_signal(signal.SIGINT)
        return process  # type: ignore[no-any-return]

    monkeypatch.setattr("zexus_parallel_plugin.cli.measure.subprocess.Popen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare(program(ENDLESS), [backend(1, "unlimited")], 1)
    assert [process.poll() for process in started] == [-signal.SIGKILL]


def wait_for_child(pid: int, argument: str) -> psutil.Process:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for child in psutil.Process(pid).children():
            try:
                if argument in child.cmdline():
                    return child
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.05)
    pytest.fail("the program was never started")
