"""What copies and the main process say to each other, in frames of the pool."""

from __future__ import annotations

import pickle
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from zexus_parallel_plugin.runtime.snapshot import dumps

if TYPE_CHECKING:
    from zexus_parallel_plugin.runtime.pool.frames import Bytes

NULL: Final = dumps(None)
"""The value of a shared variable that nobody has written."""


class Ask(IntEnum):
    """What a copy asks; the frame's number. The name of the variable is the frame's extra part."""

    READ = 1  # answer: value
    WRITE = 2  # body: value
    ADD = 3  # body: amount; answer: new value
    TAKE = 4  # nobody else gets at the variable until PUT or DROP; answer: value
    PUT = 5  # body: value
    DROP = 6
    BARRIER = 7  # body: id


class Answer(IntEnum):
    """The frame's number: whether the body is a value or the text of an error."""

    VALUE = 0
    ERROR = 1
    BROKEN = 2  # an error because another copy has ended


Status = Literal["returned", "raised", "broken", "unsendable", "killed", "died"]
"""How a copy ended. ``broken``: it failed because another one had ended."""


class Outcome(NamedTuple):
    """The end of a copy: ``text`` says what was wrong, ``printed`` and ``warned`` are its two outputs."""

    status: Status
    value: bytes = NULL
    text: str = ""
    printed: str = ""
    warned: str = ""
    gas: int = 0
    operations: int = 0


def encode_outcome(outcome: Outcome) -> bytes:
    """An outcome as the body of a frame."""
    return pickle.dumps(tuple(outcome), 5)


def decode_outcome(body: Bytes) -> Outcome:
    """The inverse of :func:`encode_outcome`.

    :raises ValueError: the bytes are something else.
    """
    try:
        return Outcome(*pickle.loads(body))
    except Exception as error:
        raise ValueError(f"not the outcome of a copy: {type(error).__name__}") from error


def value_of(data: Bytes) -> Any:
    """The value in an answer, an outcome or a shared variable."""
    # There is no code in it, which would need `snapshot.loads`.
    return pickle.loads(data)
