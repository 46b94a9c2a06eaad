"""Zexus Parallel: runs Zexus bytecode on all cores, with the results of the host.

The public names are imported at their first use: this module is loaded at every start of Python (see
``attach``), so it must stay as cheap as an empty file. That is also why it has no ``from __future__`` import.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from zexus_parallel_plugin.config import ParallelConfig as ParallelConfig
    from zexus_parallel_plugin.errors import ConfigError as ConfigError
    from zexus_parallel_plugin.errors import ZexusParallelError as ZexusParallelError

# Public name -> module that defines it.
_EXPORTS = {
    "ConfigError": "zexus_parallel_plugin.errors",
    "ParallelConfig": "zexus_parallel_plugin.config",
    "ZexusParallelError": "zexus_parallel_plugin.errors",
}

__all__ = ["ConfigError", "ParallelConfig", "ZexusParallelError", "__version__"]


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
