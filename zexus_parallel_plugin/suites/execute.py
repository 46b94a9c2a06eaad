"""Runs a suite on one backend, in a process of its own, and takes apart what it printed."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.journal.events import Metrics
from zexus_parallel_plugin.journal.reader import JournalError, read_all
from zexus_parallel_plugin.suites.source import find_tests, instrumented, marker

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["HOST", "PARALLEL", "Commands", "Run", "TestRun", "check_timeout", "execute", "lines_of"]

HOST = "host"
PARALLEL = "parallel"
_BEGIN = "Executing on VM...\n"
_ERROR = re.compile(r"^(?:VM Execution error|Bytecode compilation error): .*$", re.MULTILINE)
_MESSAGE = 2000
_LONGEST_SECONDS = 1_000_000  # the system counts milliseconds, in 31 bits


@dataclass(slots=True)
class TestRun:
    """One test in one run: ``state`` is passed, failed, or begun (and not ended)."""

    state: str
    message: str = ""
    output: str = ""

    __test__ = False


@dataclass(slots=True)
class Run:
    """What a suite did on one backend.

    Attributes:
        backend: host or parallel.
        exit_code: of the command; None if it had to be ended because its time was over.
        output: what the program printed, without the lines for the runner.
        error: the error that ended the program, or why it was not executed at all; empty if all went well.
        tests: by name, those that were begun.
        chunks: chunks and calls that were done by workers; None where that is not known.
        workers: number of workers, 0 on the host.
        seconds: of the whole command. stderr: what it wrote there.
    """

    backend: str
    exit_code: int | None = None
    output: str = ""
    error: str = ""
    tests: dict[str, TestRun] = field(default_factory=dict)
    chunks: int | None = None
    workers: int = 0
    seconds: float = 0.0
    stderr: str = ""


class Commands:
    """Commands that several threads run, to be ended all at once; after that none is begun."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False
        self._lock = threading.Lock()  # nothing may begin between the last look at what runs and the end

    def begin(self, words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
        """Begin Python with these words, or nothing if all was ended."""
        with self._lock:
            if self._ended:
                return None
            process = subprocess.Popen(
                [sys.executable, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # a group of its own, to be ended with all its children
            )
            self._running.add(process)
            return process

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """A command has ended."""
        with self._lock:
            self._running.discard(process)

    def end(self) -> None:
        """End everything that runs; the runs then say so."""
        with self._lock:
            self._ended = True
            for process in self._running:
                _kill(process)


def check_timeout(seconds: float) -> float:
    """The time that a person gives a suite, if it is one.

    :raises ValueError: it is not.
    """
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise ValueError(f"{seconds:g} is no number of seconds above 0, and up to a million")
    return seconds


def execute(
    path: Path,
    backend: str,
    *,
    chosen: Collection[str] | None = None,
    timeout: float = 120.0,
    settings: Mapping[str, str] | None = None,
    commands: Commands | None = None,
) -> Run:
    """Run a suite.

    :param path: the program.
    :param chosen: the tests to be run, by default all.
    :param timeout: seconds after which it is ended.
    :param settings: settings of the backend by name, as in a configuration file.
    :param commands: where it can be ended.
    """
    source = path.read_text(encoding="utf-8")
    suite = find_tests(source)
    token = secrets.token_hex(4)
    with tempfile.TemporaryDirectory(prefix="zexus-test-") as name:
        directory = Path(name)
        program = path
        if suite.tests:
            program = _beside(path, directory / "suite")
            wanted = suite.tests if chosen is None else chosen
            program.write_text(instrumented(source, token, wanted), encoding="utf-8")
        journal = directory / "journal.jsonl"
        environment, words = _command(program, backend, journal, settings or {})
        run = _carry_out(Run(backend), commands or Commands(), words, environment, timeout)
        if backend == PARALLEL:
            _read_journal(journal, run)
    _take_apart(run, token)
    return run


def _beside(path: Path, directory: Path) -> Path:
    """A place for another version of a program, in a directory that has everything that its own one has."""
    directory.mkdir()
    for other in path.parent.iterdir():
        if other.name != path.name:
            with contextlib.suppress(OSError):
                (directory / other.name).symlink_to(other.resolve())
    return directory / path.name


def _command(
    program: Path, backend: str, journal: Path, settings: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The environment, and the words for Python."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"ZEXUS_BACKEND", "ZEXUS_PARALLEL_DISABLE", "ZEXUS_PARALLEL_JOURNAL"}
    }
    environment["PYTHONIOENCODING"] = "utf-8"
    environment["TERM"] = "dumb"
    environment["COLUMNS"] = "200"
    if backend == HOST:
        environment["ZEXUS_PARALLEL_DISABLE"] = "1"
        return environment, ["-m", "zexus", "run", str(program)]
    environment["ZEXUS_PARALLEL_JOURNAL"] = str(journal)
    environment["ZEXUS_PARALLEL_QUIET"] = "yes"
    environment.update({f"ZEXUS_PARALLEL_{name.upper()}": value for name, value in settings.items()})
    return environment, ["-m", "zexus_parallel_plugin", "run", str(program)]


def _carry_out(
    run: Run, commands: Commands, words: Sequence[str], environment: Mapping[str, str], timeout: float
) -> Run:
    started = time.perf_counter()
    process = commands.begin(words, environment)
    if process is None:
        run.error = "interrupted"
        return run
    try:
        out, err = process.communicate(timeout=timeout)
        run.exit_code = process.returncode
    except subprocess.TimeoutExpired:
        _kill(process)
        out, err = process.communicate()
        run.error = f"no end after {timeout:g} s"
    except BaseException:
        _kill(process)
        process.communicate()
        raise
    finally:
        commands.forget(process)
    run.seconds = time.perf_counter() - started
    run.output = out.decode("utf-8", "replace").replace("\r\n", "\n")
    run.stderr = err.decode("utf-8", "replace")
    return run


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _read_journal(journal: Path, run: Run) -> None:
    counts: Mapping[str, Any] = {}
    try:
        for event in read_all(journal):
            if isinstance(event, Metrics):
                counts = {**counts, **event.counts}
    except JournalError:
        return
    run.workers = int(counts.get("worker_count", 0))
    done = ("calls_committed", "ranges_committed", "copies_joined")
    run.chunks = sum(int(counts.get(name, 0)) for name in done)


def _take_apart(run: Run, token: str) -> None:
    """Separate what the host says, what the program printed, and the lines for the runner."""
    before, begin, text = run.output.partition(_BEGIN)
    error = _ERROR.search(text if begin else before)
    if not begin:
        run.output = ""
        run.error = run.error or (
            error.group() if error else _last_line(before + "\n" + run.stderr) or "it was not executed"
        )
        return
    if error is not None:
        # What follows is the host's second attempt, in its interpreter.
        text = text[: error.start()]
        run.error = run.error or error.group()
    printed: list[str] = []
    current: TestRun | None = None
    for line in lines_of(text):
        if line.startswith(marker(token) + " "):
            current = _told(line[len(marker(token)) + 1 :], run.tests)
        elif current is not None and current.state == "failed":
            current.message = (current.message + "\n" + line.rstrip("\n"))[:_MESSAGE]
        else:
            printed.append(line)
            if current is not None:
                current.output += line
    run.output = "".join(printed)


def _told(words: str, tests: dict[str, TestRun]) -> TestRun | None:
    """Take a line for the runner; the test that goes on behind it."""
    state, _, rest = words.rstrip("\n").partition(" ")
    name, _, message = rest.partition(" ")
    if state == "begin":
        tests[name] = TestRun("begun")
    elif state == "end" or name not in tests:
        return None
    else:
        tests[name].state, tests[name].message = state, message
    return tests[name]


def lines_of(text: str) -> list[str]:
    """Lines with their ends. Only a line feed ends a line, unlike in ``str.splitlines``."""
    *lines, rest = text.split("\n")
    return [line + "\n" for line in lines] + ([rest] if rest else [])


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
