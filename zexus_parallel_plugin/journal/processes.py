"""Which process a number means: the one that was started when its mark says so."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["is_running", "mark_of"]


def mark_of(pid: int) -> str:
    """When a process was started, as a text to compare; empty if that cannot be found out.

    On Linux: the boot, and the clock ticks from there to its start (``/proc/<pid>/stat``, field 22).
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        fields = stat[stat.rindex(b")") + 2 :].split()
        if fields[0] in {b"Z", b"X"}:
            return ""
        return f"{_boot()}/{fields[19].decode('ascii')}"
    except (OSError, ValueError, IndexError):
        return ""


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()[:8]
    except OSError:
        return ""


def is_running(pid: int, mark: str) -> bool:
    """Whether a process is there and is the one that was meant. Without a mark, any process of that number
    counts.
    """
    if pid <= 0:
        return False
    if mark:
        return mark_of(pid) == mark
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
