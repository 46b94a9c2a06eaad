"""Making the recorder of a run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from zexus_parallel_plugin.runtime.recorder import OFF, Recorder

if TYPE_CHECKING:
    from zexus_parallel_plugin.config import ParallelConfig
    from zexus_parallel_plugin.journal.writer import JournalWriter
    from zexus_parallel_plugin.runtime.recording.console import Console

__all__ = ["open_recorder"]


def open_recorder(config: ParallelConfig, *, command: bool = True) -> Recorder:
    """What records a run with this configuration. It never fails: without a journal the run is the same.

    :param command: the run is that of a command. For a program in Python nothing appears on the terminal, and
        there is a journal only where the configuration names a place for it.
    """
    console: Console | None = None
    if command and not config.quiet and _on_terminal():
        from zexus_parallel_plugin.runtime.recording.console import Console

        console = Console()

    def complain(text: str) -> None:
        if console is not None:
            console.say(f"zexus-parallel: {text}")

    writer: JournalWriter | None = None
    if config.journal != "off" and (command or config.journal != "auto"):
        from zexus_parallel_plugin.journal.writer import open_journal

        try:
            target = "" if config.journal == "auto" else config.journal
            writer = open_journal(target, config.journal_keep)
        except Exception as error:  # noqa: BLE001 - whatever it is, the program can run
            complain(f"no journal: {error}")
    if writer is None and console is None:
        return OFF
    from zexus_parallel_plugin.runtime.recording.live import LiveRecorder

    return LiveRecorder(config, writer, console, complain)


def _on_terminal() -> bool:
    """Whether standard error is a terminal."""
    try:
        return bool(sys.stderr.isatty())
    except (AttributeError, ValueError):
        return False
