"""The sets of programs in this directory, each with a twin in plain Python, and the examples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sizes import resized, small_sizes

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"

SETS = {
    "functions": HERE / "functions",
    "programs": HERE / "programs",
    "parallel": HERE / "parallel",
    "examples": HERE.parent / "examples",
}

_SHAPES = re.compile(r"\bS(\d+)\b")


@dataclass(frozen=True, slots=True)
class Program:
    """A program of a set."""

    name: str
    path: Path

    @property
    def twin(self) -> Path | None:
        """The same program in plain Python, if there is one."""
        path = self.path.with_suffix(".py")
        return path if path.exists() else None

    @property
    def expected(self) -> Path | None:
        """A file with the output, if there is one."""
        path = self.path.parent / "expected" / f"{self.name}.txt"
        return path if path.exists() else None

    @property
    def source(self) -> str:
        """Its text."""
        return self.path.read_text(encoding="utf-8")

    @property
    def shapes(self) -> tuple[str, ...]:
        """The parallel shapes that its first comment names."""
        header = self.source.partition("\n\n")[0]
        return tuple(f"S{number}" for number in _SHAPES.findall(header))

    def small(self, path: Path) -> str:
        """The text of the program or of its twin, with little work where that can be chosen."""
        directory = self.path.parent.resolve()
        place = next((name for name, where in SETS.items() if where == directory), "")
        return resized(path.read_text(encoding="utf-8"), small_sizes(place, self.name))


def programs(name: str) -> list[Program]:
    """The programs of a set, by name."""
    return [Program(path.stem, path) for path in sorted(SETS[name].glob("*.zx"))]


def select(words: list[str]) -> list[Program]:
    """Programs by set, by name, or by path; all of the sets with twins if there are no words."""
    found: list[Program] = []
    known = {program.name: program for name in reversed(SETS) for program in programs(name)}
    for word in words or ["functions", "programs"]:
        if word in SETS:
            found += programs(word)
        elif word in known:
            found.append(known[word])
        elif word.endswith(".zx") and Path(word).is_file():
            found.append(Program(Path(word).stem, Path(word)))
        else:
            raise SystemExit(f"{word}: no set ({', '.join(SETS)}), no program of a set, and no .zx file")
    return found
