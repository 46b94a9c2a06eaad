"""``zexus-parallel run --monitor``: the monitor around a program, which runs in a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import click

from zexus_parallel_plugin.cli import signals
from zexus_parallel_plugin.journal import catalog
from zexus_parallel_plugin.journal.places import directory
from zexus_parallel_plugin.paths import is_directory

if TYPE_CHECKING:
    from zexus_parallel_plugin.monitor.tui.app import MonitorApp
    from zexus_parallel_plugin.monitor.watch import Watch

__all__ = ["FLAG", "Target", "journal_target", "run_monitored"]

FLAG = "--monitor"
_VARIABLE = "ZEXUS_PARALLEL_JOURNAL"
_LOOK_SECONDS = 0.1
_SIGNAL_CODE = 128
"""A process that was ended by signal n has the exit code 128 + n, as shells have it."""


class Target(NamedTuple):
    """Where the journal of the run will be: a directory, or a file."""

    place: Path
    is_file: bool


def journal_target(arguments: Sequence[str], variable: str | None) -> Target:
    """Where a command line, or the variable, puts the journal.

    Raises:
        click.UsageError: there is to be none.
    """
    wanted = variable or "auto"
    words = list(arguments)
    for number, word in enumerate(words):
        if word == "--no-journal":
            wanted = "off"
        elif word == "--journal" and number + 1 < len(words):
            wanted = words[number + 1]
        elif word.startswith("--journal="):
            wanted = word.partition("=")[2]
        elif word == "--" or word.endswith(".zx"):
            break
    if wanted == "off":
        raise click.UsageError(f"{FLAG} needs the journal of the run; leave out --no-journal")
    if wanted == "auto":
        return Target(directory(), is_file=False)
    path = Path(wanted)
    return Target(path, is_file=not (is_directory(path) or wanted.endswith(("/", os.sep))))


def run_monitored(arguments: Sequence[str]) -> int:
    """Run a program with its monitor on the terminal; afterwards print what it printed, and a summary.

    The program gets no input, since the keys are the monitor's. Who leaves the monitor sees the output as it
    comes.

    :returns: the exit code of the program.
    :raises click.UsageError: there is no terminal, or there is to be no journal.
    """
    from zexus_parallel_plugin.cli.monitor import has_terminal

    if not has_terminal():
        raise click.UsageError(
            f"{FLAG} needs a terminal; leave it out, and use `zexus-parallel monitor` in another one"
        )
    target = journal_target(arguments, os.environ.get(_VARIABLE))
    command = [sys.executable, "-m", "zexus_parallel_plugin", "run", *arguments]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        with signals.held():
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
            signals.hand_on(signal.SIGTERM, process)
        try:
            app = _app(process, target)
            app.run()
        finally:
            code = _finish(process, output, errors)
    app.read_rest()
    _summary(app.model)
    return code


def _app(process: subprocess.Popen[bytes], target: Target) -> MonitorApp:
    from zexus_parallel_plugin.cli.monitor import terminal_look
    from zexus_parallel_plugin.monitor.tui.app import MonitorApp

    def find() -> list[catalog.Run]:
        return [run for run in catalog.runs(target.place) if run.start.pid == process.pid]

    return MonitorApp(
        target.place if target.is_file else None,
        look=terminal_look(),
        find_runs=find,
        until=lambda: process.poll() is not None,
    )


def _finish(process: subprocess.Popen[bytes], output: BinaryIO, errors: BinaryIO) -> int:
    """Wait for the program, and hand on what it prints."""
    places = [0, 0]
    while True:
        ended = process.poll() is not None
        places[0] += _hand_on(output, places[0], sys.stdout.buffer)
        places[1] += _hand_on(errors, places[1], sys.stderr.buffer)
        if ended:
            break
        with suppress(KeyboardInterrupt):  # the program gets it, too, and ends as it does
            time.sleep(_LOOK_SECONDS)
    return process.returncode if process.returncode >= 0 else _SIGNAL_CODE - process.returncode


def _hand_on(source: BinaryIO, place: int, sink: BinaryIO) -> int:
    """Copy what is new; the program has the same file open, so its place is not to be moved."""
    data = os.pread(source.fileno(), os.fstat(source.fileno()).st_size - place, place)
    if data:
        sink.write(data)
        sink.flush()
    return len(data)


def _summary(watch: Watch) -> None:
    from zexus_parallel_plugin.cli.monitor import terminal_look
    from zexus_parallel_plugin.monitor.ink import plain
    from zexus_parallel_plugin.monitor.summary import head

    if watch.state.start is None:
        return
    room = max(60, min(120, shutil.get_terminal_size((80, 24)).columns))
    for line in head(watch, terminal_look(), room):
        click.echo(plain(line), err=True)
