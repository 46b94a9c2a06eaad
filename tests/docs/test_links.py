"""Links between pages lead somewhere, and commands that pages name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zexus_parallel_plugin.cli.commands import COMMANDS

from .pages import DOCS, REPOSITORY, anchors, blocks, lines_with_code, links, pages

MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
PACKAGE = "zexus_parallel_plugin"
# Folders whose modules a page names by their last name only, once it has named the folder.
SHORT = ("runtime/pool", "runtime/forks", "runtime/forks", "engine/compiler", "runtime/recording", "journal")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def named(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def broken_links(page: Path) -> list[str]:
    """Every link of a page to a file or heading of the project that is not there."""
    found = []
    for line, target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            found.append(f"{page.name}:{line}: {target}")
    return found


@pytest.mark.parametrize("page", pages(), ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = "# A heading\n[here](#a-heading) [gone](#other) [file](gone.md)\n```text\n[x](y.md)\n```\n"
    page.write_text(text, encoding="utf-8")
    assert broken_links(page) == ["page.md:2: #other", "page.md:2: gone.md"]


def test_the_index_has_every_page() -> None:
    targets = {target.partition("#")[0] for _, target in links(DOCS / "README.md")}
    assert {page.name for page in DOCS.glob("*.md")} - targets == {"README.md"}


@pytest.mark.parametrize("name", ["architecture.md", "development.md", "plugins.md", "host-facts.md"])
def test_files_that_are_named_exist(name: str) -> None:
    text = "\n".join(line for _, line in lines_with_code(DOCS / name))
    named_files = set(re.findall(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|toml|pth|start)|(?:[\w-]+/)+)`", text))
    places = (REPOSITORY, REPOSITORY / PACKAGE, *(REPOSITORY / PACKAGE / folder for folder in SHORT))
    assert sorted(file for file in named_files if not any((place / file).exists() for place in places)) == []


@pytest.mark.parametrize("page", pages(), ids=named)
def test_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shell = "".join(block.text for block in blocks(page) if block.words[:1] in {("console",), ("sh",)})
    code = "\n".join(re.findall(r"`([^`\n]+)`", text)) + "\n" + shell
    assert set(re.findall(r"^(?:\$ )?make ([a-z]+)", code, re.MULTILINE)) <= TARGETS
    used = set(re.findall(r"^(?:\$ )?zexus-parallel ([a-z]+)", code, re.MULTILINE))
    assert used <= COMMANDS.keys()
