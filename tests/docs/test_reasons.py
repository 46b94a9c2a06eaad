"""The page of reasons and the registry are the same, and its programs lead to their reasons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.explain.telling import explained
from tests.runtime.running import run, use_fake_pool
from zexus_parallel_plugin.reasons import REASONS

from .pages import DOCS, Program, programs

if TYPE_CHECKING:
    from pathlib import Path

PAGE = DOCS / "reasons.md"
TEXT = PAGE.read_text(encoding="utf-8")
HINT = "*What to do:* "
EAGER = {"worker_count": 2, "mode": "parallel", "min_task_seconds": 0.0}


def sections() -> dict[str, str]:
    """The text below the heading of each code."""
    parts = re.split(r"^### (\S+)\n", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def code_of(program: Program) -> str:
    """The heading above a program."""
    above = TEXT.splitlines()[: program.block.line]
    return next(line[4:] for line in reversed(above) if line.startswith("### "))


LEADING = [program for program in programs(PAGE) if program.kinds == {"reason"}]
EXPLAINED = [program for program in programs(PAGE) if program.kinds == {"explain"}]


def test_the_page_has_the_codes_of_the_registry_in_their_order() -> None:
    categories = dict.fromkeys(reason.category for reason in REASONS.values())
    by_category = [[r.code for r in REASONS.values() if r.category == category] for category in categories]
    found = list(sections())
    assert sorted(found) == sorted(REASONS)
    for codes in by_category:
        assert [code for code in found if code in codes] == codes


@pytest.mark.parametrize("code", REASONS)
def test_a_section_says_what_the_registry_says(code: str) -> None:
    section = sections()[code]
    assert section.split("\n\n")[0].strip() == REASONS[code].sentence
    hints = [line.removeprefix(HINT) for line in section.splitlines() if line.startswith(HINT)]
    assert hints == ([REASONS[code].hint] if REASONS[code].hint else [])
    assert "*For example:*" in section or "```zexus reason" in section


@pytest.mark.parametrize("program", LEADING, ids=code_of)
def test_a_program_leads_to_its_reason(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_pool(monkeypatch, "prompt")
    _, metrics = run(program.block.text, EAGER)
    assert metrics.reasons[code_of(program)] > 0


@pytest.mark.parametrize("program", EXPLAINED, ids=code_of)
def test_a_program_is_explained_with_its_reason(program: Program, tmp_path: Path) -> None:
    chunks = explained(program.block.text, tmp_path).chunks
    found = {chunk.reason for chunk in chunks} | {site.reason for chunk in chunks for site in chunk.sites}
    assert code_of(program) in found


def test_float_totals_without_the_compiled_tier(tmp_path: Path) -> None:
    text = next(program.block.text for program in programs(PAGE) if code_of(program) == "float-order")
    found = explained(text, tmp_path, tier="interpreter")
    assert "float-order" in {chunk.reason for chunk in found.chunks}


def test_many_reasons_have_a_program() -> None:
    assert len(LEADING) >= 20
    assert len(EXPLAINED) >= 15
