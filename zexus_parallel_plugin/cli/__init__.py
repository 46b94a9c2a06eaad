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
    from zexus_parallel_plugin.errors import ZexusParallelError, complain, to_nowhere

    try:
        code = group.main(args=args, prog_name="zexus-parallel", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.Abort:
        complain("Aborted!")
        sys.exit(1)
    except click.ClickException as error:
        complain(f"Error: {' '.join(error.format_message().split())}")
        sys.exit(error.exit_code)
    except ZexusParallelError as error:
        complain(f"Error: {error}")
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output is gone; say nothing, not even when Python flushes at its end.
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        to_nowhere(1)
        complain(f"Error: {_reason(error)}")
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
