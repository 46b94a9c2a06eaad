"""Counts the functions and loops that the compiled tier makes units of, and says why it refuses the others.

    python benchmarks/compiled.py [FOLDER …]

By default in the corpus, the examples, the suites and the programs of the benchmarks: all actions, and all
outermost loops of top-level code.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import tables
from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.explain.compiled import compiled
from zexus_parallel_plugin.explain.subject import load

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("tests/corpus", "examples", "keyword_tests", "benchmarks")


def count(folder: Path) -> tuple[int, Counter[str]]:
    """Units that are compiled in the programs of a folder, and how many are not, by reason."""
    made = 0
    refused: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.zx")):
        subject = load(path, ParallelConfig())
        if subject.view is None:
            continue  # the program does not reach the VM
        for one in compiled(subject):
            made += not one.reason
            refused[one.reason] += bool(one.reason)
    del refused[""]
    return made, refused


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[ROOT / name for name in FOLDERS])
    arguments = parser.parse_args()
    rows = []
    reasons: Counter[str] = Counter()
    total = 0
    for folder in arguments.folders:
        with contextlib.redirect_stdout(sys.stderr):  # the host warns when it is first used
            made, refused = count(folder)
        everything = made + refused.total()
        name = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
        rows.append([str(name), str(made), str(everything), _share(made, everything)])
        total += made
        reasons += refused
    everything = total + reasons.total()
    rows.append(["all", str(total), str(everything), _share(total, everything)])
    print(tables.markdown(["folder", "compiled", "of", "%"], rows))
    for reason, number in reasons.most_common():
        print(f"{number:4d}  {reason}")
    return 0


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


if __name__ == "__main__":
    sys.exit(main())
