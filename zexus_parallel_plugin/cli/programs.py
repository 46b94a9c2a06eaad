"""The argument FILE of commands that read a program more than once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["program_argument"]

_Function = TypeVar("_Function", bound="Callable[..., Any]")


def _is_file(_context: click.Context, _parameter: click.Parameter, path: Path) -> Path:
    """Refuse what can be read once only, or never ends."""
    if not path.is_file():
        raise click.BadParameter(f"{str(path)!r} is not a file; a pipe or a device can only be read once")
    return path


def program_argument() -> Callable[[_Function], _Function]:
    """The decorator: a program, which is there, readable, and an ordinary file."""
    kind = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
    return click.argument("file", type=kind, callback=_is_file)
