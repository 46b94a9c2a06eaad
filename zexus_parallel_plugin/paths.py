"""What there is at a path, for paths that a person gave: what cannot be looked at is not there.

Before Python 3.14 :class:`pathlib.Path` raises where a name is too long, or where it may not look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["exists", "is_directory", "is_file"]


def exists(path: Path) -> bool:
    """Whether something is there."""
    try:
        return path.exists()
    except OSError:
        return False


def is_directory(path: Path) -> bool:
    """Whether it is a directory."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Whether it is an ordinary file."""
    try:
        return path.is_file()
    except OSError:
        return False
