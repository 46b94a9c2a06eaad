"""Runs a program with the real command: in a process of its own, or in a fork of the judge's warm process."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HOST = "host"
PARALLEL = "parallel"


@dataclass(frozen=True, slots=True)
class CliRequest:
    """``zexus run`` for a fork of the warm process; ``path`` is relative to ``cwd``."""

    path: str
    backend: str
    cwd: str
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class CliResult:
    """What a finished command left: exact bytes and the exit code."""

    stdout: bytes
    stderr: bytes
    code: int


def run_cli(
    path: str,
    backend: str,
    *,
    cwd: Path,
    home: Path,
    settings: dict[str, str] | None = None,
    seconds: float = 60,
) -> CliResult:
    """Run ``python -m zexus run``; ``host`` is the bare host, to which the plugin does not even attach.

    ``settings`` are environment variables. Raises ``subprocess.TimeoutExpired``.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZEXUS")}
    environment.update(settings or {})
    environment["HOME"] = str(home)
    environment["TMPDIR"] = str(home)
    options: list[str] = []
    if backend == HOST:
        environment["ZEXUS_PARALLEL_DISABLE"] = "1"
    else:
        options = ["--backend", backend]
    process = subprocess.run(
        [sys.executable, "-m", "zexus", "run", *options, path],
        capture_output=True,
        check=False,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=seconds,
    )
    return CliResult(process.stdout, process.stderr, process.returncode)


def run_cli_here(request: CliRequest) -> CliResult:
    """Run the command in this process, which must be a fork that ends right afterwards."""
    from zexus.cli.main import cli

    from .harness import Capture

    os.chdir(request.cwd)
    options = [] if request.backend == HOST else ["--backend", request.backend]
    code: object = 0
    with Capture() as captured:
        try:
            cli.main(args=["run", *options, request.path], prog_name="zexus")
        except SystemExit as end:
            code = end.code
        finally:
            atexit._run_exitfuncs()
    number = code if isinstance(code, int) else int(code is not None)
    return CliResult(captured.stdout.encode(), captured.stderr.encode(), number)


def cli_differences(host: CliResult, other: CliResult) -> list[str]:
    """One readable line for each difference."""
    found = []
    if host.code != other.code:
        found.append(f"exit code: host {host.code}, backend {other.code}")
    for name in ("stdout", "stderr"):
        left, right = getattr(host, name), getattr(other, name)
        if left != right:
            found.append(f"{name}: {_first_difference(left, right)}")
    return found


def _first_difference(left: bytes, right: bytes) -> str:
    left_lines, right_lines = left.splitlines(), right.splitlines()
    for number, (one, two) in enumerate(zip(left_lines, right_lines, strict=False), 1):
        if one != two:
            return f"line {number}: host {one[:200]!r}, backend {two[:200]!r}"
    extra = left_lines[len(right_lines) :] or right_lines[len(left_lines) :]
    side = "host" if len(left_lines) > len(right_lines) else "backend"
    return f"only the {side} goes on: {[line[:120] for line in extra[:5]]!r}"
