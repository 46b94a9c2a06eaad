"""``zexus-parallel bench``: a program on the bare host, on one worker and on all cores, side by side."""

from __future__ import annotations

import json
import platform
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zexus_parallel_plugin import __version__
from zexus_parallel_plugin.cli.measure import Comparison, Measured, Variant, backend, bare_host, compare
from zexus_parallel_plugin.cli.programs import program_argument
from zexus_parallel_plugin.config import HOST_GAS_LIMIT, available_cores, resolve_config
from zexus_parallel_plugin.host.version import host_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from zexus_parallel_plugin.config import ParallelConfig

__all__ = ["bench_command", "plan", "record"]

_HEADINGS = ("seconds", "median", "min–max", "start-up", "net", "vs host", "vs 1 worker")


@click.command("bench")
@program_argument()
@click.option(
    "--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each variant."
)
@click.option("--workers", metavar="N|auto", help="Workers of the last variant.  [default: all cores]")
@click.option("--gas-limit", metavar="N|unlimited", help="Gas that the program may use; not on the host.")
@click.option("--no-host", is_flag=True, help="Leave out the bare host.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def bench_command(
    file: Path, runs: int, workers: str | None, gas_limit: str | None, no_host: bool, as_json: bool
) -> int:
    """Compare the host, one worker and all cores on a program.

    Runs whole processes, interleaved, and compares what they print. The time of an empty program is measured
    alongside: net times are without it. The exit code is 1 if the outputs differ.
    """
    config = resolve_config(program=file, options={"worker_count": workers, "gas_limit": gas_limit})
    variants, skipped = plan(config, gas_limit, no_host=no_host)
    with _ended_by_terminate(), _progress() as progress:
        comparison = compare(file, variants, runs, progress=progress)
    if as_json:
        click.echo(json.dumps(record(file, config, comparison, skipped), indent=2))
    else:
        _show(file, comparison, skipped)
    return 1 if comparison.difference else 0


def plan(
    config: ParallelConfig, gas_limit: str | None, *, no_host: bool = False
) -> tuple[list[Variant], dict[str, str]]:
    """The variants to measure, and by name why another one is not."""
    variants: list[Variant] = []
    skipped: dict[str, str] = {}
    if no_host:
        skipped["host"] = "not wanted (--no-host)"
    elif config.gas_limit_value != HOST_GAS_LIMIT:
        shown = "unlimited" if config.gas_limit_value is None else f"{config.gas_limit_value:,}"
        skipped["host"] = f"the gas limit is {shown}, and that of the host is always {HOST_GAS_LIMIT:,}"
    else:
        variants.append(bare_host())
    variants.append(backend(1, gas_limit))
    if config.worker_count > 1:
        variants.append(backend(config.worker_count, gas_limit))
    else:
        skipped["workers"] = f"one worker is all there is ({config.origin('worker_count')})"
    return variants, skipped


def record(
    file: Path, config: ParallelConfig, comparison: Comparison, skipped: dict[str, str]
) -> dict[str, Any]:
    """What was measured, as plain values. Times are in seconds."""
    host, one = comparison.find("host"), comparison.find("workers-1")
    difference = comparison.difference
    return {
        "program": str(file),
        "cores": available_cores(),
        "gas_limit": config.gas_limit_value if config.gas_limit_value is not None else "unlimited",
        "versions": {"plugin": __version__, "zexus": host_version(), "python": platform.python_version()},
        "variants": [_variant_record(item, host, one) for item in comparison.measured],
        "skipped": skipped,
        "same_output": difference is None,
        "difference": None if difference is None else str(difference),
    }


def _variant_record(item: Measured, host: Measured | None, one: Measured | None) -> dict[str, Any]:
    return {
        "name": item.variant.name,
        "workers": item.variant.workers,
        "exit_code": item.exit_code,
        "runs": list(item.seconds),
        "median": item.median,
        "min": min(item.seconds),
        "max": max(item.seconds),
        "startup": item.startup,
        "net": item.net,
        "speedup_over_host": host and item.times_faster(host),
        "net_speedup_over_host": host and item.net_times_faster(host),
        "speedup_over_one_worker": one and item.times_faster(one),
        "net_speedup_over_one_worker": one and item.net_times_faster(one),
    }


def _show(file: Path, comparison: Comparison, skipped: dict[str, str]) -> None:
    runs = len(comparison.measured[0].seconds)
    counted = f"{runs} run{'s' * (runs > 1)} of each, interleaved"
    click.echo(f"{ascii(str(file))[1:-1]}: {counted}; cores: {available_cores()}")
    host, one = comparison.find("host"), comparison.find("workers-1")
    rows = [_row(item, host, one) for item in comparison.measured]
    if sys.stdout is not None and sys.stdout.isatty():
        _rich_table(rows)
    else:
        widths = [max(len(line[column]) for line in [_HEADINGS, *rows]) for column in range(len(_HEADINGS))]
        for line in [_HEADINGS, *rows]:
            cells = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
            click.echo("  ".join([line[0].ljust(widths[0]), *cells]).rstrip())
    click.echo("net, and in brackets: without the start-up, which is the time of an empty program")
    for name, reason in skipped.items():
        click.echo(f"{name} left out: {reason}")
    codes = sorted({item.exit_code for item in comparison.measured})
    if codes != [0]:
        click.echo(f"the program ends with exit code {', '.join(map(str, codes))}")
    if comparison.difference is None:
        click.echo("output: the same in all runs")
    else:
        click.echo(f"output: DIFFERS; {comparison.difference}")


def _row(item: Measured, host: Measured | None, one: Measured | None) -> tuple[str, ...]:
    cells = [
        item.variant.label,
        f"{item.median:.3f}",
        f"{min(item.seconds):.3f}–{max(item.seconds):.3f}",
        f"{item.startup:.3f}",
        f"{item.net:.3f}",
    ]
    for other in (host, one):
        if other is None or item is other or (other is one and item is host):
            cells.append("–")
        else:
            net = item.net_times_faster(other)
            cells.append(f"{item.times_faster(other):.2f}x ({'–' if net is None else f'{net:.2f}x'})")
    return tuple(cells)


def _rich_table(rows: list[tuple[str, ...]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading == _HEADINGS[0] else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line on the terminal that says what is running; nothing where standard error is not a terminal.

    It does not move: an animation would take time on the cores that are being measured.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _text: None
        return
    clear = "\r\x1b[2K"
    try:
        yield lambda text: click.echo(f"{clear}{text} …", nl=False, err=True)
    finally:
        click.echo(clear, nl=False, err=True)


@contextmanager
def _ended_by_terminate() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that the process being measured is ended too."""

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
