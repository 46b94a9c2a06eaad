"""Lets ``pytest`` collect suites written in Zexus: files ``test_*.zx``, with each of their tests as an item.

Loaded by every pytest in an environment with this project. It looks at names of files only; everything else
is imported when there is a suite.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from zexus_parallel_plugin.suites.judge import SuiteResult, TestResult

__all__ = ["SuiteFile", "SuiteItem"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for suites."""
    group = parser.getgroup("zexus", "test suites written in Zexus")
    group.addoption(
        "--zexus-backend",
        choices=("host", "parallel", "both"),
        default="parallel",
        help="what executes test_*.zx; both compares their outputs (default: parallel)",
    )
    group.addoption(
        "--zexus-timeout",
        type=_seconds,
        default=120.0,
        metavar="SECONDS",
        help="time that one file test_*.zx may take (default: 120)",
    )


def _seconds(text: str) -> float:
    from zexus_parallel_plugin.suites.execute import check_timeout

    try:
        return check_timeout(float(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take a file that is a suite."""
    if file_path.suffix != ".zx" or not file_path.name.startswith("test_"):
        return None
    return SuiteFile.from_parent(parent, path=file_path)


class SuiteFile(pytest.File):
    """A suite. It is executed once, when the first of its items is."""

    result: SuiteResult | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """The tests in it, and the program as a whole."""
        from zexus_parallel_plugin.suites.source import PROGRAM, find_tests

        suite = find_tests(self.path.read_text(encoding="utf-8"))
        for name in (*suite.tests, PROGRAM):
            item = SuiteItem.from_parent(self, name=name)
            item.line = suite.line_of(name)
            if self.config.pluginmanager.hasplugin("xdist"):
                # One process for all of them, or each would execute the suite.
                item.add_marker(pytest.mark.xdist_group(self.nodeid))
            yield item

    def execute(self) -> SuiteResult:
        """Execute the suite, unless that has been done."""
        if self.result is None:
            from zexus_parallel_plugin.suites.judge import run_suite

            items = [item for item in self.session.items if item.parent is self]
            self.result = run_suite(
                self.path,
                self.config.getoption("--zexus-backend"),
                chosen=frozenset(item.name for item in items),
                timeout=self.config.getoption("--zexus-timeout"),
            )
        return self.result


class SuiteItem(pytest.Item):
    """One test of a suite."""

    line = 1

    def runtest(self) -> None:
        """Look at what became of it."""
        result = self._result()
        if result.output:
            self.add_report_section("call", "stdout", result.output)
        if result.state == "skipped":
            pytest.skip(result.message)
        if result.state == "failed":
            raise SuiteFailure(result.message)

    def _result(self) -> TestResult:
        assert isinstance(self.parent, SuiteFile)
        results = self.parent.execute().results
        return next((one for one in results if one.name == self.name), results[-1])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """What went wrong, in words, since no line of Python has to do with it."""
        if isinstance(excinfo.value, SuiteFailure):
            return f"{self.path}:{self.line}: {self.name}: {excinfo.value}"
        return str(super().repr_failure(excinfo, style))  # type: ignore[arg-type]

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it is."""
        return self.path, self.line - 1, self.name


class SuiteFailure(Exception):  # noqa: N818 - a failure, in pytest's words, is no error
    """A test of a suite has failed."""
