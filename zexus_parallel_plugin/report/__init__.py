"""Reports of a run, made from its journal: text, HTML, Chrome trace, job log, Prometheus, JSON."""

from __future__ import annotations
