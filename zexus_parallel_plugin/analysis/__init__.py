"""What can be said about code objects without running them: control flow, effects, names. Pure functions."""

from __future__ import annotations
