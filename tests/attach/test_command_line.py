"""The host's real command lines with the hook in place, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

HELLO = 'let name = "world";\nprint("hello " + name);\nprint(__ARGS__);\n'

# What the host says about these goes through many of its paths.
PROGRAMS = {
    "plain": HELLO,
    "leftover": "action work(x) { return x + x; }\nwork(4);\nreturn [1, work(2)];\n",
    "failing": 'print("before");\nrequire(1 == 2, "this is wrong");\nprint("after");\n',
    "division": "let a = 1;\nprint(a / 0);\nprint(a);\n",
    "syntax": "let = = {;\n",
    "flags": '// @zexus: {"no_optimize": true}\nprint(1 + 1);\n',
    "kernel": 'use "kernel" as kernel;\nprint(kernel.domains());\nprint(kernel.status());\n',
    "lambda": "let f = lambda(x) { x * 2 };\nprint(f(4));\n",
}

CONSOLE = [Path(sys.executable).parent / name for name in ("zexus", "zx", "zx-run")]
STARTS = [
    pytest.param(["-m", "zexus"], id="-m zexus"),
    pytest.param(["-m", "zexus.cli.main"], id="-m zexus.cli.main"),
    *(pytest.param([str(path)], id=path.name) for path in CONSOLE if os.name == "posix"),
]


@pytest.mark.parametrize("start", STARTS)
def test_every_way_to_start_the_host_has_the_backend(
    command: Callable[..., Finished], program: Callable[..., Path], start: list[str]
) -> None:
    file = program(HELLO)
    help_text = command(*start, "run", "--help").stdout
    assert "--backend [host|parallel]" in help_text
    plain = command(*start, "run", str(file), "a", env={"ZEXUS_PARALLEL_DISABLE": "1"})
    assert "hello world\n" in plain.stdout
    parallel = command(*start, "run", "--backend", "parallel", str(file), "a")
    assert parallel == plain


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in PROGRAMS.items()])
def test_the_backends_print_what_the_host_prints_without_us(
    command: Callable[..., Finished], program: Callable[..., Path], text: str
) -> None:
    file = str(program(text))
    plain = command("-m", "zexus", "run", file, env={"ZEXUS_PARALLEL_DISABLE": "1"})
    assert command("-m", "zexus", "run", file) == plain
    assert command("-m", "zexus", "run", "--backend", "parallel", file) == plain
    assert command("-m", "zexus", "run", file, env={"ZEXUS_BACKEND": "parallel"}) == plain


@pytest.mark.parametrize("words", [[], ["--version"], ["-r", "print(1)"], ["check", "program.zx"]])
def test_the_other_commands_are_the_hosts(
    command: Callable[..., Finished], program: Callable[..., Path], words: list[str]
) -> None:
    program(HELLO)
    plain = command("-m", "zexus", *words, env={"ZEXUS_PARALLEL_DISABLE": "1"})
    assert command("-m", "zexus", *words, env={"ZEXUS_BACKEND": "parallel"}) == plain


def test_switched_off_there_is_no_backend(
    command: Callable[..., Finished], program: Callable[..., Path]
) -> None:
    file = str(program(HELLO))
    result = command("-m", "zexus", "run", "--backend", "parallel", file, env={"ZEXUS_PARALLEL_DISABLE": "1"})
    assert result.code == 2
    assert "No such option" in result.stderr


@pytest.mark.parametrize(
    ("words", "env", "message"),
    [
        (["--workers", "0"], {}, "--workers must be a whole number from 1 to 1024, or auto, got '0'"),
        (
            ["--gas-limit", "much"],
            {},
            "--gas-limit must be a whole number of at least 1, unlimited or host, got 'much'",
        ),
        (
            [],
            {"ZEXUS_PARALLEL_MODE": "fast"},
            "ZEXUS_PARALLEL_MODE must be one of sequential, hybrid, parallel, got 'fast'",
        ),
    ],
)
def test_a_wrong_setting_is_one_line_and_nothing_runs(
    command: Callable[..., Finished],
    program: Callable[..., Path],
    words: list[str],
    env: dict[str, str],
    message: str,
) -> None:
    result = command("-m", "zexus", "run", "--backend", "parallel", *words, str(program(HELLO)), env=env)
    assert result.stderr == f"Error: {message}\n"
    assert "Running" not in result.stdout
    assert result.code == 2


def test_a_wrong_file_is_one_line_and_nothing_runs(
    command: Callable[..., Finished], program: Callable[..., Path]
) -> None:
    file = program(HELLO)
    (file.parent / "zexus-plugin.toml").write_text("[backend.parallel]\nworker_cuont = 2\n")
    result = command("-m", "zexus", "run", "--backend", "parallel", str(file))
    assert "has no setting 'worker_cuont'; did you mean worker_count?" in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.code == 2
    # The host alone has nothing to do with that file.
    assert command("-m", "zexus", "run", str(file)).code == 0


def test_the_kernel_command_shows_the_domain(command: Callable[..., Finished]) -> None:
    result = command("-m", "zexus", "kernel")
    (line,) = [line for line in result.stdout.splitlines() if "parallel" in line]
    assert "6 opcodes" in line
    assert "6 handlers" in result.stdout
    plain = command("-m", "zexus", "kernel", env={"ZEXUS_PARALLEL_DISABLE": "1"})
    assert "parallel" not in plain.stdout


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_ends_the_run_as_on_the_host(program: Callable[..., Path]) -> None:
    file = str(program('let i = 0;\nprint("start");\nwhile (i < 100000000) { i = i + 1; }\nprint("end");\n'))
    outcomes = []
    for backend in ("host", "parallel"):
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "zexus", "run", "--backend", backend, file],
            encoding="utf-8",
            env=clean_environment(),
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            while process.stdout.readline() not in {"start\n", ""}:
                pass
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
            process.wait()
        outcomes.append((process.returncode, stdout, stderr))
    assert outcomes[1] == outcomes[0] == (1, "", "\nAborted!\n")
