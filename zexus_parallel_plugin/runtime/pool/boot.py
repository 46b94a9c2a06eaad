"""Entry of processes that start as a fresh interpreter; the user's main module is never run again."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any, NoReturn

from .endpoint import ConnectionEndpoint, Endpoint, SocketEndpoint
from .hygiene import detach_stdio, mark, reset_signals, watch_lifeline
from .worker import run_worker

# Reads one line of JSON from standard input, which stays open as the lifeline, then imports this module.
CODE = """\
import json, os, sys
line = b""
while not line.endswith(b"\\n"):
    piece = os.read(0, 65536)
    if not piece:
        os._exit(79)
    line += piece
boot = json.loads(line)
sys.path[:] = boot["path"]
from zexus_parallel_plugin.runtime.pool.boot import main
main(boot)
"""


def main(boot: dict[str, Any]) -> NoReturn:
    """Become what ``boot`` says (role: template or worker) and never return."""
    reset_signals()
    mark(boot["env"])
    lifeline = os.dup(0)
    crash = None
    if sys.platform != "win32":
        crash = os.dup(2)  # what the main process gave as standard error
        os.set_blocking(crash, False)
    detach_stdio(crash)
    if boot["role"] == "template":
        from .template import run_template

        run_template(socket.socket(fileno=boot["pipe"]), lifeline, boot["preload"])
    watch_lifeline(lifeline)
    os._exit(run_worker(_endpoint(boot)))


def _endpoint(boot: dict[str, Any]) -> Endpoint:
    if boot["transport"] == "socket":
        end = socket.socket(fileno=boot["pipe"])
        end.set_inheritable(False)
        return SocketEndpoint(end)
    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection

        return ConnectionEndpoint(PipeConnection(boot["pipe"]))
    from multiprocessing.connection import Connection

    os.set_inheritable(boot["pipe"], False)
    return ConnectionEndpoint(Connection(boot["pipe"]))
