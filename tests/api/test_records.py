"""Metrics, results, chunks and the merger: fields, formats, and their order as in the host's module."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest
from zexus.vm import parallel_vm as host

import zexus_parallel_plugin as ours
from zexus_parallel_plugin import (
    ExecutionMetrics,
    ExecutionMode,
    ExecutionResult,
    ParallelConfig,
    ResultMerger,
)

DATA = ["ParallelConfig", "ExecutionMetrics", "BytecodeChunk", "ExecutionResult"]
CLASSES = ["DependencyAnalyzer", "BytecodeChunker", "SharedState", "ResultMerger", "WorkerPool", "ParallelVM"]


@pytest.mark.parametrize("name", DATA)
def test_a_record_has_the_fields_of_the_host_in_its_order(name: str) -> None:
    theirs = [field.name for field in fields(getattr(host, name))]
    mine = [field.name for field in fields(getattr(ours, name))]
    assert mine[: len(theirs)] == theirs


@pytest.mark.parametrize("name", DATA)
def test_the_defaults_are_those_of_the_host(name: str) -> None:
    arguments = {"BytecodeChunk": (0, [], 0, 0), "ExecutionResult": (0, True), "ParallelConfig": (4,)}
    theirs, mine = (getattr(module, name)(*arguments.get(name, ())) for module in (host, ours))
    for field in fields(theirs):
        assert getattr(mine, field.name) == getattr(theirs, field.name), field.name


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_the_methods_and_arguments_of_the_host(name: str) -> None:
    theirs, mine = getattr(host, name), getattr(ours, name)
    for method, function in inspect.getmembers(theirs, inspect.isfunction):
        if method.startswith("_") and method != "__init__":
            continue
        wanted = [one for one in inspect.signature(function).parameters if one != "self"]
        found = inspect.signature(getattr(mine, method)).parameters
        assert [one for one in wanted if one not in found] == [], method


@pytest.mark.parametrize("name", ["ExecutionMetrics", "ExecutionResult", "BytecodeChunk"])
def test_they_are_shown_as_on_the_host(name: str) -> None:
    arguments = {
        "ExecutionMetrics": {"total_time": 0.042, "worker_count": 4, "chunk_count": 3, "speedup": 2.349},
        "ExecutionResult": {"chunk_id": 3, "success": False, "execution_time": 0.5},
        "BytecodeChunk": {"chunk_id": 3, "instructions": [(1, 2)], "start_index": 0, "end_index": 1},
    }[name]
    theirs, mine = (getattr(module, name)(**arguments) for module in (host, ours))
    if name == "ExecutionMetrics":
        assert mine.to_dict() == theirs.to_dict()
    else:
        assert repr(mine) == repr(theirs)


def test_modes() -> None:
    assert [mode.value for mode in ExecutionMode] == [mode.value for mode in host.ExecutionMode]


def test_speedup_of_metrics() -> None:
    metrics = ExecutionMetrics(total_time=2.0, worker_count=4)
    metrics.calculate_speedup(5.0)
    assert (metrics.speedup, metrics.efficiency) == (2.5, 0.625)
    untimed = ExecutionMetrics()
    untimed.calculate_speedup(5.0)
    assert untimed.speedup == 1.0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("worker_count", 0),
        ("chunk_size", 0),
        ("timeout_seconds", 0),
        ("timeout_seconds", -1),
        ("retry_attempts", -1),
        ("max_queue_size", 0),
    ],
)
def test_a_wrong_setting_is_named(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{field}.*{value}"):
        ParallelConfig(**{field: value})


def merged(*results: ExecutionResult) -> ResultMerger:
    merger = ResultMerger()
    for result in results:
        merger.add_result(result)
    return merger


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([ExecutionResult(0, True, 1), ExecutionResult(1, True, None, variables_modified={"x": 2})], 2),
        ([ExecutionResult(1, True, variables_modified={"x": 2}),
          ExecutionResult(0, True, variables_modified={"x": 1})], 2),
        ([ExecutionResult(0, True, 0)], 1),
        ([ExecutionResult(0, True)], 1),
        ([ExecutionResult(0, True)], 2),
        ([ExecutionResult(0, True), ExecutionResult(1, False, error="no")], 2),
        ([], 0),
    ],
)  # fmt: skip
def test_merging_as_on_the_host(results: list[ExecutionResult], expected: int) -> None:
    theirs = host.ResultMerger()
    for result in results:
        theirs.add_result(result)  # type: ignore[arg-type]
    assert merged(*results).merge(expected) == theirs.merge(expected)
    assert merged(*results).get_statistics() == theirs.get_statistics()


def test_the_last_result_of_a_chunk_counts() -> None:
    merger = merged(ExecutionResult(0, False, error="no"), ExecutionResult(0, True, 5))
    assert merger.merge(1) == (True, 5, {})
