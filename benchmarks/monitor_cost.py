"""Measures what the monitor takes of a core, view by view, beside a large run that goes on.

    python benchmarks/monitor_cost.py [--tasks N] [--workers N] [--rate N] [--seconds S] [--size 120x40]

The monitor is a process of its own on a terminal of its own. Its journal has ``--tasks`` tasks at the start,
and gets ``--rate`` lines a second from then on, as the recorder of a run writes them: some at a time, four
times a second. What is told is CPU time of the process, so other load on the machine matters little: for the
start until the first picture with the run in it, for reading what is there, and for each view its part of a
core. The limits: under 1 s, and under 25 %.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from collections.abc import Callable

VIEWS = (
    "Overview",
    "Timeline",
    "Tasks",
    "Chunks",
    "Graph",
    "Functions",
    "Source",
    "Failures",
    "Output",
    "Log",
)
_MONITOR = "from zexus_parallel_plugin.cli import main; main()"
_EVERY = 0.25
_TICKS = os.sysconf("SC_CLK_TCK")


class Watched:
    """A monitor on a terminal of its own, and the journal that it watches."""

    def __init__(self, journal: Path, known: list[str], coming: list[str], rate: int, size: tuple[int, int]):
        journal.write_text("".join(known), encoding="ascii")
        self._file = journal.open("a", encoding="ascii")
        self._coming = coming
        self._rate = rate
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _MONITOR, "monitor", str(journal)],
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        os.close(theirs)

    def cpu(self) -> float:
        """CPU seconds of the monitor so far."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss(self) -> float:
        """Its memory, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1000 if found else 0.0

    def press(self, key: str) -> None:
        """Press a key."""
        os.write(self._terminal, key.encode())

    def until(self, over: Callable[[str], bool], seconds: float, *, write: bool = True) -> None:
        """Let the run go on, and read the screen, for some time or until something is on it."""
        end, screen, written = time.monotonic() + seconds, "", time.monotonic()
        while (now := time.monotonic()) < end and not over(screen):
            if write and now - written >= _EVERY:
                count = round(self._rate * (now - written))
                self._file.write("".join(self._coming[:count]))
                self._file.flush()
                del self._coming[:count]
                written = now
            if select.select([self._terminal], [], [], 0.05)[0]:
                screen = (screen + self._read())[-20000:]

    def _read(self) -> str:
        try:
            return os.read(self._terminal, 1 << 16).decode("utf-8", "replace")
        except OSError:  # nobody has the other end any more
            return ""

    def close(self) -> None:
        """End it."""
        self.press("q")
        self.until(lambda _screen: self.process.poll() is not None, 10, write=False)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._file.close()
        os.close(self._terminal)


def measure(watched: Watched, seconds: float, known: int) -> dict[str, float]:
    """CPU seconds of the start and of reading, and the part of a core for each view."""
    found: dict[str, float] = {}
    watched.until(lambda screen: "synthetic.zx" in screen, 60, write=False)
    found["start"], found["start, time"] = watched.cpu(), time.monotonic() - watched.began
    watched.press("3")
    watched.until(lambda screen: re.search(rf"{known}\b", screen) is not None, 120, write=False)
    watched.until(lambda _screen: False, 1.0, write=False)
    found["reading"] = watched.cpu() - found["start"]
    for number, view in enumerate(VIEWS):
        watched.press(f"{(number + 1) % 10}")
        watched.until(lambda _screen: False, 1.0)
        before, begin = watched.cpu(), time.monotonic()
        watched.until(lambda _screen: False, seconds)
        found[view] = (watched.cpu() - before) / (time.monotonic() - begin)
    found["memory"] = watched.rss()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--rate", type=int, default=640, help="lines a second that the run writes")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each view")
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    columns, _, rows = given.size.partition("x")
    more = round(given.rate * (given.seconds + 1.5) * len(VIEWS)) + given.rate
    from tests.journal.synthetic import Shape, lines

    shape = Shape(given.tasks + more, given.workers, length=0.1, ended=False)
    everything = lines(shape)
    cut = round(len(everything) * given.tasks / shape.tasks)
    known, coming = everything[:cut], everything[cut:]
    last = max(int(found) for line in known[-2000:] for found in re.findall(r'"e":"task".*?"id":(\d+)', line))
    results = []
    with tempfile.TemporaryDirectory() as place:
        for _ in range(given.runs):
            watched = Watched(
                Path(place) / "run.jsonl", known, list(coming), given.rate, (int(columns), int(rows))
            )
            try:
                results.append(measure(watched, given.seconds, last))
            finally:
                watched.close()
    size = f"{sum(map(len, known)) / 1e6:.0f} MB"
    print(f"{given.tasks} tasks, {given.workers} workers ({size}), {given.rate} lines/s, {given.size}")
    for name in results[0]:
        value = median(result[name] for result in results)
        shown = (
            f"{value:.1%}" if name in VIEWS else f"{value:.0f} MB" if name == "memory" else f"{value:.2f} s"
        )
        print(f"{name:<12}{shown:>8}")


if __name__ == "__main__":
    main()
