"""Finding and loading plugins: installed ones in a directory of their own on the path."""

from __future__ import annotations

import sys
from importlib import invalidate_caches
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from zexus_parallel_plugin.errors import PluginError
from zexus_parallel_plugin.manager import load_plugins
from zexus_parallel_plugin.specs import BackendSpec, CliOption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Finished
    from zexus_parallel_plugin.manager import LoadedPlugin, Plugins

QUIET = '''
    """Adds a backend that is the host's VM and says on standard error what it was given."""
    import sys
    from zexus_parallel_plugin.hookspecs import BackendSpec, CliOption, OpcodeSpec, hookimpl

    def create_vm(config, **host_arguments):
        from zexus.vm.vm import VM
        print("quiet", config, sorted(host_arguments), file=sys.stderr)
        return VM(**host_arguments)

    @hookimpl
    def zexus_backends():
        return [BackendSpec("quiet", "The host's VM.", create_vm)]

    @hookimpl
    def zexus_cli_options():
        return [CliOption("--volume", "volume", "quiet", "How loud.", metavar="N")]

    @hookimpl
    def zexus_opcodes():
        return [OpcodeSpec(400, "QUIET", "quiet", lambda vm, stack, operand: None)]
'''


def install(directory: Path, name: str, source: str) -> None:
    """What an installer leaves behind for a plugin: a module, and metadata with its entry point."""
    module = f"plugin_{name}"
    (directory / f"{module}.py").write_text(dedent(source).lstrip())
    metadata = directory / f"zexus_{name}-1.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: zexus-{name}\nVersion: 1.5\n")
    (metadata / "entry_points.txt").write_text(f"[zexus.plugins]\n{name} = {module}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory on the path into which plugins can be installed."""
    directory = tmp_path / "site"
    directory.mkdir()
    monkeypatch.syspath_prepend(str(directory))
    before = set(sys.modules)
    yield directory
    for name in set(sys.modules) - before:
        if name.startswith("plugin_"):
            del sys.modules[name]
    invalidate_caches()


def load(environ: dict[str, str] | None = None) -> tuple[Plugins, list[str]]:
    warnings: list[str] = []
    return load_plugins(environ or {}, warnings.append), warnings


OWN_OPTIONS = ["--workers", "--gas-limit", "--cache", "--no-cache", "--exact-gas-profile"]


def only(plugins: Plugins, name: str) -> LoadedPlugin:
    (item,) = [item for item in plugins.found if item.name == name]
    return item


def test_this_project_is_a_plugin_like_any_other() -> None:
    plugins, warnings = load()
    assert warnings == []
    own = only(plugins, "parallel")
    assert own.status == "active"
    assert list(plugins.backends) == ["parallel"]
    assert [option.flag for option in plugins.options] == OWN_OPTIONS
    assert [opcode.number for opcode in plugins.opcodes] == list(range(300, 306))


def test_a_third_party_plugin_adds_its_records(site: Path) -> None:
    install(site, "quiet", QUIET)
    plugins, warnings = load()
    assert warnings == []
    item = only(plugins, "quiet")
    assert (item.distribution, item.version, item.status) == ("zexus-quiet", "1.5", "active")
    assert list(plugins.backends) == ["parallel", "quiet"]
    assert [option.flag for option in item.options] == ["--volume"]
    assert [opcode.number for opcode in item.opcodes] == [400]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("1 +\n", "SyntaxError"),
        (
            """
            from zexus_parallel_plugin.hookspecs import hookimpl
            @hookimpl
            def zexus_backends(): raise RuntimeError("two\\nlines")
            """,
            "RuntimeError: two lines",
        ),
        (
            """
            from zexus_parallel_plugin.hookspecs import hookimpl
            @hookimpl
            def zexus_backends(): return ["quiet"]
            """,
            "TypeError: zexus_backends returned 'quiet', which is not a BackendSpec",
        ),
        (
            """
            from zexus_parallel_plugin.hookspecs import hookimpl
            @hookimpl
            def zexus_backend(): return []
            """,
            "unknown hook 'zexus_backend'",
        ),
        (
            """
            from zexus_parallel_plugin.hookspecs import hookimpl
            @hookimpl
            def zexus_backends(loudness): return []
            """,
            "loudness",
        ),
    ],
)
def test_a_broken_plugin_is_one_warning_with_its_name(site: Path, source: str, why: str) -> None:
    install(site, "broken", source)
    install(site, "quiet", QUIET)
    plugins, warnings = load()
    (line,) = warnings
    assert line.startswith("plugin broken of zexus-broken is left out: ")
    assert why in line
    assert "\n" not in line
    assert only(plugins, "broken").status == "failed"
    assert list(plugins.backends) == ["parallel", "quiet"]


def test_what_a_plugin_prints_does_not_reach_standard_output(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "chatty", 'print("hello")\n')
    load()
    assert capsys.readouterr().out == ""


