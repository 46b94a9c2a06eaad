"""Extends the host's command line when it is there. ``attach`` calls :func:`activate`, by its name.

Loaded at every start of the host's command line, so it imports the rest when a command line asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zexus_parallel_plugin.attach.host_run import extend_run, extended_run, notice
from zexus_parallel_plugin.errors import ZexusParallelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from zexus_parallel_plugin.attach.host_run import Request
    from zexus_parallel_plugin.backends import PluginBackends
    from zexus_parallel_plugin.specs import CliOption

__all__ = ["activate", "offer_all_settings"]


def activate(module: ModuleType) -> None:
    """Extend the commands ``run`` and ``kernel`` of the host; doing it again does nothing.

    Raises:
        HostError: the host's command is not the one we know.
    """
    if extended_run(module) is None:
        backends = _LazyBackends()
        extend_run(module, backends)
        _show_in_kernel(module, backends)


def offer_all_settings(module: ModuleType) -> None:
    """Offer every setting as an option of ``run``, after :func:`activate`.

    Raises:
        HostError: the host has an option of such a name.
    """
    from zexus_parallel_plugin.backends import setting_options

    extended = extended_run(module)
    assert extended is not None
    extended.extend()
    offered = {choice.flag for choice in extended.choices}
    extended.add_options(pair for pair in setting_options(all_settings=True) if pair[0].flag not in offered)


class _LazyBackends:
    """The backends of all plugins, imported at the first use."""

    def __init__(self) -> None:
        self._backends: PluginBackends | None = None

    @property
    def backends(self) -> PluginBackends:
        if self._backends is None:
            from zexus_parallel_plugin.backends import PluginBackends

            self._backends = PluginBackends()
        return self._backends

    def first_options(self) -> Iterable[tuple[CliOption, click.Option]]:
        return self.backends.first_options()

    def more_options(self) -> Iterable[tuple[CliOption, click.Option]]:
        return self.backends.more_options()

    def names(self) -> list[str]:
        return self.backends.names()

    def open(self, request: Request) -> Callable[..., Any] | None:
        return self.backends.open(request)


def _show_in_kernel(module: ModuleType, lazy: _LazyBackends) -> None:
    """Have the host's command ``kernel`` register the opcodes before it lists the domains.

    Not earlier: a program can look at the kernel, and must find what it finds without this plugin.
    """
    command = getattr(module, "kernel_status", None)
    if not isinstance(command, click.Command) or command.callback is None:
        return
    host_callback = command.callback

    def callback(*args: Any, **kwargs: Any) -> Any:
        try:
            lazy.backends.register_opcodes()
        except ZexusParallelError as error:
            notice(str(error))
        return host_callback(*args, **kwargs)

    command.callback = callback
