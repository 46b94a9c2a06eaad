"""Measures whole processes: a program on the bare host and on the backend, interleaved, outputs compared.

Each round runs every variant once, on the program and on an empty one, so that a disturbance of the machine
meets all variants alike and the start-up time belongs to the same minutes as the times it is subtracted from.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from zexus_parallel_plugin.cli import signals
from zexus_parallel_plugin.errors import ZexusParallelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "Comparison",
    "Difference",
    "MeasureError",
    "Measured",
    "Variant",
    "backend",
    "bare_host",
    "compare",
]

EMPTY_PROGRAM = "// nothing\n"


class MeasureError(ZexusParallelError):
    """A variant cannot be measured: the installation does not run even an empty program with it."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to run programs: the command line up to the program, and changes of the environment.

    Attributes:
        name: ``host`` or ``workers-N``.
        label: what people read.
        workers: worker processes, None on the bare host.
        arguments: of ``zexus``, up to the program.
        environment: variables to set; None removes one.
    """

    name: str
    label: str
    workers: int | None
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str | None], ...]

    def command(self, program: Path) -> list[str]:
        """The command line that runs a program."""
        return [sys.executable, "-m", "zexus", *self.arguments, str(program)]

    def full_environment(self) -> dict[str, str]:
        """Environment of the process: ours, with the changes."""
        environment = dict(os.environ)
        for name, value in self.environment:
            environment.pop(name, None)
            if value is not None:
                environment[name] = value
        return environment


def bare_host() -> Variant:
    """The host, without this project attached to it."""
    environment = (("ZEXUS_PARALLEL_DISABLE", "1"), ("ZEXUS_BACKEND", None))
    return Variant("host", "bare host", None, ("run",), environment)


def backend(workers: int, gas_limit: str | None = None) -> Variant:
    """The backend ``parallel`` with a number of workers."""
    arguments = ["run", "--backend", "parallel", "--workers", str(workers)]
    if gas_limit is not None:
        arguments += ["--gas-limit", gas_limit]
    label = "1 worker" if workers == 1 else f"{workers} workers"
    # Without a journal: those of the person's own runs are to be kept.
    environment = (
        ("ZEXUS_PARALLEL_DISABLE", None), ("ZEXUS_BACKEND", None), ("ZEXUS_PARALLEL_JOURNAL", "off"),
    )  # fmt: skip
    return Variant(f"workers-{workers}", label, workers, tuple(arguments), environment)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one variant. Times are in seconds, of whole processes."""

    variant: Variant
    seconds: tuple[float, ...]
    startup_seconds: tuple[float, ...]
    exit_code: int

    @property
    def median(self) -> float:
        """Median time of the program."""
        return median(self.seconds)

    @property
    def startup(self) -> float:
        """Median time of an empty program."""
        return median(self.startup_seconds)

    @property
    def net(self) -> float:
        """What the program takes beyond start-up; zero where that is lost in the noise."""
        return max(0.0, self.median - self.startup)

    def times_faster(self, than: Measured) -> float:
        """Speedup of whole processes over another variant."""
        return than.median / self.median

    def net_times_faster(self, than: Measured) -> float | None:
        """Speedup without start-up; None where a net time is so small that it says nothing."""
        if self.net < 0.05 * self.startup or than.net < 0.05 * than.startup:
            return None
        return than.net / self.net


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where the output of a run is not that of the first run of the first variant."""

    variant: Variant
    run: int
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        where = f"{self.variant.label}, run {self.run}: {self.what}"
        return f"{where}: expected {self.expected}, got {self.found}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of :func:`compare`."""

    measured: tuple[Measured, ...]
    difference: Difference | None

    def find(self, name: str) -> Measured | None:
        """The variant of a name, if it was measured."""
        return next((item for item in self.measured if item.variant.name == name), None)


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float
    exit_code: int
    output: bytes
    complaint: str


def compare(
    program: Path,
    variants: Sequence[Variant],
    runs: int,
    *,
    progress: Callable[[str], None] = lambda _text: None,
) -> Comparison:
    """Run the variants in turn, ``runs`` times, and compare what they print and their exit codes.

    :param progress: is told what is about to run.
    :raises MeasureError: a variant fails on an empty program.
    """
    seconds: dict[str, list[float]] = {variant.name: [] for variant in variants}
    startup: dict[str, list[float]] = {variant.name: [] for variant in variants}
    codes: dict[str, int] = {}
    reference: _Run | None = None
    difference: Difference | None = None
    with tempfile.TemporaryDirectory(prefix="zexus-bench-") as directory:
        empty = Path(directory) / "empty.zx"
        empty.write_text(EMPTY_PROGRAM, encoding="utf-8")
        # The first start of each variant fills caches (compiled modules, the disk's) and is not counted.
        for variant in variants:
            progress(f"warming up: {variant.label}")
            _check(variant, _run(variant, empty, directory))
        for number in range(1, runs + 1):
            for variant in variants:
                progress(f"run {number} of {runs}: {variant.label}")
                startup[variant.name].append(_check(variant, _run(variant, empty, directory)).seconds)
                run = _run(variant, program, directory)
                seconds[variant.name].append(run.seconds)
                codes[variant.name] = run.exit_code
                reference = reference or run
                difference = difference or _difference(reference, run, variant, number)
    return Comparison(
        tuple(
            Measured(variant, tuple(seconds[variant.name]), tuple(startup[variant.name]), codes[variant.name])
            for variant in variants
        ),
        difference,
    )


def _run(variant: Variant, program: Path, directory: str) -> _Run:
    # Files instead of pipes: nobody has to read along, which would take time from the cores being measured.
    with tempfile.TemporaryFile(dir=directory) as out, tempfile.TemporaryFile(dir=directory) as err:
        begin = time.perf_counter()
        with ExitStack() as stack:
            with signals.held():
                process = subprocess.Popen(
                    variant.command(program),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env=variant.full_environment(),
                    start_new_session=True,  # a group of its own, to be ended with all its children
                )
                stack.enter_context(_ended_with_us(process))
            code = process.wait()
        took = time.perf_counter() - begin
        out.seek(0)
        err.seek(0)
        complaints = err.read().decode("utf-8", "replace").split("\n")
        complaint = next((line.strip() for line in reversed(complaints) if line.strip()), "")
        return _Run(took, code, out.read(), complaint)


@contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the process and its children when the block is left early: by Ctrl-C, or by an exception."""
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _check(variant: Variant, run: _Run) -> _Run:
    if run.exit_code != 0:
        raise MeasureError(
            f"{variant.label}: an empty program ends with exit code {run.exit_code}"
            f"{f' ({run.complaint})' if run.complaint else ''}; see zexus-parallel doctor"
        )
    return run


def _difference(reference: _Run, run: _Run, variant: Variant, number: int) -> Difference | None:
    if run.output != reference.output:
        expected = reference.output.decode("utf-8", "replace").split("\n")
        found = run.output.decode("utf-8", "replace").split("\n")
        shared = min(len(expected), len(found))
        at = next((line for line in range(shared) if expected[line] != found[line]), shared)
        where = f"line {at + 1} of the output"
        return Difference(variant, number, where, _line(expected, at), _line(found, at))
    if run.exit_code != reference.exit_code:
        return Difference(variant, number, "exit code", str(reference.exit_code), str(run.exit_code))
    return None


def _line(lines: list[str], at: int) -> str:
    """A line as Python writes it, so that control characters do not reach the terminal."""
    return ascii(lines[at][:200]) if at < len(lines) else "the end"
