"""The monitor: shows a run by its journal, while it goes on or later. See ``docs/monitor.md``.

The modules here know no terminal: they turn the state of a run into lines of text. ``tui`` puts them on the
screen.
"""

from __future__ import annotations
