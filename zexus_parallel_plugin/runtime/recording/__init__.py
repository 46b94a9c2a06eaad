"""Keeps the journal of a run, and its lines on the terminal."""

from __future__ import annotations
