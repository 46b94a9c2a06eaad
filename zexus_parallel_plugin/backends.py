"""The backends of all plugins, as ``attach.host_run`` asks for them; loads plugins when it must."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from zexus_parallel_plugin import contributions
from zexus_parallel_plugin.attach.host_run import HOST_BACKEND, notice, parameter_name
from zexus_parallel_plugin.config import PLUGINS_DISABLE_VARIABLE
from zexus_parallel_plugin.errors import BackendError
from zexus_parallel_plugin.host.version import DISTRIBUTION, host_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.attach.host_run import Request
    from zexus_parallel_plugin.manager import Plugins
    from zexus_parallel_plugin.specs import BackendSpec, CliOption

__all__ = ["PluginBackends", "register_opcodes", "setting_options"]


class PluginBackends:
    """What can be chosen, and what makes the VM of a choice."""

    def __init__(self, plugins: Plugins | None = None) -> None:
        self._plugins = plugins

    @property
    def plugins(self) -> Plugins:
        """All plugins; loaded at the first use."""
        if self._plugins is None:
            from zexus_parallel_plugin.manager import load_plugins

            self._plugins = load_plugins()
        return self._plugins

    def first_options(self) -> list[tuple[CliOption, click.Option]]:
        """The project's own options, for which no plugin is loaded."""
        return setting_options()

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

    def register_opcodes(self) -> None:
        """Register the opcodes of all plugins in the host's kernel."""
        register_opcodes(self.plugins)

    def _find(self, request: Request) -> BackendSpec:
        own = contributions.backend()
        if request.backend == own.name and not os.environ.get(PLUGINS_DISABLE_VARIABLE):
            return own
        spec = self.plugins.backends.get(request.backend)
        if spec is not None:
            return spec
        from difflib import get_close_matches

        names = [HOST_BACKEND, *self.names()]
        near = get_close_matches(request.backend, names, n=1)
        suggestion = f"; did you mean {near[0]}?" if near else ""
        raise BackendError(
            f"{request.where} must be one of {', '.join(names)}, got {request.backend!r}{suggestion}"
        )


def setting_options(*, all_settings: bool = False) -> list[tuple[CliOption, click.Option]]:
    """The settings that ``zexus run`` offers, or all of them."""
    options = contributions.options(all_settings=all_settings)
    return [(option, _click_option(option)) for option in options]


def register_opcodes(plugins: Plugins) -> None:
    """Register the plugins' opcodes in the host's kernel, a domain at a time.

    Raises:
        HostError: a domain of the host owns one of the numbers.
    """
    from zexus_parallel_plugin.host.kernel import register_domain

    for item in plugins.found:
        for domain in dict.fromkeys(opcode.domain for opcode in item.opcodes):
            opcodes = {op.number: (op.name, op.handler) for op in item.opcodes if op.domain == domain}
            register_domain(domain, item.version, opcodes, f"opcodes of {item.name}")


def _click_option(option: CliOption) -> click.Option:
    name = parameter_name(option.flag)
    if option.is_flag:
        return click.Option([f"{option.flag}/--no-{option.flag[2:]}", name], default=None, help=option.help)
    if option.flag_value:
        return click.Option(
            [option.flag, name], is_flag=True, flag_value=option.flag_value, default=None, help=option.help
        )
    return click.Option([option.flag, name], metavar=option.metavar, help=option.help)
