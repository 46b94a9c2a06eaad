"""``zexus-parallel plugins``: what was found, and what it contributes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from zexus_parallel_plugin.manager import load_plugins

if TYPE_CHECKING:
    from zexus_parallel_plugin.manager import LoadedPlugin

__all__ = ["plugins_command"]


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def plugins_command(as_json: bool) -> None:
    """List the plugins and what they contribute.

    Plugins are packages with an entry point in the group `zexus.plugins`. Those named in the variable
    ZEXUS_PARALLEL_PLUGINS_DISABLE, separated by commas, are not loaded.
    """
    if as_json:
        plugins = load_plugins(warn=lambda _line: None)
        click.echo(json.dumps({"plugins": [_record(item) for item in plugins.found]}, indent=2))
        return
    for item in load_plugins(warn=lambda _line: None).found:
        click.echo("\n".join(_lines(item)))


def _record(item: LoadedPlugin) -> dict[str, Any]:
    return {
        "name": item.name,
        "distribution": item.distribution,
        "version": item.version,
        "status": item.status,
        "problems": item.problems,
        "backends": [{"name": spec.name, "help": spec.help} for spec in item.backends],
        "options": [
            {"flag": option.flag, "backend": option.backend, "help": option.help} for option in item.options
        ],
        "opcodes": [
            {"number": op.number, "name": op.name, "domain": op.domain, "help": op.help}
            for op in item.opcodes
        ],
    }


def _lines(item: LoadedPlugin) -> list[str]:
    origin = f" ({item.distribution} {item.version})" if item.distribution else ""
    rows = [("backend", spec.name, spec.help) for spec in item.backends]
    rows += [("option", option.flag, option.help) for option in item.options]
    rows += [("opcode", f"{op.number} {op.name}", op.help) for op in item.opcodes]
    room = max((len(name) for _, name, _ in rows), default=0)
    lines = [f"{item.name}{origin}: {item.status}"]
    lines += [f"  {kind:<7} {name:<{room}} {text}" for kind, name, text in rows]
    lines += [f"  problem {problem}" for problem in item.problems]
    return lines
