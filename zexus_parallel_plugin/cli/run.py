"""``zexus-parallel run``: the host's own ``run``, with the backend chosen and every setting an option."""

from __future__ import annotations

import os
from contextlib import redirect_stdout
from pathlib import Path

import click

from zexus_parallel_plugin import contributions
from zexus_parallel_plugin.activation import activate, offer_all_settings
from zexus_parallel_plugin.host.command import load_command_module

__all__ = ["run_command"]

_HELP_WORDS = {"-h", "--help"}
_MONITOR = "--monitor"
_MONITOR_HELP = "Show the monitor while the program runs, its output afterwards."


class _HostRun(click.Command):
    """Takes its arguments unparsed: the host's command parses them, with our options among its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["arguments"] = args
        return []


@click.command("run", cls=_HostRun, add_help_option=False)
@click.pass_context
def run_command(ctx: click.Context, arguments: list[str]) -> object:
    """Run a program on all cores: the host's `run`, with the backend parallel."""
    if not arguments:
        raise click.UsageError("Missing argument 'FILE'; see zexus-parallel run --help")
    asks_for_help = any(word in _HELP_WORDS for word in _before_program(arguments))
    if not asks_for_help and _MONITOR in _before_file(arguments):
        from zexus_parallel_plugin.cli.monitored import run_monitored

        arguments.remove(_MONITOR)
        return run_monitored(arguments)
    if asks_for_help:
        # The host prints a warning when it is imported, which is no part of the help.
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            module = load_command_module()
    else:
        module = load_command_module()
    activate(module)
    offer_all_settings(module)
    words = ["--help"] if asks_for_help else ["--backend", contributions.BACKEND, *arguments]
    shown = [click.Option([_MONITOR], is_flag=True, help=_MONITOR_HELP)] if asks_for_help else []
    module.run.params += shown  # only for the help: the host's function does not know it
    backend = next(option for option in module.run.params if "--backend" in option.opts)
    default = backend.default
    if asks_for_help:
        backend.default = contributions.BACKEND  # that of this command
    try:
        return module.cli.main(
            args=["run", *words], prog_name=ctx.find_root().info_name, standalone_mode=False
        )
    finally:
        backend.default = default
        for option in shown:
            module.run.params.remove(option)


def _before_program(arguments: list[str]) -> list[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _before_file(arguments: list[str]) -> list[str]:
    """The words that cannot be the program's own: up to ``--`` or a Zexus file."""
    for number, word in enumerate(arguments):
        if word == "--" or word.endswith(".zx"):
            return arguments[:number]
    return arguments
