"""The group of commands. The module of a command is imported when it is used, so each starts quickly."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec

import click

__all__ = ["COMMANDS", "Entry", "group"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: ``module:attribute`` of its click command, and what the list of commands says about it."""

    target: str
    help: str

    @property
    def module(self) -> str:
        """Full name of the module."""
        return "zexus_parallel_plugin." + self.target.partition(":")[0]


# In the order of the help. To add a command, add a line.
COMMANDS: dict[str, Entry] = {
    "run": Entry("cli.run:run_command", "Run a program on all cores."),
    "monitor": Entry("cli.monitor:monitor_command", "Watch a run, while it goes on or later."),
    "runs": Entry("cli.runs:runs_command", "List the runs whose journals are kept."),
    "report": Entry("cli.report:report_command", "Tell what happened in a run; HTML, trace, job log, JSON."),
    "explain": Entry("cli.explain:explain_command", "Show what runs in parallel, what does not, and why."),
    "test": Entry("cli.test:test_command", "Run test suites written in Zexus."),
    "bench": Entry("cli.bench:bench_command", "Compare the host, one worker and all cores on a program."),
    "doctor": Entry("cli.doctor:doctor_command", "Check the installation, and the backend against the host."),
    "plugins": Entry("cli.plugins:plugins_command", "List the plugins and what they contribute."),
    "version": Entry("cli.version:version_command", "Show the versions of the plugin, the host and Python."),
}


class LazyGroup(click.Group):
    """A group whose commands are in :data:`COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of the commands that are there, in the order of the table."""
        return [name for name, entry in COMMANDS.items() if find_spec(entry.module) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        entry = COMMANDS[cmd_name]
        command = getattr(import_module(entry.module), entry.target.partition(":")[2])
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with a suggestion for a misspelled command."""
        names = self.list_commands(ctx)
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in names:
            near = get_close_matches(name, names, n=1)
            suggestion = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
            raise click.UsageError(f"there is no command {name!r}{suggestion}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])


def _version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """``--version`` is what people try first; it does as the command does."""
    if wanted and not ctx.resilient_parsing:
        from zexus_parallel_plugin.cli.version import show_versions

        show_versions()
        ctx.exit()


@click.command(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="The same backend is on the host's own command: zexus run --backend parallel file.zx",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show versions."
)
@click.pass_context
def group(ctx: click.Context) -> None:
    """Run Zexus programs on all cores, with the output of the host."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
