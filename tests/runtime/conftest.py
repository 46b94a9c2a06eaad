"""What tests of the run time share."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(autouse=True)
def _no_garbage_of_others(request: pytest.FixtureRequest) -> None:
    """Objects of earlier tests are finalised now, and not at the limit of recursion, where that fails."""
    if "deep_recursion" in request.node.name:
        gc.collect()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers come to short programs, too."""
    monkeypatch.setattr("zexus_parallel_plugin.runtime.late._SOON_SECONDS", 0.02)
