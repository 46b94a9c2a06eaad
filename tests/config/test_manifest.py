from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import zexus_parallel_plugin
from tests.conftest import REPOSITORY
from zexus_parallel_plugin import contributions
from zexus_parallel_plugin.config import CONFIG_FILE, ParallelConfig, resolve_config, settings
from zexus_parallel_plugin.hookspecs import ENTRY_POINT_GROUP
from zexus_parallel_plugin.host.version import VERIFIED_VERSIONS
from zexus_parallel_plugin.opcodes import OPCODES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = Path(zexus_parallel_plugin.__file__).parent


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return read(PACKAGE / CONFIG_FILE)


def test_the_repository_shows_the_manifest_of_the_package() -> None:
    assert (REPOSITORY / CONFIG_FILE).read_bytes() == (PACKAGE / CONFIG_FILE).read_bytes()


def test_name_version_and_host_are_those_of_the_distribution(manifest: dict[str, Any]) -> None:
    project = read(REPOSITORY / "pyproject.toml")["project"]
    assert manifest["plugin"]["name"] == project["name"]
    assert manifest["plugin"]["description"] == project["description"]
    assert manifest["plugin"]["version"] == zexus_parallel_plugin.__version__
    assert f"zexus{manifest['host']['requires']}" in project["dependencies"]
    assert tuple(manifest["host"]["verified"]) == VERIFIED_VERSIONS


def test_the_entry_point_is_the_installed_one(manifest: dict[str, Any]) -> None:
    plugin = manifest["plugin"]
    assert plugin["entry_point_group"] == ENTRY_POINT_GROUP
    distribution = metadata.distribution(plugin["name"])
    values = [item.value for item in distribution.entry_points if item.group == ENTRY_POINT_GROUP]
    assert values == [plugin["entry_point"]]


def test_the_backends_are_those_of_the_code(manifest: dict[str, Any]) -> None:
    spec = contributions.backend()
    assert manifest["backends"] == [{"name": spec.name, "help": spec.help}]


def test_the_opcodes_are_those_of_the_code(manifest: dict[str, Any]) -> None:
    expected = [
        {
            "number": int(info.opcode),
            "name": info.name,
            "operand": info.operand,
            "stack_effect": info.stack_effect,
            "gas": info.gas,
        }
        for info in OPCODES.values()
    ]
    assert manifest["opcodes"] == expected


def test_the_configuration_is_complete_and_the_default(manifest: dict[str, Any]) -> None:
    assert list(manifest["backend"]["parallel"]) == [setting.name for setting in settings()]
    assert resolve_config(program=PACKAGE / "program.zx", environ={}) == ParallelConfig()
