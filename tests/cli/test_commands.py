from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click
import pytest

from tests.conftest import REPOSITORY
from zexus_parallel_plugin import __version__
from zexus_parallel_plugin.cli import commands, main
from zexus_parallel_plugin.cli.commands import COMMANDS, group
from zexus_parallel_plugin.errors import ZexusParallelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str, object]:
    with pytest.raises(SystemExit) as caught:
        main(list(words))
    output = capsys.readouterr()
    return output.out, output.err, caught.value.code


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_help_lists_every_command_that_is_there(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    out, err, code = run(capsys, *words)
    table = out.partition("Commands:\n")[2].partition("\n\n")[0]
    listed = [line.split()[0] for line in table.splitlines()]
    assert listed == group.list_commands(click.Context(group))
    assert {"run", "doctor", "plugins", "version"} <= set(listed)
    assert (err, code) == ("", 0)


@pytest.mark.parametrize("name", group.list_commands(click.Context(group)))
def test_every_command_has_a_help(capsys: pytest.CaptureFixture[str], name: str) -> None:
    out, _, code = run(capsys, name, "--help")
    assert out.startswith(f"Usage: zexus-parallel {name} ")
    assert code == 0


def test_the_table_says_what_the_command_says() -> None:
    for name in group.list_commands(click.Context(group)):
        if name == "run":
            continue  # its help is that of the host's command
        command = group.get_command(click.Context(group), name)
        assert command is not None
        assert (command.help or "").splitlines()[0].strip() == COMMANDS[name].help


def test_a_command_whose_module_is_missing_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(commands.COMMANDS, "later", commands.Entry("cli.no_such_module:command", "Later."))
    assert "later" not in group.list_commands(click.Context(group))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], "Error: there is no command 'rnu'; did you mean run?"),
        (["xyz"], "Error: there is no command 'xyz'; there are "),
        (["--nope"], "Error: No such option '--nope'."),
        (["plugins", "--jsno"], "Error: No such option '--jsno'."),
        (["doctor", "extra"], "Error: Got unexpected extra argument (extra)"),
    ],
)
def test_wrong_usage_is_one_line(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    out, err, code = run(capsys, *words)
    assert out == ""
    assert err.startswith(message)
    assert err.count("\n") == 1
    assert code == 2


@pytest.mark.parametrize(
    ("fault", "message", "exit_code"),
    [
        (ZexusParallelError("the file is gone"), "Error: the file is gone\n", 2),
        (KeyboardInterrupt(), "Aborted!\n", 1),
        (SystemExit(7), "", 7),
    ],
)
def test_what_a_command_raises_is_one_line_and_an_exit_code(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
    message: str,
    exit_code: int,
) -> None:
    @click.command()
    def faulty() -> None:
        raise fault

    monkeypatch.setattr(group, "get_command", lambda ctx, name: faulty)
    out, err, code = run(capsys, "version")
    assert (out, err.lstrip("\n"), code) == ("", message, exit_code)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    out, _, code = run(capsys, "version")
    assert out.splitlines()[:2] == [f"zexus-parallel-plugin {__version__}", "zexus 2.0.0 (verified)"]
    assert code == 0


def test_plugins_as_text_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    out, _, _ = run(capsys, "plugins")
    assert out.splitlines()[0] == f"parallel (zexus-parallel-plugin {__version__}): active"
    document: dict[str, Any] = json.loads(run(capsys, "plugins", "--json")[0])
    (own,) = [item for item in document["plugins"] if item["name"] == "parallel"]
    assert own["status"] == "active"
    assert [opcode["number"] for opcode in own["opcodes"]] == list(range(300, 306))
    assert [backend["name"] for backend in own["backends"]] == ["parallel"]


def test_a_disabled_plugin_is_listed_as_such(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEXUS_PARALLEL_PLUGINS_DISABLE", "parallel")
    out, _, code = run(capsys, "plugins")
    assert "parallel (zexus-parallel-plugin" in out
    assert ": disabled" in out
    assert code == 0


def test_a_reader_that_goes_away_is_no_traceback(command: Callable[..., Finished]) -> None:
    code = (
        "import os, subprocess, sys\n"
        "read, write = os.pipe()\n"
        "os.close(read)\n"
        "words = [sys.executable, '-m', 'zexus_parallel_plugin', 'plugins', '--json']\n"
        "sys.exit(subprocess.run(words, stdout=write).returncode)\n"
    )
    result = command("-c", code)
    assert "Traceback" not in result.stderr


def test_the_version_is_also_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for word in ("version", "--version"):
        with pytest.raises(SystemExit) as end:
            main([word])
        assert end.value.code == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] != ""


def test_types_of_click_have_no_parameters() -> None:
    # They have some since 8.2; 8.1 will do.
    package = REPOSITORY / "zexus_parallel_plugin"
    found = [
        path
        for path in package.rglob("*.py")
        if re.search(r"class .*\(click\.\w+\[", path.read_text("utf-8"))
    ]
    assert found == []
