"""The recorder in this process: what it writes, when, and what it does when it cannot."""

from __future__ import annotations

import io
import logging
import math
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.running import compiled
from zexus_parallel_plugin import ParallelVM
from zexus_parallel_plugin.config import ParallelConfig, resolve_config
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.reader import JournalReader
from zexus_parallel_plugin.journal.writer import JournalWriter, open_journal
from zexus_parallel_plugin.metrics import RunMetrics
from zexus_parallel_plugin.runtime.pool.states import TaskState
from zexus_parallel_plugin.runtime.recorder import OFF, Recorder
from zexus_parallel_plugin.runtime.recording import console
from zexus_parallel_plugin.runtime.recording.dependences import call_piece, dependences, loop_piece
from zexus_parallel_plugin.runtime.recording.lines import CallLines
from zexus_parallel_plugin.runtime.recording.live import LiveRecorder
from zexus_parallel_plugin.runtime.recording.logs import JournalHandler
from zexus_parallel_plugin.runtime.recording.open import open_recorder
from zexus_parallel_plugin.runtime.recording.tee import Tee

from .test_events import complaints

if TYPE_CHECKING:
    from collections.abc import Iterator


class Machine:
    """What a recorder looks at of an execution."""

    def __init__(self) -> None:
        self.meter = SimpleNamespace(gas_used=5, operation_count=3)
        self.code: list[Any] = []


