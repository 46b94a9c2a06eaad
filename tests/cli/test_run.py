"""``zexus-parallel run``: the host's command with every setting as an option."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from zexus_parallel_plugin.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

START = ("-m", "zexus_parallel_plugin", "run")
TEXT = 'action f(x) { return x * 2; }\nprint(f(21));\nprint(__ARGS__);\nreturn "done";\n'


@pytest.mark.parametrize(
    "env",
    [{}, {"ZEXUS_PARALLEL_DISABLE": "1"}, {"ZEXUS_BACKEND": "host"}],
    ids=["hook", "no hook", "backend in the environment"],
)
def test_it_prints_what_the_host_prints(
    command: Callable[..., Finished], program: Callable[..., Path], env: dict[str, str]
) -> None:
    file = str(program(TEXT))
    plain = command("-m", "zexus", "run", file, "a", "b", env={"ZEXUS_PARALLEL_DISABLE": "1"})
    assert "42\n" in plain.stdout
    assert command(*START, file, "a", "b", env=env) == plain
    assert command(*START, "--backend", "host", file, "a", "b", env=env) == plain


def test_its_exit_code_is_the_hosts(command: Callable[..., Finished], program: Callable[..., Path]) -> None:
    file = str(program('require(1 == 2, "wrong");\n'))
    plain = command("-m", "zexus", "run", file)
    assert plain.code == 1
    assert command(*START, file) == plain


def test_every_setting_is_an_option(command: Callable[..., Finished]) -> None:
    result = command(*START, "--help")
    assert result.stdout.startswith("Usage: zexus-parallel run [OPTIONS] FILE [ARGS]...")
    for setting in settings():
        assert f"  {setting.option} " in result.stdout
    assert (result.stderr, result.code) == ("", 0)


@pytest.mark.parametrize(
    "words",
    [
        ["--workers", "2", "--mode", "parallel", "--timeout", "5", "--retries", "0", "--no-metrics"],
        ["--workers=auto", "--gas-limit=unlimited", "--no-fallback", "--chunk-size", "7", "--max-queue", "5"],
        ["--tier", "host"],
        ["--no-optimize"],
        ["--no-vm"],
        ["--vm-mode", "register"],
        ["--vm-mode", "parallel"],
    ],
)
def test_settings_do_not_change_what_is_printed(
    command: Callable[..., Finished], program: Callable[..., Path], words: list[str]
) -> None:
    file = str(program(TEXT))
    host_words = words if words[0] in {"--no-optimize", "--no-vm", "--vm-mode"} else []
    plain = command("-m", "zexus", "run", *host_words, file)
    assert command(*START, *words, file) == plain


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--timeout", "-1"], "--timeout must be a number of seconds above 0, got '-1'"),
        (["--retries", "many"], "--retries must be a whole number of at least 0, got 'many'"),
        (["--tier", "jit"], "--tier must be one of auto, interpreter, compiled, host, got 'jit'"),
        (["--wrokers", "1"], "No such option '--wrokers'."),
        (["--workers"], "Option '--workers' requires an argument."),
        (["--backend", "nope"], "--backend must be one of host, parallel, got 'nope'"),
    ],
)
def test_wrong_usage_is_one_line(
    command: Callable[..., Finished], program: Callable[..., Path], words: list[str], message: str
) -> None:
    result = command(*START, str(program(TEXT)), *words)
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1
    assert result.code == 2


def test_no_program_is_one_line(command: Callable[..., Finished]) -> None:
    result = command(*START)
    assert (result.stdout, result.code) == ("", 2)
    assert result.stderr == "Error: Missing argument 'FILE'; see zexus-parallel run --help\n"


def test_a_program_that_does_not_exist_is_one_line(command: Callable[..., Finished]) -> None:
    result = command(*START, "nowhere.zx")
    assert result.stderr == "Error: Invalid value for 'FILE': Path 'nowhere.zx' does not exist.\n"
    assert result.code == 2


def test_logging_goes_to_standard_error(
    command: Callable[..., Finished], program: Callable[..., Path]
) -> None:
    file = str(program(TEXT))
    plain = command("-m", "zexus", "run", file)
    assert command(*START, "--log-level", "debug", file).stdout == plain.stdout
