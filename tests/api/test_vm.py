"""``ParallelVM``: how it is made, what it measures, and what happens when workers fail."""

from __future__ import annotations

import inspect
import logging
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from zexus.evaluator import Evaluator
from zexus.vm.vm import VM

from zexus_parallel_plugin import ExecutionMode, ParallelConfig, ParallelVM, execute_parallel
from zexus_parallel_plugin.api.machine import ApiMachine
from zexus_parallel_plugin.host.vm import VMRuntimeError
from zexus_parallel_plugin.journal.reader import read_all
from zexus_parallel_plugin.runtime import ahead

from .programs import compiled, on, on_host, straight

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

CORPUS = Path(__file__).parents[1] / "corpus"
CALLS = """
action work(n) { let i = 0; while (i < 1500) { i = i + 1; } return i + n; }
let results = [];
for each n in [1, 2, 3, 4, 5, 6, 7, 8] { results = push(results, work(n)); }
"""


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({"worker_count": 3}, "ParallelVM(workers=3, chunk_size=50, mode=hybrid)"),
        ({"worker_count": 3, "chunk_size": 7, "execution_mode": ExecutionMode.PARALLEL},
         "ParallelVM(workers=3, chunk_size=7, mode=parallel)"),
        ({"worker_count": 3, "mode": "sequential"}, "ParallelVM(workers=3, chunk_size=50, mode=sequential)"),
        ({"config": ParallelConfig(worker_count=2, mode="parallel")},
         "ParallelVM(workers=2, chunk_size=50, mode=parallel)"),
        ({"config": ParallelConfig(worker_count=2, mode="parallel"), "mode": ExecutionMode.SEQUENTIAL,
          "chunk_size": 9}, "ParallelVM(workers=2, chunk_size=9, mode=sequential)"),
    ],
)  # fmt: skip
def test_constructors(arguments: dict[str, Any], shown: str) -> None:
    assert repr(ParallelVM(**arguments)) == shown


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(ValueError, match="worker_count"):
        ParallelVM(worker_count=0)
    with pytest.raises(ValueError, match="mode"):
        ParallelVM(mode="fast")


def test_a_short_program_runs_in_place() -> None:
    vm = ParallelVM(worker_count=2, mode="parallel")
    assert vm.last_metrics is None
    assert vm.execute(straight(5)) == 12
    assert vm.last_metrics is not None
    assert vm.last_metrics.chunk_count == vm.last_metrics.chunks_on_workers == 0
    assert vm.stats == {"parallel_executions": 0, "sequential_executions": 1, "fallback_executions": 0}


def test_slices_run_on_workers() -> None:
    bytecode = straight(80, chained=True)
    vm = ParallelVM(worker_count=2, chunk_size=20, execution_mode=ExecutionMode.PARALLEL)
    assert on(vm, bytecode) == on_host(bytecode)
    metrics = vm.last_metrics
    assert metrics is not None
    assert metrics.chunk_count == metrics.chunks_succeeded == metrics.chunks_on_workers > 5
    assert (metrics.chunks_failed, metrics.chunks_retried, metrics.errors) == (0, 0, [])
    assert metrics.total_time >= metrics.parallel_time > 0
    assert vm.stats["parallel_executions"] == 1
    assert vm.get_stats()["chunks_created"] == vm.get_stats()["chunks_parallelizable"] == metrics.chunk_count
    assert vm.get_statistics() == metrics.to_dict()


def test_calls_run_on_workers() -> None:
    bytecode = compiled(CALLS)
    expected = on_host(bytecode)
    deadline = time.monotonic() + 60
    with ParallelVM(worker_count=2, execution_mode="parallel") as vm:
        # The first workers need longer to start than this program takes, but they stay.
        while True:
            assert on(vm, bytecode) == expected
            assert vm.last_metrics is not None
            if vm.last_metrics.chunks_on_workers > 0:
                break
            assert time.monotonic() < deadline
        assert vm.last_metrics.speedup != 1.0
        assert vm.env["results"] == [1500 + n for n in range(1, 9)]