class Run:
    """A recorder with a journal, and what is in it."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.said: list[str] = []
        self.writer = open_journal(str(path), 20)
        self.recorder = LiveRecorder(ParallelConfig(**settings), self.writer, None, self.said.append)
        self.metrics = RunMetrics()
        self.reader = JournalReader(path)

    def begin(self) -> None:
        self.recorder._next = math.inf  # a test says when time has passed
        self.recorder.begin(Machine(), None, self.metrics)  # type: ignore[arg-type]

    def later(self) -> list[ev.Event]:
        """Some time passes; the events since the last call."""
        self.recorder._next = 0
        self.recorder.tick()
        self.recorder._next = math.inf
        return self.reader.poll()

    def of(self, kind: type[ev.Event]) -> list[Any]:
        return [event for event in self.later() if isinstance(event, kind)]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    made = Run(tmp_path / "run.jsonl")
    made.begin()
    yield made
    made.recorder.ended(None)
    made.recorder.close()
    made.reader.close()
    assert not isinstance(sys.stdout, Tee)
    handlers = logging.getLogger("zexus_parallel_plugin").handlers
    assert not any(isinstance(handler, JournalHandler) for handler in handlers)
    for line in Path(made.reader.path).read_text(encoding="ascii").splitlines():
        assert complaints(line) == []


def handle(ident: int, state: TaskState = TaskState.QUEUED) -> Any:
    return SimpleNamespace(
        id=ident, state=state, payload=b"12345", expected=0.5, sent_ns=0, failures=[],
        submitted_ns=time.monotonic_ns(),
    )  # fmt: skip


def function(name: str) -> Any:
    return {"name": name, "bytecode": object()}


def batch(ident: int, calls: int = 1) -> Any:
    footprint = SimpleNamespace(reads=("n",), writes=frozenset({"m"}))
    made = SimpleNamespace(handle=handle(ident), weight=0.5, records=None)
    made.calls = [
        SimpleNamespace(function=function("f"), ip=-1, footprint=footprint, batch=made, index=i)
        for i in range(calls)
    ]
    return made


def test_a_recorder_that_is_off_takes_everything() -> None:
    assert OFF.due() is None
    assert OFF.pool_listener() is None
    for name in vars(Recorder):
        if not name.startswith("_") and name not in vars(LiveRecorder):
            pytest.fail(f"nothing is done with {name}")


def test_the_life_of_a_task(run: Run) -> None:
    run.recorder._zero -= 10  # times before the start of the run count as its start
    emit = run.recorder.pool_listener()
    assert emit is not None
    emit("worker.start", worker=1, method="spawn", pid=None)
    emit("worker.ready", worker=1, pid=os.getpid(), seconds=0.01)
    made = batch(1, 3)
    run.recorder.sent(made, None)
    (task,) = run.of(ev.Task)
    assert (task.state, task.name, task.calls, task.bytes, task.expected) == ("queued", "f", 3, 5, 0.5)
    assert run.of(ev.Task) == []  # nothing has changed
    emit("task.start", task=1, worker=1, pid=5, attempt=1)
    made.handle.state = TaskState.RUNNING
    (task,) = run.of(ev.Task)
    assert (task.state, task.worker, task.attempt, task.name) == ("running", 1, 1, None)
    now = time.monotonic_ns()
    timing = SimpleNamespace(started_ns=now - 2_000_000, finished_ns=now, cpu_ns=1_500_000, peak_rss=7)
    emit("task.end", task=1, worker=1, pid=5, ok=True, cause="", detail="", attempts=1, timing=timing)
    made.records = [SimpleNamespace(seconds=0.5, gas=10)] * 3
    run.recorder.results(made)
    (task,) = run.of(ev.Task)
    assert (task.state, task.rss, list(task.seconds)) == ("done", 7, [0.5] * 3)
    assert task.ended - task.begun == pytest.approx(0.002, abs=1e-5)
    run.recorder.committed(made.calls[0], made.records[0])
    run.recorder.committed(made.calls[1], made.records[1])
    assert run.of(ev.Task) == []  # one call is not settled yet
    run.recorder.thrown(made.calls[2], "changed-names")
    (task,) = run.of(ev.Task)
    assert (task.state, task.committed, task.gas, task.thrown) == ("committed", 2, 20, {"changed-names": 1})
    assert run.recorder._listeners[0].tasks == {}  # and forgotten


def test_a_task_that_begins_before_it_is_known_what_it_is(run: Run) -> None:
    emit = run.recorder.pool_listener()
    assert emit is not None
    emit("worker.start", worker=1, method="spawn", pid=None)
    emit("task.start", task=1, worker=1, pid=5, attempt=1)
    assert run.of(ev.Task) == []
    made = batch(1, 3)
    made.handle.state = TaskState.RUNNING
    run.recorder.sent(made, None)
    (task,) = run.of(ev.Task)
    assert (task.state, task.worker, task.name, task.calls) == ("running", 1, "f", 3)


def test_a_short_task_is_one_line(run: Run) -> None:
    emit = run.recorder.pool_listener()
    assert emit is not None
    for ident in range(1, 51):
        made = batch(ident)
        run.recorder.sent(made, None)
        emit("task.start", task=ident, worker=1, pid=5, attempt=1)
        emit("task.end", task=ident, worker=1, pid=5, ok=True, cause="", detail="", attempts=1, timing=None)
        run.recorder.committed(made.calls[0], SimpleNamespace(gas=1))  # type: ignore[arg-type]
    assert [task.state for task in run.of(ev.Task)] == ["committed"] * 50


def test_a_worker_that_dies(run: Run) -> None:
    emit = run.recorder.pool_listener()
    assert emit is not None
    emit("worker.start", worker=1, method="spawn", pid=None)
    emit("worker.start", worker=2, method="spawn", pid=None)
    made = batch(1)
    run.recorder.sent(made, None)
    emit("task.start", task=1, worker=1, pid=5, attempt=1)
    made.handle.state = TaskState.DELAYED
    made.handle.failures.append(SimpleNamespace(error_type="", traceback=""))
    emit("task.retry", task=1, cause="died", detail="killed", delay=0.1)
    emit("worker.exit", worker=1, pid=5, code=-9, signal="SIGKILL", expected=False, detail="killed")
    emit("worker.start", worker=3, method="spawn", pid=None)
    events = run.later()
    kinds = [type(event) for event in events]
    assert kinds.index(ev.Task) < kinds.index(ev.Attempt)
    (attempt,) = [event for event in events if isinstance(event, ev.Attempt)]
    assert (attempt.task, attempt.worker, attempt.cause, attempt.again) == (1, 1, "died", True)
    workers = [event for event in events if isinstance(event, ev.Worker)]
    assert [(worker.id, worker.state, worker.slot) for worker in workers] == [
        (1, "starting", 0),
        (2, "starting", 1),
        (1, "dead", None),
        (3, "starting", 0),  # in the place of the first one
    ]


def test_iterations_of_a_loop(run: Run) -> None:
    emit = run.recorder.pool_listener()
    assert emit is not None
    code: Any = SimpleNamespace(name="main", instructions=())
    pending = handle(1)
    run.recorder.range_sent(pending, code, 7, 100)
    emit("task.end", task=1, worker=1, pid=5, ok=True, cause="", detail="", attempts=1, timing=None)
    run.recorder.range_settled(pending, 60, "loop-left", gas=9, seconds=0.25)
    events = run.later()
    (task,) = [event for event in events if isinstance(event, ev.Task)]
    assert (task.what, task.state, task.calls, task.committed) == ("iterations", "committed", 100, 60)
    assert task.thrown == {"loop-left": 40}
    (chunk,) = [event for event in events if isinstance(event, ev.Chunk)]
    assert (chunk.what, chunk.inside, chunk.verdict) == ("loop", "main", "parallel")
    run.recorder.loop_refused(code, 7, "changes-input")
    (chunk,) = run.of(ev.Chunk)
    assert (chunk.verdict, chunk.reason) == ("in-place", "changes-input")


def test_a_block_behind_a_loop(run: Run) -> None:
    emit = run.recorder.pool_listener()
    assert emit is not None
    code = code_of("let i = 0;\nwhile (i < 3) { i = i + 1; }\nlet k = 0;\nwhile (k < 3) { k = k + 1; }\n")
    run.recorder._chunks._text = "let i = 0;\nwhile (i < 3) {\n}\nlet k = 0;\nwhile (k < 3) {\n}\n"
    heads = sorted(
        {operand for ip, (op, operand, _) in enumerate(code.instructions) if op in isa.JUMPS and operand < ip}
    )
    pending = handle(1)
    run.recorder.block_sent(pending, code, heads[1] - 1, len(code.instructions))
    run.recorder.loop_refused(code, heads[1], "loop-carried")
    emit("task.end", task=1, worker=1, pid=5, ok=True, cause="", detail="", attempts=1, timing=None)
    run.recorder.range_settled(pending, 1, gas=9, seconds=0.25)
    events = run.later()
    (task,) = [event for event in events if isinstance(event, ev.Task)]
    assert (task.what, task.state, task.gas, task.line) == ("block", "committed", 9, 5)
    block, loop = [event for event in events if isinstance(event, ev.Chunk)]
    assert (block.what, block.line, block.end_line, block.verdict) == ("block", 5, 6, "parallel")
    assert (loop.what, loop.line, loop.end_line, loop.reason) == ("loop", 5, 6, "loop-carried")


def test_output_is_kept_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    run = Run(tmp_path / "run.jsonl")
    run.begin()
    assert isinstance(sys.stdout, Tee)
    print("a" * 60_000)
    print("b" * 10_000)
    assert vars(sys.stdout)["write"] == stream.write  # from now on, printing costs what it did
    print("c")
    text = "".join(output.text for output in run.of(ev.Output))
    assert len(text) == 64 * 1024
    assert text.startswith("a" * 60_000 + "\nbb")
    assert stream.getvalue().endswith("\nc\n")
    run.recorder.ended(None)
    assert sys.stdout is stream
    run.reader.close()
    run.recorder.close()


def test_shared_variables_and_metrics(run: Run) -> None:
    run.recorder.shared("n", write=True, value=lambda: 3)
    run.recorder.shared("n", write=False)
    run.recorder.shared("n", write=False)
    assert run.of(ev.Shared)[0].value == "3"
    assert run.of(ev.Shared) == []
    run.metrics.reasons["cheap"] = 4
    run.recorder._metrics_at = 0
    (metrics,) = run.of(ev.Metrics)
    assert (metrics.gas, metrics.reasons) == (5, {"cheap": 4})


def test_the_log_is_written_down_and_not_on_the_terminal(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("zexus_parallel_plugin.runtime.pool.crew")
    logger.warning("%d workers have died", 3)
    logger.info("a detail")
    (line,) = run.of(ev.Log)
    assert (line.level, line.text, line.logger) == ("warning", "3 workers have died", logger.name)
    assert capsys.readouterr().err == ""


def test_warnings_are_on_the_terminal_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    err = Terminal()
    monkeypatch.setattr(sys, "stderr", err)
    logger = logging.getLogger("zexus_parallel_plugin.runtime.pool.crew")
    for level in (None, "info"):
        config = ParallelConfig(journal="off", log_level=level)
        recorder = LiveRecorder(config, None, console.Console(), print)
        logger.warning("no workers\nmore about it")
        recorder.close()
    first, *summaries = err.getvalue().splitlines()
    assert first == "zexus-parallel: no workers"
    assert len(summaries) == 2


def test_a_log_record_that_cannot_be_formatted() -> None:
    taken: list[tuple[str, str, str]] = []
    handler = JournalHandler(lambda *line: taken.append(line))
    handler.emit(logging.LogRecord("x", logging.ERROR, "", 1, "%d", ("no number",), None))
    assert taken == [("error", "%d", "x")]


def test_an_interrupted_write_is_not_entered_again(run: Run) -> None:
    run.recorder._flushing = True
    run.recorder._next = 0
    run.recorder.warn("x")
    run.recorder.tick()
    assert run.reader.poll()[-1:] != [ev.Warn(t=0, text="x")]
    run.recorder._flushing = False
    assert run.of(ev.Warn)[0].text == "x"


def test_a_full_disk_is_said_once_and_the_run_goes_on(tmp_path: Path) -> None:
    made = Run(tmp_path / "run.jsonl")
    made.writer._close()
    made.recorder._writer = JournalWriter(Path("/dev/full"), "r", os.open("/dev/full", os.O_WRONLY), "r")
    made.begin()
    emit = made.recorder.pool_listener()
    assert emit is not None
    for ident in (1, 2):
        made.recorder.warn("x")
        pending = batch(ident)
        made.recorder.sent(pending, None)
        emit("task.end", task=ident, worker=1, pid=5, ok=True, cause="", detail="", attempts=1, timing=None)
        made.recorder.committed(pending.calls[0], SimpleNamespace(gas=1))  # type: ignore[arg-type]
        made.later()
    made.recorder.ended(None)
    made.recorder.close()
    assert len(made.said) == 1
    assert "/dev/full" in made.said[0]
    assert made.said[0].endswith("the run goes on")
    assert made.recorder._listeners[0].tasks == {}


def test_a_mistake_of_the_recorder_is_none_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    made = Run(tmp_path / "run.jsonl")
    made.begin()
    emit = made.recorder.pool_listener()
    assert emit is not None
    wrong = batch(1)
    wrong.calls[0].footprint = None
    made.recorder.sent(wrong, None)
    assert made.said == [
        "no more journal: AttributeError: 'NoneType' object has no attribute 'reads'; the run goes on"
    ]
    made.recorder.sent(batch(2), None)
    emit("task.start", task=2, worker=1, pid=5, attempt=1)
    made.recorder.committed(wrong.calls[0], SimpleNamespace(gas=1))  # type: ignore[arg-type]
    assert made.recorder.due() is None
    print("still here")
    made.recorder.ended(None)
    assert sys.stdout is stream
    made.recorder.close()
    assert stream.getvalue() == "still here\n"
    assert len(made.said) == 1


def test_a_mistake_in_what_a_pool_tells_is_none_of_the_pool(run: Run) -> None:
    emit = run.recorder.pool_listener()
    assert emit is not None
    emit("worker.start", wrong=1)
    assert run.recorder.dead
    assert "unexpected keyword argument" in run.said[0]


def test_a_very_long_run_keeps_its_journal_small(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zexus_parallel_plugin.runtime.recording.live._MOST_BYTES", 100)
    emit = run.recorder.pool_listener()
    assert emit is not None
    first, second = batch(1), batch(2)
    run.recorder.sent(first, None)
    run.later()
    (warning,) = run.of(ev.Warn)
    assert warning.text.endswith("new tasks are no longer written")
    run.recorder.sent(second, None)
    for pending in (first, second):
        emit(
            "task.end", task=pending.handle.id, worker=1, pid=5, ok=True, cause="", detail="", attempts=1,
            timing=None,
        )  # fmt: skip
        run.recorder.committed(pending.calls[0], SimpleNamespace(gas=1))  # type: ignore[arg-type]
    # What has been begun is told to its end.
    assert [(task.id, task.state) for task in run.of(ev.Task)] == [(1, "committed")]
    assert run.recorder._listeners[0].tasks == {}


def test_ends_of_runs(tmp_path: Path) -> None:
    def end(error: BaseException | None, told: BaseException | None = None) -> ev.RunEnd:
        made = Run(tmp_path / "run.jsonl")
        made.begin()
        made.recorder.ended(told)
        try:
            if error is not None:
                raise error
            made.recorder.close()
        except BaseException:
            made.recorder.close()
        (last,) = [event for event in made.reader.poll() if isinstance(event, ev.RunEnd)]
        made.reader.close()
        return last

    assert (end(None).state, end(None).code) == ("finished", 0)
    assert (end(SystemExit(0)).state, end(SystemExit()).code) == ("finished", 0)
    assert (end(SystemExit(3)).state, end(SystemExit(3)).code) == ("failed", 3)
    assert (end(SystemExit("words")).state, end(SystemExit("words")).code) == ("failed", 1)
    assert end(KeyboardInterrupt()).state == "interrupted"
    assert end(SystemExit(1), KeyboardInterrupt()).state == "failed"
    assert end(None, ValueError("two\nlines")).error == "ValueError: two lines"


def test_what_is_recorded_when_nobody_wants_anything() -> None:
    assert open_recorder(ParallelConfig(journal="off")) is OFF


def test_a_program_in_python_has_a_journal_where_one_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert open_recorder(ParallelConfig(), command=False) is OFF
    assert list(tmp_path.iterdir()) == []
    config = ParallelConfig(worker_count=1, journal=str(tmp_path / "run.jsonl"))
    with ParallelVM(config) as vm:
        for text in ("print(1);", "print(2);"):
            vm.execute(compiled(text))
    with JournalReader(tmp_path / "run.jsonl") as reader:
        events = reader.poll()
    assert "".join(event.text for event in events if isinstance(event, ev.Output)) == "1\n2\n"
    assert isinstance(events[-1], ev.RunEnd)
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


def test_an_unwritable_place_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zexus-parallel").write_text("")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert open_recorder(ParallelConfig()) is OFF


# -- the terminal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(monkeypatch: pytest.MonkeyPatch, out: io.StringIO) -> tuple[console.Console, Terminal, Tee]:
    err = Terminal()
    monkeypatch.setattr(sys, "stderr", err)
    made = console.Console()
    made._next = 0

    def heard(text: str) -> bool:
        made.heard(text)
        return True

    tee = Tee(out, heard)
    made.listen(tee)
    return made, err, tee


def test_the_progress_line_makes_room_for_output(monkeypatch: pytest.MonkeyPatch) -> None:
    made, err, tee = drawn(monkeypatch, Terminal())
    assert made.due()
    made.draw("working")
    assert err.getvalue() == "\rworking\x1b[K"
    tee.write("printed\n")
    assert err.getvalue() == "\rworking\x1b[K\r\x1b[K"
    tee.write("more\n")
    made.draw("working on")
    made.clear()
    made.clear()
    assert err.getvalue().endswith("\rworking on\x1b[K\r\x1b[K")


def test_a_line_that_is_not_complete_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    made, err, tee = drawn(monkeypatch, Terminal())
    tee.write("what is your name? ")
    assert not made.due()
    made.say("the \x1b[31m\u202eend")
    assert err.getvalue() == "\nthe \\x1b[31m\\u202eend\n"


def test_output_that_goes_elsewhere_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    made, err, tee = drawn(monkeypatch, io.StringIO())
    made.draw("working")
    tee.write("printed")
    assert err.getvalue() == "\rworking\x1b[K"
    made._next = 0
    assert made.due()


def test_the_words_of_the_lines() -> None:
    metrics = RunMetrics(
        tasks_sent=3, worker_count=2, calls_committed=9, committed_seconds=3.0, waited_seconds=1.0
    )
    assert console.progress(metrics, 2.0, 1, 4) == (
        "zexus-parallel: 2 s, 9 calls committed, 1 task running, 4 waiting, about 2.0x"
    )
    assert console.summary(metrics, 2.0, "", "r-1") == (
        "zexus-parallel: 2.00 s, 3 tasks on 2 workers, about 2.0x one process (estimate); "
        "zexus-parallel report r-1"
    )
    assert console.summary(RunMetrics(), 0.5, "", "") == "zexus-parallel: 0.50 s, nothing ran ahead"
    assert "host's own VM (tier-host)" in console.summary(None, 0.5, "tier-host", "")


# -- source lines

PROGRAM = """\
// work(1) in a comment is no call { nor a brace
action work(n) {
    # work(2)
    while (n > 0) { n = n - 1; }
    return helper(n, "work(3) {");
}
/* work(4)
   for */
