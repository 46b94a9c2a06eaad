"""The command ``zexus-parallel``."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit: 0 if it worked, 2 for wrong usage, otherwise what the command says.

    An error is one line on standard error, never a traceback.
    """
    import click

    from zexus_parallel_plugin.cli.commands import group
    from zexus_parallel_plugin.errors import ZexusParallelError

    try:
        code = group.main(args=args, prog_name="zexus-parallel", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.Abort:
        click.echo("Aborted!", err=True)
        sys.exit(1)
    except click.ClickException as error:
        click.echo(f"Error: {' '.join(error.format_message().split())}", err=True)
        sys.exit(error.exit_code)
    except ZexusParallelError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output is gone; say nothing, not even when Python flushes at its end.
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        # What is still to be written goes nowhere: Python would complain again at its end.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        click.echo(f"Error: {_reason(error)}", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _reason(error: OSError) -> str:
    """What the system would not do, in one line."""
    if error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, FileNotFoundError):
        try:
            os.getcwd()  # noqa: PTH109 - it is asked whether there is one
        except FileNotFoundError:
            return "the current directory is not there any more"
    return error.strerror or str(error)
