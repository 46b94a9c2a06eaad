"""A copy without its process: what it executes, asks and answers."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.running import compiled, machine
from zexus_parallel_plugin.engine.compiler.tier import Tier
from zexus_parallel_plugin.runtime.execution import WatchedExecution
from zexus_parallel_plugin.runtime.forks import copy as module
from zexus_parallel_plugin.runtime.forks.group import INDEX
from zexus_parallel_plugin.runtime.forks.messages import Answer, Ask, Outcome, decode_outcome, value_of
from zexus_parallel_plugin.runtime.forks.visible import encode
from zexus_parallel_plugin.runtime.pool.frames import Frame, Kind
from zexus_parallel_plugin.runtime.snapshot import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zexus_parallel_plugin.runtime.machine import ParallelMachine


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


class MainProcess:
    """The other end of a copy's pipe: gives prepared answers, and notes what was asked."""

    def __init__(self, *answers: tuple[Answer, bytes]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Ask, str, Any]] = []

    def send(self, kind: int, number: int, body: bytes = b"", extra: bytes = b"") -> None:
        assert kind == Kind.ASK
        self.asked.append((Ask(number), extra.decode(), value_of(body) if body else None))

    def receive(self) -> Frame:
        answer, body = self.answers.pop(0)
        return Frame(Kind.ANSWER, answer, b"", body)


def value(of: Any) -> tuple[Answer, bytes]:
    return Answer.VALUE, dumps(of)


def run_copy(
    source: str, *answers: tuple[Answer, bytes], tier: str = "auto"
) -> tuple[Outcome, MainProcess, ParallelMachine]:
    """Copy 2 of 3 of the action ``f`` of a program."""
    vm = machine({"worker_count": 1, "tier": tier})
    vm.execute(compiled(source))
    execution = vm.last_execution
    assert isinstance(execution, WatchedExecution)
    forks = vm.open_forks(execution)
    library = vm._workers.library
    task, blobs = encode(execution.root, vm.env["f"], vm._compilable, (1000, 100), library)
    handler = module.make_handler(forks._arguments(execution))
    main = MainProcess(*answers)
    handler.attach(main)
    for key, blob in blobs.items():
        handler.blob(key, blob)
    outcome = decode_outcome(handler.run(INDEX.pack(2, 3) + task))
    vm.close()
    return outcome, main, vm


def test_its_result_text_and_gas() -> None:
    source = 'let base = 40; action f(i) { print("hello"); return base + i; } '
    outcome, main, _ = run_copy(source)
    assert (outcome.status, value_of(outcome.value), outcome.printed) == ("returned", 42, "hello\n")
    assert main.asked == []
    _, _, alone = run_copy(source + "f(2);")
    _, _, without = run_copy(source)
    call = alone.gas_metering.gas_used - without.gas_metering.gas_used
    # Apart from the call itself: LOAD_CONST, CALL_NAME, POP.
    assert 0 < outcome.gas < call
    assert outcome.operations > 3


def test_it_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Tier] = []

    class Noted(Tier):
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            made.append(self)

    monkeypatch.setattr(module, "Tier", Noted)
    source = "action f(i) { let k = 0; while (k < 3000) { k = k + 1; } return k; }"
    outcome, _, _ = run_copy(source)
    assert value_of(outcome.value) == 3000
    (tier,) = made
    assert [unit for unit in tier.builder.loops.values() if not isinstance(unit, str)]


def test_what_it_asks() -> None:
    source = """
action plus(v, d) { return v + d; }
action f(i) {
    barrier_sync("here");
    shared_write("w", [1]);
    let r = shared_read("r");
    let a = shared_add("a", 2);
    let u = shared_update("u", plus, 5);
    return [r, a, u];
}
"""
    answers = [value(None), value(None), value("read"), value(7), value(10), value(None)]
    outcome, main, _ = run_copy(source, *answers)
    assert value_of(outcome.value) == ["read", 7, 15]
    assert main.asked == [
        (Ask.BARRIER, "", "here"),
        (Ask.WRITE, "w", [1]),
        (Ask.READ, "r", None),
        (Ask.ADD, "a", 2),
        (Ask.TAKE, "u", None),
        (Ask.PUT, "u", 15),
    ]


def test_an_update_that_fails_is_dropped() -> None:
    source = 'action bad(v) { return 1 / v; } action f(i) { return shared_update("u", bad); }'
    outcome, main, _ = run_copy(source, value(0), value(None))
    assert (outcome.status, outcome.text) == ("raised", "Division by zero")
    assert main.asked == [(Ask.TAKE, "u", None), (Ask.DROP, "u", None)]


def test_errors_of_the_main_process_are_errors_of_the_program() -> None:
    source = 'action f(i) { try { barrier_sync(1); } catch (e) { return e; } return "met"; }'
    outcome, _, _ = run_copy(source, (Answer.BROKEN, b"copy 0 has died"))
    assert value_of(outcome.value) == "copy 0 has died"
    outcome, _, _ = run_copy("action f(i) { barrier_sync(1); }", (Answer.BROKEN, b"copy 0 has died"))
    assert (outcome.status, outcome.text) == ("broken", "copy 0 has died")
    outcome, _, _ = run_copy("action f(i) { barrier_sync(1); }", (Answer.ERROR, b"different ones"))
    assert (outcome.status, outcome.text) == ("raised", "different ones")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ("return f;", "unsendable", " is an action"),
        ("return [1, {}];".replace("{}", '{"a": f}'), "unsendable", " contains an action"),
        ("return 1 / 0;", "raised", "Division by zero"),
        ('require(false, "why");', "raised", "Requirement failed: why"),
        ("exit_program(3);", "raised", "it ended its process (exit_program)"),
    ],
)
def test_how_it_can_end(body: str, status: str, text: str) -> None:
    outcome, _, _ = run_copy(f"action f(i) {{ {body} return 1; }}")
    assert outcome.status == status
    assert outcome.text.endswith(text)


def test_the_limit_of_gas_is_the_programs() -> None:
    source = "action f(i) { while (true) { i = i + 1; } return i; }"
    vm_limit = 100_000_000
    outcome, _, _ = run_copy(source)
    assert outcome.status == "raised"
    assert outcome.text.startswith("Out of gas: used ")
    assert vm_limit - 1000 - 20 < outcome.gas <= vm_limit - 1000
