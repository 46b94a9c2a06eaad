"""What is expected to be called next in one frame: planned calls in the order in which they will come."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from zexus_parallel_plugin.analysis.footprint import Descriptor, is_function
from zexus_parallel_plugin.engine.position import MAP_IP
from zexus_parallel_plugin.runtime.lookout import Found
from zexus_parallel_plugin.runtime.task import PlannedCall, matches
from zexus_parallel_plugin.runtime.visible import visible_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.runtime.task import Batch

_SEARCHED = 16
"""Planned calls of a site among which a call is looked for: some may have been skipped by the program."""


class Source(Protocol):
    """Where planned calls come from."""

    ended: str
    code: Code | None
    guesses: int

    def next_call(self, budget: int) -> Found | None:
        """The next call."""

    def visible(self, name: str) -> Any:
        """What the callee sees of a name."""

    def known(self, value: Any) -> bool:
        """Whether a value can be sent."""

    def own(self, value: Any) -> bool:
        """Whether a container is not one of the program."""


class MapSource:
    """The calls of ``parallel_map``, from an index on."""

    IP = MAP_IP

    def __init__(self, frame: Frame, function: Descriptor, xs: list[Any], start: int) -> None:
        self.visible = visible_from(frame)
        self.ended = ""
        self.code: Code | None = None
        self.guesses = 0
        self._function = function
        self._xs = xs
        self._next = start

    def next_call(self, _budget: int) -> Found | None:
        """The call for the next element."""
        if self._next >= len(self._xs):
            self.ended = "scout-frame-end"
            return None
        self._next += 1
        return Found(self.IP, self._function, [self._xs[self._next - 1]])

    def known(self, _value: Any) -> bool:
        """Everything is."""
        return True

    def own(self, _value: Any) -> bool:
        """Nothing is made here."""
        return False


class Stream:
    """The planned calls of one frame.

    ``pending`` are not sent yet, ``batches`` not known to be done; ``seconds`` is what the latest of them is
    expected to take, and ``sent`` what all take that were sent; ``dry`` counts looks that found nothing.
    """

    __slots__ = ("batches", "dry", "frame", "outstanding", "pending", "queues", "seconds", "sent", "source")

    def __init__(self, frame: Frame, source: Source) -> None:
        self.frame = frame
        self.source = source
        self.queues: dict[int, deque[PlannedCall]] = {}
        self.pending: list[PlannedCall] = []
        self.batches: list[Batch] = []
        self.outstanding = 0
        self.dry = 0
        self.seconds: float | None = None
        self.sent = 0.0

    def news(self) -> list[Batch]:
        """Batches that were done since this was asked last, whatever the program needs first."""
        done = [batch for batch in self.batches if batch.handle.done]
        if done:
            self.batches = [batch for batch in self.batches if not batch.handle.done]
        return done

    @property
    def finished(self) -> bool:
        """Nothing more will come out of it, and nothing is waiting."""
        return bool(self.source.ended) and not self.outstanding

    def add(self, call: PlannedCall) -> None:
        """Expect a call."""
        self.queues.setdefault(call.ip, deque()).append(call)
        self.outstanding += 1

    def take(
        self, ip: int, function: Descriptor, args: list[Any]
    ) -> tuple[PlannedCall | None, list[PlannedCall]]:
        """The planned call that this one is, and those before it that were not made; None if it was not
        expected.
        """
        queue = self.queues.get(ip)
        if not queue:
            return None, []
        for index in range(min(len(queue), _SEARCHED)):
            if matches(queue[index], function, args):
                skipped = [queue.popleft() for _ in range(index)]
                self.outstanding -= index + 1
                return queue.popleft(), skipped
        return None, []

    def forget(self, call: PlannedCall) -> None:
        """A planned call will not be made ahead."""
        queue = self.queues[call.ip]
        if call in queue:
            queue.remove(call)
            self.outstanding -= 1

    def expects(self, ip: int) -> bool:
        """Whether calls of this instruction are planned."""
        return bool(self.queues.get(ip))


def descriptors(values: Iterable[Any]) -> list[Descriptor]:
    """The actions among some values."""
    return [value for value in values if is_function(value)]
