"""Errors of the pool. A caller sees misuse only: faults of workers are outcomes, never exceptions."""

from __future__ import annotations

from zexus_parallel_plugin.errors import ZexusParallelError


class PoolError(ZexusParallelError):
    """Base of the errors of the worker pool."""


class PoolSettingsError(PoolError, ValueError):
    """A setting of the pool is wrong; the message names it and what would be right."""


class PoolClosedError(PoolError):
    """The pool has been closed: make a new one."""


class PoolFullError(PoolError):
    """``max_queue_size`` tasks are waiting: collect results first (see ``WorkerSupervisor.room``)."""


class PoolNestedError(PoolError):
    """A worker process tried to make a pool of its own: run the work in place there."""


class BlobError(PoolError, KeyError):
    """A task needs a blob that was not published, or a key was published twice with different contents."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument; this message is a sentence.
        return str(self.args[0])


class FrameError(PoolError):
    """Bytes on a pipe are not a frame of this protocol."""


class TransitionError(PoolError):
    """A task or a worker was asked for a transition that its table does not have (a bug of the pool)."""


class LaunchError(PoolError):
    """A worker process or a template process could not be started; the message says why."""


class NoRoomError(LaunchError):
    """The system has no room for another worker now: no descriptors, for example."""


class UnsendableResultError(PoolError):
    """For handlers whose result cannot be turned into bytes; the outcome has the cause ``unsendable``."""


class UndecodablePayloadError(PoolError):
    """To be raised by a handler that cannot read its payload; the outcome has the cause ``undecodable``."""
