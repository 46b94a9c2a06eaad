"""The extended command, on a stand-in for the host: which VM runs, what is handed over, what is closed."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from zexus_parallel_plugin import activation
from zexus_parallel_plugin.attach.host_run import ExtendedRun, extend_run, replaced_vm
from zexus_parallel_plugin.backends import PluginBackends
from zexus_parallel_plugin.errors import HostError
from zexus_parallel_plugin.manager import LoadedPlugin, Plugins
from zexus_parallel_plugin.specs import BackendSpec, CliOption

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from click.testing import Result


class HostVM:
    """Stands for the host's VM."""

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments

    def execute(self) -> str:
        return "host"


class OtherVM(HostVM):
    """Stands for the VM of a backend."""

    closed = 0
    config: Any = None

    def execute(self) -> str:
        return f"other {sorted(self.config.items())}"

    def close(self) -> None:
        OtherVM.closed += 1


def host_module(fault: BaseException | None = None) -> Any:
    """A module like ``zexus.cli.main``, with a command that makes a VM and prints what it says."""
    module = ModuleType("host_stand_in")

    @click.command()
    @click.argument("file")
    @click.argument("args", nargs=-1)
    @click.option("--use-vm/--no-vm", default=True)
    @click.pass_context
    def run(ctx: click.Context, file: str, args: tuple[str, ...], use_vm: bool) -> None:
        vm = module.VM(gas_limit=7)
        click.echo(f"{file} {args} {use_vm} {vm.execute()} {vm.arguments}")
        if fault is not None:
            raise fault

    module.VM = HostVM  # type: ignore[attr-defined]
    module.run = run  # type: ignore[attr-defined]
    return module


def other_backend(
    create: Callable[..., Any] | None = None,
    configure: Callable[[Mapping[str, object], str | None], object] | None = None,
    host_versions: tuple[str, ...] = (),
) -> Plugins:
    def create_vm(config: object, **arguments: Any) -> OtherVM:
        vm = OtherVM(**arguments)
        vm.config = config
        return vm

    spec = BackendSpec("other", "Another.", create or create_vm, host_versions=host_versions)
    if configure is not None:
        spec = BackendSpec("other", "Another.", create or create_vm, configure, host_versions)
    option = CliOption("--volume", "volume", "other", "How loud.", metavar="N")
    return Plugins([LoadedPlugin("third", "third", "1.0", backends=[spec], options=[option])])


@pytest.fixture(autouse=True)
def _reset() -> None:
    OtherVM.closed = 0


def invoke(module: Any, *words: str, plugins: Plugins | None = None, **env: str) -> Result:
    extend_run(module, PluginBackends(other_backend() if plugins is None else plugins))
    return CliRunner().invoke(module.run, list(words), env=env)


def test_without_a_backend_the_host_runs_with_its_own_arguments() -> None:
    result = invoke(host_module(), "f.zx", "a", "b", "--no-vm")
    assert result.stdout == "f.zx ('a', 'b') False host {'gas_limit': 7}\n"
    assert result.stderr == ""
    assert result.exit_code == 0


@pytest.mark.parametrize("words", [["--backend", "host"], ["--backend=host"]])
def test_the_host_can_be_named(words: list[str]) -> None:
    assert "host {'gas_limit': 7}" in invoke(host_module(), *words, "f.zx").stdout


def test_for_the_host_its_command_is_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    module = host_module()
    params, callback = list(module.run.params), module.run.callback
    activation.activate(module)
    assert CliRunner().invoke(module.run, ["f.zx", "--no-vm", "--", "--backend"]).exit_code == 0
    assert module.run.params == params
    assert module.run.callback is callback


def test_no_plugin_is_loaded_for_our_own_options(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> Plugins:
        raise AssertionError("plugins were loaded")

    monkeypatch.setattr(PluginBackends, "plugins", property(refuse))
    module = host_module()
    extend_run(module, PluginBackends())
    assert CliRunner().invoke(module.run, ["f.zx", "--backend", "host", "--no-vm"]).exit_code == 0


def test_whoever_looks_at_the_command_sees_its_options() -> None:
    module = host_module()
    activation.activate(module)
    names = {word for param in module.run.get_params(click.Context(module.run)) for word in param.opts}
    assert {"--backend", "--workers", "--gas-limit", "--use-vm", "--help"} <= names


def test_another_backend_makes_the_vm_and_gets_the_arguments_of_the_host() -> None:
    module = host_module()
    result = invoke(module, "--backend", "other", "f.zx")
    assert result.stdout == "f.zx () True other [] {'gas_limit': 7}\n"
    assert module.VM is HostVM
    assert OtherVM.closed == 1


def test_the_variable_names_a_backend_and_the_option_wins() -> None:
    assert "other []" in invoke(host_module(), "f.zx", ZEXUS_BACKEND="other").stdout
    assert " host " in invoke(host_module(), "f.zx", "--backend", "host", ZEXUS_BACKEND="other").stdout
    assert " host " in invoke(host_module(), "f.zx", ZEXUS_BACKEND="").stdout


def test_an_option_of_a_plugin_reaches_its_backend() -> None:
    result = invoke(host_module(), "f.zx", "--backend", "other", "--volume", "11")
    assert "other [('volume', '11')]" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--volume", "3"], "--volume needs --backend other, not host"),
        (["--workers", "3"], "--workers needs --backend parallel, not host"),
        (["--backend", "other", "--gas-limit", "3"], "--gas-limit needs --backend parallel, not other"),
        (["--backend", "othr"], "--backend must be one of host, other, got 'othr'; did you mean other?"),
    ],
)
def test_wrong_usage_is_one_line_before_anything_runs(words: list[str], message: str) -> None:
    result = invoke(host_module(), "f.zx", *words)
    assert result.stderr == f"Error: {message}\n"
    assert result.stdout == ""
    assert result.exit_code == 2


