"""Headers, tests in a source, expressions, reports: everything that needs no process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from zexus_parallel_plugin.suites import runner
from zexus_parallel_plugin.suites.execute import Run, TestRun, _take_apart
from zexus_parallel_plugin.suites.header import Expectations, HeaderError, read_header
from zexus_parallel_plugin.suites.judge import SuiteResult, TestResult, difference
from zexus_parallel_plugin.suites.junit import write_junit
from zexus_parallel_plugin.suites.keywords import Expression
from zexus_parallel_plugin.suites.source import PROGRAM, find_tests, instrumented

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = Path("test_file.zx")


def test_a_header() -> None:
    source = (
        "// Some words: and more.\n\n//expect-exit: 1\n// expect-chunks: 12\n// expect-output:\n// | one\n"
        "// |\n// |  two\n// needs: parallel\n// setting: mode=parallel\n// setting: min_task_seconds = 0.1\n"
        "let x = 1;\n// expect-exit: 7\n"
    )
    assert read_header(FILE, source) == Expectations(
        1, "one\n\n two\n", 12, True, (("mode", "parallel"), ("min_task_seconds", "0.1"))
    )


def test_without_a_header() -> None:
    assert read_header(FILE, "print(1);\n") == Expectations(0, None, 0, False, ())
    assert read_header(FILE, "") == Expectations()
    assert read_header(FILE, "// expect-output:\nprint(1);\n").output == ""


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("// expect-exit: one", "expect-exit must be a whole number, got 'one'"),
        ("// expect-chunks: -1", "expect-chunks must be a whole number, got '-1'"),
        ("// expect-chunk: 1", "there is no field 'expect-chunk'; there are expect-exit, "),
        ("// needs: luck", "needs must be 'parallel', got 'luck'"),
        ("// setting: fast", "setting must be NAME=VALUE, got 'fast'"),
    ],
)
def test_a_wrong_header_is_named(line: str, complaint: str) -> None:
    with pytest.raises(HeaderError) as error:
        read_header(FILE, "// First\n" + line + "\n")
    assert str(error.value).startswith(f"test_file.zx:2: {complaint}")


SOURCE = """let x = 1;
action test_one() { x = 2; }
action helper() { return 1; }
async action test_two( ) { helper(); }
action test_with(parameter) { return parameter; }
// action test_commented() {}
function test_three() { return 1; }
test_two();  // first
print(x);
    test_three();
