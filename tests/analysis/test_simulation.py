"""The scheduler in virtual time."""

from __future__ import annotations

import random

import pytest

from benchmarks.simulation import Costs, guided, scaled, simulate, static

FREE = Costs(0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("workers", [1, 2, 16, 64])
@pytest.mark.parametrize("sizes", [guided, scaled, static])
def test_bounds_that_no_scheduler_can_break(workers: int, sizes: object) -> None:
    chance = random.Random(workers)
    iterations = [chance.lognormvariate(-7, 1) for _ in range(2000)]
    for in_line in (False, True):
        found = simulate(iterations, workers, Costs(), sizes, in_line=in_line)  # type: ignore[arg-type]
        assert found.work == pytest.approx(sum(iterations))
        assert found.seconds >= max(iterations)
        assert found.seconds >= found.central * 0.9999
        assert found.seconds >= (found.work - found.central) / workers
        assert found.ranges * (Costs().send + Costs().receive) <= found.central * 1.001


def test_one_worker_without_costs_takes_just_the_work() -> None:
    found = simulate([0.01] * 300, 1, FREE)
    assert found.seconds == pytest.approx(3.0)
    assert found.efficiency == pytest.approx(1.0)
    assert found.central == pytest.approx(0.01), "the iteration that shows how long they take"


def test_a_short_loop_is_executed_in_place() -> None:
    found = simulate([1e-6] * 100, 4)
    assert found.ranges == 0
    assert found.seconds == pytest.approx(1e-4)


def test_without_costs_even_work_is_shared_evenly() -> None:
    for workers in (4, 64):
        assert simulate([1e-4] * 64_000, workers, FREE).efficiency > 0.95


def test_guided_sizes_help_where_iterations_get_longer() -> None:
    rising = [1e-7 * number for number in range(20_000)]
    assert simulate(rising, 4).speedup > 1.3 * simulate(rising, 4, Costs(), static).speedup


def test_results_that_wait_need_not_keep_workers_idle() -> None:
    # A long iteration at the beginning: all others are done long before it.
    iterations = [0.01] * 10 + [3.0] + [0.01] * 4000
    plain, better = simulate(iterations, 16, in_line=True), simulate(iterations, 16)
    assert better.speedup > 1.2 * plain.speedup


def test_the_design_holds_at_64_workers() -> None:
    found = simulate([1e-3] * 20_000, 64)
    assert found.efficiency > 0.85
    assert found.central_share < 0.5


def test_the_main_process_is_the_limit_in_the_end() -> None:
    found = simulate([1e-3] * 20_000, 256)
    assert found.central_share > 0.95
    better = simulate([1e-3] * 20_000, 256, Costs(), scaled)
    assert better.speedup > 1.5 * found.speedup


def test_it_is_the_same_every_time() -> None:
    assert simulate([1e-3] * 500, 16) == simulate([1e-3] * 500, 16)