def test_gas_and_operations_are_those_of_the_host() -> None:
    bytecode = straight(60, chained=True)
    theirs = VM()
    theirs.execute(bytecode)
    with ParallelVM(worker_count=2, chunk_size=20, execution_mode="parallel") as vm:
        vm.execute(bytecode)
        (machine,) = vm._machines.values()
        assert machine.sliced is not None
        for name in ("gas_used", "operation_count"):
            assert getattr(machine.gas_metering, name) == getattr(theirs.gas_metering, name)


def test_a_gas_limit_is_met_where_the_host_meets_it() -> None:
    bytecode = straight(60, chained=True)
    theirs = VM(gas_limit=300)
    with pytest.raises(Exception, match="Out of gas") as expected:
        theirs.execute(bytecode)
    vm = ParallelVM(ParallelConfig(worker_count=2, chunk_size=20, mode="parallel", gas_limit=300))
    with pytest.raises(Exception, match="Out of gas") as found:
        vm.execute(bytecode)
    assert str(found.value) == str(expected.value)
    assert vm.env == theirs.env


def test_the_six_programs_in_one_with_block_share_their_workers() -> None:
    vm = ParallelVM(worker_count=2, chunk_size=20, execution_mode="parallel")
    with vm:
        for _ in range(3):
            assert vm.execute(straight(60)) == 177
            supervisor = vm.worker_pool.supervisor()
        assert vm.worker_pool.supervisor() is supervisor
    assert "not running" in repr(vm.worker_pool)


def test_every_execution_begins_anew() -> None:
    vm = ParallelVM(worker_count=2)
    first = vm.execute(compiled("let a = 1; return a;"))
    assert (first, vm.env) == (1, {"a": 1})
    assert vm.execute(compiled("return a;")) is None
    assert vm.env == {}


def test_initial_state() -> None:
    vm = ParallelVM(worker_count=2)
    bytecode = compiled("n = n + 1; return n + missing;")
    assert vm.execute(bytecode, initial_state={"n": 41}) == 42
    assert vm.execute(bytecode, initial_state={"env": {"n": 1}, "builtins": None}) == 2
    assert vm.execute(bytecode, initial_state={"n": 1, "env": 5}) == 2
    assert vm.env == {"n": 2, "env": 5}
    assert vm.execute(bytecode, initial_state={"env": {}, "parent_env": {"missing": 5, "n": 3}}) == 9
    assert vm.execute_parallel(bytecode, initial_state={"n": 100}) == 101


def test_builtins() -> None:
    bytecode = compiled("let a = sqrt(16); let b = eight(); return a + b;")
    builtins = {**Evaluator(use_vm=False).builtins, "eight": lambda: 8}
    vm = ParallelVM(worker_count=2)
    assert vm.execute(bytecode, initial_state={"builtins": builtins}) == 12
    assert vm.execute(bytecode) == VM().execute(bytecode)


def test_errors_are_those_of_the_host_and_are_noted() -> None:
    vm = ParallelVM(worker_count=2)
    with pytest.raises(Exception, match="Division by zero"):
        vm.execute(compiled("let a = 1; let b = a / 0; let c = 2;"))
    assert vm.env == {"a": 1}
    assert vm.last_metrics is not None
    assert "Division by zero" in vm.last_metrics.errors[0]


