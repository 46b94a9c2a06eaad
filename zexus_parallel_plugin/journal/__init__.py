"""The journal of a run: event records, file, reader, and the state that follows from the events.

See ``docs/journal.md``. Everything that shows a run (monitor, reports, list of runs) reads it from here. A
run itself uses `writer` and `places` only, which are quick to import.
"""

from __future__ import annotations

VERSION = 1
"""Version of the schema. It changes when a reader of the old one would misread a journal."""
