"""``zexus-parallel runs``: the runs whose journals are kept."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.journal.catalog import Run, Totals, find, runs, totals
from zexus_parallel_plugin.journal.places import directory, prune
from zexus_parallel_plugin.report.plain import printable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["runs_command"]

_COLORS = {"running": "cyan", "finished": "green", "failed": "red", "interrupted": "yellow", "gone": "yellow"}
_HEADINGS = ("run", "state", "started", "time", "tasks", "speed-up", "failures", "program")


@click.group("runs", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def runs_command(ctx: click.Context, as_json: bool) -> None:
    """List the runs whose journals are kept.

    The newest comes first. A run that is `gone` was ended from outside. Speed-ups are estimates: work done,
    divided by time.
    """
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError("--json is for the list; leave it out, or leave out the sub-command")
        return
    found = [(run, totals(run)) for run in runs()]
    if as_json:
        click.echo(json.dumps({"runs": [_record(run, total) for run, total in found]}, indent=2))
        return
    if not found:
        click.echo(f"There are no runs in {printable(str(directory()))}.")
        return
    rows = [_row(run, total) for run, total in found]
    widths = [max(len(row[column]) for row in [_HEADINGS, *rows]) for column in range(len(_HEADINGS))]
    for row in [_HEADINGS, *rows]:
        cells = [
            _aligned(cell, width, column)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        cells[1] = click.style(cells[1], fg=_COLORS.get(row[1]))
        click.echo("  ".join(cells).rstrip())


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if 3 <= column <= 6 else cell.ljust(width)


def _row(run: Run, total: Totals) -> tuple[str, ...]:
    return (
        printable(run.id),
        run.state,
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.start.time)),
        f"{total.seconds:.2f} s",
        str(total.tasks),
        "–" if total.speedup is None else f"{total.speedup:.2f}x",
        str(total.failed),
        printable(run.start.program or "–"),
    )


def _record(run: Run, total: Totals) -> dict[str, Any]:
    return {
        "run": run.id,
        "state": run.state,
        "journal": str(run.path),
        "bytes": run.size,
        "started": run.start.time,
        "pid": run.start.pid,
        "program": run.start.path or run.start.program,
        "workers": run.start.workers,
        "seconds": total.seconds,
        "tasks": total.tasks,
        "calls_committed": total.committed,
        "calls_thrown_away": total.thrown,
        "tasks_failed": total.failed,
        "speedup_estimate": total.speedup,
        "error": total.error,
        "left_to_host": total.left_to_host,
    }


@runs_command.command("rm", short_help="Remove the journals of runs.")
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Remove the journal of a run that goes on, too.")
def remove_command(names: tuple[str, ...], force: bool) -> None:
    """Remove the journals of runs, named by id or the beginning of one."""
    place = directory()
    known = {run.path: run for run in runs(place)}
    paths: dict[Path, Run] = {}
    for name in names:
        run = known.get(find(name, place))
        if run is None:
            raise ZexusParallelError(f"{name} is not a journal in {place}; remove it by hand")
        if run.state == "running" and not force:
            raise ZexusParallelError(
                f"the run {run.id} goes on; use --force to remove its journal all the same"
            )
        paths[run.path] = run
    for path, run in paths.items():
        _unlink(path)
        click.echo(f"removed {printable(run.id)}")


@runs_command.command("prune", short_help="Remove all journals but the latest ones.")
@click.option(
    "--keep", type=click.IntRange(min=0), required=True, metavar="N", help="Journals to keep; 0: none."
)
def prune_command(keep: int) -> None:
    """Remove the journals of all runs but the latest N; those of runs that go on stay."""
    removed = prune(keep)
    click.echo(
        f"removed {len(removed)} journal{'s' * (len(removed) != 1)} from {printable(str(directory()))}"
    )


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise ZexusParallelError(f"{path}: cannot be removed: {error.strerror}") from None
