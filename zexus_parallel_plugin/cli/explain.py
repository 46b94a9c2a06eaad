"""``zexus-parallel explain``: what of a program runs in parallel, what does not, and why."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import click

from zexus_parallel_plugin.config import resolve_config
from zexus_parallel_plugin.explain.build import report
from zexus_parallel_plugin.explain.record import record
from zexus_parallel_plugin.explain.render import Paint, render
from zexus_parallel_plugin.explain.subject import load

__all__ = ["explain_command"]


@click.command("explain")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--workers", metavar="N|auto", help="Workers to reckon with.  [default: all cores]")
@click.option("-v", "--verbose", count=True, help="Say everything; twice: with the bytecode.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--assert-parallel",
    type=click.IntRange(min=0),
    metavar="N",
    help="End with exit code 1 if fewer than N chunks would run in parallel.",
)
def explain_command(
    file: Path, workers: str | None, verbose: int, as_json: bool, assert_parallel: int | None
) -> int:
    """Show what runs in parallel, what does not, and why.

    The program is compiled by the host, as `zexus run` does, and analysed; it is not executed. The margin of
    the listing has the number of the chunk that a line belongs to, and a mark for its verdict.
    """
    config = resolve_config(program=file, options={"worker_count": workers})
    subject = load(file, config)
    made = report(subject)
    if as_json:
        click.echo(json.dumps(record(made), indent=2))
    else:
        colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        width = shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 80
        click.echo(render(made, verbose=verbose, width=width, paint=Paint(colours)), nl=False)
    if assert_parallel is not None and len(made.parallel) < assert_parallel:
        found = len(made.parallel)
        click.echo(f"zexus-parallel: {found} of at least {assert_parallel} chunks run in parallel", err=True)
        return 1
    return 0
