"""The distribution: what is in it, that it works where it is installed, and that nothing stays behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import REPOSITORY, Finished, clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(600), pytest.mark.xdist_group("packaging")]

HELLO = 'action twice(x) { return x + x; }\nprint(twice("hello "));\nreturn twice(21);\n'


class Environment:
    """A virtual environment without pip, which sees the packages of the one that runs the tests.

    They are put on its path without their path files being executed, so no hook but its own is active there.
    """

    def __init__(self, directory: Path) -> None:
        venv.create(directory, with_pip=False, symlinks=os.name == "posix")
        self.directory = directory
        self.python = directory / ("Scripts" if os.name == "nt" else "bin") / "python"
        self.site = Path(
            self.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
        )
        (self.site / "zz_packages_of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(self, *words: str) -> Finished:
        done = subprocess.run(
            [str(self.python), *words],
            capture_output=True,
            check=False,
            cwd=self.directory,
            encoding="utf-8",
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            timeout=300,
        )
        return Finished(done.stdout, done.stderr, done.returncode)

    def pip(self, *words: str) -> None:
        pip("--python", str(self.python), *words)

    def files(self) -> set[str]:
        """Everything in it but compiled files."""
        found = {str(path.relative_to(self.directory)) for path in self.directory.rglob("*")}
        return {name for name in found if "__pycache__" not in name}


def pip(*words: str) -> None:
    words = (sys.executable, "-m", "pip", "--disable-pip-version-check", *words)
    done = subprocess.run(
        words, capture_output=True, check=False, encoding="utf-8", env=clean_environment(), timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    directory = tmp_path_factory.mktemp("wheel")
    pip(
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(directory),
        str(REPOSITORY),
    )
    (path,) = directory.glob("*.whl")
    return path


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "environment")


@pytest.fixture
def install(wheel: Path) -> Callable[[Environment, str], None]:
    """Install the project, from the wheel or editable."""

    def run(environment: Environment, kind: str) -> None:
        if kind == "wheel":
            environment.pip("install", "--quiet", "--no-deps", "--no-index", str(wheel))
        else:
            words = ["--no-deps", "--no-build-isolation", "--editable", str(REPOSITORY)]
            environment.pip("install", "--quiet", *words)

    return run


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_the_wheel_has_the_path_files_at_its_root_and_the_manifest_in_the_package(wheel: Path) -> None:
    found = names(wheel)
    assert {
        "zexus_parallel_plugin.pth",
        "zexus_parallel_plugin.start",
        "zexus_parallel_plugin/zexus-plugin.toml",
        "zexus_parallel_plugin/py.typed",
        "zexus_parallel_plugin/attach/__init__.py",
    } <= found
    top = {name.partition("/")[0] for name in found}
    (metadata,) = [name for name in top if name.endswith(".dist-info")]
    assert top == {
        "zexus_parallel_plugin", "zexus_parallel_plugin.pth", "zexus_parallel_plugin.start", metadata,
    }  # fmt: skip
    with zipfile.ZipFile(wheel) as archive:
        for name in ("zexus_parallel_plugin.pth", "zexus_parallel_plugin.start"):
            assert archive.read(name) == (REPOSITORY / name).read_bytes()
        entry_points = archive.read(f"{metadata}/entry_points.txt").decode()
    assert "zexus-parallel = zexus_parallel_plugin.cli:main" in entry_points
    assert "[zexus.plugins]\nparallel = zexus_parallel_plugin.plugin" in entry_points


def test_the_source_distribution_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    code = f"import hatchling.build as build; print(build.build_sdist({str(tmp_path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=REPOSITORY, encoding="utf-8"
    )
    path = tmp_path / done.stdout.splitlines()[-1]
    with tarfile.open(path) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    assert {"zexus_parallel_plugin.pth", "zexus_parallel_plugin.start", "LICENSE", "README.md"} <= files
    assert not {name for name in files if name.startswith((".git/", ".venv"))}
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(path))
    (again,) = tmp_path.glob("*.whl")
    assert names(again) == names(wheel)


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_it_installs_works_and_leaves_nothing_behind(
    environment: Environment, install: Callable[[Environment, str], None], kind: str
) -> None:
    program = environment.directory / "hello.zx"
    program.write_text(HELLO)
    plain = environment.run("-m", "zexus", "run", str(program))
    assert "hello hello \n" in plain.stdout
    assert plain.code == 0
    refused = environment.run("-m", "zexus", "run", "--backend", "parallel", str(program))
    assert "No such option" in refused.stderr
    before = environment.files()

    install(environment, kind)
    assert environment.run("-c", "pass") == Finished("", "", 0)
    for words in (["-m", "zexus"], ["-m", "zexus.cli.main"]):
        result = environment.run(*words, "run", "--backend", "parallel", str(program))
        assert result == plain
    assert environment.run("-m", "zexus", "run", str(program)) == plain
    where = environment.run("-c", "import zexus_parallel_plugin as it; print(it.__path__[0])").stdout.strip()
    expected = environment.site if kind == "wheel" else REPOSITORY
    assert Path(where) == expected / "zexus_parallel_plugin"
    script = environment.python.parent / "zexus-parallel"
    assert environment.run(str(script), "run", str(program)) == plain
    doctor = environment.run(str(script), "doctor", "--quick", "--json")
    (hook,) = [check for check in json.loads(doctor.stdout)["checks"] if check["name"] == "hook"]
    assert hook["facts"]["files"] == [str(environment.site / "zexus_parallel_plugin.pth")]
    assert doctor.code == 0

    environment.pip("uninstall", "--quiet", "--yes", "zexus-parallel-plugin")
    assert environment.files() == before
    assert environment.run("-c", "pass") == Finished("", "", 0)
    assert environment.run("-m", "zexus", "run", str(program)) == plain
    assert environment.run("-m", "zexus", "run", "--backend", "parallel", str(program)) == refused


def test_a_deleted_package_does_not_stop_python_or_the_host(
    environment: Environment, install: Callable[[Environment, str], None]
) -> None:
    install(environment, "wheel")
    package = environment.site / "zexus_parallel_plugin"
    package.rename(package.with_name("moved_away"))
    assert environment.run("-c", "pass") == Finished("", "", 0)
    program = environment.directory / "hello.zx"
    program.write_text(HELLO)
    result = environment.run("-m", "zexus", "run", str(program))
    assert "hello hello \n" in result.stdout
    assert (result.stderr, result.code) == ("", 0)


def test_a_third_party_plugin_is_installed_and_runs_a_program(
    environment: Environment, install: Callable[[Environment, str], None], tmp_path: Path
) -> None:
    project = tmp_path / "loud"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "zexus-loud"\nversion = "3.1"\n'
        '[project.entry-points."zexus.plugins"]\nloud = "zexus_loud"\n'
        '[tool.hatch.build.targets.wheel]\ninclude = ["zexus_loud.py"]\n'
    )
    (project / "zexus_loud.py").write_text(
        "import sys\n"
        "from zexus_parallel_plugin.hookspecs import BackendSpec, hookimpl\n"
        "def create_vm(config, **arguments):\n"
        "    from zexus.vm.vm import VM\n"
        "    sys.stderr.write('LOUD\\n')\n"
        "    return VM(**arguments)\n"
        "@hookimpl\n"
        "def zexus_backends():\n"
        "    return [BackendSpec('loud', 'The host, loudly.', create_vm)]\n"
    )
    install(environment, "wheel")
    environment.pip("install", "--quiet", "--no-deps", "--no-build-isolation", str(project))
    program = environment.directory / "hello.zx"
    program.write_text(HELLO)
    plain = environment.run("-m", "zexus", "run", str(program))
    result = environment.run("-m", "zexus", "run", "--backend", "loud", str(program))
    assert result == Finished(plain.stdout, "LOUD\n", 0)
    listed = environment.run("-m", "zexus_parallel_plugin", "plugins").stdout
    assert "loud (zexus-loud 3.1): active" in listed
