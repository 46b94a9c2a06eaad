"""Running ahead: that it happens, that limits hold, and that it stops when it is of no use."""

from __future__ import annotations

import signal
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from tests.runtime.hazards import HAZARDS
from tests.runtime.running import compiled, machine, run, use_fake_pool
from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.engine.compiler.unit import SLOW_AFTER
from zexus_parallel_plugin.host.vm import VMMode
from zexus_parallel_plugin.reasons import REASONS
from zexus_parallel_plugin.runtime.ahead import Ahead
from zexus_parallel_plugin.runtime.execution import WatchedTier
from zexus_parallel_plugin.runtime.late import LateAhead
from zexus_parallel_plugin.runtime.lookahead import Lookahead
from zexus_parallel_plugin.runtime.loops.driver import Loops
from zexus_parallel_plugin.runtime.loops.messages import CHUNK_TAG, ChunkSpec
from zexus_parallel_plugin.runtime.loops.run import LoopRun
from zexus_parallel_plugin.runtime.loops.site import MOST_FAILURES, MOST_LANDINGS, LoopSite
from zexus_parallel_plugin.runtime.machine import ParallelMachine
from zexus_parallel_plugin.runtime.sites import Sites
from zexus_parallel_plugin.runtime.snapshot import loads
from zexus_parallel_plugin.runtime.stream import Stream
from zexus_parallel_plugin.runtime.task import Record

EVERYTHING = {"worker_count": 3, "tier": "interpreter", "mode": "parallel"}
IN_PLACE = {"worker_count": 1, "tier": "interpreter"}

WORK = "action work(n) { let k = 0; while (k < 40) { k = k + 1; n = n + k; } return n; } "