def test_a_wrong_backend_in_the_variable_is_named_as_such() -> None:
    result = invoke(host_module(), "f.zx", ZEXUS_BACKEND="nope")
    assert result.stderr.startswith("Error: ZEXUS_BACKEND must be one of host, other, got 'nope'")
    assert result.exit_code == 2


def test_an_unknown_option_is_the_hosts_usage_error() -> None:
    result = invoke(host_module(), "f.zx", "--volum", "3")
    assert result.exit_code == 2
    assert "No such option" in result.stderr
    assert "--volume" in result.stderr


def test_what_follows_two_dashes_belongs_to_the_program() -> None:
    assert "('--volume',) True host" in invoke(host_module(), "f.zx", "--", "--volume").stdout


def test_the_help_lists_the_backends_and_options_of_plugins() -> None:
    result = invoke(host_module(), "--help")
    assert "--backend [host|other]" in result.stdout
    assert "--volume N" in result.stdout
    assert "--workers" in result.stdout
    assert result.exit_code == 0


@pytest.mark.parametrize("fault", [ValueError("its own"), KeyboardInterrupt(), SystemExit(5)])
def test_the_vm_is_closed_and_the_fault_goes_on(fault: BaseException) -> None:
    module = host_module(fault)
    result = invoke(module, "--backend", "other", "f.zx")
    plain = CliRunner().invoke(host_module(fault).run, ["f.zx"])
    assert result.exit_code == plain.exit_code != 0
    assert result.stderr == plain.stderr
    assert OtherVM.closed == 1
    assert module.VM is HostVM


def test_a_vm_that_cannot_be_made_is_the_hosts_with_a_notice() -> None:
    def create(config: object, **arguments: Any) -> Any:
        raise RuntimeError("no room\nat all")

    result = invoke(host_module(), "--backend", "other", "f.zx", plugins=other_backend(create))
    assert result.stdout == "f.zx () True host {'gas_limit': 7}\n"
    assert result.stderr.count("\n") == 1
    assert "RuntimeError: no room at all" in result.stderr
    assert result.exit_code == 0


def test_a_vm_that_does_not_close_is_a_notice_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def close(_: OtherVM) -> None:
        raise OSError("stuck")

    monkeypatch.setattr(OtherVM, "close", close)
    result = invoke(host_module(), "--backend", "other", "f.zx")
    assert result.exit_code == 0
    assert "OSError: stuck" in result.stderr


def test_on_a_version_that_was_not_verified_the_host_runs_and_that_is_said_once() -> None:
    result = invoke(
        host_module(), "--backend", "other", "f.zx", plugins=other_backend(host_versions=("1.0", "1.1"))
    )
    assert result.stdout == "f.zx () True host {'gas_limit': 7}\n"
    assert result.stderr.count("\n") == 1
    assert "not verified with zexus 2.0.0, only with 1.0, 1.1" in result.stderr
    assert OtherVM.closed == 0


def test_a_vm_made_directly_needs_no_close() -> None:
    module = host_module()
    with replaced_vm(module, HostVM):
        assert type(module.VM()) is HostVM


def test_a_host_with_such_an_option_is_left_alone() -> None:
    module = host_module()
    module.run.params.append(click.Option(["--workers"], expose_value=False))
    params, callback = list(module.run.params), module.run.callback
    extended = extend_run(module, PluginBackends())
    with pytest.raises(HostError, match="already has the option --workers"):
        extended.extend()
    assert module.run.params == params
    assert module.run.callback is callback
    result = CliRunner().invoke(module.run, ["f.zx", "--workers", "2"])
    assert " host " in result.stdout
    assert result.stderr == ""
    result = CliRunner().invoke(module.run, ["f.zx", "--backend", "parallel"])
    assert result.stderr.startswith("zexus-parallel: `zexus run` already has the option --workers")
    assert result.stderr.count("zexus-parallel:") == 1
    assert "No such option" in result.stderr
    assert result.exit_code == 2


def test_a_host_without_such_a_command_is_left_alone() -> None:
    with pytest.raises(HostError, match="no command `run`"):
        extend_run(ModuleType("empty"), PluginBackends())


def test_activation_happens_once() -> None:
    module = host_module()
    activation.activate(module)
    extended = module.run._zexus_parallel
    activation.activate(module)
    assert isinstance(extended, ExtendedRun)
    assert module.run._zexus_parallel is extended
