"""Room for the frames of a program, in one piece.

From Python 3.11 on, the frames of Python functions lie in blocks of 16 KiB; a block that is full is followed
by a new one, which is given back when its first frame ends (``push_chunk`` and ``_PyThreadState_PopFrame`` in
``Python/pystate.c``). Where a loop calls a function right at the end of a block, each call gets and returns
one, and takes two hundred times as long (``benchmarks/frames.py``). How deep that is depends on everything
below, so that it happens to a program in one run and not in another. A frame that needs more than a block
gets one of its own, whose size is the next power of two: what it does not need is left to the frames above
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_WORDS = 1 << 16
"""What the frame below asks for, in words: half a megabyte, so that about as much is left."""


def with_room(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function so that all frames above it lie in one block, those of some thousand calls."""
    return _large(function, args)


def _large(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return function(*args)


_large.__code__ = _large.__code__.replace(co_stacksize=_WORDS)