@pytest.fixture
def dying_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every worker end with its first task."""
    for module in ("api.pool", "runtime.workers"):
        monkeypatch.setattr(f"zexus_parallel_plugin.{module}._HANDLER", "tests.api.handlers:dying")


@pytest.mark.usefixtures("dying_workers")
def test_when_workers_die_everything_is_done_in_place() -> None:
    bytecode = straight(60, chained=True)
    config = ParallelConfig(worker_count=2, chunk_size=20, mode="parallel", retry_attempts=1)
    vm = ParallelVM(config)
    assert on(vm, bytecode) == on_host(bytecode)
    metrics = vm.last_metrics
    assert metrics is not None
    assert metrics.chunks_on_workers == 0
    assert metrics.chunks_failed > 0
    assert metrics.chunks_retried > 0
    assert metrics.errors[0].startswith("Chunk 0: died: ")
    assert metrics.reasons["worker-died"] > 0
    assert vm.stats["fallback_executions"] == 1
    total = vm.get_cumulative_statistics()
    assert total["chunks_failed"] == metrics.chunks_failed
    vm.reset_statistics()
    assert vm.get_statistics() == {}
    assert vm.get_cumulative_statistics()["chunks_failed"] == 0
    assert set(vm.stats.values()) == {0}


@pytest.mark.usefixtures("dying_workers")
def test_when_workers_die_and_there_must_be_no_fallback_it_is_an_error() -> None:
    config = ParallelConfig(worker_count=2, chunk_size=20, mode="parallel", retry_attempts=0)
    with pytest.raises(RuntimeError, match=r"chunk \d was not done by a worker: died"):
        ParallelVM(config).execute(straight(60, chained=True), sequential_fallback=False)


def test_an_error_of_the_machine_about_a_failed_task_is_a_runtime_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "a task failed on its worker, and the setting fallback is off: died"
    assert text.rpartition(":")[0] in inspect.getsource(ahead)

    def fail(self: ApiMachine, code: Any) -> None:
        raise VMRuntimeError(text)

    monkeypatch.setattr(ApiMachine, "execute", fail)
    with pytest.raises(RuntimeError, match="fallback is off: died"):
        ParallelVM(worker_count=2).execute(straight(5))


def test_execute_parallel() -> None:
    bytecode = straight(60)
    value, metrics = execute_parallel(bytecode, worker_count=2, chunk_size=20, mode="parallel")
    assert (value, metrics.worker_count) == (177, 2)
    assert metrics.chunks_on_workers > 0
    value, metrics = execute_parallel(bytecode, config=ParallelConfig(worker_count=3))
    assert (value, metrics.worker_count) == (177, 3)
    with pytest.raises(TypeError):
        execute_parallel(bytecode, no_such_setting=1)


def programs() -> list[Path]:
    themes = (
        "classic",
        "scoping",
        "operators",
        "optimiser",
        "parallel",
        "errors",
        "values",
        "objects",
        "methods",
    )
    every = [path for theme in themes for path in sorted((CORPUS / theme).glob("*.zx"))]
    return [path for path in every[::7] if "deep_recursion" not in path.stem]


@pytest.mark.parametrize("path", programs(), ids=lambda path: path.stem)
def test_compiled_programs(path: Path, machines: dict[ExecutionMode, ParallelVM]) -> None:
    bytecode = compiled(path.read_text(encoding="utf-8"))
    expected = on_host(bytecode, builtins=dict(Evaluator(use_vm=False).builtins))
    for vm in machines.values():
        state = {"builtins": dict(Evaluator(use_vm=False).builtins)}
        assert on(vm, compiled(path.read_text(encoding="utf-8")), state) == expected


def test_a_journal_is_kept_where_the_config_says_so(tmp_path: Path) -> None:
    for mode in ("parallel", "sequential"):
        path = tmp_path / f"{mode}.jsonl"
        config = ParallelConfig(worker_count=2, chunk_size=20, mode=mode, journal=str(path))
        assert ParallelVM(config).execute(straight(60)) == 177
        kinds = [event.kind for event in read_all(path)]
        assert (kinds[0], kinds[-1]) == ("run.start", "run.end")


LANGUAGE = """
action square(n) { return n * n; }
print(parallel_map(square, [1, 2, 3]));
fork_execution(2, square);
let results = join_workers();
shared_write("x", 5);
let five = shared_read("x");
return shared_add("x", 1);
"""


@pytest.mark.parametrize("mode", list(ExecutionMode))
def test_functions_of_the_language(mode: ExecutionMode, capsys: pytest.CaptureFixture[str]) -> None:
    with ParallelVM(worker_count=2, chunk_size=4, execution_mode=mode) as vm:
        for _ in range(2):  # shared variables, too, are new ones each time
            assert vm.execute(compiled(LANGUAGE)) == 6
            assert (vm.env["results"], vm.env["five"]) == ([0, 1], 5)
    assert capsys.readouterr().out == "[1, 4, 9]\n" * 2


@pytest.mark.usefixtures("dying_workers")
def test_when_workers_die_their_calls_are_executed_in_place(caplog: pytest.LogCaptureFixture) -> None:
    bytecode = compiled(CALLS)
    expected = on_host(bytecode)
    deadline = time.monotonic() + 60
    with ParallelVM(ParallelConfig(worker_count=2, retry_attempts=1, mode="parallel")) as vm:
        while True:
            assert on(vm, bytecode) == expected
            metrics = vm.last_metrics
            assert metrics is not None
            assert metrics.chunks_on_workers == 0
            if metrics.errors:
                break
            assert time.monotonic() < deadline
    assert re.match(r"Task \d+: (died|broken): ", metrics.errors[0])
    assert "was not done by a worker: " in caplog.text


def test_nothing_is_printed_but_what_the_program_prints(command: Callable[..., Finished]) -> None:
    code = (
        "from zexus_parallel_plugin import ParallelVM\n"
        "from zexus.vm.bytecode import BytecodeBuilder, Bytecode, Opcode\n"
        "inner = Bytecode([(Opcode.LOAD_NAME, 0), (Opcode.RETURN, None)], ['n'])\n"
        "f = {'bytecode': inner, 'params': ['n'], 'is_async': False, 'name': 'f'}\n"
        "call = [(Opcode.LOAD_CONST, 2), (Opcode.CALL_NAME, (0, 1)), (Opcode.PRINT, None)]\n"
        "code = Bytecode([(Opcode.STORE_FUNC, (0, 1)), *(call * 20)], ['f', f, 7])\n"
        "ParallelVM(worker_count=2, mode='parallel').execute(code)\n"
    )
    done = command("-c", code)
    assert (done.code, done.stdout, done.stderr) == (0, "7\n" * 20, "")


def test_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zexus_parallel_plugin")
    ParallelVM(worker_count=2, chunk_size=20, execution_mode="parallel").execute(straight(60))
    text = caplog.text
    assert "ParallelVM initialized: 2 workers, chunk_size=20, mode=parallel" in text
    for words in (
        "starting: 241 instructions, 2 workers",
        "created ",
        "completed in ",
        "metrics: {'total_time'",
    ):
        assert words in text
    assert all(record.name.startswith("zexus_parallel_plugin") for record in caplog.records)


@pytest.mark.usefixtures("dying_workers")
def test_failures_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "zexus_parallel_plugin")
    config = ParallelConfig(worker_count=2, chunk_size=20, mode="parallel", retry_attempts=1)
    ParallelVM(config).execute(straight(60))
    assert "is given to another worker: died" in caplog.text
    assert re.search(r"chunk \d was not done by a worker: died", caplog.text)


def test_nothing_is_said_unless_somebody_asks(command: Callable[..., Finished]) -> None:
    code = (
        "import logging, sys\n"
        "from zexus_parallel_plugin import ParallelVM\n"
        "from zexus.vm.bytecode import BytecodeBuilder\n"
        "logging.getLogger('zexus_parallel_plugin').warning('unheard')\n"
        "builder = BytecodeBuilder(); builder.emit_constant(42)\n"
        "assert ParallelVM(worker_count=2).execute(builder.build()) == 42\n"
    )
    done = command("-c", code)
    assert (done.code, done.stderr) == (0, "")
