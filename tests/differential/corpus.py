"""The corpus: where its programs are and what their folders mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).resolve().parent.parent / "corpus"

# Programs of these folders do not reach the VM; every other one must.
NOT_COMPILED = {"fallback": "fallback", "rejected": "rejected", "flags": "flagged"}


@dataclass(frozen=True, slots=True)
class Program:
    """One file of the corpus; ``name`` is its path below the corpus."""

    name: str
    source: str

    @property
    def folder(self) -> str:
        """Its theme."""
        return self.name.partition("/")[0]

    @property
    def found_under(self) -> list[int]:
        """The gas limit under which the fuzzer found it, if it did."""
        found = re.search(r"gas limit (\d+)", self.source.partition("\n")[0])
        return [int(found.group(1))] if found and self.folder == "regressions" else []

    @property
    def expected_state(self) -> str:
        """What the host's compiler must say about it."""
        return NOT_COMPILED.get(self.folder, "compiled")


def programs() -> list[Program]:
    """All programs, sorted by name."""
    found = sorted(CORPUS.rglob("*.zx"))
    return [Program(path.relative_to(CORPUS).as_posix(), path.read_text(encoding="utf-8")) for path in found]


def folders() -> list[str]:
    """All themes, sorted."""
    return sorted({program.folder for program in programs()})


def gas_points(used: int, count: int) -> list[int]:
    """Up to ``count`` gas limits at which a program that used ``used`` ends early, spread over its run."""
    points = [used - 1, used // 2, used // 7, used * 4 // 5][:count]
    return sorted({point for point in points if point > 0})
