"""What is called parallel is given to workers, and what is not legal is not: seen in runs.

Everything that may run ahead does, however small it is, on a pool without processes. (With these settings the
first levels of a recursion are looked at, too.)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.explain.telling import WORK
from tests.runtime.running import use_fake_pool
from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.explain.build import report
from zexus_parallel_plugin.explain.measured import measure
from zexus_parallel_plugin.explain.subject import load

if TYPE_CHECKING:
    from zexus_parallel_plugin.explain.model import Chunk, Report

ROOT = Path(__file__).parents[2]
EAGER = ParallelConfig(worker_count=2, mode="parallel", min_task_seconds=0.0, gas_limit=3_000_000)

SOURCES = {
    "graph": "let a = work(3);\nlet b = work(4);\nlet c = work(a + b);\nprint(c);\n",
    "list": "let out = [];\nfor i in range(12) {\n    out.push(work(i * 90));\n}\nprint(out);\n",
    "ahead of state": (
        "let s = 1;\nlet t = 0;\nfor i in range(40) {\n    s = s * 5 % 77;\n    t = (t + work(s)) % 9;\n}\n"
        "print(t);\n"
    ),
    "state": "let s = 1;\nfor i in range(40) {\n    s = work(s) * 5 % 77;\n}\nprint(s);\n",
    "effect": "action f(n) {\n    return random(n) + work(n);\n}\nlet a = f(3);\nlet b = f(4);\nprint(1);\n",
    "caller's variable": (
        "let wk = 1;\nlet a = work(30);\nlet b = work(40);\nprint(wk);\n"
    ),
    "shared list": (
        "let seen = [];\naction note(n) {\n    let k = 0;\n    while (k < n) { k = k + 1; }\n"
        "    seen.push(n);\n    return k;\n}\nlet a = note(3);\nlet b = note(4);\nprint(seen);\n"
    ),
    "recursion": (
        "action fib(n) {\n    if (n < 2) { return n; }\n    return fib(n - 1) + fib(n - 2);\n}\n"
        "print(fib(9));\n"
    ),
    "loops in an action": (
        "action main() {\n    let t = 0;\n    let i = 0;\n    while (i < 30) {\n        t = t + work(i);\n"
        "        i = i + 1;\n    }\n    return t;\n}\nprint(main());\n"
    ),
    "map": "let m = {};\nfor i in range(30) {\n    m[i] = work(i);\n}\nprint(m);\n",
    "parallel_map": "let xs = [9, 8, 7, 6, 5, 4];\nprint(parallel_map(work, xs));\n",
}  # fmt: skip


def measured(path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    use_fake_pool(monkeypatch, "prompt")
    subject = load(path, EAGER)
    found = report(subject)
    measure(subject, found)
    return found


def sent(chunk: Chunk) -> int:
    return sum(each.sent for _pc, each in chunk.measured)


@pytest.mark.parametrize("name", SOURCES)
def test_small_programs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "program.zx"
    path.write_text(WORK + SOURCES[name], encoding="utf-8")
    found = measured(path, monkeypatch)
    assert found.measured["error"] == ""
    first = True
    for chunk in found.chunks:
        mapped = name == "parallel_map"
        if chunk.verdict == "parallel" and not mapped and not (chunk.sites and chunk.sites[0].first):
            assert sent(chunk), (chunk.number, chunk.lines)
            first = False
        if chunk.verdict == "not legal" and chunk.kind == "call" and chunk.reason != "recursive-call":
            assert not sum(each.used for _pc, each in chunk.measured), (chunk.number, chunk.lines)
    assert first or found.parallel


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.zx")), ids=lambda path: path.stem)
def test_examples(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(path, monkeypatch)
    reached = False
    for chunk in found.parallel:
        if chunk.kind == "loop" and not reached:
            assert sent(chunk), (chunk.number, chunk.lines)
            reached = True  # the gas may not be enough for more
