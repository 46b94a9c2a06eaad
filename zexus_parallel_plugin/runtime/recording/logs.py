"""The log of the plugin, as lines of the journal."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["JournalHandler", "listen"]

_LOGGER = "zexus_parallel_plugin"
_LONGEST_TEXT = 2000


class JournalHandler(logging.Handler):
    """Hands on what is logged; which levels that are is for ``--log-level`` to say, by default warnings."""

    def __init__(self, take: Callable[[str, str, str], None]) -> None:
        super().__init__()
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; never raises."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - arguments that do not fit their text
            text = str(record.msg)
        self._take(record.levelname.lower(), text[:_LONGEST_TEXT], record.name)


def listen(take: Callable[[str, str, str], None]) -> Callable[[], None]:
    """Have level, text and logger of everything that is logged given to ``take``; returns what ends that.

    While this is so, warnings do not appear on standard error by themselves, as they would where nobody has
    configured logging.
    """
    handler = JournalHandler(take)
    logger = logging.getLogger(_LOGGER)
    logger.addHandler(handler)

    def end() -> None:
        logger.removeHandler(handler)
        handler.close()

    return end
