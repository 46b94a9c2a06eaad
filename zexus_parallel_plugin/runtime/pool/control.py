"""Messages between the main process and a template: fixed size, worker's descriptors riding along."""

from __future__ import annotations

import os
import socket
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

_MESSAGE = Struct("<B3xIii")


class Op(IntEnum):
    """What a message says."""

    START = (
        1  # to the template: make worker `worker`; two descriptors come along (its socket, its crash pipe)
    )
    SIGNAL = 2  # to the template: send signal `value` to the worker
    STARTED = 3  # from it: the worker has process id `value`
    EXITED = 4  # from it: wait status `value`
    FAILED = 5  # from it: the worker could not be forked, errno `value`
    UNFIT = 6  # from it: it has threads (a preloaded module started them), so it must not fork


class Message(NamedTuple):
    """One message."""

    op: int
    worker: int
    value: int


def send(end: socket.socket, op: Op, worker: int, value: int = 0, descriptors: tuple[int, ...] = ()) -> None:
    """Send a message. Raises OSError if the other side is gone, or (non-blocking) takes nothing any more."""
    data = _MESSAGE.pack(op, worker, value, 0)
    sent = socket.send_fds(end, [data], list(descriptors)) if descriptors else end.send(data)
    if sent != len(data):
        raise BlockingIOError("the control socket is full")


def receive(end: socket.socket) -> tuple[Message, list[int]] | None:
    """The next message with its descriptors; None at the end. Raises BlockingIOError if there is none yet."""
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    data, descriptors, _, _ = socket.recv_fds(end, _MESSAGE.size, 2, flags)
    while data and len(data) < _MESSAGE.size:  # never seen: 16 bytes are sent at once
        more = end.recv(_MESSAGE.size - len(data))
        if not more:
            return None
        data += more
    if not data:
        return None
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    op, worker, value, _ = _MESSAGE.unpack(data)
    return Message(op, worker, value), descriptors