def test_the_second_of_two_with_the_same_name_is_left_out_by_part(site: Path) -> None:
    install(site, "quiet", QUIET)
    install(site, "zzz", QUIET.replace("How loud.", "Another."))
    plugins, warnings = load()
    assert [line.partition(": ")[2] for line in warnings] == [
        "backend quiet: another plugin has it",
        "option --volume: another plugin has it",
        "opcode 400: another plugin has it",
    ]
    assert only(plugins, "zzz").status == "active"
    assert [option.flag for option in plugins.options] == [*OWN_OPTIONS, "--volume"]


def test_a_plugin_cannot_take_the_name_of_this_one(site: Path) -> None:
    install(site, "parallel", QUIET)
    plugins, warnings = load()
    assert warnings == ["plugin parallel of zexus-parallel is left out: another plugin has the same name"]
    assert list(plugins.backends) == ["parallel"]


def test_an_option_needs_its_backend(site: Path) -> None:
    install(site, "quiet", QUIET.replace('"volume", "quiet"', '"volume", "loud"'))
    plugins, warnings = load()
    assert warnings == ["plugin quiet of zexus-quiet is left out: option --volume: there is no backend loud"]
    assert "quiet" in plugins.backends


def test_plugins_can_be_switched_off_by_name(site: Path) -> None:
    install(site, "broken", "raise RuntimeError\n")
    install(site, "quiet", QUIET)
    plugins, warnings = load({"ZEXUS_PARALLEL_PLUGINS_DISABLE": "broken, parallel"})
    assert warnings == []
    assert {item.name: item.status for item in plugins.found} == {
        "parallel": "disabled",
        "broken": "disabled",
        "quiet": "active",
    }
    assert list(plugins.backends) == ["quiet"]
    assert "plugin_broken" not in sys.modules


@pytest.mark.parametrize("name", ["host", "Host", "", "a b", "2nd", "-x"])
def test_a_backend_has_a_name_that_can_be_typed(name: str) -> None:
    with pytest.raises(PluginError, match="cannot be named"):
        BackendSpec(name, "", lambda config: None)


@pytest.mark.parametrize("flag", ["volume", "-v", "--", "--Volume", "--a b"])
def test_an_option_has_a_flag_that_can_be_typed(flag: str) -> None:
    with pytest.raises(PluginError, match="cannot be named"):
        CliOption(flag, "volume", "quiet", "")


class TestCommandLine:
    """A third-party backend on the host's real command line."""

    TEXT = "print(1 + 1);\n"

    def run(self, command: Callable[..., Finished], site: Path, *words: str, **env: str) -> Finished:
        return command("-m", "zexus", *words, env={"PYTHONPATH": str(site), **env})

    def test_it_runs_a_program(
        self, command: Callable[..., Finished], program: Callable[..., Path], site: Path
    ) -> None:
        install(site, "quiet", QUIET)
        file = str(program(self.TEXT))
        plain = self.run(command, site, "run", file)
        result = self.run(command, site, "run", file, "--backend", "quiet", "--volume", "11")
        assert result.stdout == plain.stdout
        assert result.stderr.startswith("quiet {'volume': '11'} ['debug', 'gas_limit', ")
        assert result.code == 0

    def test_it_is_in_the_help(self, command: Callable[..., Finished], site: Path) -> None:
        install(site, "quiet", QUIET)
        text = self.run(command, site, "run", "--help").stdout
        assert "--backend [host|parallel|quiet]" in text
        assert "--volume N" in text

    def test_its_opcodes_are_in_the_kernel(self, command: Callable[..., Finished], site: Path) -> None:
        install(site, "quiet", QUIET)
        text = self.run(command, site, "kernel").stdout
        assert "7 handlers" in text
        assert [line.split()[3] for line in text.splitlines() if "quiet" in line] == ["1.5"]

    def test_a_broken_one_is_a_warning_on_standard_error(
        self, command: Callable[..., Finished], program: Callable[..., Path], site: Path
    ) -> None:
        install(site, "broken", "raise RuntimeError('on purpose')\n")
        file = str(program(self.TEXT))
        plain = self.run(command, site, "run", file)
        assert plain.stderr == ""
        result = self.run(command, site, "run", file, "--backend", "broken")
        assert result.stderr.splitlines()[0] == (
            "zexus-parallel: plugin broken of zexus-broken is left out: RuntimeError: on purpose"
        )
        assert result.stderr.splitlines()[1].startswith("Error: --backend must be one of host, parallel, got")
        assert result.code == 2
        parallel = self.run(command, site, "run", file, "--backend", "parallel")
        assert parallel == plain

    def test_our_own_can_be_switched_off(
        self, command: Callable[..., Finished], program: Callable[..., Path], site: Path
    ) -> None:
        file = str(program(self.TEXT))
        off = {"ZEXUS_PARALLEL_PLUGINS_DISABLE": "parallel"}
        result = self.run(command, site, "run", file, "--backend", "parallel", **off)
        assert result.stderr.startswith("Error: --backend must be one of host, got 'parallel'")
        assert result.code == 2
