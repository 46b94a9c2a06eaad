"""The hooks of this family of plugins.

A plugin is a module or object named by an entry point of the group ``zexus.plugins``; it implements any of
the hooks below with :data:`hookimpl` and returns records. A small one:

    from zexus_parallel_plugin.hookspecs import BackendSpec, hookimpl

    @hookimpl
    def zexus_backends():
        return [BackendSpec("quiet", "The host's VM without its JIT.", create_vm=make_quiet_vm)]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

from zexus_parallel_plugin.specs import BackendSpec, CliOption, OpcodeSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ENTRY_POINT_GROUP",
    "PROJECT",
    "BackendSpec",
    "CliOption",
    "OpcodeSpec",
    "ZexusHooks",
    "hookimpl",
    "hookspec",
]

PROJECT = "zexus"
ENTRY_POINT_GROUP = "zexus.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class ZexusHooks:
    """The hooks. A plugin implements those that it has something for; each returns records."""

    @hookspec
    def zexus_opcodes(self) -> Iterable[OpcodeSpec]:  # type: ignore[empty-body]
        """Opcodes to register in the host's kernel."""

    @hookspec
    def zexus_backends(self) -> Iterable[BackendSpec]:  # type: ignore[empty-body]
        """Backends to offer."""

    @hookspec
    def zexus_cli_options(self) -> Iterable[CliOption]:  # type: ignore[empty-body]
        """Options to add to ``zexus run``."""
