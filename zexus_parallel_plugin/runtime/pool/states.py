"""The state machines of a task and of a worker: all transitions are in two tables."""

from __future__ import annotations

from enum import IntEnum

from .errors import TransitionError


class TaskState(IntEnum):
    """Where a task is."""

    QUEUED = 0  # in the main process, ready to be sent
    DELAYED = 1  # in the main process, waiting for the delay before its next attempt
    SENT = 2  # in the pipe of a worker, behind another task or before the worker is ready
    RUNNING = 3  # at the head of its worker: blamed for what happens to the worker
    DONE = 4
    FAILED = 5
    CANCELLED = 6


class TaskEvent(IntEnum):
    """What happens to a task."""

    SEND = 0  # written to the pipe of a worker
    HEAD = 1  # became the first unfinished task of a ready worker
    GIVE_BACK = 2  # its worker is gone, through no fault of this task
    DELAY = 3  # its attempt failed, there is budget for another one
    DUE = 4  # the delay is over
    SUCCEED = 5
    FAIL = 6
    CANCEL = 7


class WorkerState(IntEnum):
    """Where a worker process is, seen from the main process."""

    STARTING = 0  # requested; has not said that it is ready
    IDLE = 1
    BUSY = 2
    STOPPING = 3  # was asked to leave after its last task
    TERMINATING = 4  # got SIGTERM, has the grace period
    KILLED = 5  # got SIGKILL
    LOST = 6  # its pipe is at the end; the exit code is not known yet
    DEAD = 7


class WorkerEvent(IntEnum):
    """What happens to a worker."""

    READY = 0
    FEED = 1  # has a task at its head
    DRAIN = 2  # its last task is finished
    STOP = 3
    TERM = 4
    KILL = 5
    HANG_UP = 6  # end of its pipe
    EXIT = 7  # the process is gone (or has been given up)


_T, _TE = TaskState, TaskEvent
TASK_TRANSITIONS: dict[tuple[TaskState, TaskEvent], TaskState] = {
    (_T.QUEUED, _TE.SEND): _T.SENT,
    (_T.QUEUED, _TE.FAIL): _T.FAILED,
    (_T.QUEUED, _TE.CANCEL): _T.CANCELLED,
    (_T.DELAYED, _TE.DUE): _T.QUEUED,
    (_T.DELAYED, _TE.FAIL): _T.FAILED,
    (_T.DELAYED, _TE.CANCEL): _T.CANCELLED,
    (_T.SENT, _TE.HEAD): _T.RUNNING,
    (_T.SENT, _TE.GIVE_BACK): _T.QUEUED,
    (_T.SENT, _TE.CANCEL): _T.CANCELLED,
    (_T.RUNNING, _TE.GIVE_BACK): _T.QUEUED,
    (_T.RUNNING, _TE.DELAY): _T.DELAYED,
    (_T.RUNNING, _TE.SUCCEED): _T.DONE,
    (_T.RUNNING, _TE.FAIL): _T.FAILED,
    (_T.RUNNING, _TE.CANCEL): _T.CANCELLED,
}

_W, _WE = WorkerState, WorkerEvent
WORKER_TRANSITIONS: dict[tuple[WorkerState, WorkerEvent], WorkerState] = {
    (_W.STARTING, _WE.READY): _W.IDLE,
    (_W.STARTING, _WE.STOP): _W.STOPPING,
    (_W.IDLE, _WE.FEED): _W.BUSY,
    (_W.IDLE, _WE.STOP): _W.STOPPING,
    (_W.BUSY, _WE.DRAIN): _W.IDLE,
    (_W.BUSY, _WE.STOP): _W.STOPPING,
    # Signals: TERM once, then KILL; KILL is also right for a worker whose pipe has ended while it lives on.
    (_W.STARTING, _WE.TERM): _W.TERMINATING,
    (_W.IDLE, _WE.TERM): _W.TERMINATING,
    (_W.BUSY, _WE.TERM): _W.TERMINATING,
    (_W.STOPPING, _WE.TERM): _W.TERMINATING,
    (_W.STARTING, _WE.KILL): _W.KILLED,
    (_W.IDLE, _WE.KILL): _W.KILLED,
    (_W.BUSY, _WE.KILL): _W.KILLED,
    (_W.STOPPING, _WE.KILL): _W.KILLED,
    (_W.TERMINATING, _WE.KILL): _W.KILLED,
    (_W.LOST, _WE.KILL): _W.KILLED,
    (_W.STARTING, _WE.HANG_UP): _W.LOST,
    (_W.IDLE, _WE.HANG_UP): _W.LOST,
    (_W.BUSY, _WE.HANG_UP): _W.LOST,
    **{(state, _WE.EXIT): _W.DEAD for state in _W if state is not _W.DEAD},
}

TASK_FINISHED = frozenset({TaskState.DONE, TaskState.FAILED, TaskState.CANCELLED})
WORKER_USABLE = frozenset({WorkerState.STARTING, WorkerState.IDLE, WorkerState.BUSY})


def next_task_state(state: TaskState, event: TaskEvent) -> TaskState:
    """The state after ``event``; :class:`TransitionError` if the table has no such transition."""
    try:
        return TASK_TRANSITIONS[state, event]
    except KeyError:
        raise TransitionError(f"a task that is {state.name} cannot {event.name}") from None


def next_worker_state(state: WorkerState, event: WorkerEvent) -> WorkerState:
    """The state after ``event``; :class:`TransitionError` if the table has no such transition."""
    try:
        return WORKER_TRANSITIONS[state, event]
    except KeyError:
        raise TransitionError(f"a worker that is {state.name} cannot {event.name}") from None
