"""Making the recorder of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.runtime.recorder import OFF, Recorder
from zexus_parallel_plugin.runtime.recording.console import Console, on_terminal

if TYPE_CHECKING:
    from zexus_parallel_plugin.config import ParallelConfig
    from zexus_parallel_plugin.journal.writer import JournalWriter

__all__ = ["open_recorder"]


def open_recorder(config: ParallelConfig) -> Recorder:
    """What records a run with this configuration. It never fails: without a journal the run is the same."""
    console = None if config.quiet or not on_terminal() else Console()

    def complain(text: str) -> None:
        if console is not None:
            console.say(f"zexus-parallel: {text}")

    writer: JournalWriter | None = None
    if config.journal != "off":
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
