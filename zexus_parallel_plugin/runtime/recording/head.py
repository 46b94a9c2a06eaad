"""The first and the last things that a journal says of a run."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin import __version__
from zexus_parallel_plugin.config import available_cores
from zexus_parallel_plugin.host.version import host_version
from zexus_parallel_plugin.journal import VERSION
from zexus_parallel_plugin.journal.processes import mark_of

if TYPE_CHECKING:
    from zexus_parallel_plugin.config import ParallelConfig

__all__ = ["outcome", "source_fields", "start_fields", "text_of"]

_LINES_KEPT = 20_000
_CHARACTERS_KEPT = 1_000_000


def text_of(program: str) -> str:
    """The text of a program; empty if there is none that could be read a second time, after the host."""
    file = Path(program)
    try:
        return file.read_text(encoding="utf-8", errors="replace") if program and file.is_file() else ""
    except OSError:
        return ""


def start_fields(config: ParallelConfig, run: str) -> dict[str, Any]:
    """The fields of ``run.start``. Nothing of the environment is in it but the settings."""
    fields: dict[str, Any] = {
        "v": VERSION,
        "run": run,
        "time": round(time.time(), 3),
        "pid": os.getpid(),
        "started": mark_of(os.getpid()),
        "program": config.program,
        "path": _absolute(config.program),
        "workers": config.worker_count,
        "cores": available_cores(),
        "config": config.to_dict(),
        "versions": {
            "plugin": __version__,
            "zexus": host_version() or "",
            "python": platform.python_version(),
        },
        "system": f"{platform.system()} {platform.machine()}",
    }
    limit = config.gas_limit_value
    if limit is not None:
        fields["gas_limit"] = limit
    return fields


def source_fields(program: str, text: str) -> dict[str, Any]:
    """The fields of ``source``."""
    lines = text[:_CHARACTERS_KEPT].split("\n")
    fields: dict[str, Any] = {
        "path": _absolute(program),
        "sha256": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        "lines": lines[:_LINES_KEPT],
    }
    if len(text) > _CHARACTERS_KEPT or len(lines) > _LINES_KEPT:
        fields["cut"] = True
    return fields


def _absolute(program: str) -> str:
    return str(Path(program).absolute()) if program else ""


def outcome(error: BaseException | None, told: str) -> tuple[str, int]:
    """State and exit code of a command that ends with this exception, or none.

    :param told: the error with which the program has ended, as text.
    """
    if isinstance(error, SystemExit):
        code = error.code
        number = code if isinstance(code, int) else 0 if code is None else 1
        return ("failed" if number else "finished"), number
    if isinstance(error, KeyboardInterrupt) or told.startswith("KeyboardInterrupt"):
        return "interrupted", 1
    return ("finished", 0) if error is None else ("failed", 1)