let a = work(1); let b = work(2);
for each i in range(3) {
    for each j in range(3) { print(work(i + j)); }
    a = work(a);
}
"""


def test_lines_of_calls_and_loops() -> None:
    lines = CallLines(PROGRAM)
    assert [lines.find("<main>", "work", ordinal) for ordinal in range(5)] == [9, 9, 11, 12, 12]
    assert lines.find("work", "helper") == 5
    assert lines.find("work", "work") == 0
    assert lines._found().loops == {"work": [(4, 4)], "<main>": [(10, 13), (11, 11)]}


def test_a_program_that_cannot_be_read(tmp_path: Path) -> None:
    config = resolve_config(program=tmp_path / "missing.zx", environ={})
    writer = open_journal(str(tmp_path / "run.jsonl"), 20)
    LiveRecorder(config, writer, None, print).close()
    with JournalReader(writer.path) as reader:
        assert [type(event) for event in reader.poll()] == [ev.RunStart, ev.RunEnd]


# -- dependences


def code_of(source: str) -> Any:
    """The prepared code of a program's top level."""
    from tests.runtime.running import machine
    from zexus_parallel_plugin.engine.code import CodeCache

    vm = machine({"worker_count": 1})
    try:
        return CodeCache(vm).get(compiled(source), "<main>")
    finally:
        vm.close()


def test_dependences_between_calls_and_loops() -> None:
    code = code_of(
        "action f(x) { return x; }\n"
        "let a = f(1);\nlet b = f(2);\nlet c = f(a + b);\n"
        "let t = 0;\nlet i = 0;\nwhile (i < 3) { t = t + f(c); i = i + 1; }\n"
        "print(f(t));\n"
    )
    places = [(ip, op, operand) for ip, (op, operand, _) in enumerate(code.instructions)]
    calls = [ip for ip, op, operand in places if op == isa.CALL_NAME and operand[0] == "f"]
    head = min(operand for ip, op, operand in places if op in isa.JUMPS and operand < ip)
    a, b, c, inner, last = (call_piece(number, code, ip) for number, ip in enumerate(calls, 1))
    loop = loop_piece(9, code, head)
    assert (a.makes, c.uses, c.makes) == ({"a"}, {"a", "b"}, {"c"})
    assert inner.begin > loop.begin
    assert inner.end < loop.end
    found = dependences([last, loop, c, b, a])
    assert found == {1: [], 2: [], 3: [(1, "a"), (2, "b")], 9: [(3, "c")], 5: [(9, "t")]}
    assert dependences([loop, inner])[4] == []  # what is inside of a loop does not depend on it
