"""Zexus Parallel: runs Zexus bytecode on all cores, with the results of the host.

The public names are imported at their first use: this module is loaded at every start of Python (see
``attach``), so it must stay as cheap as an empty file. That is also why it has no ``from __future__`` import.

PYTEST_DONT_REWRITE: without this word, pytest would warn that the module is loaded already.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from zexus_parallel_plugin.api.chunks import BytecodeChunker as BytecodeChunker
    from zexus_parallel_plugin.api.chunks import DependencyAnalyzer as DependencyAnalyzer
    from zexus_parallel_plugin.api.merger import ResultMerger as ResultMerger
    from zexus_parallel_plugin.api.pool import WorkerPool as WorkerPool
    from zexus_parallel_plugin.api.records import BytecodeChunk as BytecodeChunk
    from zexus_parallel_plugin.api.records import ExecutionMetrics as ExecutionMetrics
    from zexus_parallel_plugin.api.records import ExecutionMode as ExecutionMode
    from zexus_parallel_plugin.api.records import ExecutionResult as ExecutionResult
    from zexus_parallel_plugin.api.shared import SharedState as SharedState
    from zexus_parallel_plugin.api.vm import ParallelVM as ParallelVM
    from zexus_parallel_plugin.api.vm import execute_parallel as execute_parallel
    from zexus_parallel_plugin.config import ParallelConfig as ParallelConfig
    from zexus_parallel_plugin.errors import ConfigError as ConfigError
    from zexus_parallel_plugin.errors import ZexusParallelError as ZexusParallelError

# Public name -> module that defines it.
_EXPORTS = {
    "BytecodeChunk": "zexus_parallel_plugin.api.records",
    "BytecodeChunker": "zexus_parallel_plugin.api.chunks",
    "ConfigError": "zexus_parallel_plugin.errors",
    "DependencyAnalyzer": "zexus_parallel_plugin.api.chunks",
    "ExecutionMetrics": "zexus_parallel_plugin.api.records",
    "ExecutionMode": "zexus_parallel_plugin.api.records",
    "ExecutionResult": "zexus_parallel_plugin.api.records",
    "ParallelConfig": "zexus_parallel_plugin.config",
    "ParallelVM": "zexus_parallel_plugin.api.vm",
    "ResultMerger": "zexus_parallel_plugin.api.merger",
    "SharedState": "zexus_parallel_plugin.api.shared",
    "WorkerPool": "zexus_parallel_plugin.api.pool",
    "ZexusParallelError": "zexus_parallel_plugin.errors",
    "execute_parallel": "zexus_parallel_plugin.api.vm",
}

__all__ = [
    "BytecodeChunk",
    "BytecodeChunker",
    "ConfigError",
    "DependencyAnalyzer",
    "ExecutionMetrics",
    "ExecutionMode",
    "ExecutionResult",
    "ParallelConfig",
    "ParallelVM",
    "ResultMerger",
    "SharedState",
    "WorkerPool",
    "ZexusParallelError",
    "__version__",
    "execute_parallel",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    module = _EXPORTS.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    return sorted({*globals(), *_EXPORTS})
