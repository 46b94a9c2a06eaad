"""Runs a program in this process on the bare host or on the backend, exactly as ``zexus run`` does.

The steps are those of ``run`` in ``zexus/cli/main.py`` of 2.0.0: style detection, brace check, validator and
its automatic fixes, parser, compiler, VM with the evaluator's builtins and the seven names of the module.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from zexus.error_reporter import get_error_reporter
from zexus.evaluator import Evaluator
from zexus.lexer import Lexer
from zexus.parser import Parser
from zexus.runtime.file_flags import parse_file_flags
from zexus.syntax_validator import SyntaxValidator
from zexus.vm.compiler import UnsupportedNodeError, compile_ast_to_bytecode
from zexus.vm.vm import VM, VMMode
from zexus.zexus_ast import Node, SandboxStatement, TxStatement

from .corpus import HOST_GAS_LIMIT as GAS_LIMIT
from .describe import Describer, normalise, shorten
from .outcome import VALUE, Outcome

if TYPE_CHECKING:
    from typing_extensions import Self

BACKEND_MODULE = "zexus_parallel_plugin.runtime.machine"
DISPATCH_MODULE = "zexus_parallel_plugin.runtime.dispatch"
_PATIENCE_SECONDS = 3.0
CONFIG_MODULE = "zexus_parallel_plugin.config"

TRANSACTIONS = "in process, sandbox blocks are compiled as transactions"

COMPILED = "compiled"
FALLBACK = "fallback"
REJECTED = "rejected"
FLAGGED = "flagged"


class Machine(Protocol):
    """The part of the host's VM class that the judge uses."""

    env: dict[str, Any]
    builtins: dict[str, Any]
    gas_metering: Any

    def execute(self, code: Any) -> Any:
        """Run a code object to its end and return its value."""


Factory = Callable[..., Machine]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A named set of ``ParallelConfig`` fields.

    ``patient``: the main process waits for every task until a worker has begun with it. Otherwise it would
    execute most calls of short programs in place, and nothing that comes from a worker would be judged.
    ``ignore`` names outcome fields that are not promised. ``exits`` is a plan of forced exits (`exits`).
    """

    name: str
    settings: Mapping[str, object] = field(default_factory=dict)
    patient: bool = False
    ignore: tuple[str, ...] = ()
    exits: str = ""


CONFIGURATIONS: tuple[Configuration, ...] = (
    Configuration("interpreter", {"tier": "interpreter", "mode": "sequential"}),
    Configuration("compiled", {"tier": "compiled", "mode": "sequential"}),
    Configuration("auto", {"tier": "auto", "worker_count": 1}),
    Configuration("two-workers", {"worker_count": 2}),
    Configuration("eager", {"mode": "parallel", "worker_count": 2, "min_task_seconds": 0.0}),
    Configuration("patient", {"mode": "parallel", "worker_count": 2, "min_task_seconds": 0.0}, patient=True),
)


@dataclass(frozen=True, slots=True)
class Compilation:
    """How far the host's own path takes a source text: one of the four states, and the code object if any."""

    state: str
    bytecode: Any = None
    reason: str = ""


def compile_program(source: str, path: str = "program.zx") -> Compilation:
    """Compile a source text as ``run`` does; each call yields fresh constants, which are mutable at run time.

    ``fallback`` and ``rejected`` programs never reach a VM, ``flagged`` ones carry ``@zexus`` flags that only
    the host's own command applies; all three are compared by whole processes only.

    A program that asks for it in its first line has its sandbox blocks compiled as transactions, for which
    the language has no keyword although the compiler knows them.
    """
    if parse_file_flags(source):
        return Compilation(FLAGGED, reason="@zexus flags")
    validator = SyntaxValidator()
    style = validator.suggest_syntax_style(source)
    if get_error_reporter().check_brace_balance(source, path):
        return Compilation(REJECTED, reason="braces do not balance")
    verdict = validator.validate_code(source, style)
    if any(suggestion["severity"] == "error" for suggestion in verdict["suggestions"]):
        fixed, result = validator.auto_fix(source, style)
        if result["applied_fixes"] > 0:
            source = fixed
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            parser = Parser(Lexer(source, filename=path), style, enable_advanced_strategies=True)
            program = parser.parse_program()
    except Exception as error:  # the command reports any error of the parser and exits
        return Compilation(REJECTED, reason=f"{type(error).__name__}: {error}")
    if parser.errors:
        return Compilation(REJECTED, reason=str(parser.errors[0]))
    if TRANSACTIONS in source.partition("\n")[0]:
        _make_transactions(program)
    try:
        return Compilation(COMPILED, compile_ast_to_bytecode(program, optimize=True))
    except UnsupportedNodeError as error:
        return Compilation(FALLBACK, reason=str(error))
    except Exception as error:  # the host falls back on any exception of its compiler
        return Compilation(FALLBACK, reason=f"{type(error).__name__}: {error}")


