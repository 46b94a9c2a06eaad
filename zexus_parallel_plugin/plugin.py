"""The project as a plugin: implementations of the hooks, named by its entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin import contributions
from zexus_parallel_plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from zexus_parallel_plugin.specs import BackendSpec, CliOption, OpcodeSpec

__all__ = ["zexus_backends", "zexus_cli_options", "zexus_opcodes"]


@hookimpl
def zexus_opcodes() -> list[OpcodeSpec]:
    """The six opcodes."""
    return contributions.opcodes()


@hookimpl
def zexus_backends() -> list[BackendSpec]:
    """The backend ``parallel``."""
    return [contributions.backend()]


@hookimpl
def zexus_cli_options() -> list[CliOption]:
    """The settings that are worth an option of ``zexus run``."""
    return contributions.options()
