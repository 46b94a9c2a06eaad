"""The client of the warm process: asks for runs and compares them."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from .outcome import CRASH, TIMEOUT, Outcome, differences
from .process import CliRequest, CliResult
from .server import BACKEND, HOST, PATIENT, Request

if TYPE_CHECKING:
    from typing_extensions import Self

    from .harness import Configuration

_TESTS = Path(__file__).resolve().parent.parent


class Judge:
    """A context manager that owns one warm process. Not for use from several threads."""

    def __init__(self, *, seconds: float = 20.0, environment: Mapping[str, str] | None = None) -> None:
        self.seconds = seconds
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the warm process; it removes its scratch directory itself."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def host(self, source: str, *, gas_limit: int = 100_000_000, path: str = "program.zx") -> Outcome:
        """Run on the bare host's VM."""
        return self.run(Request(source, HOST, {}, gas_limit, path, self.seconds))

    def backend(
        self,
        source: str,
        settings: Mapping[str, object],
        *,
        gas_limit: int = 100_000_000,
        path: str = "program.zx",
        machine: str = BACKEND,
        exits: str = "",
    ) -> Outcome:
        """Run on the backend's VM, or on what another factory (``module:function``) creates."""
        return self.run(Request(source, machine, dict(settings), gas_limit, path, self.seconds, exits))

    def configured(
        self, source: str, configuration: Configuration, *, gas_limit: int, path: str = "program.zx"
    ) -> Outcome:
        """Run on the backend in one of the judge's configurations."""
        machine = PATIENT if configuration.patient else BACKEND
        settings, exits = configuration.settings, configuration.exits
        return self.backend(source, settings, gas_limit=gas_limit, path=path, machine=machine, exits=exits)

    def run(self, request: Request) -> Outcome:
        """Run one request."""
        outcome = self._ask(request)
        assert isinstance(outcome, Outcome)
        return outcome

    def command(self, path: str, backend: str, cwd: Path) -> CliResult:
        """Run the host's own command; RuntimeError if it crashes or does not end."""
        result = self._ask(CliRequest(path, backend, str(cwd), self.seconds))
        if isinstance(result, CliResult):
            return result
        raise RuntimeError(f"zexus run {path} with backend {backend}: {result}")

    def _start(self) -> None:
        environment = {**os.environ, **self._environment}
        parts = [str(_TESTS), str(_TESTS.parent), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(part for part in parts if part)
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from {__package__}.server import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    def _ask(self, request: Request | CliRequest) -> object:
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump(request, self._process.stdin)
            self._process.stdin.flush()
            return pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError) as error:
            self.close()
            raise RuntimeError(f"the warm process ended unexpectedly during {request!r}") from error


__all__ = ["CRASH", "TIMEOUT", "Judge", "Outcome", "Request", "differences"]