def _make_transactions(node: object) -> None:
    if isinstance(node, (list, tuple)):
        for item in node:
            _make_transactions(item)
    elif isinstance(node, Node):
        if isinstance(node, SandboxStatement):
            node.__class__ = TxStatement
        for item in vars(node).values():
            _make_transactions(item)


def host_factory(**kwargs: Any) -> Machine:
    """Create the bare host's VM."""
    return VM(**kwargs)  # type: ignore[no-any-return]


def backend_factory(settings: Mapping[str, object]) -> Factory:
    """Return what creates the backend's VM for ``settings``; raises ImportError while there is no backend."""
    create_vm = importlib.import_module(BACKEND_MODULE).create_vm
    config = importlib.import_module(CONFIG_MODULE).ParallelConfig(**settings)

    def create(**kwargs: Any) -> Machine:
        return create_vm(config, **kwargs)  # type: ignore[no-any-return]

    return create


def patient_factory(settings: Mapping[str, object]) -> Factory:
    """The same for a main process that waits until its tasks are begun.

    Changes the class of the dispatcher: only for a process that ends after the run.
    """
    dispatch = importlib.import_module(DISPATCH_MODULE).Dispatch
    started = dispatch.started

    def started_at_last(self: Any, batch: Any) -> bool:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not started(self, batch) and time.monotonic() < deadline:
            self.look()
            time.sleep(0.0005)
        return bool(started(self, batch))

    dispatch.started = started_at_last
    return backend_factory(settings)


def missing_backend() -> str | None:
    """Say why the backend cannot be judged, or None if it can."""
    try:
        found = importlib.util.find_spec(BACKEND_MODULE)
    except ModuleNotFoundError:
        found = None
    return None if found is not None else f"{BACKEND_MODULE} is not there"


def missing_setting(configuration: Configuration) -> str | None:
    """Say why this version of the plugin does not have a configuration, or None if it does."""
    fields = getattr(importlib.import_module(CONFIG_MODULE).ParallelConfig, "__dataclass_fields__", {})
    for name in configuration.settings:
        if name not in fields:
            return f"ParallelConfig has no field {name!r}"
    return None


def run_host(source: str, *, gas_limit: int = GAS_LIMIT, path: str = "program.zx") -> Outcome:
    """Run a compiled program on the bare host's VM in this process."""
    return run(source, host_factory, gas_limit=gas_limit, path=path)


def run_backend(
    source: str,
    *,
    gas_limit: int = GAS_LIMIT,
    settings: Mapping[str, object] | None = None,
    path: str = "program.zx",
) -> Outcome:
    """Run a compiled program on the backend's VM in this process."""
    return run(source, backend_factory(settings or {}), gas_limit=gas_limit, path=path)


def run(source: str, factory: Factory, *, gas_limit: int = GAS_LIMIT, path: str = "program.zx") -> Outcome:
    """Run a program on what ``factory`` creates.

    If the program does not reach a VM, the outcome's kind is the state of the compilation, and only the
    reason is set beside it.
    """
    compilation = compile_program(source, path)
    if compilation.state != COMPILED:
        return Outcome(compilation.state, text=compilation.reason)
    return run_code(compilation.bytecode, factory, Evaluator(use_vm=False).builtins, gas_limit, path)


