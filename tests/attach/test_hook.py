"""The hook: what a start of Python does, and what importing the host's command line then does."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import REPOSITORY
from zexus_parallel_plugin import attach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Finished


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[attach.State]]:
    """A process in which nothing has happened yet: no finder, no target, an activation that is recorded."""
    before = list(sys.meta_path)
    sys.meta_path[:] = [finder for finder in before if not isinstance(finder, attach.Finder)]
    monkeypatch.delitem(sys.modules, attach.TARGET, raising=False)
    for name, value in (("installed", False), ("attached", False), ("error", "")):
        monkeypatch.setattr(attach.State, name, value)
    yield attach.State
    sys.meta_path[:] = before


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A module that stands for the host's."""
    (tmp_path / "zexus_stand_in.py").write_text("cli = 'the command'\nloader_then = __loader__\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(attach, "TARGET", "zexus_stand_in")
    monkeypatch.delitem(sys.modules, "zexus_stand_in", raising=False)
    return "zexus_stand_in"


@pytest.fixture
def activated(monkeypatch: pytest.MonkeyPatch) -> list[ModuleType]:
    """Stands for the activation; the modules that it was given."""
    modules: list[ModuleType] = []
    stand_in = ModuleType("activation_stand_in")
    stand_in.activate = modules.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    monkeypatch.setattr(attach, "ACTIVATION", stand_in.__name__)
    return modules


def finders() -> list[Any]:
    return [finder for finder in sys.meta_path if isinstance(finder, attach.Finder)]


def test_the_target_is_activated_once_when_it_is_imported(
    fresh: type[attach.State], target: str, activated: list[ModuleType]
) -> None:
    attach.install()
    attach.install()
    assert len(finders()) == 1
    assert activated == []
    module = __import__(target)
    assert activated == [module]
    assert fresh.attached
    assert finders() == []
    assert isinstance(module.__loader__, SourceFileLoader)
    assert {"exec_module", "get_code"}.isdisjoint(vars(module.__loader__))


def test_a_target_that_is_loaded_already_is_activated_at_once(
    fresh: type[attach.State], target: str, activated: list[ModuleType]
) -> None:
    module = __import__(target)
    attach.install()
    assert activated == [module]
    assert finders() == []


def test_other_modules_are_left_to_the_other_finders(fresh: type[attach.State]) -> None:
    attach.install()
    (finder,) = finders()
    assert finder.find_spec("json") is None
    assert find_spec("json") is not None


def test_a_target_that_does_not_exist_is_not_found(
    fresh: type[attach.State], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attach, "TARGET", "zexus_that_is_not_there")
    attach.install()
    with pytest.raises(ModuleNotFoundError):
        __import__("zexus_that_is_not_there")


def test_a_target_that_fails_raises_its_own_error_and_may_be_tried_again(
    fresh: type[attach.State], target: str, activated: list[ModuleType], tmp_path: Path
) -> None:
    source = (tmp_path / f"{target}.py").read_text()
    (tmp_path / f"{target}.py").write_text("raise ValueError('its own')\n")
    attach.install()
    with pytest.raises(ValueError, match="its own"):
        __import__(target)
    assert activated == []
    (tmp_path / f"{target}.py").write_text(source + "# longer than before\n")
    module = __import__(target)
    assert activated == [module]


@pytest.mark.parametrize("error", [RuntimeError("broken"), SystemExit(3), ImportError("gone")])
def test_an_error_of_ours_is_remembered_and_does_not_reach_the_host(
    fresh: type[attach.State],
    target: str,
    activated: list[ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    def activate(module: ModuleType) -> None:
        raise error

    monkeypatch.setattr(sys.modules["activation_stand_in"], "activate", activate)
    attach.install()
    assert __import__(target).cli == "the command"
    assert not fresh.attached
    assert fresh.error == f"{type(error).__name__}: {error}"


def test_a_loader_that_cannot_be_watched_works_without_us(
    fresh: type[attach.State], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sealed:
        __slots__ = ()

        def create_module(self, spec: ModuleSpec) -> None:
            return None

        def exec_module(self, module: ModuleType) -> None:
            module.value = 7  # type: ignore[attr-defined]

    class Other:
        def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
            return ModuleSpec(name, Sealed()) if name == "sealed" else None  # type: ignore[arg-type]

    monkeypatch.setattr(attach, "TARGET", "sealed")
    sys.meta_path.append(Other())
    attach.install()
    spec = find_spec("sealed")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.value == 7
    assert "AttributeError" in fresh.error


@pytest.mark.parametrize("variable", ["ZEXUS_PARALLEL_DISABLE", "ZEXUS_PARALLEL_WORKER"])
def test_it_can_be_switched_off_and_is_off_in_workers(
    fresh: type[attach.State], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    attach.install()
    assert finders() == []
    assert not fresh.installed


def test_disable_zero_means_on(fresh: type[attach.State], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEXUS_PARALLEL_DISABLE", "0")
    attach.install()
    assert len(finders()) == 1


class TestPathFiles:
    """The two files that start the hook."""

    PTH = REPOSITORY / "zexus_parallel_plugin.pth"
    START = REPOSITORY / "zexus_parallel_plugin.start"

    def test_they_are_one_line_of_ascii_each(self) -> None:
        for path in (self.PTH, self.START):
            text = path.read_bytes().decode("ascii")
            assert text.count("\n") == 1
            assert text.endswith("\n")
        # site executes only lines that start like this.
        assert self.PTH.read_text().startswith("import ")

    def test_the_path_file_sorts_after_that_of_an_editable_install(self) -> None:
        assert self.PTH.name > "_editable_impl_zexus_parallel_plugin.pth"

    def test_the_start_file_names_the_hook(self) -> None:
        module, _, name = self.START.read_text().strip().partition(":")
        assert module == attach.__name__
        assert getattr(attach, name) is attach.install

    def execute(self, command: Callable[..., Finished], before: str = "", **env: str) -> Finished:
        """Execute the line as site does, in a process without a hook of its own."""
        line = self.PTH.read_text()
        code = (
            f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n{before}\n"
            f"def addpackage(line):\n    exec(line)\naddpackage({line!r})\naddpackage({line!r})\n"
            "print(sorted(name for name in sys.modules if name.startswith('zexus')))\n"
            "print(sum(type(finder).__name__ == 'Finder' for finder in sys.meta_path))\n"
        )
        return command("-S", "-c", code, env=env)

    def test_its_line_installs_one_finder_even_if_executed_twice(
        self, command: Callable[..., Finished]
    ) -> None:
        result = self.execute(command)
        assert result.stdout == "['zexus_parallel_plugin', 'zexus_parallel_plugin.attach']\n1\n"
        assert (result.stderr, result.code) == ("", 0)

    def test_its_line_imports_nothing_when_switched_off(self, command: Callable[..., Finished]) -> None:
        result = self.execute(command, ZEXUS_PARALLEL_DISABLE="1")
        assert result.stdout == "[]\n0\n"

    @pytest.mark.parametrize(
        "fault", ["raise ImportError('gone')", "raise SystemExit(3)", "this is no Python"]
    )
    def test_a_broken_package_does_not_stop_python(
        self, command: Callable[..., Finished], tmp_path: Path, fault: str
    ) -> None:
        broken = tmp_path / "zexus_parallel_plugin"
        broken.mkdir()
        (broken / "__init__.py").write_text(fault + "\n")
        result = self.execute(command, before=f"sys.path.insert(0, {str(tmp_path)!r})")
        assert result.stdout.endswith("0\n")
        assert (result.stderr, result.code) == ("", 0)
