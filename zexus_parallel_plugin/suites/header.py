"""What a suite says about itself, in comments at its beginning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zexus_parallel_plugin.errors import ZexusParallelError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Expectations", "HeaderError", "read_header"]

_FIELD = re.compile(r"//\s*(expect-[\w-]+|needs|setting):\s*(.*?)\s*$")
_OUTPUT_LINE = re.compile(r"//\s*\|(?: (.*))?$")
_FIELDS = ("expect-exit", "expect-chunks", "expect-output", "needs", "setting")


class HeaderError(ZexusParallelError):
    """A suite says something about itself that nobody understands."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What must be so after a suite has run.

    Attributes:
        exit_code: of the command.
        output: everything that it prints, None if that is not said.
        chunks: chunks and calls that at least are to be done by workers, if there are two of them.
        needs_parallel: it uses functions that only the backend parallel has.
        settings: settings of the backend that it is to be run with, by name.
    """

    exit_code: int = 0
    output: str | None = None
    chunks: int = 0
    needs_parallel: bool = False
    settings: tuple[tuple[str, str], ...] = ()


def read_header(path: Path, source: str) -> Expectations:
    """The expectations of a suite; everything that it does not mention has its default.

    :raises HeaderError: names the file, the line, and what would be right.
    """
    numbers: dict[str, int] = {}
    output: list[str] | None = None
    needs_parallel = False
    settings: dict[str, str] = {}
    for number, line in enumerate(source.splitlines(), 1):
        if line.strip() and not line.startswith("//"):
            break
        where = f"{path}:{number}"
        printed = _OUTPUT_LINE.match(line)
        if printed is not None and output is not None:
            output.append(printed.group(1) or "")
            continue
        field = _FIELD.match(line)
        if field is None:
            continue
        name, value = field.groups()
        if name in {"expect-exit", "expect-chunks"}:
            if not value.isdigit():
                raise HeaderError(f"{where}: {name} must be a whole number, got {value!r}")
            numbers[name] = int(value)
        elif name == "expect-output":
            output = []
        elif name == "needs":
            if value != "parallel":
                raise HeaderError(f"{where}: needs must be 'parallel', got {value!r}")
            needs_parallel = True
        elif name == "setting":
            key, equals, setting = value.partition("=")
            if not equals:
                raise HeaderError(f"{where}: setting must be NAME=VALUE, got {value!r}")
            settings[key.strip()] = setting.strip()
        else:
            raise HeaderError(f"{where}: there is no field {name!r}; there are {', '.join(_FIELDS)}")
    return Expectations(
        numbers.get("expect-exit", 0),
        None if output is None else "".join(line + "\n" for line in output),
        numbers.get("expect-chunks", 0),
        needs_parallel,
        tuple(settings.items()),
    )
