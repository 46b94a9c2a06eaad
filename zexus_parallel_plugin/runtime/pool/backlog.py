"""Tasks that are waiting in the main process, and the blobs that tasks need."""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

from .errors import BlobError
from .states import TaskEvent, TaskState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .task import TaskHandle


class Backlog:
    """Queue of tasks, oldest first, with a side room for those whose next attempt is not due.

    Tasks that were cancelled stay where they are, and are skipped.
    """

    def __init__(self) -> None:
        self._queue: deque[TaskHandle] = deque()
        self._delayed: list[tuple[float, int, TaskHandle]] = []
        self._count = 0  # tasks in either, without the cancelled ones

    def __len__(self) -> int:
        return self._count

    @property
    def next_due(self) -> float:
        """``time.monotonic()`` at which the next delayed task is due; infinity if there is none."""
        return self._delayed[0][0] if self._delayed else float("inf")

    @property
    def ready(self) -> int:
        """Number of tasks that could be sent now (at most: cancelled ones count until met)."""
        return len(self._queue)

    def push(self, task: TaskHandle) -> None:
        """Append a new task."""
        self._queue.append(task)
        self._count += 1

    def give_back(self, tasks: Iterable[TaskHandle]) -> None:
        """Put tasks that were sent in vain back to the front, in their order."""
        returned = list(tasks)
        self._queue.extendleft(reversed(returned))
        self._count += len(returned)

    def delay(self, task: TaskHandle, due: float) -> None:
        """Keep a task until ``due``."""
        heapq.heappush(self._delayed, (due, task.id, task))
        self._count += 1

    def release(self, now: float) -> bool:
        """Move what is due to the front of the queue; whether there was anything."""
        released = False
        while self._delayed and self._delayed[0][0] <= now:
            task = heapq.heappop(self._delayed)[2]
            if task.state is TaskState.DELAYED:
                task.move(TaskEvent.DUE)
                self._queue.appendleft(task)
                released = True
        return released

    def peek(self) -> TaskHandle | None:
        """The next task."""
        queue = self._queue
        while queue:
            if queue[0].state is TaskState.QUEUED:
                return queue[0]
            queue.popleft()
        return None

    def pop(self) -> TaskHandle:
        """Take the task that :meth:`peek` showed."""
        self._count -= 1
        return self._queue.popleft()

    def forget(self) -> None:
        """A task in here was cancelled."""
        self._count -= 1

    def clear(self) -> list[TaskHandle]:
        """Take all tasks out."""
        tasks = [task for task in self._queue if task.state is TaskState.QUEUED]
        tasks += [task for _, _, task in sorted(self._delayed) if task.state is TaskState.DELAYED]
        self._queue.clear()
        self._delayed.clear()
        self._count = 0
        return tasks


class Blobs:
    """Published blobs, numbered in the order of their publication."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._blobs: list[tuple[bytes, bytes]] = []

    def publish(self, key: bytes, blob: bytes) -> None:
        """Add a blob; the same again is harmless. Raises :class:`BlobError` if the key has other contents."""
        number = self._numbers.get(key)
        if number is None:
            self._numbers[key] = len(self._blobs)
            self._blobs.append((key, blob))
        elif self._blobs[number][1] != blob:
            raise BlobError(
                f"the blob {key!r} is already published with other contents; keys must be content hashes"
            )

    def withdraw(self, key: bytes) -> None:
        """Let go of a blob: no task will need it any more, and its key is free again."""
        number = self._numbers.pop(key, None)
        if number is not None:
            self._blobs[number] = key, b""

    def numbers(self, keys: Iterable[bytes]) -> tuple[int, ...]:
        """The numbers of ``keys``. Raises :class:`BlobError` for a key that was not published."""
        try:
            return tuple(self._numbers[key] for key in keys)
        except KeyError as error:
            raise BlobError(
                f"the blob {error.args[0]!r} was not published; call publish() before submit()"
            ) from None

    def __getitem__(self, number: int) -> tuple[bytes, bytes]:
        return self._blobs[number]
