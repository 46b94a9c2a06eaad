"""Errors of this project. Each message is one line that names the offending thing and says what to do."""

from __future__ import annotations

import os
import sys


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


def complain(text: str) -> None:
    """One line on standard error. Where that cannot be written, the exit code has to tell it alone."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        to_nowhere(2)


def to_nowhere(descriptor: int) -> None:
    """What is still to be written there is not: at its end Python would complain, or change the exit code."""
    null = os.open(os.devnull, os.O_WRONLY)
    if null != descriptor:
        os.dup2(null, descriptor)
        os.close(null)
