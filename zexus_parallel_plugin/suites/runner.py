"""Finds suites, runs them side by side, and collects what became of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.paths import exists, is_directory
from zexus_parallel_plugin.suites.execute import Commands
from zexus_parallel_plugin.suites.judge import SuiteResult, run_suite
from zexus_parallel_plugin.suites.keywords import Expression
from zexus_parallel_plugin.suites.source import PROGRAM, find_tests

__all__ = [
    "EXIT_FAILED",
    "EXIT_INTERRUPTED",
    "EXIT_NOTHING",
    "EXIT_OK",
    "EXIT_USAGE",
    "Report",
    "find",
    "run",
]

EXIT_OK, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, EXIT_NOTHING = 0, 1, 2, 4, 5
"""As pytest has them."""

PATTERN = "test_*.zx"


class NoSuiteError(ZexusParallelError):
    """A path that is not there, or is no Zexus program."""


@dataclass(slots=True)
class Report:
    """What became of all suites.

    Attributes:
        suites: in the order of the paths; those that were not run are missing.
        deselected: tests that were left out by keywords.
        interrupted: it was ended by Ctrl-C.
    """

    suites: list[SuiteResult] = field(default_factory=list)
    deselected: int = 0
    interrupted: bool = False

    def count(self, state: str) -> int:
        """How many tests have this state."""
        return sum(result.state == state for suite in self.suites for result in suite.results)

    @property
    def exit_code(self) -> int:
        """The exit code that pytest would have."""
        if self.interrupted:
            return EXIT_INTERRUPTED
        if self.count("failed"):
            return EXIT_FAILED
        return EXIT_OK if any(suite.results for suite in self.suites) else EXIT_NOTHING


def find(paths: Sequence[Path]) -> list[Path]:
    """The suites that paths mean: files, and all files ``test_*.zx`` in directories, sorted, each once.

    :raises NoSuiteError: there is no such file, or it is no Zexus program.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if is_directory(path):
            files = sorted(file for file in path.rglob(PATTERN) if file.is_file() and not _hidden(file, path))
        elif not exists(path):
            raise NoSuiteError(f"{path}: there is no such file or directory")
        elif path.suffix != ".zx":
            raise NoSuiteError(f"{path}: must be a Zexus program (.zx) or a directory")
        else:
            files = [path]
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _hidden(file: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(below).parts)


def run(
    files: Sequence[Path],
    backend: str,
    *,
    jobs: int,
    expression: str = "",
    stop_at_first: bool = False,
    timeout: float = 120.0,
    on_begin: Callable[[Path], None] = lambda _path: None,
    on_end: Callable[[SuiteResult], None] = lambda _result: None,
) -> Report:
    """Run suites, ``jobs`` of them at a time.

    :param expression: run only tests whose path and name fit, as with pytest's ``-k``.
    :param stop_at_first: begin no other suite after the first failure.
    :param on_begin, on_end: are told, from the calling thread.
    :raises ValueError: the expression cannot be read.
    """
    report = Report()
    plan = _plan(files, Expression(expression), report)
    order = {path: number for number, (path, _) in enumerate(plan)}
    stopped = threading.Event()
    commands = Commands()
    waiting = iter(plan)
    running: dict[Future[SuiteResult], Path] = {}
    with ThreadPoolExecutor(jobs) as threads:
        try:
            while True:
                while len(running) < jobs and not stopped.is_set():
                    one = next(waiting, None)
                    if one is None:
                        break
                    on_begin(one[0])
                    future = threads.submit(
                        run_suite, one[0], backend, chosen=one[1], timeout=timeout, commands=commands
                    )
                    running[future] = one[0]
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[future]
                    result = future.result()
                    report.suites.append(result)
                    on_end(result)
                    if result.failed and stop_at_first:
                        stopped.set()
        except KeyboardInterrupt:
            report.interrupted = True
            commands.end()
    report.suites.sort(key=lambda suite: order[suite.path])
    return report


def _plan(
    files: Iterable[Path], expression: Expression, report: Report
) -> list[tuple[Path, frozenset[str] | None]]:
    """Files with the tests to run; None if nothing is left out."""
    plan: list[tuple[Path, frozenset[str] | None]] = []
    for path in files:
        try:
            tests = find_tests(path.read_text(encoding="utf-8")).tests
        except (OSError, UnicodeDecodeError):
            tests = ()
        names = [*tests, PROGRAM]
        chosen = frozenset(name for name in names if expression.fits(f"{path.as_posix()}::{name}"))
        report.deselected += len(names) - len(chosen)
        if chosen:
            plan.append((path, None if len(chosen) == len(names) else chosen))
    return plan
