"""Shared by all tests: commands in processes of their own, and freedom from the person's environment."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    stdout: str
    stderr: str
    code: int


def clean_environment() -> dict[str, str]:
    """The process's environment without settings of this project and the host."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ZEXUS")}


@pytest.fixture(scope="session", autouse=True)
def _no_journals_of_the_person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs of tests keep their journals in a directory of the tests, whichever process they are in."""
    place = tmp_path_factory.mktemp("runtime")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(place))
        yield


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    for name in list(os.environ):
        if name.startswith("ZEXUS"):
            monkeypatch.delenv(name)


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Finished]:
    """Run Python with arguments, in an empty directory; returns what it printed and its exit code."""

    def run(
        *arguments: str,
        env: Mapping[str, str] | None = None,
        python: str | Path = sys.executable,
        cwd: Path = tmp_path,
        timeout: float = 120,
    ) -> Finished:
        process = subprocess.run(
            [str(python), *arguments],
            capture_output=True,
            check=False,
            cwd=cwd,
            encoding="utf-8",
            env={**clean_environment(), **(env or {})},
            stdin=subprocess.DEVNULL,
            timeout=timeout,
        )
        return Finished(process.stdout, process.stderr, process.returncode)

    return run


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Write a Zexus program and return its path."""

    def write(text: str, name: str = "program.zx") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write
