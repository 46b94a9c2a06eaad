"""Extends the host's click command ``run``: options, and another virtual machine during the command.

Loaded at every start of the host's command line, so it imports little, and touches the command only when a
command line asks for something that the host does not have; others get the host's own command. It knows click
and the host's command object, but no plugins: what the backends are comes from a :class:`Backends` object of
the layer above.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from zexus_parallel_plugin.errors import ConfigError, HostError, ZexusParallelError, complain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import ModuleType
    from typing import Protocol

    class Choice(Protocol):
        """One option that some backend takes."""

        @property
        def flag(self) -> str:
            """As typed, with its dashes."""

        @property
        def dest(self) -> str:
            """Name under which the backend gets the value."""

        @property
        def backend(self) -> str:
            """Name of the backend that takes it."""

    class Backends(Protocol):
        """What the layer above offers."""

        def first_options(self) -> Iterable[tuple[Choice, click.Option]]:
            """Options that are there without any plugin being loaded."""

        def more_options(self) -> Iterable[tuple[Choice, click.Option]]:
            """Options of all other plugins, which are loaded for it."""

        def names(self) -> list[str]:
            """Names of all backends but the host; loads plugins."""

        def open(self, request: Request) -> Callable[..., Any] | None:
            """What makes the VM for a run; None leaves the run to the host's VM.

            Raises:
                ZexusParallelError: there is no such backend, or its configuration is wrong.
            """


__all__ = [
    "BACKEND_VARIABLE",
    "HOST_BACKEND",
    "ExtendedRun",
    "Request",
    "extend_run",
    "extended_run",
    "notice",
    "parameter_name",
    "replaced_vm",
]

HOST_BACKEND = "host"
BACKEND_VARIABLE = "ZEXUS_BACKEND"

_MARK = "_zexus_parallel"
"""Attribute of the host's command object that holds the :class:`ExtendedRun`."""


class Request(NamedTuple):
    """What a command line asks for.

    Attributes:
        backend: name of the backend.
        where: the option or variable that named it.
        given: options that were given, with their values as text (or bool for one without a value).
        program: path of the program.
    """

    backend: str
    where: str
    given: Sequence[tuple[Choice, object]]
    program: str | None


def notice(text: str) -> None:
    """One line on standard error. Nothing of this project ever goes to standard output of a run."""
    complain(f"zexus-parallel: {text}")


def parameter_name(flag: str) -> str:
    """Name of an option's click parameter, which cannot be one of the host's own."""
    return "zexus_parallel_" + flag.lstrip("-").replace("-", "_")


def extended_run(module: ModuleType) -> ExtendedRun | None:
    """What :func:`extend_run` made of this module, None if it has not been there."""
    run: ExtendedRun | None = getattr(getattr(module, "run", None), _MARK, None)
    return run


def extend_run(module: ModuleType, backends: Backends) -> ExtendedRun:
    """Make ``module.run`` one that gets ``--backend`` and the backends' options when they are asked for.

    Raises:
        HostError: the host's command is not the one we know.
    """
    command = getattr(module, "run", None)
    if not isinstance(command, click.Command) or command.callback is None or not hasattr(module, "VM"):
        raise HostError(f"{module.__name__} has no command `run` that could be extended; update the plugin")
    run = ExtendedRun(module, command, backends)
    setattr(command, _MARK, run)
    return run


