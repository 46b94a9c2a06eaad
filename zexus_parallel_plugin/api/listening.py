"""Hears of workers and tasks of a machine, for the log and the metrics."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.runtime.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.runtime.pool.starter import Emit

__all__ = ["Listening", "report"]

_LOG = logging.getLogger(__name__)


def report(kind: str, fields: dict[str, Any]) -> None:
    """Tell the log what has happened to workers and tasks."""
    if kind == "task.retry":
        _LOG.warning("task %(task)s is given to another worker: %(cause)s: %(detail)s", fields)
    elif kind == "task.end" and not fields["ok"] and fields["cause"] != "cancelled":
        _LOG.warning("task %(task)s was not done by a worker: %(cause)s: %(detail)s", fields)
    elif kind == "pool.broken":
        _LOG.error("no worker can be started any more: %(reason)s", fields)
    else:
        _LOG.debug("%s %s", kind, fields)


class Listening(Recorder):
    """A recorder that passes everything on to another one, and hears of workers and tasks itself.

    Attributes:
        retried: attempts that were repeated; errors: one line for each task that no worker has done.
    """

    __slots__ = ("_inner", "errors", "retried")

    def __init__(self, inner: Recorder) -> None:
        self._inner = inner
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.retried = 0
        self.errors: list[str] = []

    def pool_listener(self) -> Emit:
        """What a pool is to tell of its workers and tasks."""
        theirs = self._inner.pool_listener()

        def hear(kind: str, **fields: Any) -> None:
            report(kind, fields)
            if kind == "task.retry":
                self.retried += 1
            elif kind == "task.end" and not fields["ok"] and fields["cause"] != "cancelled":
                detail = str(fields["detail"]).partition("\n")[0]
                self.errors.append(f"Task {fields['task']}: {fields['cause']}: {detail}")
            if theirs is not None:
                theirs(kind, **fields)

        return hear


def _passing_on(name: str) -> Callable[..., Any]:
    def method(self: Listening, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._inner, name)(*args, **kwargs)

    return method


for _name in vars(Recorder):
    if not _name.startswith("_") and _name not in vars(Listening):
        setattr(Listening, _name, _passing_on(_name))
