"""Errors of this project. Each message is one line that names the offending thing and says what to do."""

from __future__ import annotations


class ZexusParallelError(Exception):
    """Base of all errors that this project raises on purpose.

    ``str(error)`` is one line for the person at the terminal; commands print it without a traceback.
    """


class ConfigError(ZexusParallelError, ValueError):
    """A configuration value, key or file is wrong; the message names its origin and what would be right."""


class PluginError(ZexusParallelError):
    """A plugin could not be loaded, or two plugins claim the same name."""


class BackendError(ZexusParallelError):
    """A backend does not exist or could not make its virtual machine."""


class HostError(ZexusParallelError):
    """The host package ``zexus`` is missing, or is not what its version says."""
