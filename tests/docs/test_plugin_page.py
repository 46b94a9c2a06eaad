"""The plugin on the page of plugins works as the page says."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import TYPE_CHECKING

import pytest

from zexus_parallel_plugin import hookspecs

from .pages import DOCS, blocks, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

PAGE = DOCS / "plugins.md"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory with the example, as an installer would leave it."""
    (source,) = [block.text for block in blocks(PAGE) if block.words == ("python",)]
    (project,) = [block.text for block in blocks(PAGE) if block.words == ("toml",)]
    name, module = re.findall(r'^(\w+) = "(\w+)"$', project, re.MULTILINE)[0]
    assert f"<!-- example: {module}.py -->" in PAGE.read_text(encoding="utf-8")
    site = tmp_path / "site"
    metadata = site / f"zexus_{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / f"{module}.py").write_text(source, encoding="utf-8")
    about = f"Metadata-Version: 2.1\nName: zexus-{name}\nVersion: 1.0\n"
    (metadata / "METADATA").write_text(about, encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[zexus.plugins]\n{name} = {module}\n", encoding="utf-8")
    return site


def test_the_example_runs_a_program(
    site: Path, command: Callable[..., Finished], program: Callable[..., Path]
) -> None:
    words = ["-m", "zexus", "run", "--backend", "stopwatch", "--unit"]
    file = str(program("print(6 * 7);\n"))
    done = command(*words, "ms", file, env={"PYTHONPATH": str(site)})
    assert done.code == 0
    assert done.stdout.endswith("\n42\n")
    assert re.fullmatch(r"stopwatch: \d+\.\d{3} ms\n", done.stderr)
    wrong = command(*words, "hours", file, env={"PYTHONPATH": str(site)})
    assert (wrong.code, wrong.stderr) == (2, "Error: --unit must be s or ms, got 'hours'\n")


def test_the_table_of_hooks_is_complete() -> None:
    hooks = [name for name, _ in inspect.getmembers(hookspecs.ZexusHooks, inspect.isfunction)]
    rows = {row[0].strip("`"): row[1].strip("`") for row in table(PAGE, "hook")}
    assert sorted(rows) == sorted(hooks)
    for record in rows.values():
        name, fields = re.fullmatch(r"(\w+)\((.*)\)", record).groups()  # type: ignore[union-attr]
        expected = [field.name for field in dataclasses.fields(getattr(hookspecs, name))]
        assert fields.split(", ") == expected
