"""The Markdown pages of the project: fenced blocks, programs with their output, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DOCS = REPOSITORY / "docs"

_FENCE = re.compile(r"^(`{3,})(.*)$")
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_CODE = re.compile(r"`+[^`]*`+")


def pages() -> list[Path]:
    """Every page that a reader may meet."""
    top = [REPOSITORY / name for name in ("README.md", "CHANGELOG.md", "benchmarks/README.md")]
    return [*top, *sorted(DOCS.rglob("*.md"))]


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``words`` is its info string, ``line`` that of the opening fence."""

    page: Path
    line: int
    words: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        """Page and line, as editors understand them."""
        return f"{self.page.relative_to(REPOSITORY).as_posix()}:{self.line}"


@dataclass(frozen=True, slots=True)
class Program:
    """A Zexus program of a page, and the block with its output, if one follows.

    The words behind ``zexus`` say how it is run: ``backend`` only there, ``command`` by a whole command,
    ``gas`` with the gas shown, ``reason`` to see its reason counted, ``explain`` to see it explained,
    ``sketch`` not at all.
    """

    block: Block
    output: str | None

    @property
    def kinds(self) -> frozenset[str]:
        """The words behind ``zexus``."""
        return frozenset(self.block.words[1:])


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    found: list[Block] = []
    fence, start, words, inside = "", 0, (), []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if fence:
            if line.strip() == fence:
                found.append(Block(page, start, words, "".join(f"{text}\n" for text in inside)))
                fence = ""
            else:
                inside.append(line)
        elif match := _FENCE.match(line):
            fence, start, words, inside = match[1], number, tuple(match[2].split()), []
    assert not fence, f"{page}:{start}: the block has no end"
    return found


def programs(page: Path) -> list[Program]:
    """All Zexus programs of a page, each with the text block that follows as its output."""
    found = blocks(page)
    following: list[Block | None] = [*found, None][1:]
    return [
        Program(block, after.text if after is not None and after.words == ("text",) else None)
        for block, after in zip(found, following, strict=True)
        if block.words[:1] == ("zexus",)
    ]


def lines_with_code(page: Path) -> Iterator[tuple[int, str]]:
    """Number and text of the lines outside of fenced blocks."""
    fence = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        match = _FENCE.match(line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif match:
            fence = match[1]
        else:
            yield number, line


def links(page: Path) -> list[tuple[int, str]]:
    """Line and target of every link."""
    lines = [(number, _CODE.sub("code", line)) for number, line in lines_with_code(page)]
    return [(number, target) for number, line in lines for target in _LINK.findall(line)]


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page get."""
    found = set()
    for _, line in lines_with_code(page):
        if line.startswith("#"):
            title = line.lstrip("#").strip().lower()
            found.add(re.sub(r"[^\w\- ]", "", title).replace(" ", "-"))
    return found


def table(page: Path, first_heading: str) -> list[list[str]]:
    """The cells of the first table whose header begins with a cell of this text."""
    rows: list[list[str]] = []
    reading = False
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not reading:
            reading = bool(cells) and cells[0] == first_heading
        elif not cells:
            break
        elif set(cells[0]) - set("-: "):
            rows.append(cells)
    return rows
