"""The page: needs no network, shows what is in the journal, and nothing in a run can become a part of it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from tests.journal.synthetic import Shape, write
from zexus_parallel_plugin.report.html import embedded, page, page_data
from zexus_parallel_plugin.report.load import Loaded, load

from .hostile import MARKUP, hostile

if TYPE_CHECKING:
    from pathlib import Path

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="there is no chromium")
SHAPE = Shape(tasks=260, workers=4, failures=0.05, lost=0.02, seed=2)


@pytest.fixture
def run(tmp_path: Path) -> Loaded:
    return load(write(tmp_path / "synthetic.jsonl", SHAPE))


@pytest.fixture
def nasty(tmp_path: Path) -> Loaded:
    return load(hostile(tmp_path / "hostile.jsonl"))


class Elements(HTMLParser):
    """Elements with their attributes, and the text in each kind of them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data


def shown(run: Loaded, tmp_path: Path) -> str:
    """The page after its script has run."""
    path = tmp_path / "page.html"
    path.write_text(page(run), encoding="utf-8")
    assert BROWSER is not None
    done = subprocess.run(
        [
            BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--virtual-time-budget=2000", f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,900",
            "--dump-dom", path.as_uri(),
        ],
        capture_output=True, check=True, encoding="utf-8", timeout=90,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("which", ["run", "nasty"])
def test_the_page_has_its_own_elements_and_no_others(which: str, request: pytest.FixtureRequest) -> None:
    text = page(request.getfixturevalue(which))
    elements = Elements(text)
    tags = [tag for tag, _ in elements.found]
    assert tags.count("script") == 2
    assert not {"img", "iframe", "object", "link", "base", "form"} & set(tags)
    for _, attributes in elements.found:
        assert not any(name.startswith("on") for name in attributes)
        assert not {"src", "href", "action", "style"} & attributes.keys()
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_the_policy_allows_the_script_and_the_style_of_the_page(nasty: Loaded) -> None:
    text = page(nasty)
    elements = Elements(text)
    policy = next(attrs["content"] for tag, attrs in elements.found if tag == "meta" and "content" in attrs)
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    (style,) = elements.texts["style"]
    script = elements.texts["script"][1]
    for content in (style, script):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_the_data_cannot_end_their_element(nasty: Loaded) -> None:
    text = embedded(page_data(nasty))
    assert not re.search(r"[<>&]", text)
    data = json.loads(text)
    assert data["source"][1].startswith(MARKUP)
    assert "\\x1b[31mred" in data["output"]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", json.dumps(data, ensure_ascii=False))


def test_the_data_are_those_of_the_run(run: Loaded) -> None:
    data = page_data(run)
    assert len(data["tasks"]) == SHAPE.tasks
    assert sum(map(len, data["slices"])) == SHAPE.tasks + run.state.retries
    assert sum(data["rate"]["values"]) * data["rate"]["width"] == pytest.approx(SHAPE.tasks, rel=1e-3)


@needs_browser
def test_a_browser_shows_the_run(run: Loaded, tmp_path: Path) -> None:
    text = shown(run, tmp_path)
    elements = Elements(text)
    assert 'data-ready="yes"' in text
    ids = {attributes.get("id") for tag, attributes in elements.found if tag == "section"}
    assert ids == {
        "timeline", "chunks", "graph", "source", "actions", "failures", "decisions", "workers", "tasks",
        "output", "facts",
    }  # fmt: skip
    canvas = next(attributes for tag, attributes in elements.found if tag == "canvas")
    assert int(canvas["width"] or 0) > 800  # it has been drawn
    assert "page 1 of 3" in text
    assert "is_prime: parallel, 130 tasks" in text
    assert text.count('class="hit"') == 3
    assert f">{run.state.failed_attempts}<" in text


@needs_browser
def test_a_hostile_run_changes_nothing_in_the_page(nasty: Loaded, tmp_path: Path) -> None:
    text = shown(nasty, tmp_path)
    elements = Elements(text)
    assert 'data-ready="yes"' in text
    assert "img" not in [tag for tag, _ in elements.found]
    assert [tag for tag, _ in elements.found].count("script") == 2
    assert "broken</title>" not in text
    assert html.escape(MARKUP, quote=False) in text
