"""The worker's side: every way in which a call must not be answered with a value."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.runtime.running import compiled, machine
from zexus_parallel_plugin.analysis.footprint import Footprint
from zexus_parallel_plugin.engine.execution import Execution
from zexus_parallel_plugin.runtime.remote import (
    Handler,
    handler_arguments,
    make_handler,
    pure_builtins,
)
from zexus_parallel_plugin.runtime.sandbox import CallerVariables, RefusedError
from zexus_parallel_plugin.runtime.snapshot import Library, NotPlainError, dumps
from zexus_parallel_plugin.runtime.task import (
    ABSENT,
    PlannedCall,
    Record,
    decode_records,
    encode_task,
    plan,
)


class Bench:
    """A handler, and tasks for it made by hand."""

    def __init__(self, source: str, tier: str = "interpreter") -> None:
        self.main = compiled(source)
        constants = self.main.constants
        self.functions: dict[str, Any] = {
            c["name"]: c for c in constants if isinstance(c, dict) and "bytecode" in c
        }
        vm = machine({"worker_count": 1}, gas_limit=100_000)
        execution = Execution(vm, tier=tier)
        arguments = handler_arguments(vm, {"gas_limit": 100_000}, execution, pure_builtins(vm))
        self.handler: Handler = make_handler(arguments)
        self.library = Library()

    def call(
        self,
        name: str,
        *args: Any,
        reads: dict[str, Any] | None = None,
        absent: tuple[str, ...] = (),
        mutates: bool = True,
    ) -> PlannedCall:
        """A call that sees these variables; names in ``absent`` are known to be nowhere."""
        variables = {**self.functions, **(reads or {})}
        names = tuple(sorted({*variables, *absent}))
        footprint = Footprint(
            self.functions[name], names, (), (), "", mutates, False, frozenset(), frozenset()
        )
        return plan(
            0, footprint, list(args), lambda key: variables.get(key, ABSENT), lambda g: dumps(g) if g else b""
        )

    def run(self, *calls: PlannedCall, depth: int = 0, gas: int = 0) -> list[Record]:
        payload, blobs = encode_task(list(calls), self.main, depth, (gas, gas), self.library)
        for key, blob in blobs.items():
            self.handler.blob(key, blob)
        return decode_records(self.handler.run(payload))


@pytest.fixture(params=["interpreter", "compiled"])
def tier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_value_gas_and_text(tier: str) -> None:
    bench = Bench('action f(n) { let m = n * 2; print("got " + n); return [m, "x"]; }', tier)
    streams = sys.stdout, sys.stderr
    one, two = bench.run(bench.call("f", 1, absent=("m",)), bench.call("f", 2, absent=("m",)))
    assert (sys.stdout, sys.stderr) == streams
    assert (one.refusal, one.value, one.text) == ("", [2, "x"], "got 1\n")
    assert (two.refusal, two.value, two.text) == ("", [4, "x"], "got 2\n")
    assert one.gas == two.gas > one.operations == two.operations > 0


def test_gas_does_not_depend_on_what_was_used_before(tier: str) -> None:
    bench = Bench("action f(n) { let s = 0; while (n > 0) { n = n - 1; s = s + n; } return s; }", tier)
    first = bench.run(bench.call("f", 50, absent=("s",)))[0]
    second = bench.run(bench.call("f", 50, absent=("s",)), gas=12_345)[0]
    assert first[:5] == second[:5]


@pytest.mark.parametrize(
    ("source", "args", "reads", "absent", "reason"),
    [
        ("action f(n) { total = total + n; return n; }", (1,), {"total": 5}, (), "writes-caller-variable"),
        ("action f(n) { return n + other; }", (1,), {}, (), "unlisted-name"),
        ("action f(n) { let local = n; return local; }", (1,), {}, (), "unlisted-name"),
        ("action f(xs) { xs.push(1); return 0; }", ([1, 2],), {}, (), "changes-input"),
        ("action f(n) { table[0] = n; return 0; }", (1,), {"table": [7]}, (), "changes-input"),
        ("action f(xs) { return xs; }", ([1],), {}, (), "shares-input"),
        ("action f(xs) { return [xs[0]]; }", ([[1]],), {}, (), "shares-input"),
        ("action f(n) { return [n, table]; }", (1,), {"table": [7]}, (), "shares-input"),
        ("action f(n) { return 1 / n; }", (0,), {}, (), "raised"),
        ('action f(n) { require(n, "no"); return n; }', (False,), {}, (), "raised"),
        ("action f(n) { return now(); }", (1,), {}, (), "effect-time"),
        ('action f(n) { debug("x"); return n; }', (1,), {}, (), "effect-builtin"),
        ("action f(n) { return g; } action g(n) { return n; }", (1,), {}, (), "value-function"),
        ("action f(n) { audit(n, \"a\"); return n; }", (1,), {}, (), "effect-builtin"),
        ('action f(n) { return file_read_text("/etc/passwd"); }', (1,), {}, (), "effect-files"),
        ('action f(n) { return file_write_text("x", "y"); }', (1,), {}, (), "effect-files"),
        ('action f(n) { return bytes_from_hex("zz"); }', (1,), {}, (), "value-error"),
    ],
)  # fmt: skip
def test_refusals(
    source: str, args: tuple[Any, ...], reads: dict[str, Any], absent: tuple[str, ...], reason: str
) -> None:
    bench = Bench(source)
    record = bench.run(bench.call("f", *args, reads=reads, absent=absent))[0]
    assert record.refusal == reason
    assert record.value is None


def test_a_call_that_spoils_its_inputs_does_not_harm_the_next(tier: str) -> None:
    bench = Bench(
        "action f(xs, n) { if (n == 1) { xs.push(5); let z = 1 / 0; } "
        "xs.push(n); xs.pop(); return len(xs); }",
        tier,
    )
    shared = [1, 2, 3]
    records = bench.run(*(bench.call("f", shared, n, absent=("z",)) for n in (0, 1, 2)))
    assert [(record.refusal, record.value) for record in records] == [("", 3), ("raised", None), ("", 3)]


def test_aliases_among_the_inputs_survive(tier: str) -> None:
    bench = Bench("action f(xs, ys) { xs.push(1); let n = len(ys); xs.pop(); return n; }", tier)
    xs = [1, 2]
    same, other = bench.run(
        bench.call("f", xs, xs, absent=("n",)), bench.call("f", xs, [1, 2], absent=("n",))
    )
    assert (same.value, other.value) == (3, 2)


def test_limit_met_and_caught_is_beyond_what_is_left(tier: str) -> None:
    source = "action f(n) { try { while (true) { n = n + 1; } } catch (e) { return n; } }"
    record = Bench(source, tier)
    answer = record.run(record.call("f", 0, absent=("e",)))[0]
    assert answer.refusal == "raised" or answer.gas > 100_000


def test_depth_is_that_of_the_program(tier: str) -> None:
    bench = Bench("action f(n) { if (n == 0) { return 0; } return f(n - 1) + 1; }", tier)
    assert bench.run(bench.call("f", 100))[0].value == 100
    deepest = bench.handler.execution.deepest
    assert bench.run(bench.call("f", 100), depth=deepest - 50)[0].refusal == "depth"


def test_variables_of_callers_are_read_only() -> None:
    names = CallerVariables()
    names.become({"a": 1}, frozenset({"b"}))
    assert names["a"] == names.get("a") == 1
    assert "b" not in names
    assert names.get("b", 5) == 5
    for touch in (
        lambda: names.get("c"),
        lambda: "c" in names,
        lambda: names.__setitem__("a", 2),
        lambda: names.__delitem__("a"),
    ):
        with pytest.raises(RefusedError):
            touch()
    names.become({"c": 3}, frozenset())
    assert dict(names) == {"c": 3}


@pytest.mark.parametrize("value", [object(), [object()], {"a": range(3)}, print, Execution, (x for x in "a")])
def test_values_that_cannot_be_sent(value: Any) -> None:
    with pytest.raises(NotPlainError):
        dumps(value)


def test_deep_nesting_cannot_be_sent() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(NotPlainError):
        dumps(value)


def test_code_is_one_object_on_the_worker() -> None:
    bench = Bench("action f(n) { return g(n) + g(n); } action g(n) { return n; }")
    for _ in range(2):
        bench.run(bench.call("f", 1))
    assert len(bench.handler.shelf._made) == len(bench.handler.shelf._blobs) == 3
