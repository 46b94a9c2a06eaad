"""The monitor on a real terminal: a pseudo terminal, and the programs as people start them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.conftest import clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROGRAM = """\
action weigh(n) {
    let total = 0;
    let i = 0;
    while (i < 3000) { total = (total * 31 + n * i) % 1000003; i = i + 1; }
    return total;
}
let found = [];
for each n in range(40) { found = push(found, weigh(n)); }
print("the last one is " + string(found[39]));
"""
PATIENCE = 120.0


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, arguments: list[str], cwd: Path, env: dict[str, str]) -> None:
        self.screen, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 110, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "zexus_parallel_plugin", *arguments],
            stdin=side, stdout=side, stderr=side, cwd=cwd, start_new_session=True,
            env={**clean_environment(), "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **env},
        )  # fmt: skip
        os.close(side)
        self.seen = ""

    def wait_for(self, words: str) -> None:
        """Read until the words have been written."""
        end = time.monotonic() + PATIENCE
        while words not in self.seen:
            assert time.monotonic() < end, self.seen[-2000:]
            if not self._read():
                break
        assert words in self.seen, self.seen[-2000:]

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.screen, keys.encode())

    def end(self) -> int:
        """Read the rest; the exit code."""
        end = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < end, self.seen[-2000:]
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        if not select.select([self.screen], [], [], 1.0)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self.screen, 1 << 16)
        except OSError:  # Linux: nobody has the other side any more
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)

    def close(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        os.close(self.screen)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        opened.append(Terminal(list(arguments), tmp_path, {"XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"]}))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_it_starts_shows_and_leaves(terminal: Callable[..., Terminal], journal: Callable[..., Path]) -> None:
    shown = terminal("monitor", str(journal(tasks=20)))
    shown.wait_for("synthetic.zx")
    shown.press("3")
    shown.wait_for("committed")
    shown.press("q")
    assert shown.end() == 0
    assert "\x1b[?1049l" in shown.seen  # the terminal is as it was


def test_a_program_runs_inside_its_monitor(
    terminal: Callable[..., Terminal], program: Callable[..., Path]
) -> None:
    file = str(program(PROGRAM))
    shown = terminal("run", "--monitor", "--workers", "2", "--tier", "interpreter", file)
    assert shown.end() == 0
    plain = shown.seen.rpartition("\x1b[?1049l")[2]
    assert "\x1b[?1049h" in shown.seen
    assert "the last one is" in plain
    assert "finished" in plain.splitlines()[-4]


def test_who_ends_the_monitor_by_a_signal_ends_the_program(
    terminal: Callable[..., Terminal], program: Callable[..., Path]
) -> None:
    shown = terminal("run", "--monitor", str(program("let i = 0;\nwhile (i < 1) { i = i * 1; }\n")))
    shown.wait_for("\x1b[?1049h")
    (child,) = psutil.Process(shown.process.pid).children()
    shown.process.send_signal(signal.SIGTERM)
    assert shown.end() == 128 + signal.SIGTERM
    assert "\x1b[?1049l" in shown.seen  # the terminal is as it was
    assert not child.is_running()


def test_who_leaves_the_monitor_gets_the_output_as_it_comes(
    terminal: Callable[..., Terminal], program: Callable[..., Path]
) -> None:
    # After the error the host executes the program once more, without any VM, so it must be a short one.
    file = str(program(PROGRAM.replace("3000", "300") + 'require(1 == 2, "wrong");\n'))
    shown = terminal("run", "--monitor", "--workers", "2", "--tier", "interpreter", file)
    shown.wait_for("\x1b[?1049h")
    shown.wait_for("palette")
    shown.press("q")
    assert shown.end() == 1  # the exit code of the program
    assert "the last one is" in shown.seen.rpartition("\x1b[?1049l")[2]
