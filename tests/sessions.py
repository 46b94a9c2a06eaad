"""Programs in sessions of their own: what belongs to them can be found, and none of it may be left over."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from tests.conftest import clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_PATIENCE_SECONDS = 120


def as_at_a_terminal() -> None:
    """In a new process: have Ctrl-C end it, also where the tests run in the background of a shell, which has
    its processes ignore that.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def processes_of(session: int) -> list[int]:
    """Live processes of a session."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (OSError, psutil.Error):
            continue
    return found


def left_over(session: int, seconds: float = _PATIENCE_SECONDS) -> list[int]:
    """Processes of a session whose leader has ended, after a moment."""
    deadline = time.monotonic() + seconds
    while True:
        found = processes_of(session)
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def cpu_seconds(process: psutil.Process) -> float:
    """CPU time of a process; none if it has gone."""
    try:
        return float(sum(process.cpu_times()[:2]))
    except psutil.Error:
        return 0.0


class Running:
    """A program that runs, with its journals and temporary files beside it."""

    def __init__(
        self, place: Path, source: str, words: Sequence[str], before: Callable[[], None] | None = None
    ) -> None:
        """``words`` is the command; ``before`` is called in the new process before it becomes that."""

        def prepare() -> None:
            as_at_a_terminal()
            if before is not None:
                before()

        self.file = place / "program.zx"
        self.file.write_text(source, encoding="utf-8")
        environment = {
            **clean_environment(),
            "PYTHONUNBUFFERED": "1",
            "XDG_RUNTIME_DIR": str(place),
            "TMPDIR": str(place),
        }
        self.process = subprocess.Popen(
            [*words, str(self.file)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
            start_new_session=True, preexec_fn=prepare,  # noqa: PLW1509 - it takes no locks
        )  # fmt: skip

    def workers(self, count: int, *, busy: int, seconds: float) -> list[psutil.Process]:
        """Its processes without children, once there are ``count`` and ``busy`` of them have used so much
        CPU time.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            leaves = [child for child in self.children() if _is_leaf(child)]
            if len(leaves) >= count and sum(cpu_seconds(leaf) > seconds for leaf in leaves) >= busy:
                return leaves
            time.sleep(0.02)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        raise AssertionError(self.process.communicate())

    def children(self) -> list[psutil.Process]:
        """All processes that come from it."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.Error:
            return []

    def finish(self, seconds: float = _PATIENCE_SECONDS) -> tuple[bytes, bytes, int]:
        """What it has printed, and its exit code, after its end; nothing of it is left."""
        out, err = self.process.communicate(timeout=seconds)
        assert left_over(self.process.pid) == []
        return out, err, self.process.returncode

    def end(self) -> None:
        """End it, however it is."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()


@contextmanager
def all_ended() -> Iterator[list[Running]]:
    """A list: whatever is put there ends with the context."""
    started: list[Running] = []
    try:
        yield started
    finally:
        for program in started:
            program.end()


def _is_leaf(process: psutil.Process) -> bool:
    try:
        return not process.children()
    except psutil.Error:
        return False
