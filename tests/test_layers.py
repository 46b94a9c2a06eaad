"""The layers of the package: imports go down only, the host is imported in one place, start-up stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import zexus_parallel_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "zexus_parallel_plugin"
PACKAGE = Path(zexus_parallel_plugin.__file__).parent

# From the top down. A module may import what is in its own layer or in one further down.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("__main__", "cli", "monitor"),
    ("plugin", "manager", "activation", "contributions", "api"),
    ("hookspecs", "specs"),
    ("attach",),
    ("runtime",),
    ("analysis",),
    ("engine",),
    ("host",),
    ("journal",),
    ("config", "errors", "kinds", "metrics", "opcodes", "reasons"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def shown(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def part_of(path: Path) -> str:
    """The first name below the package: what has a place among the layers."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported, also inside functions and for type checkers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are written with full names"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def violations(path: Path) -> list[str]:
    """What a module imports that is above it."""
    own = part_of(path)
    found = []
    for line, name in imports(ast.parse(path.read_text(encoding="utf-8"))):
        parts = name.split(".")
        if parts[0] != NAME or len(parts) < 2 or parts[1] not in RANK:
            continue
        if RANK[parts[1]] < RANK[own]:
            found.append(f"{shown(path)}:{line} imports {name}, which is above it")
    return found


def test_every_module_has_a_place() -> None:
    unknown = {part_of(path) for path in modules()} - set(RANK) - {"__init__"}
    assert not unknown, f"add {sorted(unknown)} to the layers"


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_imports_go_down(path: Path) -> None:
    if part_of(path) == "__init__":
        return
    assert violations(path) == []


def test_an_import_upwards_is_found(tmp_path: Path) -> None:
    # The test above passes when nothing is wrong; this one shows that it would not.
    package = tmp_path / NAME
    package.mkdir()
    module = package / "engine.py"
    module.write_text(f"def f():\n    from {NAME}.runtime import pool\n", encoding="utf-8")
    globals_before = globals()["PACKAGE"]
    globals()["PACKAGE"] = package
    try:
        assert violations(module) == [f"engine.py:2 imports {NAME}.runtime.pool, which is above it"]
    finally:
        globals()["PACKAGE"] = globals_before


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_only_the_bridge_imports_the_host(path: Path) -> None:
    names = {name.split(".")[0] for _, name in imports(ast.parse(path.read_text(encoding="utf-8")))}
    assert "zexus" not in names or part_of(path) == "host"


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_only_the_monitor_imports_textual(path: Path) -> None:
    names = {name.split(".")[0] for _, name in imports(ast.parse(path.read_text(encoding="utf-8")))}
    assert "textual" not in names or part_of(path) == "monitor"


def loaded_by(code: str) -> set[str]:
    """Names of the modules that are loaded after some code has run in a fresh process."""
    text = f"{code}\nimport sys\nprint('LOADED', *sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, check=True, encoding="utf-8", timeout=60
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
    code = "import sys; before = set(sys.modules); import zexus_parallel_plugin.attach as attach; attach.install()"
    plain = {name for name in loaded_by("pass") if not name.startswith(NAME)}
    loaded = loaded_by(code)
    assert {name for name in loaded if name.startswith(NAME)} == {NAME, f"{NAME}.attach"}
    assert loaded - plain == {NAME, f"{NAME}.attach"}
