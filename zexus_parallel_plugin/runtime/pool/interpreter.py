"""Starting a fresh interpreter as a worker or as a template."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from . import boot
from .hygiene import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def start_interpreter(
    role: str, pipe: int, transport: str, env: Mapping[str, str], stderr: int, preload: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    """Start Python on ``boot``; its standard input is the lifeline. Raises OSError."""
    executable, variables = sys.executable, {**os.environ, **env, MARKER: "1"}
    options: dict[str, Any] = {"pass_fds": (pipe,)}
    if sys.platform == "win32":
        base = getattr(sys, "_base_executable", executable)
        if base != executable:  # the launcher of a virtual environment would be a process in between
            variables["__PYVENV_LAUNCHER__"] = executable
            executable = base
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [pipe]})
        options = {"startupinfo": startup, "close_fds": True}
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    line = {
        "role": role, "pipe": pipe, "transport": transport, "path": sys.path, "env": dict(env), "preload":
        list(preload),
    }  # fmt: skip
    with _ctrl_c_blocked():  # the mask is inherited: no Ctrl-C can hit the child before it ignores it
        process = subprocess.Popen(
            [executable, *flags, "-c", boot.CODE],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr, env=variables, bufsize=0,
            **options,
        )  # fmt: skip
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it died at once, which is reported as any other death
        process.stdin.write(json.dumps(line).encode() + b"\n")
    return process


@contextlib.contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def close_lifeline(process: subprocess.Popen[bytes]) -> None:
    """Close the write end of a child's lifeline: it ends, if it has not yet."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
