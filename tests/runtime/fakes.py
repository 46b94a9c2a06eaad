"""A pool without processes: runs tasks in this process, or delays, loses and spoils them."""

from __future__ import annotations

import pickle
import random
from enum import Enum
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.runtime.pool import Failure, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class State(Enum):
    """The states of a task that matter to whoever sent it."""

    QUEUED = 0
    RUNNING = 1
    DONE = 2


class FakeTask:
    """A task in a :class:`FakePool`."""

    def __init__(self, payload: bytes, weight: float | None) -> None:
        self.payload = payload
        self.weight = weight
        self.state = State.QUEUED
        self.outcome: Outcome | None = None

    @property
    def done(self) -> bool:
        return self.outcome is not None


class FakePool:
    """How it behaves is a word.

    ``prompt``: results at once; ``lazy``: when they are waited for; ``stuck``: never begins a task;
    ``lossy``: workers die; ``garbage``: answers that nobody can read; ``wrong``: answers of another shape;
    ``moody``: each task differently.
    """

    def __init__(self, handler: Any, behaviour: str, seed: int = 0) -> None:
        self.handler = handler
        self.behaviour = behaviour
        self.random = random.Random(seed)
        self.tasks: list[FakeTask] = []
        self.blobs: dict[bytes, bytes] = {}
        self.cancelled = 0
        self.closed = False

    @property
    def room(self) -> int:
        return 1000

    def publish(self, key: bytes, blob: bytes) -> None:
        assert self.blobs.setdefault(key, blob) == blob

    def submit(
        self,
        payload: bytes,
        needs: Sequence[bytes] = (),
        timeout: float | None = None,
        weight: float | None = None,
    ) -> FakeTask:
        for key in needs:
            self.handler.blob(key, self.blobs[key])
        task = FakeTask(payload, weight)
        self.tasks.append(task)
        self.begin(task)
        return task

    def begin(self, task: FakeTask) -> None:
        mood = self.behaviour
        if mood == "moody":
            mood = self.random.choice(["prompt", "lazy", "lazy", "stuck", "lossy", "garbage", "wrong"])
        if mood == "stuck":
            return
        task.state = State.RUNNING
        if mood == "prompt":
            self.run(task)
        elif mood == "lossy":
            self.finish(task, Outcome(None, Failure("died", "the worker was killed"), None))
        elif mood == "garbage":
            self.finish(task, Outcome(b"not a pickle", None, None))
        elif mood == "wrong":
            self.finish(task, Outcome(pickle.dumps([("", 1)] * 99), None, None))

    def run(self, task: FakeTask) -> None:
        try:
            self.finish(task, Outcome(self.handler.run(task.payload), None, None))
        except Exception as error:
            self.finish(task, Outcome(None, Failure("error", str(error), type(error).__name__), None))

    def finish(self, task: FakeTask, outcome: Outcome) -> None:
        task.outcome = outcome
        task.state = State.DONE

    def withdraw(self, key: bytes) -> None:
        del self.blobs[key]

    def cancel(self, task: FakeTask, kill: bool = False) -> None:
        self.cancelled += 1
        self.finish(task, Outcome(None, Failure("cancelled", "cancelled by the caller"), None))

    def poll(self) -> list[FakeTask]:
        running = [task for task in self.tasks if task.state is State.RUNNING]
        return self.wait() if self.behaviour == "moody" and running and self.random.random() < 0.3 else []

    def wait(
        self, tasks: FakeTask | Iterable[FakeTask] | None = None, deadline: float | None = None
    ) -> list[FakeTask]:
        running = [task for task in self.tasks if task.state is State.RUNNING and not task.done]
        if isinstance(tasks, FakeTask):
            assert tasks.done or tasks in running, "waiting for a task that will never end"
            running = [tasks] if tasks in running else []
        elif tasks is None:
            assert running, "waiting for nothing"
            running = [self.random.choice(running)]
        for task in running:
            self.run(task)
        return running

    def close(self, kill: bool = False) -> None:
        self.closed = True
