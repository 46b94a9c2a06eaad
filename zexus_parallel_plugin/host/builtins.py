"""The host's builtins, as its command line gives them to its VM."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from zexus.evaluator import Evaluator


@lru_cache(maxsize=1)
def standard_builtins() -> dict[str, Any]:
    """Builtins by name. One set per process; a couple of milliseconds once the host is imported."""
    return dict(Evaluator(use_vm=False).builtins)