test_one();
test_one();
test_unknown();
"""


def test_tests_of_a_source() -> None:
    suite = find_tests(SOURCE)
    assert suite.tests == ("test_two", "test_one", "test_three")
    assert [suite.line_of(name) for name in (*suite.tests, PROGRAM)] == [4, 2, 7, 1]
    assert find_tests("print(1);").tests == ()


def test_calls_are_replaced_where_they_are() -> None:
    lines = instrumented(SOURCE, "ab", suite_tests := find_tests(SOURCE).tests).split("\n")
    original = SOURCE.split("\n")
    changed = [at for at in range(len(original) - 1) if lines[at] != original[at]]
    assert changed == [7, 10, 11]
    assert lines[7] == 'zxt_run("test_two", test_two);'
    assert lines[10] == 'zxt_run("test_one", test_one);'
    assert lines[11] == ""
    rest = "\n".join(lines[13:])
    assert 'zxt_run("test_three", test_three);' in rest
    assert rest.count("zxt_run(") == 2
    assert '"#test-ab begin "' in rest
    only = instrumented(SOURCE, "ab", {"test_one"})
    assert [name for name in suite_tests if f'zxt_run("{name}"' in only] == ["test_one"]


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("", True),
        ("map", True),
        ("MAP", True),
        ("other", False),
        ("not map", False),
        ("map and fast", False),
        ("map or fast", True),
        ("map and not (fast or slow)", True),
        ("not not map", True),
        ("fast or slow and map", False),
        ("test_map.zx::test_of", True),
    ],
)
def test_expressions(expression: str, fits: bool) -> None:
    assert Expression(expression).fits("dir/test_map.zx::test_of_a_Map") is fits


@pytest.mark.parametrize("text", ["and", "map and", "(map", "map)", "not", "map or or map", "()", "map fast"])
def test_expressions_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match="'"):
        Expression(text)


def taken_apart(output: str, stderr: str = "") -> Run:
    run = Run("parallel", 0, output, stderr=stderr)
    _take_apart(run, "ab")
    return run


def test_what_was_printed_is_taken_apart() -> None:
    run = taken_apart(
        "Compiling...\nExecuting on VM...\nbefore\n#test-ab begin test_a\nin a\n#test-ab passed test_a\n"
        "#test-ab end test_a\nbetween\n#test-ab begin test_b\nin b\n#test-ab failed test_b first line\n"
        "second line\n"
        "#test-ab end test_b\n#test-xy begin test_c\n#test-ab begin test_d\nlast"
    )
    assert run.output == "before\nin a\nbetween\nin b\n#test-xy begin test_c\nlast"
    assert run.tests == {
        "test_a": TestRun("passed", "", "in a\n"),
        "test_b": TestRun("failed", "first line\nsecond line", "in b\n"),
        "test_d": TestRun("begun", "", "last"),
    }
    assert run.error == ""


def test_the_second_attempt_of_the_host_is_left_out() -> None:
    run = taken_apart(
        "Executing on VM...\none\nVM Execution error: Requirement failed: no\nFalling back\none\ntwo\n"
    )
    assert (run.output, run.error) == ("one\n", "VM Execution error: Requirement failed: no")


def test_a_program_that_never_began() -> None:
    assert taken_apart("Validating...\n", "Error: what is this\n").error == "Error: what is this"
    assert taken_apart("Bytecode compilation error: no\nmore\n").error == "Bytecode compilation error: no"
    assert taken_apart("").error == "it was not executed"
    assert taken_apart("text\n").output == ""


def test_the_first_difference_is_named() -> None:
    def run(output: str = "a\nb\n", **fields: object) -> Run:
        return Run("host", **{"exit_code": 0, "output": output, **fields})  # type: ignore[arg-type]

    assert difference(run(), run()) == ""
    assert difference(run(), run("a\nc\n")) == "output: line 2: host 'b', parallel 'c'"
    assert difference(run(), run("a\n")) == "output: line 2: host 'b', parallel the end"
    assert difference(run(), run("a\nb")) == "output: line 2: host 'b', parallel 'b' without an end of line"
    assert difference(run(), run("a\nb\n\n")) == "output: line 3: host the end, parallel ''"
    failed = {"t": TestRun("failed", "why")}
    assert (
        difference(run(tests=failed), run(tests={"t": TestRun("passed")}))
        == "t: host 'failed why', parallel 'passed'"
    )
    assert difference(run(tests=failed), run()) == "t: host 'failed why', parallel 'not run'"
    assert difference(run(), run(error="no")) == "error: host '', parallel 'no'"
    assert difference(run(), run(exit_code=3)) == "exit code: host 0, parallel 3"


def result(path: str, *states: str) -> SuiteResult:
    results = tuple(
        TestResult(f"test_{at}", at + 1, state, "why\nmore \x01" if state != "passed" else "", "printed\n")  # type: ignore[arg-type]
        for at, state in enumerate(states)
    )
    return SuiteResult(Path(path), results, 1.5, "said\n", 3)


def test_junit(tmp_path: Path) -> None:
    report = runner.Report(
        [result("a/test_x.zx", "passed", "failed", "skipped"), result("test_y.zx", "passed")]
    )
    target = tmp_path / "new" / "report.xml"
    write_junit(report, target)
    suites = ET.parse(target).getroot().findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["a/test_x.zx", "test_y.zx"]
    counts = {name: suites[0].get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "3", "failures": "1", "errors": "0", "skipped": "1"}
    passed, failed, skipped = suites[0].findall("testcase")
    assert (passed.get("classname"), passed.get("name"), passed.get("line")) == ("a.test_x", "test_0", "1")
    assert passed.find("failure") is None
    failure = failed.find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("why", "why\nmore \ufffd")
    assert skipped.find("skipped") is not None
    assert suites[0].find("system-err") is not None
    assert suites[1].find("system-err") is None


@pytest.mark.parametrize(
    ("states", "interrupted", "code"),
    [
        ([["passed"]], False, 0),
        ([["passed", "skipped"]], False, 0),
        ([["passed"], ["failed"]], False, 1),
        ([["failed"]], True, 2),
        ([], False, 5),
    ],
)
def test_exit_codes(states: Sequence[Sequence[str]], interrupted: bool, code: int) -> None:
    report = runner.Report([result("test_x.zx", *some) for some in states], interrupted=interrupted)
    assert report.exit_code == code


def test_suites_are_found(tmp_path: Path) -> None:
    for name in ("test_b.zx", "sub/test_a.zx", "other.zx", "test_c.py", ".hidden/test_d.zx"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("", encoding="utf-8")
    names = [
        path.relative_to(tmp_path).as_posix() for path in runner.find([tmp_path, tmp_path / "test_b.zx"])
    ]
    assert names == ["sub/test_a.zx", "test_b.zx"]
    assert runner.find([tmp_path / "other.zx"]) == [tmp_path / "other.zx"]
    with pytest.raises(runner.NoSuiteError, match="there is no such file"):
        runner.find([tmp_path / "gone"])
    with pytest.raises(runner.NoSuiteError, match="must be a Zexus program"):
        runner.find([tmp_path / "test_c.py"])


@pytest.fixture
def fake_suites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three suites; what their tests are called decides what becomes of them."""
    sources = {"a": "action test_fine() {}", "b": "action test_failing() {}", "c": "action test_fine() {}"}
    for name, source in sources.items():
        (tmp_path / f"test_{name}.zx").write_text(source, encoding="utf-8")

    def run_suite(path: Path, backend: str, *, chosen: frozenset[str] | None, **_: object) -> SuiteResult:
        names = chosen or [*find_tests(path.read_text(encoding="utf-8")).tests, PROGRAM]
        states = {name: "failed" if "failing" in name else "passed" for name in names}
        return SuiteResult(path, tuple(TestResult(name, 1, state) for name, state in states.items()))  # type: ignore[arg-type]

    monkeypatch.setattr(runner, "run_suite", run_suite)
    return runner.find([tmp_path])


