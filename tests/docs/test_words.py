"""The pages speak of the project and of nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import REPOSITORY, pages

# Paths of somebody's machine, and addresses that only work there.
_PLACES = r"(?<![\w.~])/(?:root|home|work|tmp|Users|mnt|opt|srv)/|\b127\.0\.0\.1\b|\blocalhost\b"
_LEFTOVERS = r"\b(?:TODO|FIXME|XXX|TBD)\b"
# Nobody who reads a page needs to know who wrote it, and how.
_WRITERS = r"\b(?:AI|LLM|GPT|chatbot|assistant|agent|sub-?agent|prompt)s?\b"

SUSPICIOUS = re.compile(f"{_PLACES}|{_LEFTOVERS}|(?i:{_WRITERS})")


def suspicious(text: str) -> list[str]:
    return [match.group() for match in SUSPICIOUS.finditer(text)]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_a_page_speaks_of_the_project(page: Path) -> None:
    assert suspicious(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("text", ["see /home/me/file", "TODO: more", "an LLM", "at localhost"])
def test_what_should_not_be_there_is_found(text: str) -> None:
    assert suspicious(text)
