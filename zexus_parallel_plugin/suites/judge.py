"""What the runs of a suite mean: a result for each test, and one for the program as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from zexus_parallel_plugin.suites.execute import HOST, PARALLEL, Run, execute, lines_of
from zexus_parallel_plugin.suites.header import HeaderError, read_header
from zexus_parallel_plugin.suites.source import PROGRAM, find_tests

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from zexus_parallel_plugin.suites.execute import Commands
    from zexus_parallel_plugin.suites.header import Expectations

__all__ = ["BACKENDS", "State", "SuiteResult", "TestResult", "difference", "run_suite"]

BACKENDS = ("host", "parallel", "both")
State = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class TestResult:
    """What became of one test, or of the program as a whole (its name is then ``program``).

    Attributes:
        name: the test; line: where it is defined.
        state: passed, failed or skipped; message: why it was not passed.
        output: what it printed.
    """

    name: str
    line: int
    state: State
    message: str = ""
    output: str = ""

    __test__ = False


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What became of a suite: its results in the order of the tests, and seconds of all runs.

    ``stderr`` is what was written there, and ``chunks`` how many chunks were done by workers.
    """

    path: Path
    results: tuple[TestResult, ...]
    seconds: float = 0.0
    stderr: str = ""
    chunks: int | None = None

    @property
    def failed(self) -> bool:
        """Whether anything in it has failed."""
        return any(result.state == "failed" for result in self.results)


def run_suite(
    path: Path,
    backend: str,
    *,
    chosen: Collection[str] | None = None,
    timeout: float = 120.0,
    commands: Commands | None = None,
) -> SuiteResult:
    """Run a suite and judge it. Never raises for what is in the file: that is a failed result.

    :param backend: host, parallel, or both: then the outputs must be equal.
    :param chosen: names of the tests to run, ``program`` among them, by default all.
    :param commands: where what runs can be ended.
    """
    try:
        source = path.read_text(encoding="utf-8")
        expected = read_header(path, source)
    except (OSError, UnicodeDecodeError, HeaderError) as error:
        return SuiteResult(path, (TestResult(PROGRAM, 1, "failed", str(error)),))
    suite = find_tests(source)
    tests = [name for name in suite.tests if chosen is None or name in chosen]
    names = [*tests, *([PROGRAM] if chosen is None or PROGRAM in chosen else [])]
    if backend == HOST and expected.needs_parallel:
        why = "needs the backend parallel"
        return SuiteResult(
            path, tuple(TestResult(name, suite.line_of(name), "skipped", why) for name in names)
        )
    backends = [backend] if backend != "both" else [PARALLEL] if expected.needs_parallel else [HOST, PARALLEL]
    settings = dict(expected.settings)
    runs = [
        execute(path, one, chosen=tests, timeout=timeout, settings=settings, commands=commands)
        for one in backends
    ]
    run = runs[-1]
    results = [_of_test(run, name, suite.line_of(name)) for name in tests]
    if PROGRAM in names:
        complete = len(tests) == len(suite.tests)
        results.append(_of_program(runs, expected, complete=complete, has_tests=bool(tests)))
    return SuiteResult(
        path,
        tuple(results),
        sum(one.seconds for one in runs),
        "".join(one.stderr for one in runs),
        run.chunks,
    )


def _of_test(run: Run, name: str, line: int) -> TestResult:
    test = run.tests.get(name)
    if test is None:
        return TestResult(name, line, "failed", f"was not run: {run.error or 'the program ended before it'}")
    if test.state == "passed":
        return TestResult(name, line, "passed", "", test.output)
    if test.state == "failed":
        return TestResult(
            name, line, "failed", test.message.removeprefix("Requirement failed: "), test.output
        )
    return TestResult(name, line, "failed", run.error or _ending(run), test.output)


def _of_program(
    runs: Sequence[Run], expected: Expectations, *, complete: bool, has_tests: bool
) -> TestResult:
    """Exit code, output and chunks; the last two say nothing when some tests were left out."""
    run = runs[-1]
    output = "" if has_tests else run.output
    wrong: list[str] = []
    if run.exit_code != expected.exit_code:
        wrong.append(_ending(run) + f", expected {expected.exit_code}")
    if run.error and (run.exit_code is None or expected.exit_code == 0):
        wrong.append(run.error)
    if len(runs) > 1:
        found = difference(runs[0], run)
        if found:
            wrong.append(found)
    if complete and expected.output is not None and run.output != expected.output:
        wrong.append("output: " + _first_difference(expected.output, run.output, "expected", "printed"))
    if complete and run.backend == PARALLEL and (run.chunks or 0) < expected.chunks and run.workers != 1:
        wrong.append(f"{run.chunks or 0} chunks were done by workers, expected at least {expected.chunks}")
    return TestResult(PROGRAM, 1, "failed" if wrong else "passed", "\n".join(wrong), output)


def difference(host: Run, parallel: Run) -> str:
    """The first difference between the two backends, empty if there is none."""
    if host.output != parallel.output:
        return "output: " + _first_difference(host.output, parallel.output, HOST, PARALLEL)
    for name in {**host.tests, **parallel.tests}:
        left, right = (run.tests.get(name) for run in (host, parallel))
        shown = [
            "not run" if test is None else f"{test.state} {test.message}".strip() for test in (left, right)
        ]
        if shown[0] != shown[1]:
            return f"{name}: host {shown[0]!r}, parallel {shown[1]!r}"
    if host.error != parallel.error:
        return f"error: host {host.error!r}, parallel {parallel.error!r}"
    if host.exit_code != parallel.exit_code:
        return f"exit code: host {host.exit_code}, parallel {parallel.exit_code}"
    return ""


def _first_difference(left: str, right: str, left_name: str, right_name: str) -> str:
    lines, others = lines_of(left), lines_of(right)
    same = min(len(lines), len(others))
    at = next((index for index in range(same) if lines[index] != others[index]), same)

    def shown(found: list[str]) -> str:
        if at >= len(found):
            return "the end"
        line = found[at]
        return ascii(line.rstrip("\n")[:200]) + ("" if line.endswith("\n") else " without an end of line")

    return f"line {at + 1}: {left_name} {shown(lines)}, {right_name} {shown(others)}"


def _ending(run: Run) -> str:
    if run.exit_code is None:
        return "it was ended"
    if run.exit_code < 0:
        return f"ended by signal {-run.exit_code}"
    said = " ".join(run.stderr.split())[:300]
    return f"exit code {run.exit_code}" + (f" ({said})" if said and run.exit_code else "")
