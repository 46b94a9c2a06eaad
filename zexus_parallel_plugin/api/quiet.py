"""The host's builtins, without what the host prints when it makes its first evaluator."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

from zexus_parallel_plugin.host import builtins

__all__ = ["standard_builtins"]


def standard_builtins() -> dict[str, Any]:
    """Builtins by name, as the host's command line has them.

    The host warns on standard output about a library that it misses. In somebody else's process that is not
    the program's output.
    """
    with redirect_stdout(io.StringIO()):
        return builtins.standard_builtins()
