"""``zexus-parallel monitor``: watch a run, while it goes on or later."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zexus_parallel_plugin.journal.catalog import PlaceError, find
from zexus_parallel_plugin.journal.reader import read_start

if TYPE_CHECKING:
    from zexus_parallel_plugin.monitor.ink import Look

__all__ = ["has_terminal", "monitor_command", "terminal_look"]

REFRESH_SECONDS = (0.05, 60.0)
"""The shortest and the longest time between two looks at a run."""
_LEAST_WIDTH, _MOST_WIDTH = 60, 240


def _speed(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """A number above 0, with or without an ``x``."""
    if value is None:
        return None
    try:
        speed = float(value.rstrip("x×"))
    except ValueError:
        speed = 0.0
    if not 0.001 <= speed <= 1e6:
        raise click.BadParameter(f"{value!r} is no speed; use a number above 0 such as 1, 0.5 or 10x")
    return speed


def _seconds(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """A number of seconds, with or without an ``s``."""
    if value is None:
        return None
    least, most = REFRESH_SECONDS
    try:
        seconds = float(value.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not least <= seconds <= most:
        raise click.BadParameter(f"{value!r} is no time between two looks; use {least:g} to {most:g} seconds")
    return seconds


@click.command("monitor")
@click.argument("run", required=False, metavar="[RUN|FILE]")
@click.option("--once", is_flag=True, help="Print one screen of plain text.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--replay", callback=_speed, metavar="SPEED", help="Play the run from its beginning: 1, 10x, 0.5, …"
)
@click.option(
    "--refresh",
    callback=_seconds,
    metavar="SECONDS",
    help="Time between two looks at the run.  [default: 0.25]",
)
@click.option("--ascii", "ascii_only", is_flag=True, help="Use ASCII characters only.")
@click.option("--light", is_flag=True, help="Begin with the light theme.")
def monitor_command(
    run: str | None,
    once: bool,
    as_json: bool,
    replay: float | None,
    refresh: float | None,
    ascii_only: bool,
    light: bool,
) -> None:
    """Watch a run, while it goes on or later.

    RUN is the id of a run or the beginning of one, or the path of a journal. Without it, the newest run is
    shown, and the next one as soon as it starts. Watching never changes what is watched.
    """
    if once and as_json:
        raise click.UsageError("--once and --json cannot be used together; choose one")
    if replay is not None and (once or as_json):
        raise click.UsageError("--replay shows a run on the screen; leave out --once and --json")
    if refresh is not None and (once or as_json):
        raise click.UsageError("--refresh is about the screen; leave it out with --once and --json")
    if once or as_json:
        _look_once(find(run), as_json=as_json, ascii_only=ascii_only)
        return
    path = _existing(run, needed=replay is not None)
    if not has_terminal():
        raise click.UsageError(
            "the monitor needs a terminal; use --once or --json to print what it would show"
        )
    from zexus_parallel_plugin.monitor.tui.app import FRAME, MonitorApp

    look = terminal_look(ascii_only=ascii_only)
    app = MonitorApp(path, replay=replay, look=look, light=light, refresh=refresh or FRAME)
    app.run()
    if app.problem:
        raise PlaceError(app.problem)


def _existing(run: str | None, *, needed: bool) -> Path | None:
    """The journal that was named, or the newest one if there must be one."""
    if run is None and not needed:
        return None
    path = find(run)
    read_start(path)
    return path


def _look_once(path: Path, *, as_json: bool, ascii_only: bool) -> None:
    from zexus_parallel_plugin.monitor.feeds import LiveFeed
    from zexus_parallel_plugin.monitor.ink import plain
    from zexus_parallel_plugin.monitor.snapshot import page, record

    read_start(path)
    feed = LiveFeed(path)
    feed.step(3600.0)
    feed.close()
    if as_json:
        click.echo(json.dumps(record(feed.watch), indent=2, allow_nan=False))
        return
    room = max(_LEAST_WIDTH, min(_MOST_WIDTH, shutil.get_terminal_size((100, 30)).columns))
    look = terminal_look(ascii_only=ascii_only)
    click.echo("\n".join(plain(line) for line in page(feed.watch, look, room)))


def has_terminal() -> bool:
    """Whether there is a screen and a keyboard: the screen is written by the error output, too."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.__stderr__))


def terminal_look(*, ascii_only: bool = False) -> Look:
    """The characters for this terminal: ASCII if nothing else can be written, or is wanted."""
    from zexus_parallel_plugin.monitor.ink import ASCII, UNICODE

    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    if ascii_only or not encoding.startswith("utf") or os.environ.get("TERM") in {"linux", "dumb"}:
        return ASCII
    return UNICODE