@pytest.mark.parametrize(
    ("name", "committed"),
    [
        ("straight_line", 1), ("for_range_total", 11), ("for_each_push", 2), ("for_each_method_push", 2),
        ("for_each_append", 2), ("while_total", 8), ("printing", 7), ("map_filling", 5), ("inside_main", 9),
        ("nested_loops", 20), ("conditional_calls", 11),
        ("two_loops", 9), ("break_continue", 6), ("parallel_map", 11),
        ("fresh_containers", 5), ("result_containers", 6), ("function_as_argument", 6), ("inner_actions", 4),
        ("prints_in_callee", 5), ("reads_changing_global", 5), ("missing_argument", 4),
    ],
)  # fmt: skip
def test_results_of_workers_are_used(name: str, committed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    _result, metrics = run(HAZARDS[name], EVERYTHING)
    assert metrics.calls_committed >= committed


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("callee_writes_global", "writes-caller-variable"),
        ("nested_mutation", "changed-containers"),
        ("errors_in_loop_caught", "raised"),
        ("effects", "effect-time"),
        ("entities", "value-not-plain"),
        ("function_in_container", "value-function"),
        ("break_on_result", "not-reached"),
        ("redefined_function", "wrong-prediction"),
        ("deep_recursion", "depth"),
    ],
)
def test_reasons(name: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    assert run(HAZARDS[name], EVERYTHING)[1].reasons[reason] > 0


@pytest.mark.parametrize("behaviour", ["prompt", "lossy", "garbage", "stuck"])
def test_every_reason_is_in_the_table(behaviour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, behaviour)
    seen: set[str] = set()
    for name in sorted(HAZARDS)[::3]:
        seen |= run(HAZARDS[name], EVERYTHING)[1].reasons.keys()
    assert seen <= REASONS.keys()


LIMITED = WORK + "let t = 0; for i in range(30) { t = t + work(i); print(t); } print(t);"


@pytest.mark.parametrize("behaviour", ["prompt", "lazy"])
@pytest.mark.parametrize("gas", [500, 1501, 4002, 9003, 20004, 30005])
def test_gas_runs_out_at_the_same_instruction(
    gas: int, behaviour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run(LIMITED, IN_PLACE, gas_limit=gas)[0]
    assert "Out of gas" in expected.error
    use_fake_pool(monkeypatch, behaviour)
    assert run(LIMITED, EVERYTHING, gas_limit=gas)[0] == expected


@pytest.mark.parametrize("operations", [300, 1001, 5002])
def test_operations_run_out_at_the_same_instruction(operations: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run(LIMITED, IN_PLACE, operation_limit=operations)[0]
    assert "Operation limit exceeded" in expected.error
    use_fake_pool(monkeypatch, "prompt")
    assert run(LIMITED, EVERYTHING, operation_limit=operations)[0] == expected


def test_gas_that_runs_out_in_a_callee_that_catches(monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        "action f(n) { let k = 0; try { while (k < 100) { k = k + 1; } } "
        'catch (e) { return "caught at " + k; } return k; } '
        "for i in range(20) { print(f(i)); }"
    )
    for gas in range(3000, 9000, 700):
        expected = run(source, IN_PLACE, gas_limit=gas)[0]
        with monkeypatch.context() as patch:
            use_fake_pool(patch, "prompt")
            assert run(source, EVERYTHING, gas_limit=gas)[0] == expected


def test_without_fallback_a_lost_task_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "lossy")
    result, _metrics = run(HAZARDS["for_range_total"], {**EVERYTHING, "enable_fallback": False})
    assert "the worker was killed" in result.error


@pytest.mark.parametrize(
    ("settings", "reason"), [({"worker_count": 1}, "one-worker"), ({"mode": "sequential"}, "mode-sequential")]
)
def test_no_workers_at_all(settings: dict[str, object], reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = use_fake_pool(monkeypatch, "prompt")
    _result, metrics = run(HAZARDS["parallel_map"], {**EVERYTHING, **settings})
    assert metrics.reasons[reason] == 1
    assert not made


@pytest.mark.usefixtures("soon")
def test_cheap_programs_make_no_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    made = use_fake_pool(monkeypatch, "prompt")
    source = "action f(n) { return n + 1; } let t = 0; for i in range(9000) { t = t + f(i); } print(t);"
    settings = {"worker_count": 2, "min_task_seconds": 10.0, "tier": "interpreter"}
    _result, metrics = run(source, settings, gas_limit=10**9)
    assert not made
    assert 0 < metrics.reasons["cheap"] < 20, "a cheap site is looked at less and less often"


def test_what_calls_take_is_learned_before_the_program_needs_them() -> None:
    lookahead: Any = object.__new__(Lookahead)
    lookahead._sites = sites = Sites()
    lookahead.dispatch = SimpleNamespace(collect=lambda batch: None, guarded=nullcontext)
    action, code = {"bytecode": object()}, object()
    stream = Stream(SimpleNamespace(), SimpleNamespace(code=code, ended=""))  # type: ignore[arg-type]
    key = id(code), 7
    sites.at(key, action).cost.measured(0.005)  # here, before anything was compiled

    def sent(done: bool, *records: Record, failure: str = "", left: int = 1) -> None:
        calls = [SimpleNamespace(ip=7, function=action) for _ in records]
        handle = SimpleNamespace(done=done)
        known = None if failure else list(records)
        stream.batches.append(
            SimpleNamespace(calls=calls, handle=handle, records=known, failure=failure, left=left)  # type: ignore[arg-type]
        )

    sent(False, Record("", seconds=1.0))
    for _ in range(20):
        sent(True, Record("", seconds=0.0001), Record("raised", seconds=9.0))
    sent(True, Record("", seconds=9.0), failure="died")
    sent(True, Record("", seconds=9.0), left=0)  # given up
    lookahead.learn(stream)
    assert sites.expected(key, action) == pytest.approx(0.0001, rel=0.3)
    assert sites.cost_of(action).seconds == pytest.approx(0.0001)
    assert [batch.handle.done for batch in stream.batches] == [False]
    lookahead.learn(stream)
    assert sites.expected(key, action) == pytest.approx(0.0001, rel=0.3), "once only"


@pytest.mark.parametrize(
    ("seconds", "sent", "calls"),
    [(None, 9.0, 1), (0.0005, 0.0, 6), (0.0005, 0.16, 20), (0.0005, 9.0, 80), (0.01, 0.0, 1), (0.01, 9.0, 4),
     (0.05, 9.0, 1)],
)  # fmt: skip
def test_tasks_grow_with_the_work_that_has_been_sent(seconds: float | None, sent: float, calls: int) -> None:
    lookahead: Any = object.__new__(Lookahead)
    lookahead._forced = False
    assert lookahead._calls_per_task(SimpleNamespace(seconds=seconds, sent=sent)) == calls
    lookahead._forced = True
    assert lookahead._calls_per_task(SimpleNamespace(seconds=seconds, sent=sent)) == 4


def test_useless_sites_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "lossy")
    source = (
        WORK + "action five(n) { for i in range(5) { print(work(i + n)); } } for j in range(40) { five(j); }"
    )
    _result, metrics = run(source, EVERYTHING)
    assert metrics.reasons["worker-died"] < 20
    assert metrics.calls_sent < 100


def test_metrics_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    result, metrics = run(HAZARDS["for_range_total"], EVERYTHING)
    assert metrics.calls_committed + metrics.calls_in_place == 12
    assert metrics.calls_sent == metrics.calls_committed + metrics.calls_thrown_away
    assert 0 < metrics.worker_gas < result.gas
    assert metrics.to_dict()["calls_committed"] == metrics.calls_committed


def test_a_failure_to_make_the_pool_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def pool(*_args: object) -> None:
        raise OSError("no processes left")

    monkeypatch.setattr("zexus_parallel_plugin.runtime.workers.Workers.pool", pool)
    result, metrics = run(HAZARDS["for_range_total"], EVERYTHING)
    assert result == run(HAZARDS["for_range_total"], IN_PLACE)[0]
    assert metrics.reasons["pool-failed"] == 1


def test_a_machine_can_execute_again(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    vm = machine(EVERYTHING)
    outcomes = [run(HAZARDS["printing"], EVERYTHING, vm=vm, close=False) for _ in range(2)]
    vm.close()
    assert outcomes[0][0].stdout == outcomes[1][0].stdout
    assert outcomes[0][1].calls_committed == outcomes[1][1].calls_committed == 7


def test_loops_with_calls_worth_sending_are_not_compiled_in_the_main_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_fake_pool(monkeypatch, "prompt")
    monkeypatch.setattr("zexus_parallel_plugin.runtime.late._SOON_SECONDS", 0.002)
    turn = "turn = 1 - turn;"  # carried from one iteration to the next, so that there are no ranges
    work = WORK.replace("40", "4000")
    source = work + f"let t = 0; let turn = 0; for i in range(300) {{ {turn} t = t + work(i); }} print(t);"
    settings = {"worker_count": 2, "tier": "auto", "min_task_seconds": 1e-9}
    result, metrics = run(source, settings, gas_limit=10**9)
    assert result == run(source, IN_PLACE, gas_limit=10**9)[0]
    assert metrics.calls_committed > 240


@pytest.mark.parametrize(
    ("seconds", "outstanding", "forced", "stays"),
    [(0.01, 1, False, True), (0.01, 0, False, False), (0.001, 1, False, False), (None, 1, False, False),
     (0.01, 1, True, False)],
)  # fmt: skip
def test_a_loop_is_interpreted_while_long_calls_of_it_are_on_their_way(
    seconds: float | None, outstanding: int, forced: bool, stays: bool
) -> None:
    frame: Any = SimpleNamespace()
    stream = SimpleNamespace(frame=frame, outstanding=outstanding, seconds=seconds)
    ahead: Any = object.__new__(Ahead)
    ahead.forced = forced
    ahead._lookahead = SimpleNamespace(streams=[stream])
    assert ahead.calls_ahead(frame) is stays
    assert not ahead.calls_ahead(SimpleNamespace())
    asked = []
    ahead.loop_refused = lambda *_: asked.append(1)  # None: it stays in the interpreter, too
    tier: Any = object.__new__(WatchedTier)
    tier.execution = SimpleNamespace(ahead=ahead)
    assert tier.loop(SimpleNamespace(ends={0: 5}), 0, frame) == 0
    assert asked == ([] if stays else [1])


@pytest.mark.usefixtures("soon")
def test_workers_come_late_when_the_gas_cannot_last_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    tasks = {}
    for gas_limit, iterations in ((30_000_000, "30000"), (10**9, "300000")):
        source = SIBLINGS.replace("300000", iterations)
        result, metrics = run(source, {"worker_count": 2}, gas_limit=gas_limit)
        assert result == run(source, IN_PLACE, gas_limit=gas_limit)[0]
        tasks[gas_limit] = metrics.tasks_sent, metrics.reasons["short-run"]
    assert tasks[30_000_000] == (0, 1)
    assert tasks[10**9][0] > 0
    assert tasks[10**9][1] == 0


LONG_OR_SHORT = {
    "loop": "let t = 0; let i = 0; while (i < {}) {{ t = t + i % 7; i = i + 1; }} print(t);",
    "map": "action f(x) {{ let i = 0; while (i < 5000) {{ x = x + i % 7; i = i + 1; }} return x; }} "
    "print(len(parallel_map(f, range({} / 5000))));",
}


@pytest.mark.parametrize("shape", LONG_OR_SHORT)
def test_workers_come_at_once_for_what_is_known_to_be_long(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_pool(monkeypatch, "prompt")
    monkeypatch.setattr("zexus_parallel_plugin.runtime.machine.available_cores", lambda: 2)
    for name in ("_SOON_SECONDS", "_LATER_SECONDS"):
        monkeypatch.setattr(f"zexus_parallel_plugin.runtime.late.{name}", 1000.0)
    sent = {}
    for iterations in (20_000, 3_000_000):
        source = LONG_OR_SHORT[shape].format(iterations)
        result, metrics = run(source, {"worker_count": 2}, gas_limit=10**9)
        assert result == run(source, {"worker_count": 1}, gas_limit=10**9)[0]
        sent[iterations] = metrics.tasks_sent > 0
    assert sent == {20_000: False, 3_000_000: True}


def test_a_loop_that_was_compiled_before_anybody_looked_ahead_gives_its_calls_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_fake_pool(monkeypatch, "prompt")
    turn = "turn = 1 - turn;"  # carried from one iteration to the next, so that there are no ranges
    work = WORK.replace("40", "8000")
    source = work + f"let t = 0; let turn = 0; for i in range(1000) {{ {turn} t = t + work(i); }} print(t);"
    result, metrics = run(source, {"worker_count": 2}, gas_limit=10**10)
    assert result == run(source, {"worker_count": 1}, gas_limit=10**10)[0]
    assert metrics.calls_committed > 20


def test_a_loop_is_timed_when_nothing_is_compiled_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zexus_parallel_plugin.runtime.late._SURE_SECONDS", 0.0)
    pieces = []
    run_counted = WatchedTier.run_counted

    def watched(self: WatchedTier, *args: Any) -> Any:
        before = self.execution.translation.units
        landing = run_counted(self, *args)
        pieces.append(["compiled" if self.execution.translation.units > before else "quiet"])
        return landing

    monkeypatch.setattr(WatchedTier, "run_counted", watched)
    monkeypatch.setattr(LateAhead, "_is_long", lambda *_: pieces[-1].append("timed"))
    run(WORK + "let t = 0; for i in range(3000) { t = t + work(i); } print(t);", {"worker_count": 2})
    assert ["quiet", "timed"] in pieces
    assert ["compiled"] in pieces
    assert ["compiled", "timed"] not in pieces


def test_cheap_loops_are_compiled_in_the_main_process(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    source = WORK + "let t = 0; for i in range(3000) { t = t + work(i); } print(t);"
    _result, metrics = run(source, {"worker_count": 2, "tier": "auto", "min_task_seconds": 1.0})
    assert metrics.calls_in_place < 100, "compiled calls are not looked at"
    assert not metrics.calls_sent


@pytest.mark.parametrize(("seconds", "pieces"), [(0.0, MOST_LANDINGS), (1.0, 1000)])
def test_a_loop_that_is_left_again_and_again_is_not_timed(
    seconds: float, pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LateAhead, "_worth", lambda _late: False)
    timed = []

    def time(_late: LateAhead, execute: Any) -> tuple[Any, float, bool]:
        timed.append(execute)
        return execute(), seconds, True

    monkeypatch.setattr(LateAhead, "_timed", time)
    source = (
        'let bad = 0; let n = 0; while (n < 4000) { try { require(n % 3 > 0, "no"); } '
        "catch (error) { bad = bad + 1; } n = n + 1; } print(bad);"
    )
    result, _metrics = run(source, {"worker_count": 2, "tier": "auto"}, gas_limit=10**9)
    assert result == run(source, IN_PLACE, gas_limit=10**9)[0]
    if seconds:
        assert len(timed) >= pieces, "calls that take long may be worth looking at"
    else:
        assert len(timed) == pieces, "most of the time would go into looking at it"


@pytest.mark.parametrize("lost", [False, True])
def test_a_loop_that_was_left_often_is_left_to_this_process_with_the_next_time(lost: bool) -> None:
    loops: Any = object.__new__(Loops)
    loops.forced, loops._sites, loops._codes = False, {}, []
    refused = []
    loops.refuse = lambda _site, _code, reason: refused.append(reason)
    code: Any = object()
    loops.left_often(code, 3)
    assert not refused
    loops._left_in_the_middle(loops._site(code, 3), code, lost=lost)
    assert refused == ["loop-left"]


@pytest.mark.usefixtures("soon")
def test_large_inputs_of_short_calls_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    source = (
        "action f(xs, n) { let k = 0; while (k < 30) { k = k + 1; } return xs[n] + k; } "
        "let xs = range(100000); let t = 0; for i in range(900) { t = t + f(xs, i); } print(t);"
    )
    settings = {"worker_count": 2, "tier": "interpreter", "min_task_seconds": 1e-9}
    result, metrics = run(source, settings, gas_limit=10**9)
    assert result == run(source, IN_PLACE, gas_limit=10**9)[0]
    assert metrics.reasons["large-inputs"] > 0
    assert metrics.calls_committed < 10, "the first of them may seem to pay on a slow machine"


def test_deep_recursion_is_not_looked_ahead_in_at_every_level(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    source = (
        "action down(n) { for i in range(3) { if (n > 0) { return down(n - 1) + down(0); } } return 1; } "
        "print(down(400));"
    )
    result, metrics = run(source, EVERYTHING)
    assert result == run(source, IN_PLACE)[0]
    assert metrics.calls_in_place + metrics.calls_committed < 50


def test_other_modes_of_the_host_are_counted() -> None:
    vm = ParallelMachine(ParallelConfig(), mode=VMMode.REGISTER, gas_limit=1_000_000)
    try:
        vm.execute(compiled("let a = 1; let b = 2; let c = a + b;"))
        assert (vm.left_to_host, vm.last_metrics.reasons["host-mode"]) == ("host-mode", 1)
    finally:
        vm.close()


INDEPENDENT = (
    "let a = 1; let i = 0; while (i < 40) { a = a * 31 % 1009; i = i + 1; } "
    "let b = 2; let j = 0; while (j < 40) { b = b * 17 % 997; j = j + 1; print(b); } "
    "let c = 3; let k = 0; while (k < 40) { c = (c * 13 + a) % 991; k = k + 1; } print(a + c); "
)
EAGER = {"worker_count": 2, "mode": "parallel", "min_task_seconds": 0.0}


def test_loops_behind_a_loop_go_ahead_unless_they_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    result, metrics = run(INDEPENDENT, EAGER)
    assert result == run(INDEPENDENT, IN_PLACE)[0]
    assert (metrics.chunks_sent, metrics.chunks_committed) == (1, 1)


def test_the_next_loop_goes_ahead_while_one_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "lazy")
    result, metrics = run(INDEPENDENT, EAGER)
    assert result == run(INDEPENDENT, IN_PLACE)[0]
    assert (metrics.chunks_sent, metrics.chunks_committed) == (2, 2)


def test_a_loop_that_must_stay_in_place_does_not_keep_those_before_it_from_going_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_fake_pool(monkeypatch, "prompt")
    last = "let n = 0; while (n < 3) { roll(); n = n + 1; }"
    source = "action roll() { return random(5) < 0; } " + INDEPENDENT + last
    result, metrics = run(source, EAGER)
    assert result == run(source, IN_PLACE)[0]
    assert (metrics.chunks_sent, metrics.chunks_committed) == (1, 1)
    assert metrics.reasons["effect-random"] > 0


def test_iterations_before_a_refused_one_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    # After two iterations in place there are ranges of three: in the second one, the second call is too deep.
    source = """
        action down(n) { if (n > 0) { return down(n - 1) + 1; } return 0; }
        let t = 0;
        for each n in [3, 4, 5, 6, 7, 8, 985, 9, 10, 11] { t = t + down(n); }
        print(t);
    """
    result, metrics = run(source, EAGER)
    assert result == run(source, IN_PLACE)[0]
    assert (metrics.reasons["depth"], metrics.iterations_sent, metrics.iterations_committed) == (2, 8, 6)


@pytest.mark.parametrize(("lost", "times"), [(True, MOST_FAILURES), (False, MOST_LANDINGS)])
def test_how_often_a_loop_may_be_left_in_the_middle(lost: bool, times: int) -> None:
    # Code that was compiled with wrong expectations leaves three times before it is compiled anew, and there
    # may be a few such places in a loop. When something was on its way, it is lost each time.
    site, refused = LoopSite(0), []
    loops: Any = SimpleNamespace(forced=False, refuse=lambda *why: refused.append(why[2]))
    for _ in range(times):
        assert not refused
        Loops._left_in_the_middle(loops, site, SimpleNamespace(), lost=lost)  # type: ignore[arg-type]
    assert refused == ["loop-left"]
    assert MOST_LANDINGS > SLOW_AFTER


def test_a_loop_that_is_left_in_the_middle_again_and_again_stays_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zexus_parallel_plugin.runtime.late._SOON_SECONDS", 0.0)
    use_fake_pool(monkeypatch, "prompt")
    source = """
        let t = 0;
        for i in range(900) {
            try { let k = 0; while (k < 900) { k = k + 1; } require(i < 0, "no"); } catch (e) { t = t + 1; }
        }
        print(t);
    """
    result, metrics = run(source, {"worker_count": 2}, gas_limit=10**9)
    assert result == run(source, IN_PLACE, gas_limit=10**9)[0]
    assert metrics.reasons["loop-left"] == 1


HEAVY_LAST = (
    "let a = 1; let i = 0; while (i < 40) { a = a * 31 % 1009; i = i + 1; } "
    "let b = 2; let j = 0; while (j < 40) { b = b * 17 % 997; j = j + 1; } "
    "let c = 3; let k = 0; while (k < 40) { let d = 0; "
    "while (d < 9) { c = c * 13 % 991; d = d + 1; } k = k + 1; }"
)


def test_the_chunk_with_most_work_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zexus_parallel_plugin.runtime.loops.driver.available_cores", lambda: 2)
    pools = use_fake_pool(monkeypatch, "lazy")
    result, metrics = run(HEAVY_LAST, EAGER | {"worker_count": 2})
    assert result == run(HEAVY_LAST, IN_PLACE)[0]
    chunks = [loads(task.payload, pools[0].handler.shelf.get) for task in pools[0].tasks]
    stores = [ChunkSpec(*chunk[1:]).stores for chunk in chunks if chunk[0] == CHUNK_TAG]
    assert stores[0] == ("c", "d", "k")
    assert metrics.chunks_committed == len(stores) == 2


def test_without_fallback_a_lost_loop_behind_a_loop_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "lossy")
    result, metrics = run(INDEPENDENT, EAGER | {"enable_fallback": False})
    assert "the setting fallback is off" in result.error
    assert metrics.reasons["worker-failed"] == 1


SIBLINGS = """
action total(n) { let sum = 0; let k = 0; while (k < n) { sum = sum + k % 7; k = k + 1; } return sum; }
let first = total(300000);
let second = total(300000);
print(first + second);
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no pulse")
@pytest.mark.usefixtures("soon")
def test_calls_that_keep_the_other_cores_busy_come_before_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zexus_parallel_plugin.runtime.loops.driver.available_cores", lambda: 2)
    monkeypatch.setattr("zexus_parallel_plugin.runtime.lookahead.available_cores", lambda: 2)
    use_fake_pool(monkeypatch, "lazy")
    result, metrics = run(SIBLINGS, {"worker_count": 2}, gas_limit=10**9)
    assert result == run(SIBLINGS, IN_PLACE, gas_limit=10**9)[0]
    assert (metrics.calls_committed, metrics.ranges_sent) == (1, 0)


@pytest.mark.usefixtures("soon")
def test_ranges_come_when_there_are_no_calls_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "lazy")
    source = SIBLINGS.replace("let second = total(300000);", "let second = total(first % 5);")
    result, metrics = run(source, {"worker_count": 2}, gas_limit=10**9)
    assert result == run(source, IN_PLACE, gas_limit=10**9)[0]
    assert metrics.ranges_committed > 0


@pytest.mark.parametrize(
    ("opened", "forced", "sent"), [(False, False, 35), (True, False, 0), (False, True, 0)]
)
def test_the_first_iterations_are_kept_while_workers_are_started(
    opened: bool, forced: bool, sent: int
) -> None:
    loop: Any = object.__new__(LoopRun)
    loop._loops = SimpleNamespace(dispatch=SimpleNamespace(opened=opened), forced=forced)
    loop._site = SimpleNamespace(seconds=0.001)
    loop._outbox = SimpleNamespace(sent=0)
    loop._done = 5
    loop._keep_first()
    assert loop._outbox.sent == sent


@pytest.mark.parametrize("where", ["LoopRun._fill_up", "LoopRun._result", "behind.Behind._look"])
def test_a_mistake_of_the_project_is_none_of_the_program(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")

    def mistaken(*_args: object) -> None:
        raise ZeroDivisionError

    module = "" if where.startswith("behind") else "run."
    monkeypatch.setattr(f"zexus_parallel_plugin.runtime.loops.{module}{where}", mistaken)
    source = INDEPENDENT + "let t = 0; for each x in range(30) { t = t + x; } print(t);"
    result, metrics = run(source, EAGER)
    assert result == run(source, IN_PLACE)[0]
    assert metrics.reasons["internal-error"] == 1


@pytest.mark.parametrize("settings", [{"worker_count": 2}, {"worker_count": 2, "mode": "parallel"}])
def test_a_mistake_in_planning_a_loop_is_none_of_the_program(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_pool(monkeypatch, "prompt")
    monkeypatch.setattr("zexus_parallel_plugin.runtime.late._SURE_SECONDS", 0.0)

    def mistaken(*_args: object) -> None:
        raise ZeroDivisionError

    where = "zexus_parallel_plugin.engine.compiler.range_builder.RangeBuilder._find_plan"
    monkeypatch.setattr(where, mistaken)
    source = "let t = 0; let i = 0; while (i < 5000) { t = t + i % 7; i = i + 1; } print(t);"
    result, metrics = run(source, settings)
    assert result == run(source, IN_PLACE)[0]
    assert metrics.reasons["compiler-failed"] >= 1


def test_a_mistake_in_sending_calls_is_none_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")

    def mistaken(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("zexus_parallel_plugin.runtime.dispatch.Dispatch.submit", mistaken)
    source = WORK + "let a = work(1); let b = work(2); let c = work(3); print(a + b + c);"
    result, metrics = run(source, EAGER)
    assert result == run(source, IN_PLACE)[0]
    assert metrics.reasons["internal-error"] == 1


def test_a_queue_without_room_is_no_mistake() -> None:
    source = "let t = 0; for each x in range(200) { t = t + x * x; } print(t);"
    result, metrics = run(source, EAGER | {"max_queue_size": 1})
    assert result == run(source, IN_PLACE)[0]
    assert not metrics.reasons["internal-error"]
