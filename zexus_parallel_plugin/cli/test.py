"""``zexus-parallel test``: runs test suites written in Zexus."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zexus_parallel_plugin.config import available_cores
from zexus_parallel_plugin.errors import complain
from zexus_parallel_plugin.suites import runner
from zexus_parallel_plugin.suites.execute import check_timeout
from zexus_parallel_plugin.suites.judge import BACKENDS
from zexus_parallel_plugin.suites.junit import write_junit

if TYPE_CHECKING:
    from zexus_parallel_plugin.suites.judge import SuiteResult
    from zexus_parallel_plugin.suites.runner import Report

__all__ = ["test_command"]

_LETTERS = {"passed": ".", "failed": "F", "skipped": "s"}


def _seconds(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    try:
        return check_timeout(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("test", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, metavar="[PATH]…", type=click.Path(path_type=Path))
@click.option("-k", "expression", default="", metavar="WORDS", help="Run tests whose path or name has these "
              "words; with and, or, not and parentheses.")  # fmt: skip
@click.option("-x", "--exitfirst", is_flag=True, help="Begin no other suite after the first failure.")
@click.option("--backend", type=click.Choice(BACKENDS), default="parallel", show_default=True,
              help="What executes the suites; both compares their outputs.")  # fmt: skip
@click.option("-j", "--jobs", type=click.IntRange(1), default=None, metavar="N",
              help="Suites that run at the same time.  [default: as many as there are cores]")  # fmt: skip
@click.option("--timeout", type=float, callback=_seconds, default=120.0, show_default=True, metavar="SECONDS",
              help="Time that one suite may take.")  # fmt: skip
@click.option("--junit-xml", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the results as JUnit XML.")  # fmt: skip
@click.option("-v", "--verbose", is_flag=True, help="One line for each test.")
def test_command(
    paths: tuple[Path, ...],
    expression: str,
    exitfirst: bool,
    backend: str,
    jobs: int | None,
    timeout: float,
    junit_xml: Path | None,
    verbose: bool,
) -> int:
    """Run test suites written in Zexus.

    A PATH is a file, or a directory with all its files test_*.zx; without one, it is the current directory.

    Exit code 0: all passed, 1: some failed, 2: interrupted, 4: wrong usage, 5: there were no tests.
    """
    started = time.monotonic()
    try:
        files = runner.find(paths or (Path(),))
        screen = _Screen(len(files), verbose=verbose)
        report = runner.run(
            files,
            backend,
            jobs=jobs or available_cores(),
            expression=expression,
            stop_at_first=exitfirst,
            timeout=timeout,
            on_begin=screen.begin,
            on_end=screen.end,
        )
    except (runner.NoSuiteError, ValueError) as error:
        complain(f"Error: {error}")
        return runner.EXIT_USAGE
    screen.clear()
    if junit_xml is not None:
        try:
            write_junit(report, junit_xml)
        except OSError as error:
            complain(f"Error: --junit-xml {junit_xml}: {error.strerror}")
            return runner.EXIT_USAGE
    _summary(report, time.monotonic() - started)
    return report.exit_code


class _Screen:
    """Lines for suites that are done, and, on a terminal, one that tells what is going on."""

    def __init__(self, total: int, *, verbose: bool) -> None:
        self.total = total
        self.verbose = verbose
        self.done = 0
        self.running: dict[Path, None] = {}
        self.live = sys.stderr is not None and sys.stderr.isatty()

    def begin(self, path: Path) -> None:
        """A suite begins."""
        self.running[path] = None
        self.progress()

    def end(self, suite: SuiteResult) -> None:
        """A suite is done."""
        self.running.pop(suite.path, None)
        self.done += 1
        self.clear()
        share = f"[{100 * self.done // self.total:3}%]"
        if self.verbose:
            for result in suite.results:
                click.echo(f"{suite.path}::{result.name} {result.state}")
        else:
            letters = "".join(_LETTERS[result.state] for result in suite.results)
            click.echo(f"{suite.path} {letters} {suite.seconds:.1f}s {share}")
        self.progress()

    def progress(self) -> None:
        """Tell what is going on."""
        if self.live and self.running:
            names = ", ".join(path.name for path in self.running)
            click.echo(
                f"\r\x1b[K{self.done} of {self.total} done, running: {names}"[:200], nl=False, err=True
            )

    def clear(self) -> None:
        """Remove the line that tells what is going on."""
        if self.live:
            click.echo("\r\x1b[K", nl=False, err=True)


def _summary(report: Report, seconds: float) -> None:
    for suite in report.suites:
        for result in suite.results:
            if result.state != "failed":
                continue
            click.echo(f"\nFAILED {suite.path}:{result.line} {result.name}")
            for line in _printable(result.message).split("\n"):
                click.echo(f"    {line}")
            if result.output:
                click.echo("  it printed:")
                for line in _printable(result.output.rstrip("\n")).split("\n")[-20:]:
                    click.echo(f"    {line}")
    counts = [
        f"{report.count(state)} {state}" for state in ("failed", "passed", "skipped") if report.count(state)
    ]
    if report.deselected:
        counts.append(f"{report.deselected} deselected")
    chunks = sum(suite.chunks or 0 for suite in report.suites)
    ending = f" ({chunks} chunks done by workers)" if chunks else ""
    click.echo(f"\n{', '.join(counts) or 'no tests'} in {seconds:.1f}s{ending}")
    if report.interrupted:
        click.echo("interrupted")


def _printable(text: str) -> str:
    """Text of a program for the terminal, without control characters."""
    return "".join(one if one == "\n" or one.isprintable() else repr(one)[1:-1] for one in text)
