"""A warm process that runs each program in a forked child of its own.

So every run starts from the same state, and a crash or a hang costs only that run. Started by
``judge.Judge``; speaks pickled requests and answers over its standard input and output.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import os
import pickle
import resource
import select
import shutil
import signal
import struct
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from typing import IO

from .outcome import CRASH, TIMEOUT, Outcome
from .process import CliRequest, CliResult, run_cli_here

_MEMORY_BYTES = 6 << 30
_STRAGGLER_SECONDS = 3.0
_LENGTH = struct.Struct("!Q")
_PR_SET_CHILD_SUBREAPER = 36

HOST = "host"
BACKEND = "backend"
PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Request:
    """One run: ``machine`` is ``host``, ``backend``, ``patient`` or a ``module:function``.

    ``exits`` is a plan of forced exits (`exits`), if any.
    """

    source: str
    machine: str = HOST
    settings: dict[str, object] = field(default_factory=dict)
    gas_limit: int = 100_000_000
    path: str = "program.zx"
    seconds: float = 20.0
    exits: str = ""


def main() -> None:
    """Serve requests until standard input ends."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    # Evaluator() of the host raises this; programs must find it raised before the first run as well
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 3000))
    scratch = tempfile.mkdtemp(prefix="judge-")
    tempfile.tempdir = scratch
    os.environ["TMPDIR"] = scratch
    _adopt_orphans()
    _warm_up()
    try:
        while True:
            try:
                request = pickle.load(requests)
            except EOFError:
                return
            pickle.dump(_run_in_child(request), answers)
            answers.flush()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _warm_up() -> None:
    """Import everything and build one evaluator, but run nothing: no thread may exist before the forks."""
    importlib.import_module("zexus.cli.main")
    harness = importlib.import_module(".harness", __package__)
    importlib.import_module("zexus.evaluator").Evaluator(use_vm=False)
    if harness.missing_backend() is None:
        importlib.import_module(harness.BACKEND_MODULE)
    # Without this every collection in a child would copy all pages of the parent
    gc.collect()
    gc.freeze()


def _run_in_child(request: Request | CliRequest) -> Outcome | CliResult:
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as errors:
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            _child(request, write_end, errors)
        os.close(write_end)
        answer, in_time = _receive(read_end, request.seconds)
        os.close(read_end)
        if not in_time:
            _ask_where_it_stands(child)
            _kill_group(child)
        _, status = os.waitpid(child, 0)
        errors.seek(0)
        text = errors.read().decode("utf-8", "backslashreplace")
    leftovers = 0 if not in_time else _stragglers(child)
    if not in_time:
        return Outcome(TIMEOUT, text=f"no end after {request.seconds} s", stderr=text)
    if not answer:
        return Outcome(CRASH, text=_describe_status(status), stderr=text, leftovers=leftovers)
    result: Outcome | CliResult = pickle.loads(answer)
    return replace(result, leftovers=leftovers) if isinstance(result, Outcome) else result


def _child(request: Request | CliRequest, write_end: int, errors: IO[bytes]) -> None:
    """Run the program and leave; never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        os.dup2(errors.fileno(), 2)
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, hard))
        faulthandler.register(signal.SIGUSR1, file=errors.fileno())
        answer = pickle.dumps(run_cli_here(request) if isinstance(request, CliRequest) else _run(request))
        view = memoryview(_LENGTH.pack(len(answer)) + answer)
        while view:
            view = view[os.write(write_end, view) :]
        code = 0
    except BaseException:  # the text goes to the parent by way of standard error
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _run(request: Request) -> Outcome:
    from . import harness

    if request.machine == HOST:
        factory = harness.host_factory
    elif request.machine == BACKEND:
        factory = harness.backend_factory(request.settings)
    elif request.machine == PATIENT:
        factory = harness.patient_factory(request.settings)
    else:
        module, _, name = request.machine.partition(":")
        factory = getattr(importlib.import_module(module), name)
    if not request.exits:
        return harness.run(request.source, factory, gas_limit=request.gas_limit, path=request.path)
    with importlib.import_module(".exits", __package__).forced(request.exits) as sites:
        outcome = harness.run(request.source, factory, gas_limit=request.gas_limit, path=request.path)
    counted = {"sites": len(sites.order), "exits_forced": sites.forced}
    return replace(outcome, notes={**outcome.notes, **counted})


def _receive(read_end: int, seconds: float) -> tuple[bytes, bool]:
    """Read the child's answer; empty if it left without one, False if the time is over before.

    The length comes first: processes that the run has left behind may keep the pipe open.
    """
    deadline = time.monotonic() + seconds
    data = b""
    while len(data) < _LENGTH.size or len(data) < _LENGTH.size + _LENGTH.unpack_from(data)[0]:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([read_end], [], [], left)[0]:
            return b"", False
        part = os.read(read_end, 1 << 20)
        if not part:
            return b"", True
        data += part
    return data[_LENGTH.size :], True


def _stragglers(group: int) -> int:
    """Return 1 if processes of the finished run live on for long (and end them), 0 if all is well."""
    deadline = time.monotonic() + _STRAGGLER_SECONDS
    while True:
        try:
            ended, _ = os.waitpid(-group, os.WNOHANG)
        except ChildProcessError:
            return 0
        if ended == 0:
            if time.monotonic() > deadline:
                _kill_group(group)
                return 1
            time.sleep(0.005)


def _adopt_orphans() -> None:
    """Let orphans of the runs become children of this process (Linux), so that they can be waited for."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _ask_where_it_stands(child: int) -> None:
    """Let a run that does not end write the stacks of its threads to its standard error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGUSR1)
        time.sleep(0.2)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _describe_status(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"killed by signal {os.WTERMSIG(status)}"
    return f"exit code {os.WEXITSTATUS(status)} without an answer"