def test_all_are_run_and_reported_in_order(fake_suites: list[Path]) -> None:
    begun, ended = [], []
    report = runner.run(
        fake_suites, "both", jobs=2, on_begin=begun.append, on_end=lambda suite: ended.append(suite.path)
    )
    assert [suite.path for suite in report.suites] == fake_suites
    assert sorted(begun) == sorted(ended) == fake_suites
    assert (report.count("passed"), report.count("failed"), report.deselected) == (5, 1, 0)


def test_keywords_choose_tests(fake_suites: list[Path]) -> None:
    report = runner.run(fake_suites, "parallel", jobs=1, expression="fine and not test_c")
    assert [(suite.path.name, [one.name for one in suite.results]) for suite in report.suites] == [
        ("test_a.zx", ["test_fine"])
    ]
    assert report.deselected == 5
    assert runner.run(fake_suites, "parallel", jobs=1, expression="nothing").exit_code == runner.EXIT_NOTHING


def test_the_first_failure_can_be_the_last(fake_suites: list[Path]) -> None:
    report = runner.run(fake_suites, "parallel", jobs=1, stop_at_first=True)
    assert [suite.path.name for suite in report.suites] == ["test_a.zx", "test_b.zx"]


def test_an_interrupted_run_reports_what_there_is(fake_suites: list[Path]) -> None:
    def interrupt(suite: SuiteResult) -> None:
        raise KeyboardInterrupt

    report = runner.run(fake_suites, "parallel", jobs=1, on_end=interrupt)
    assert report.exit_code == runner.EXIT_INTERRUPTED
    assert len(report.suites) == 1