def run_code(
    bytecode: Any, factory: Factory, builtins: Mapping[str, Any], gas_limit: int, path: str = "program.zx"
) -> Outcome:
    """Run a code object, whose constants nobody else may use, with an evaluator's builtins."""
    machine = _create_machine(factory, builtins, gas_limit, path)
    started = time.perf_counter()
    kind, text, result = VALUE, "", None
    with Capture() as captured:
        try:
            result = machine.execute(bytecode)
        except Exception as error:  # whatever leaves the VM is the outcome
            kind, text = type(error).__name__, shorten(normalise(str(error)))
        finally:
            close = getattr(machine, "close", None)
            if callable(close):
                close()
    seconds = time.perf_counter() - started
    describer = Describer()
    env = describer.environment(machine.env)
    meter = machine.gas_metering
    return Outcome(
        kind=kind,
        text=text,
        value=describer.value(result),
        stdout=normalise(captured.stdout),
        env=env,
        gas_used=meter.gas_used,
        operation_count=meter.operation_count,
        gas_by_operation=dict(meter.gas_by_operation),
        operation_counts=dict(meter.operation_counts),
        stderr=normalise(captured.stderr),
        notes=_notes(machine),
        seconds=seconds,
    )


def _notes(machine: Machine) -> dict[str, int]:
    """What the backend counted: tasks, calls, and its decisions by reason code."""
    metrics = getattr(machine, "last_metrics", None)
    if metrics is None:
        return {}
    counts = {name: value for name, value in metrics.to_dict().items() if isinstance(value, int)}
    return {**counts, **metrics.reasons, "left_to_host": int(bool(getattr(machine, "left_to_host", "")))}


def _create_machine(factory: Factory, builtins: Mapping[str, Any], gas_limit: int, path: str) -> Machine:
    machine = factory(mode=VMMode.AUTO, use_jit=True, max_heap_mb=1000, debug=False, gas_limit=gas_limit)
    machine.builtins.update(dict(builtins))
    absolute = os.path.abspath(path)  # noqa: PTH100 - the same call as the host's, links unresolved
    parts = os.path.relpath(absolute).replace("\\", "/").split("/")
    machine.env["__file__"] = absolute
    machine.env["__FILE__"] = absolute
    machine.env["__MODULE__"] = "__main__"
    machine.env["__DIR__"] = str(Path(absolute).parent)
    machine.env["__ARGS__"] = ()
    machine.env["__ARGV__"] = ()
    machine.env["__PACKAGE__"] = parts[0] if len(parts) > 1 else ""
    return machine


class Capture:
    """Catches standard output and standard error of this process and of its children, whoever prints.

    Works on the file descriptors, because the host prints from another thread, workers from other processes.
    """

    def __init__(self) -> None:
        self.stdout = ""
        self.stderr = ""
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        files = [self._stack.enter_context(_redirected(number, name)) for number, name in _STREAMS]
        self._files = files
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        self.stdout, self.stderr = (_read_all(file) for file in self._files)
        self._stack.close()


_STREAMS = ((1, "stdout"), (2, "stderr"))


@contextlib.contextmanager
def _redirected(number: int, name: str) -> Iterator[int]:
    """Point descriptor ``number`` and ``sys.<name>`` to a temporary file, appending; yields its handle."""
    previous = getattr(sys, name)
    previous.flush()
    saved = os.dup(number)
    handle, path = tempfile.mkstemp(prefix="judge-")
    os.close(handle)
    file = os.open(path, os.O_RDWR | os.O_APPEND)
    Path(path).unlink()
    os.dup2(file, number)
    stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  closed below, after the flush
    setattr(sys, name, stream)
    try:
        yield file
    finally:
        with contextlib.suppress(UnicodeEncodeError):
            stream.flush()
        setattr(sys, name, previous)
        os.dup2(saved, number)
        os.close(saved)
        os.close(file)


def _read_all(file: int) -> str:
    size = os.fstat(file).st_size
    return os.pread(file, size, 0).decode("utf-8", "backslashreplace")
