"""The corpus: where its programs are and what their folders mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HOST_GAS_LIMIT = 100_000_000
_FOUND = re.compile(r"// Found by the fuzzer \(.*?(?P<only>only under )?gas limit (?P<limit>\d+)\)")

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
    def _found(self) -> re.Match[str] | None:
        return _FOUND.match(self.source)

    @property
    def ends(self) -> bool:
        """Whether it ends without a small gas limit; else it is compared in process only."""
        return self._found is None or not self._found["only"]

    @property
    def gas_limits(self) -> list[int]:
        """Limits to run it under: the host's own if it ends, and the one under which the fuzzer found it."""
        limits = [int(self._found["limit"])] if self._found else []
        return [HOST_GAS_LIMIT, *limits] if self.ends else limits

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
    points = [used // 2, used - 1, used // 7, used * 4 // 5][:count]
    return sorted({point for point in points if point > 0})
