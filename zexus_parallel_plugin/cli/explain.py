"""``zexus-parallel explain``: what of a program runs in parallel, what does not, and why."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import click

from zexus_parallel_plugin.cli.programs import program_argument
from zexus_parallel_plugin.config import resolve_config
from zexus_parallel_plugin.explain import code
from zexus_parallel_plugin.explain.build import report
from zexus_parallel_plugin.explain.compiled import compiled
from zexus_parallel_plugin.explain.measured import measure
from zexus_parallel_plugin.explain.record import record
from zexus_parallel_plugin.explain.render import render
from zexus_parallel_plugin.explain.subject import load
from zexus_parallel_plugin.explain.text import Paint

__all__ = ["explain_command"]


@click.command("explain")
@program_argument()
@click.option("--workers", metavar="N|auto", help="Workers to reckon with.  [default: all cores]")
@click.option("--gas-limit", metavar="N|unlimited", help="Gas that the program may use, for --run.")
@click.option("-v", "--verbose", count=True, help="Say everything; twice: with the bytecode.")
@click.option(
    "--run", "run_it", is_flag=True, help="Execute the program once, too, and add what was measured."
)
@click.option(
    "--compiled", "show_compiled", is_flag=True, help="Add the Python functions that it is compiled to."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--assert-parallel",
    type=click.IntRange(min=0),
    metavar="N",
    help="End with exit code 1 if fewer than N chunks would run in parallel.",
)
def explain_command(
    file: Path,
    workers: str | None,
    gas_limit: str | None,
    verbose: int,
    run_it: bool,
    show_compiled: bool,
    as_json: bool,
    assert_parallel: int | None,
) -> int:
    """Show what runs in parallel, what does not, and why.

    The program is compiled by the host, as `zexus run` does, and analysed; it is not executed. The margin of
    the listing has the number of the chunk that a line belongs to, and a mark for its verdict.

    With --run it is executed afterwards, and what it prints is dropped.

    The exit code is 1 for a program that the host rejects.
    """
    config = resolve_config(program=file, options={"worker_count": workers, "gas_limit": gas_limit})
    subject = load(file, config)
    made = report(subject)
    engine = subject.view is not None
    units = compiled(subject) if show_compiled and engine else []
    if run_it and engine:
        measure(subject, made)
    if as_json:
        click.echo(json.dumps(record(made, units), indent=2))
    else:
        terminal = sys.stdout is not None and sys.stdout.isatty()
        paint = Paint(terminal and not os.environ.get("NO_COLOR"))
        width = shutil.get_terminal_size((80, 24)).columns if terminal else 80
        click.echo(render(made, verbose=verbose, width=width, paint=paint), nl=False)
        if verbose > 1 and engine:
            click.echo(code.bytecode(subject.instructions()), nl=False)
        if units:
            click.echo(code.units(units, width, paint), nl=False)
    if assert_parallel is not None and len(made.parallel) < assert_parallel:
        found = len(made.parallel)
        click.echo(f"zexus-parallel: {found} of at least {assert_parallel} chunks run in parallel", err=True)
        return 1
    return 1 if made.rejected else 0
