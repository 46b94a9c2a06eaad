"""A program that only the backend can run fails once: one report, exit code 1, no second run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from zexus_parallel_plugin.attach.failures import compiler_with_lines, describe, without_second_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

SOURCE = """
let done = [];
action f(x) {
    file_append("effects.txt", "x");
    print("f " + x);
    return 10 / x;
}

action main() {
    print("begin");
    let r = parallel_map(f, [1, 2, 0, 4]);
    print(r);
}
main();
"""


def run(command: Callable[..., Finished], source: str, path: Path, *words: str) -> Finished:
    (path / "program.zx").write_text(source, encoding="utf-8")
    return command("-m", "zexus", "run", *words, "program.zx", env={"HOME": str(path), "TMPDIR": str(path)})


def test_one_report_with_file_line_and_action(command: Callable[..., Finished], tmp_path: Path) -> None:
    done = run(command, SOURCE, tmp_path, "--backend", "parallel")
    assert done.code == 1
    assert done.stdout.partition("Executing on VM...\n")[2] == "begin\nf 1\nf 2\nf 0\n"
    assert done.stderr.splitlines() == [
        "ERROR: Division by zero",
        "  --> program.zx:6, in action f",
        "  6 |     return 10 / x;",
    ]


def test_another_program_is_the_hosts_business(command: Callable[..., Finished], tmp_path: Path) -> None:
    source = 'print("once"); let x = 1 / 0;'
    theirs = run(command, source, tmp_path)
    ours = run(command, source, tmp_path, "--backend", "parallel")
    assert (ours.stdout, ours.stderr, ours.code) == (theirs.stdout, theirs.stderr, theirs.code)
    assert "Falling back" in ours.stdout


PLACES = [
    ("action f(i) {\n    return i;\n}\nfork_execution(2, f);\njoin_workers();\njoin_workers();\n", ":6"),
    ('print(1);\n\nlet x = 5;\nprint(6 / 3);\nrequire(shared_add("n", 1) == 2,\n    "no");\n', ":5"),
    ("for each i in [1, 2] {\n    shared_add(1, 2);\n}\n", ":2"),
    ("action f(i) {\n    while (true) {\n        shared_add(i, i);\n    }\n}\nf(1);\n", ":3, in action f"),
    ("action f(n) { return f(n + 1) + 1; }\nparallel_map(f, [1]);\n", ":1, in action f"),
    ("// one\n// two\n\nlet a = 1;\n/* three\n*/\nprint(a);\njoin_workers();\n", ":8"),
]


@pytest.mark.parametrize(("source", "place"), PLACES)
def test_places(source: str, place: str, command: Callable[..., Finished], tmp_path: Path) -> None:
    done = run(command, source, tmp_path, "--backend", "parallel", "--workers", "1")
    assert done.code == 1
    assert "Falling back" not in done.stdout
    assert f"  --> program.zx{place}" in done.stderr.splitlines()
    assert "Traceback" not in done.stderr


def test_a_program_that_the_host_does_not_compile(command: Callable[..., Finished], tmp_path: Path) -> None:
    source = 'action f(i) { return i; }\nlet n = "x";\nprint("${n}");\nlet r = parallel_map(f, [1]);\n'
    done = run(command, source, tmp_path, "--backend", "parallel")
    assert done.code == 1
    (notice,) = [line for line in done.stderr.splitlines() if line.startswith("zexus-parallel: ")]
    assert notice.endswith("its interpreter does not know parallel_map")


class Machine:
    """Stands for a VM of the backend."""

    is_parallel_program = True

    def execute(self, code: str) -> str:
        if code == "fails":
            raise ValueError("wrong")
        if code == "interrupted":
            raise KeyboardInterrupt
        return code

    def failed_at(self, error: BaseException) -> tuple[int, str]:
        return 0, ""


def test_the_vm_is_watched(capsys: pytest.CaptureFixture[str]) -> None:
    vm = without_second_run(Machine(), "some.zx")
    assert vm.execute("works") == "works"
    with pytest.raises(KeyboardInterrupt):
        vm.execute("interrupted")
    with pytest.raises(SystemExit) as end:
        vm.execute("fails")
    assert end.value.code == 1
    assert capsys.readouterr().err == "ERROR: wrong\n  --> some.zx\n"
    vm.is_parallel_program = False
    with pytest.raises(ValueError, match="wrong"):
        vm.execute("fails")
    other = object()
    assert without_second_run(other, None) is other


def test_reports(tmp_path: Path) -> None:
    assert describe("bad", "", 0, "") == "ERROR: bad"
    file = tmp_path / "p.zx"
    file.write_text("let one = 1;\n    two\n", encoding="utf-8")
    assert describe("bad", str(file), 2, "") == f"ERROR: bad\n  --> {file}:2\n  2 |     two"
    assert describe("bad", str(file), 9, "f") == f"ERROR: bad\n  --> {file}:9, in action f"
    assert describe("bad", str(tmp_path / "none.zx"), 1, "").endswith("none.zx:1")


def test_other_programs_are_compiled_by_the_host_alone() -> None:
    calls: list[Any] = []

    def compile_program(tree: Any, optimize: bool = True) -> Any:
        calls.append((tree, optimize))
        return type("Code", (), {"constants": ["x"], "instructions": [("POP", None)]})()

    made = compiler_with_lines(compile_program, calls.append)("tree", optimize=False)
    assert made.constants == ["x"]
    assert calls == [("tree", False)]
