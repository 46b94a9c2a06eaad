"""The monitor on a terminal, made with Textual. Nothing else of the project imports Textual."""

from __future__ import annotations
