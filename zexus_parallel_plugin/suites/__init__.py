"""Test suites written in Zexus: found, executed, judged. See ``docs/testing.md`` for how they are written."""

from __future__ import annotations
