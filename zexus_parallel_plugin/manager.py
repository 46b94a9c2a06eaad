"""Finds and loads plugins. One that fails is a warning with its name, never a crash."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from zexus_parallel_plugin import __version__, plugin
from zexus_parallel_plugin.attach.host_run import notice
from zexus_parallel_plugin.config import PLUGINS_DISABLE_VARIABLE
from zexus_parallel_plugin.hookspecs import ENTRY_POINT_GROUP, PROJECT, ZexusHooks
from zexus_parallel_plugin.specs import BackendSpec, CliOption, OpcodeSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["OWN_NAME", "LoadedPlugin", "Plugins", "disabled_names", "load_plugins"]

OWN_NAME = "parallel"
"""Name of this project's own plugin, which is there even where no metadata of the installation is."""

Status = Literal["active", "disabled", "failed"]


@dataclass(slots=True)
class LoadedPlugin:
    """A plugin that was found, and what became of it."""

    name: str
    distribution: str
    version: str
    status: Status = "active"
    problems: list[str] = field(default_factory=list)
    backends: list[BackendSpec] = field(default_factory=list)
    options: list[CliOption] = field(default_factory=list)
    opcodes: list[OpcodeSpec] = field(default_factory=list)


@dataclass(slots=True)
class Plugins:
    """All plugins, and what the active ones contribute; what clashes is left out."""

    found: list[LoadedPlugin] = field(default_factory=list)

    @property
    def backends(self) -> dict[str, BackendSpec]:
        """The backends by name."""
        return {spec.name: spec for item in self.found for spec in item.backends}

    @property
    def options(self) -> list[CliOption]:
        """The options of all backends."""
        return [option for item in self.found for option in item.options]

    @property
    def opcodes(self) -> list[OpcodeSpec]:
        """The opcodes of all domains."""
        return [opcode for item in self.found for opcode in item.opcodes]


def disabled_names(environ: Mapping[str, str]) -> set[str]:
    """Names of the plugins that the environment switches off."""
    return {name.strip() for name in environ.get(PLUGINS_DISABLE_VARIABLE, "").split(",") if name.strip()}


def load_plugins(environ: Mapping[str, str] | None = None, warn: Callable[[str], None] = notice) -> Plugins:
    """Load all plugins: this project's own first, then by name.

    Args:
        environ: where ``ZEXUS_PARALLEL_PLUGINS_DISABLE`` is looked up.
        warn: gets one line for each plugin, or part of one, that is left out.
    """
    return _Loader(os.environ if environ is None else environ, warn).load()


class _Loader:
    def __init__(self, environ: Mapping[str, str], warn: Callable[[str], None]) -> None:
        self.disabled = disabled_names(environ)
        self.warn = warn
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(ZexusHooks)
        self.plugins = Plugins()

    def load(self) -> Plugins:
        self._add(LoadedPlugin(OWN_NAME, "zexus-parallel-plugin", __version__), lambda: plugin)
        entry_points = metadata.entry_points(group=ENTRY_POINT_GROUP)
        for entry_point in sorted(entry_points, key=lambda item: (item.name, item.value)):
            if entry_point.value == plugin.__name__:
                continue
            dist = entry_point.dist
            item = LoadedPlugin(entry_point.name, dist.name if dist else "", dist.version if dist else "")
            self._add(item, entry_point.load)
        return self.plugins

    def _add(self, item: LoadedPlugin, load: Callable[[], Any]) -> None:
        taken = any(other.name == item.name for other in self.plugins.found)
        self.plugins.found.append(item)
        if item.name in self.disabled:
            item.status = "disabled"
            return
        if taken:
            self._fail(item, "another plugin has the same name")
            return
        try:
            # What a plugin prints must not become part of the program's output.
            with redirect_stdout(sys.stderr):
                implementation = load()
                self.manager.register(implementation, item.name)
                self.manager.check_pending()
                self._collect(item, implementation)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a broken plugin must not stop the others
            if self.manager.has_plugin(item.name):
                self.manager.unregister(name=item.name)
            item.backends, item.options, item.opcodes = [], [], []
            self._fail(item, f"{type(error).__name__}: {error}")

    def _fail(self, item: LoadedPlugin, why: str) -> None:
        item.status = "failed"
        self._leave_out(item, "", why)

    def _leave_out(self, item: LoadedPlugin, what: str, why: str) -> None:
        why = " ".join(why.split())
        item.problems.append(f"{what}: {why}" if what else why)
        origin = f" of {item.distribution}" if item.distribution not in ("", item.name) else ""
        self.warn(f"plugin {item.name}{origin} is left out: {item.problems[-1]}")

    def _collect(self, item: LoadedPlugin, implementation: object) -> None:
        others = [other for other in self.manager.get_plugins() if other is not implementation]

        def records(hook: str, kind: type) -> list[Any]:
            caller = self.manager.subset_hook_caller(hook, others)
            answers: Iterable[Iterable[Any]] = caller()
            found = [record for answer in answers for record in answer]
            for record in found:
                if not isinstance(record, kind):
                    raise TypeError(f"{hook} returned {record!r}, which is not a {kind.__name__}")
            return found

        known = self.plugins
        for spec in records("zexus_backends", BackendSpec):
            if spec.name in known.backends:
                self._leave_out(item, f"backend {spec.name}", "another plugin has it")
            else:
                item.backends.append(spec)
        for option in records("zexus_cli_options", CliOption):
            if any(option.flag == other.flag for other in known.options):
                self._leave_out(item, f"option {option.flag}", "another plugin has it")
            elif option.backend not in known.backends:
                self._leave_out(item, f"option {option.flag}", f"there is no backend {option.backend}")
            else:
                item.options.append(option)
        for opcode in records("zexus_opcodes", OpcodeSpec):
            if any(opcode.number == other.number for other in known.opcodes):
                self._leave_out(item, f"opcode {opcode.number}", "another plugin has it")
            else:
                item.opcodes.append(opcode)
