"""The layers of the package: imports go down only, one place imports the host, start-up stays light."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import zexus_parallel_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "zexus_parallel_plugin"
PACKAGE = Path(zexus_parallel_plugin.__file__).parent

# From the top down. A module may import what is in its own layer or in one further down.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("__main__", "cli", "monitor", "pytest_plugin", "report"),
    ("explain",),
    ("plugin", "manager", "activation", "backends", "contributions", "api", "suites"),
    ("hookspecs", "specs"),
    ("attach",),
    ("runtime",),
    ("analysis",),
    ("engine",),
    ("host",),
    ("journal",),
    ("config", "errors", "kinds", "metrics", "opcodes", "paths", "reasons", "room"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """The first name below the package: what has a place among the layers."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path, package: Path = PACKAGE) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported, also inside functions and for type checkers."""
    parents = (NAME, *path.relative_to(package).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = parents[: len(parents) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def upward_imports(path: Path, package: Path = PACKAGE) -> list[str]:
    """What a module imports that is above it."""
    own = RANK[path.relative_to(package).parts[0].removesuffix(".py")]
    found = []
    for line, name in imports(path, package):
        parts = name.split(".")
        if parts[0] == NAME and RANK.get(parts[1], own) < own:
            found.append(f"{path.relative_to(package)}:{line} imports {name}, which is above it")
    return found


def importers(name: str) -> set[str]:
    """Parts of the package that import a package of somebody else."""
    return {
        part_of(path)
        for path in modules()
        if any(imported.split(".")[0] == name for _, imported in imports(path))
    }


def test_every_module_has_a_place() -> None:
    unknown = {part_of(path) for path in modules()} - set(RANK) - {"__init__"}
    assert not unknown, f"add {sorted(unknown)} to the layers"


def test_imports_go_down() -> None:
    assert [line for path in modules() if part_of(path) in RANK for line in upward_imports(path)] == []


def test_an_import_upwards_is_found(tmp_path: Path) -> None:
    # The test above passes when nothing is wrong; this one shows that it can fail.
    module = tmp_path / "engine" / "loop.py"
    module.parent.mkdir()
    module.write_text(
        f"from ..host import vm\nfrom . import frames\n\ndef f():\n    from {NAME}.runtime import pool\n"
        "    from ..analysis.regions import Region\n",
        encoding="utf-8",
    )
    assert upward_imports(module, tmp_path) == [
        f"engine/loop.py:5 imports {NAME}.runtime.pool, which is above it",
        f"engine/loop.py:6 imports {NAME}.analysis.regions.Region, which is above it",
    ]


def test_only_the_bridge_imports_the_host() -> None:
    assert importers("zexus") == {"host"}


def test_only_the_monitor_imports_textual() -> None:
    assert importers("textual") <= {"monitor"}


def loaded_by(code: str, **variables: str) -> set[str]:
    """Names of the modules that are loaded after some code has run in a fresh process."""
    text = f"{code}\nimport sys\nprint('LOADED', *sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={**os.environ, **variables},
        timeout=60,
    )
    line = process.stdout.splitlines()[-1]
    assert line.startswith("LOADED ")
    return set(line.split()[1:])


def test_a_run_does_not_load_what_it_does_not_need() -> None:
    headless = loaded_by(
        "import zexus_parallel_plugin.runtime.machine, zexus_parallel_plugin.contributions\n"
        "import zexus.cli.main\n"
        "from zexus_parallel_plugin.activation import activate\n"
        "activate(zexus.cli.main)\n"
    )
    assert f"{NAME}.runtime.machine" in headless
    assert not {name for name in headless if name.split(".")[0] in {"textual", "pluggy"}}


def test_the_start_of_python_loads_two_modules() -> None:
    without = loaded_by("pass", ZEXUS_PARALLEL_DISABLE="1")
    attached = loaded_by("import zexus_parallel_plugin.attach as attach; attach.install()")
    assert attached - without == {NAME, f"{NAME}.attach"}


def test_what_writes_source_is_loaded_when_there_is_something_to_write() -> None:
    compiler = f"{NAME}.engine.compiler"
    building = loaded_by(f"import {compiler}.builder, {compiler}.names")
    assert f"{compiler}.workshop" in building
    assert not {f"{compiler}.{name}" for name in ("emitter", "expressions", "ranges")} & building
