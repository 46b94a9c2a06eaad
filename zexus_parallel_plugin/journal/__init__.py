"""The journal of a run: event records, file, reader, and the state that follows from the events.

See ``docs/journal.md``. Everything that shows a run (monitor, reports, list of runs) reads it from here.
"""

from __future__ import annotations
