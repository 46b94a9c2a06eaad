"""``zexus-parallel report``: what happened in a run, for people and for other programs."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.journal.catalog import find
from zexus_parallel_plugin.report.load import load

if TYPE_CHECKING:
    from zexus_parallel_plugin.report.load import Loaded

__all__ = ["report_command", "write"]

_FILE: dict[str, Any] = {"metavar": "FILE", "type": click.Path(dir_okay=False, allow_dash=True)}


@click.command("report")
@click.argument("run", required=False, metavar="[RUN|FILE]")
@click.option("--html", **_FILE, help="A page for a browser: one file that needs no network.")
@click.option("--trace", **_FILE, help="A Chrome trace, for ui.perfetto.dev.")
@click.option("--joblog", **_FILE, help="A job log like that of GNU parallel.")
@click.option("--prometheus", **_FILE, help="Totals for the textfile collector of Prometheus' node exporter.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def report_command(
    run: str | None,
    html: str | None,
    trace: str | None,
    joblog: str | None,
    prometheus: str | None,
    as_json: bool,
) -> None:
    """Tell what happened in a run; HTML, trace, job log, JSON.

    RUN is the id of a run or the beginning of one, or the path of a journal; without it, it is the newest
    run. Without options the report is text. A FILE may be `-` for standard output.
    """
    given = {"html": html, "trace": trace, "joblog": joblog, "prometheus": prometheus}
    wanted = {kind: target for kind, target in given.items() if target is not None}
    dashes = [f"--{kind}" for kind, target in wanted.items() if target == "-"]
    if as_json:
        dashes.append("--json")
    if len(dashes) > 1:
        raise click.UsageError(f"{' and '.join(dashes)} would be mixed up on standard output; name files")
    loaded = load(find(run))
    for kind, target in wanted.items():
        write(target, render(kind, loaded))
    if as_json or not wanted:
        click.echo(render("json" if as_json else "text", loaded), nl=False)


def render(kind: str, run: Loaded) -> str:
    """A report as text."""
    if kind == "html":
        from zexus_parallel_plugin.report.html import page

        return page(run)
    if kind == "trace":
        from zexus_parallel_plugin.report.trace import trace

        return json.dumps(trace(run), separators=(",", ":")) + "\n"
    if kind == "joblog":
        from zexus_parallel_plugin.report.tables import joblog

        return joblog(run)
    if kind == "prometheus":
        from zexus_parallel_plugin.report.tables import prometheus

        return prometheus(run)
    if kind == "json":
        from zexus_parallel_plugin.report.document import document

        return json.dumps(document(run), indent=1) + "\n"
    from zexus_parallel_plugin.report.text import text_report

    return text_report(run)


def write(target: str, text: str) -> None:
    """Write a file, all of it or nothing: readers never see half of it. ``-`` is standard output.

    A link stays a link, and what is no file, such as a pipe or a device, is written to as it is.

    :raises ZexusParallelError: it cannot be written.
    """
    if not target:
        raise ZexusParallelError("the name of a file to write is empty")
    if target == "-":
        click.echo(text, nl=False)
        return
    try:
        path = Path(target).resolve()
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_text(text, encoding="utf-8")
            return
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise ZexusParallelError(f"{target}: cannot be written: {error.strerror}") from None
    click.echo(f"{target} written", err=True)
