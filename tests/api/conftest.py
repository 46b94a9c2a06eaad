"""Worker pools that the tests of a module share, since starting one takes a while; none is left behind."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil
import pytest

from zexus_parallel_plugin import ExecutionMode, ParallelVM, WorkerPool

if TYPE_CHECKING:
    from collections.abc import Iterator

# What Python itself starts for multiprocessing, once for all tests.
_OF_PYTHON = ("resource_tracker", "forkserver")


def children() -> set[int]:
    found = set()
    for child in psutil.Process().children(recursive=True):
        try:
            if not any(word in " ".join(child.cmdline()) for word in _OF_PYTHON):
                found.add(child.pid)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> Iterator[None]:
    before = children()
    yield
    deadline = time.monotonic() + 10
    while children() - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert children() - before == set()


@pytest.fixture(scope="module")
def pool(nothing_left: None) -> Iterator[WorkerPool]:
    with WorkerPool(2) as one:
        yield one


@pytest.fixture(scope="module")
def machines(nothing_left: None) -> Iterator[dict[ExecutionMode, ParallelVM]]:
    """One VM for each mode, with workers that stay."""
    made = {mode: ParallelVM(worker_count=2, chunk_size=4, execution_mode=mode) for mode in ExecutionMode}
    for vm in made.values():
        vm.__enter__()
    yield made
    for vm in made.values():
        vm.close()
