"""Puts the parts together when the host's command line is there: plugins, options, kernel.

``activate`` is called by ``attach`` (through its name) and by ``zexus-parallel run``. Whoever runs a
program on the host's own VM pays for three options and nothing else: plugins are looked for when something
asks for them.
"""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING, Any

import click

from zexus_parallel_plugin import contributions
from zexus_parallel_plugin.attach.host_run import (
    HOST_BACKEND,
    extend_run,
    extended_run,
    notice,
    parameter_name,
)
from zexus_parallel_plugin.config import PLUGINS_DISABLE_VARIABLE
from zexus_parallel_plugin.errors import BackendError, ZexusParallelError
from zexus_parallel_plugin.host.version import DISTRIBUTION, host_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from zexus_parallel_plugin.attach.host_run import Request
    from zexus_parallel_plugin.manager import Plugins
    from zexus_parallel_plugin.specs import BackendSpec, CliOption

__all__ = ["activate", "offer_all_settings", "register_opcodes"]


def activate(module: ModuleType) -> None:
    """Extend the commands ``run`` and ``kernel`` of the host; doing it again does nothing.

    Raises:
        HostError: the host's command is not the one we know.
    """
    if extended_run(module) is None:
        backends = _PluginBackends()
        extend_run(module, backends)
        _show_in_kernel(module, backends)


def offer_all_settings(module: ModuleType) -> None:
    """Offer every setting as an option of ``run``, after :func:`activate`."""
    extended = extended_run(module)
    if extended is not None:
        offered = {choice.flag for choice in extended.choices}
        every = contributions.options(all_settings=True)
        extended.add_options((item, _click_option(item)) for item in every if item.flag not in offered)


class _PluginBackends:
    """The backends of all plugins, for ``attach.host_run``."""

    def __init__(self) -> None:
        self._plugins: Plugins | None = None

    @property
    def plugins(self) -> Plugins:
        """All plugins; loaded at the first use."""
        if self._plugins is None:
            from zexus_parallel_plugin.manager import load_plugins

            self._plugins = load_plugins()
        return self._plugins

    def first_options(self) -> list[tuple[CliOption, click.Option]]:
        """The project's own options, for which no plugin is loaded."""
        return [(option, _click_option(option)) for option in contributions.options()]

    def more_options(self) -> list[tuple[CliOption, click.Option]]:
        """The options of all other plugins."""
        others = [option for option in self.plugins.options if option.backend != contributions.BACKEND]
        return [(option, _click_option(option)) for option in others]

    def names(self) -> list[str]:
        """Names of all backends but the host."""
        return list(self.plugins.backends)

    def open(self, request: Request) -> Callable[..., Any] | None:
        """What makes the VM; None if the backend was not verified with the installed host."""
        spec = self._find(request)
        config = spec.configure({choice.dest: value for choice, value in request.given}, request.program)
        version = host_version()
        if spec.host_versions and version not in spec.host_versions:
            notice(
                f"the backend {spec.name} was not verified with {DISTRIBUTION} {version}, only with"
                f" {', '.join(spec.host_versions)}; the host's own VM runs the program"
            )
            return None

        def create(**host_arguments: Any) -> Any:
            return spec.create_vm(config, **host_arguments)

        return create

    def _find(self, request: Request) -> BackendSpec:
        own = contributions.backend()
        if request.backend == own.name and not os.environ.get(PLUGINS_DISABLE_VARIABLE):
            return own
        spec = self.plugins.backends.get(request.backend)
        if spec is not None:
            return spec
        names = [HOST_BACKEND, *self.names()]
        near = difflib.get_close_matches(request.backend, names, n=1)
        suggestion = f"; did you mean {near[0]}?" if near else ""
        raise BackendError(
            f"{request.where} must be one of {', '.join(names)}, got {request.backend!r}{suggestion}"
        )


def _click_option(option: CliOption) -> click.Option:
    name = parameter_name(option.flag)
    if option.is_flag:
        return click.Option([f"{option.flag}/--no-{option.flag[2:]}", name], default=None, help=option.help)
    return click.Option([option.flag, name], metavar=option.metavar, help=option.help)


def register_opcodes(plugins: Plugins) -> None:
    """Register the plugins' opcodes in the host's kernel, a domain at a time.

    Raises:
        HostError: a domain of the host owns one of the numbers.
    """
    from zexus_parallel_plugin import __version__
    from zexus_parallel_plugin.host.kernel import register_domain

    for item in plugins.found:
        for domain in dict.fromkeys(opcode.domain for opcode in item.opcodes):
            opcodes = {op.number: (op.name, op.handler) for op in item.opcodes if op.domain == domain}
            register_domain(domain, item.version or __version__, opcodes, f"opcodes of {item.name}")


def _show_in_kernel(module: ModuleType, backends: _PluginBackends) -> None:
    """Have the host's command ``kernel`` register the opcodes before it lists the domains.

    Not earlier: a program can look at the kernel, and must find what it finds without this plugin.
    """
    command = getattr(module, "kernel_status", None)
    if not isinstance(command, click.Command) or command.callback is None:
        return
    host_callback = command.callback

    def callback(*args: Any, **kwargs: Any) -> Any:
        try:
            register_opcodes(backends.plugins)
        except ZexusParallelError as error:
            notice(str(error))
        return host_callback(*args, **kwargs)

    command.callback = callback
