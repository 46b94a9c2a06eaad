"""One run: workers, tasks run ahead, and their commit in program order."""

from __future__ import annotations