class ExtendedRun:
    """The host's command object, with three of its methods replaced."""

    def __init__(self, module: ModuleType, command: click.Command, backends: Backends) -> None:
        self.module = module
        self.command = command
        self.backends = backends
        self.choices: list[Choice] = []
        self.is_extended = False
        self.has_plugins = False
        self._host_only = False
        self._has_failed = False
        self.backend_option: click.Option | None = None
        self.host_callback: Callable[..., Any] = command.callback  # type: ignore[assignment]
        self.host_parse_args = command.parse_args
        self.host_get_params = command.get_params
        command.parse_args = self.parse_args  # type: ignore[method-assign]
        command.get_params = self.get_params  # type: ignore[method-assign]

    def extend(self) -> None:
        """Add ``--backend`` and the options of this project. Doing it again does nothing.

        Raises:
            HostError: the host has an option of such a name.
        """
        if self.is_extended:
            return
        self.backend_option = click.Option(
            ["--backend", parameter_name("--backend")],
            metavar=_alternatives(["parallel"]),
            default=HOST_BACKEND,
            show_default=True,
            envvar=BACKEND_VARIABLE,
            show_envvar=True,
            help="What executes the program: the host's own VM, or a plugin.",
        )
        self.add_options(self.backends.first_options(), [self.backend_option])
        self.command.callback = self.callback
        self.is_extended = True

    def extend_by_plugins(self) -> None:
        """Add the options of all other plugins. Doing it again does nothing.

        Raises:
            HostError: the host has an option of such a name.
        """
        self.extend()
        if self.has_plugins or self.backend_option is None:
            return
        self.has_plugins = True
        self.add_options(self.backends.more_options())
        self.backend_option.metavar = _alternatives(self.backends.names())

    def add_options(
        self, options: Iterable[tuple[Choice, click.Option]], first: Iterable[click.Option] = ()
    ) -> None:
        """Add ``first`` and options of backends to the command, all or none.

        Raises:
            HostError: the host has an option of that name.
        """
        pairs = list(options)
        added = [*first, *(option for _, option in pairs)]
        known = self._known_words()
        for option in added:
            clash = known.intersection((*option.opts, *option.secondary_opts))
            if clash:
                raise HostError(f"`zexus run` already has the option {min(clash)}; update the plugin")
        self.command.params.extend(added)
        self.choices += [choice for choice, _ in pairs]

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The parameters, all of them unless the host's own are enough for the command line at hand."""
        if not self._host_only:
            self._try(self.extend)
        return self.host_get_params(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse with as many options as the command line asks for: the host's, ours, those of plugins."""
        if self._has_unknown(args) or os.environ.get(BACKEND_VARIABLE):
            self._try(self.extend)
            if self._has_unknown(args):
                self._try(self.extend_by_plugins)
        self._host_only = not self.is_extended
        return self.host_parse_args(ctx, args)

    def callback(self, *args: Any, **kwargs: Any) -> Any:
        """Run the host's own callback, with the backend's VM in place of the host's."""
        given = [(choice, kwargs.pop(parameter_name(choice.flag), None)) for choice in self.choices]
        source = click.get_current_context().get_parameter_source(parameter_name("--backend"))
        request = Request(
            backend=kwargs.pop(parameter_name("--backend"), None) or HOST_BACKEND,
            where=BACKEND_VARIABLE if source is ParameterSource.ENVIRONMENT else "--backend",
            given=[(choice, value) for choice, value in given if value is not None],
            program=kwargs.get("file"),
        )
        try:
            create = self._open(request)
        except ZexusParallelError as error:
            complain(f"Error: {error}")
            sys.exit(2)
        if create is None:
            return self.host_callback(*args, **kwargs)
        with replaced_vm(self.module, create, request.program):
            return self.host_callback(*args, **kwargs)

    def _open(self, request: Request) -> Callable[..., Any] | None:
        for choice, _ in request.given:
            if choice.backend != request.backend:
                raise ConfigError(f"{choice.flag} needs --backend {choice.backend}, not {request.backend}")
        return None if request.backend == HOST_BACKEND else self.backends.open(request)

    def _has_unknown(self, args: list[str]) -> bool:
        """Whether a word may be an option that the command does not have yet; ``--help`` is one."""
        known = self._known_words()
        for word in args:
            if word == "--":
                return False
            if word.startswith("-") and word.partition("=")[0] not in known:
                return True
        return False

    def _known_words(self) -> set[str]:
        return {word for param in self.command.params for word in (*param.opts, *param.secondary_opts)}

    def _try(self, step: Callable[[], None]) -> None:
        """Take a step; if it fails, say so, take no other, and leave the command as it is."""
        if self._has_failed:
            return
        try:
            step()
        except ZexusParallelError as error:
            self._has_failed = True
            notice(str(error))


@contextmanager
def replaced_vm(module: ModuleType, create: Callable[..., Any], program: str | None = None) -> Iterator[None]:
    """While this is open, the host's command makes its VM by ``create``; afterwards those VMs are closed.

    A VM that cannot be made is the host's VM instead, with a notice.

    :param program: path of the program, for reports of its errors.
    """
    from zexus_parallel_plugin.attach.failures import compiler_with_lines, without_second_run

    host_vm = module.VM
    host_compiler = getattr(module, "compile_ast_to_bytecode", None)
    made: list[Any] = []

    def make(*args: Any, **kwargs: Any) -> Any:
        try:
            vm = create(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the host can run the program
            notice(f"the backend failed to start, the host's VM runs the program: {_line(error)}")
            return host_vm(*args, **kwargs)
        made.append(vm)
        return without_second_run(vm, program)

    module.VM = make  # type: ignore[attr-defined]
    if host_compiler is not None:
        module.compile_ast_to_bytecode = compiler_with_lines(host_compiler, notice)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        module.VM = host_vm  # type: ignore[attr-defined]
        if host_compiler is not None:
            module.compile_ast_to_bytecode = host_compiler  # type: ignore[attr-defined]
        for vm in made:
            _close(vm)


def _close(vm: Any) -> None:
    close = getattr(vm, "close", None)
    if close is None:
        return
    try:
        close()
    except Exception as error:  # noqa: BLE001 - the program is over; its result and exit code stand
        notice(f"the backend did not shut down cleanly: {_line(error)}")


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _alternatives(names: list[str]) -> str:
    return "[" + "|".join([HOST_BACKEND, *names]) + "]"
