"""What a report looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.explain.telling import WORK, explained, subject
from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.explain import code
from zexus_parallel_plugin.explain.build import report
from zexus_parallel_plugin.explain.compiled import compiled
from zexus_parallel_plugin.explain.render import render
from zexus_parallel_plugin.explain.subject import load
from zexus_parallel_plugin.explain.text import Paint

ROOT = Path(__file__).parents[2]
PROGRAMS = [
    *sorted((ROOT / "examples").glob("*.zx")),
    *sorted((ROOT / "benchmarks" / "parallel").glob("*.zx")),
]

PROGRAM = (
    WORK
    + """
let total = 0;
let value = 1;
for i in range(5000) {
    total = total + work(i);
}
while (value < 4000000) {
    value = value + value % 7;
}
print(total);
"""
)

EXPECTED = """\
program.zx: 1 chunk of 4 runs in parallel, on 2 workers
    estimate: 2.0 times as fast as with one worker (at most 2; numbers of
      iterations that the text does not tell are taken to be 100)

 1      // A heading, which shifts the lines that the host's parser knows.
 2      action work(n) {
 3          let wk = 0;
 4          while (wk < n) { wk = wk + 1; }
 5          return wk;
 6      }
 7
 8 #1 . let total = 0;
 9 #1 . let value = 1;
10 #2 = for i in range(5000) {
11 #2 =     total = total + work(i);
12 #2 = }
13 #3 ! while (value < 4000000) {
14 #3 !     value = value + value % 7;
15 #3 ! }
16 #4 . print(total);

= parallel   ! not legal   . does not pay   ~ left to the host

top level
= #2 lines 10-12, loop: parallel, ranges of its iterations [parallel-ranges]
! #3 lines 13-15, loop: in place: not legal [loop-carried]
    An iteration of the loop needs a value that the iteration before it has
      computed.
    value of line 14 is needed in line 13 of the next iteration
    -> Compute it from the loop variable; or put the loop into an action, whose
      call can run beside other calls.
action work, lines 2-6: executed by workers, in tasks
"""


def test_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = explained(PROGRAM, tmp_path)
    found.path = Path("program.zx")
    shown = render(found)
    assert shown.startswith(EXPECTED), shown


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_programs_of_this_project_fit_into_80_columns(path: Path) -> None:
    found = report(load(path, ParallelConfig(worker_count=2)))
    assert found.units
    for verbose in (0, 1):
        shown = render(found, verbose=verbose)
        assert max(map(len, shown.splitlines())) <= 80
        assert "\x1b" not in shown
        assert "line 0" not in shown
    assert not [chunk for chunk in found.chunks if not chunk.first]


def test_colours_change_nothing_else(tmp_path: Path) -> None:
    import re

    found = explained(PROGRAM, tmp_path)
    coloured = render(found, paint=Paint(colours=True))
    assert "\x1b[32m" in coloured
    assert re.sub(r"\x1b\[[0-9]*m", "", coloured) == render(found)


def test_text_of_the_program_cannot_command_the_terminal(tmp_path: Path) -> None:
    found = explained('print("a\x1b[31m\x07 b");\n', tmp_path)
    assert "\x1b" not in render(found)
    assert "\x07" not in render(found)


def test_narrow_terminals(tmp_path: Path) -> None:
    found = explained(PROGRAM, tmp_path)
    assert max(map(len, render(found, width=50).splitlines())) <= 50


def test_more_is_said_when_asked_for(tmp_path: Path) -> None:
    found = explained(PROGRAM, tmp_path)
    brief, full = render(found), render(found, verbose=1)
    assert "#1 lines 8-9" not in brief
    assert "#1 lines 8-9, code: in place: does not pay [no-calls]" in full
    assert "only adds to total, a total" in full
    assert "before #" in full


def test_a_loop_in_a_loop_for_the_same_reason_is_not_said_twice(tmp_path: Path) -> None:
    source = "let t = 0;\nfor i in range(9) {\n    for j in range(9) {\n        t = t + i * j;\n    }\n}\n"
    found = explained(source, tmp_path)
    assert "#2 lines 2-6, loop" in render(found)
    assert "#3 lines 3-5, loop" not in render(found)
    assert "#3 lines 3-5, loop" in render(found, verbose=1)


def test_one_worker_only(tmp_path: Path) -> None:
    found = explained(PROGRAM, tmp_path, worker_count=1)
    shown = render(found)
    assert "nothing runs in parallel [one-worker]" in " ".join(shown.split())
    assert "Below is what it would be like with more of them." in shown
    found.reason = ""
    assert "in parallel, on 1 worker estimate:" in " ".join(render(found).split())


def test_what_does_not_pay_is_explained_once(tmp_path: Path) -> None:
    source = "let t = 0;\n" + "for i in range(9) { t = t + i; }\nprint(t);\n" * 3
    found = explained(source, tmp_path)
    sentence = "All iterations of the loop together take less time than a worker needs to begin."
    assert " ".join(render(found).split()).count(sentence) == 1
    assert " ".join(render(found, verbose=1).split()).count(sentence) == 3


def test_several_chunks_on_one_line(tmp_path: Path) -> None:
    """What runs in parallel is what the margin shows."""
    shown = render(explained(WORK + "let a = work(1); print(1);\nlet b = work(2); print(a + b);\n", tmp_path))
    assert "= let a = work(1);" in shown
    assert "= let b = work(2);" in shown


def test_wide_characters_fit_as_well(tmp_path: Path) -> None:
    found = explained('print("' + "漢" * 50 + '");\n', tmp_path)
    line = next(line for line in render(found).splitlines() if "漢" in line)
    assert sum(2 if char == "漢" else 1 for char in line) <= 80
    assert line.endswith("...")


def test_a_run_without_workers_says_why(tmp_path: Path) -> None:
    found = explained(PROGRAM, tmp_path)
    seconds = dict.fromkeys(("seconds", "main_process_seconds", "worker_seconds", "estimated_gain"), 1.0)
    counts = dict.fromkeys(("workers", "tasks", "calls_used", "iterations_used", "calls_thrown_away"), 0)
    found.measured = {"error": "", **seconds, **counts, "reasons": {"short-run": 1}}
    assert "no worker was started: The program had ended" in " ".join(render(found).split())
    found.measured = {**found.measured, "workers": 1}
    assert "no worker was started" not in render(found)
    assert " 1 worker\n" in render(found)


def test_bytecode(tmp_path: Path) -> None:
    made = subject(PROGRAM, tmp_path)
    shown = code.bytecode(made.instructions())
    assert "bytecode of top level" in shown
    assert "bytecode of action work" in shown
    assert any(line.split()[:1] == ["11"] and "LOAD_NAME" in line for line in shown.splitlines())
    assert "CALL_NAME      work 1" in shown


def test_compiled_code(tmp_path: Path) -> None:
    made = subject(PROGRAM + "action odd(n) {\n    let _errors = n;\n    return n;\n}\n", tmp_path)
    units = {unit.title: unit for unit in compiled(made)}
    work = units["action work"]
    assert work.lines[0][0].startswith("def u_work")
    assert any(note.startswith("exit at ") and "line 4" in note for _text, note in work.lines)
    assert any("wk: v_wk (private)" in variable for variable in work.variables)
    assert "loop of the top level, line 10" in units
    assert "_errors" in units["action odd"].reason
    shown = code.units(units.values(), 80, Paint())
    assert "not compiled: uses the VM's own variable _errors" in " ".join(shown.split())
