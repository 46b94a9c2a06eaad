"""The bridge to the host package ``zexus``: the only place that imports it."""

from __future__ import annotations
