"""Shared variables, and who may use them when: one desk in the main process, served in order of arrival."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final

from zexus_parallel_plugin.engine import operators
from zexus_parallel_plugin.runtime.forks.messages import NULL, Answer, Ask, value_of
from zexus_parallel_plugin.runtime.forks.visible import sent
from zexus_parallel_plugin.runtime.recorder import OFF, Recorder
from zexus_parallel_plugin.runtime.snapshot import NotPlainError

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.runtime.pool.frames import Bytes

MAIN: Final = -1
"""The main process as a client; copies are numbered from 0."""


class Desk:
    """Holds the shared variables as pickles, and answers questions about them, each through ``reply``.

    While one client has a variable taken (to compute its new value), questions about it wait.
    """

    def __init__(self, reply: Callable[[int, Answer, Bytes], None], recorder: Recorder = OFF) -> None:
        self._reply = reply
        self._recorder = recorder
        self._values: dict[str, bytes] = {}
        self._holders: dict[str, int] = {}
        self._waiting: dict[str, deque[tuple[int, Ask, bytes]]] = {}

    def ask(self, client: int, question: Ask, name: str, body: Bytes = b"") -> None:
        """A client asks. The answer may come later, through another call."""
        if self._holders.get(name, client) != client:
            self._waiting.setdefault(name, deque()).append((client, question, bytes(body)))
            return
        self._serve(client, question, name, bytes(body))
        if name in self._waiting:
            self._serve_waiting(name)

    def gone(self, client: int) -> None:
        """A client will not ask again: what it has taken is free again, unchanged."""
        for name, waiting in list(self._waiting.items()):
            self._waiting[name] = deque(item for item in waiting if item[0] != client)
        for name in [name for name, holder in self._holders.items() if holder == client]:
            del self._holders[name]
            self._serve_waiting(name)

    def _serve_waiting(self, name: str) -> None:
        waiting = self._waiting.get(name)
        while waiting and name not in self._holders:
            client, question, body = waiting.popleft()
            self._serve(client, question, name, body)
        if waiting is not None and not waiting:
            del self._waiting[name]

    def _serve(self, client: int, question: Ask, name: str, body: bytes) -> None:
        # No sets of questions: hashing a member of an enumeration takes longer than all of this.
        answer = NULL
        if question is Ask.READ or question is Ask.TAKE:
            answer = self._values.get(name, NULL)
        elif question is Ask.WRITE or question is Ask.PUT:
            self._values[name] = body
        elif question is Ask.ADD:
            try:
                answer = self._values[name] = self._sum(name, body)
            except NotPlainError as error:
                self._reply(client, Answer.ERROR, f"shared_add: {error}".encode())
                return
        if question is Ask.TAKE:
            self._holders[name] = client
        elif question is Ask.PUT or question is Ask.DROP:
            self._holders.pop(name, None)
        if question is Ask.READ:
            self._recorder.shared(name, write=False)
        elif question in {Ask.WRITE, Ask.PUT, Ask.ADD}:
            self._recorder.shared(name, write=True, value=partial(value_of, self._values[name]))
        self._reply(client, Answer.VALUE, answer)

    def _sum(self, name: str, amount: bytes) -> bytes:
        """By the rules of ``+``: a variable that nobody has written counts as nothing."""
        before = self._values.get(name)
        return amount if before is None else sent(operators.add(value_of(before), value_of(amount)))
