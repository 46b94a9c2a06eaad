"""Runs many command lines, each in a forked child of one warm process: imports are paid for once."""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import REPOSITORY, clean_environment

_SECONDS = 60


@dataclass(frozen=True)
class Command:
    """A command line: ``words`` of ``zexus-parallel``, or of ``zexus`` if that is the first one."""

    words: tuple[str, ...]
    cwd: str
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """What came of it. ``stdout`` and ``stderr`` are the bytes, ``code`` is negative after a signal."""

    code: int
    stdout: bytes
    stderr: bytes
    children: bool  # whether processes were left behind


def run_all(commands: list[Command]) -> list[Ended]:
    """Run command lines one after the other."""
    process = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import serve; serve()"],
        input=pickle.dumps(commands),
        stdout=subprocess.PIPE,
        check=True,
        cwd=REPOSITORY,
        env={**clean_environment(), "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100"},
        timeout=_SECONDS * 5,
    )
    ended: list[Ended] = pickle.loads(process.stdout)
    return ended


def serve() -> None:
    """The warm process."""
    commands: list[Command] = pickle.load(sys.stdin.buffer)
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    from zexus_parallel_plugin.cli.commands import COMMANDS

    # Before the forks, so that it is done once.
    commands_and_more = [entry.module for entry in COMMANDS.values()]
    for name in ("zexus.cli.main", "difflib", "zexus_parallel_plugin.contributions", *commands_and_more):
        importlib.import_module(name)
    for name in ("config", "monitor.feeds", "monitor.snapshot", "report.html"):
        importlib.import_module(f"zexus_parallel_plugin.{name}")
    gc.collect()
    gc.freeze()
    pickle.dump([_in_child(command) for command in commands], answers)
    answers.close()


def _in_child(command: Command) -> Ended:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            signal.alarm(_SECONDS)
            _become(command)
        _, status = os.waitpid(pid, 0)
        left = _group_lives(pid)
        out.seek(0)
        err.seek(0)
        return Ended(os.waitstatus_to_exitcode(status), out.read(), err.read(), left)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _become(command: Command) -> None:
    """Run a command in this process, which ends with it."""
    code = 1
    try:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.chdir(command.cwd)
        os.environ.update(command.env)
        code = _main(list(command.words))
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _main(words: list[str]) -> int:
    try:
        if words[0] == "zexus":
            from zexus.cli.main import cli

            sys.argv = words
            cli.main(args=words[1:], prog_name="zexus")
        else:
            from zexus_parallel_plugin.cli import main

            sys.argv = ["zexus-parallel", *words]
            main(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def tree(place: Path) -> dict[str, int]:
    """All files below a directory, with their sizes."""
    found = {}
    for path in sorted(place.rglob("*")):
        found[str(path.relative_to(place))] = path.lstat().st_size if not path.is_dir() else -1
    return found


__all__ = ["Command", "Ended", "run_all", "tree"]
