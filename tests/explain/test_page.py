"""The page on `explain` shows what it shows."""

from __future__ import annotations

import re
from pathlib import Path

from tests.explain.telling import explained
from zexus_parallel_plugin.explain.render import render

PAGE = Path(__file__).parents[2] / "docs" / "explain.md"


def test_the_first_look_is_what_one_sees(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    program, shown = re.findall(r"```(?:zexus sketch|text)\n(.*?)```", page, re.DOTALL)[:2]
    found = explained(program, tmp_path)
    found.path = Path("program.zx")
    assert render(found) == shown
