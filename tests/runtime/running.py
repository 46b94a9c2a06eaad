"""Runs programs on the backend in this process, with a fake pool or none."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zexus.evaluator import Evaluator
from zexus.lexer import Lexer
from zexus.parser import Parser
from zexus.vm.compiler import compile_ast_to_bytecode

from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.host.vm import VMMode
from zexus_parallel_plugin.runtime.machine import ParallelMachine
from zexus_parallel_plugin.runtime.remote import handler_arguments, make_handler

from .fakes import FakePool

if TYPE_CHECKING:
    import pytest

    from zexus_parallel_plugin.metrics import RunMetrics

GAS_LIMIT = 100_000_000


@dataclass(frozen=True)
class Result:
    """What a program did."""

    error: str
    value: str
    stdout: str
    env: dict[str, str]
    gas: int
    operations: int


def compiled(source: str) -> Any:
    """Compile a program."""
    with contextlib.redirect_stdout(io.StringIO()):
        parser = Parser(Lexer(source, filename="program.zx"), "universal", enable_advanced_strategies=True)
        program = parser.parse_program()
    assert not parser.errors, parser.errors
    return compile_ast_to_bytecode(program, optimize=True)


def machine(settings: dict[str, Any], gas_limit: int = GAS_LIMIT) -> ParallelMachine:
    """The backend's VM, as the host's command line makes it."""
    vm = ParallelMachine(ParallelConfig(**settings), mode=VMMode.AUTO, use_jit=True, gas_limit=gas_limit)
    vm.builtins.update(Evaluator(use_vm=False).builtins)
    return vm


def run(
    source: str, settings: dict[str, Any], gas_limit: int = GAS_LIMIT, operation_limit: int | None = None,
    vm: ParallelMachine | None = None, *, close: bool = True,
) -> tuple[Result, RunMetrics]:  # fmt: skip
    """Run a program to its end."""
    code = compiled(source)
    vm = vm or machine(settings, gas_limit)
    if operation_limit is not None:
        vm.gas_metering.max_operations = operation_limit
    error, value = "", None
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            value = vm.execute(code)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    finally:
        if close:
            vm.close()
    meter = vm.gas_metering
    env = {name: _without_addresses(repr(item)) for name, item in vm.env.items()}
    return Result(
        error,
        _without_addresses(repr(value)),
        _without_addresses(out.getvalue()),
        env,
        meter.gas_used,
        meter.operation_count,
    ), vm.last_metrics


def _without_addresses(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x?", text)


def use_fake_pool(monkeypatch: pytest.MonkeyPatch, behaviour: str, seed: int = 0) -> list[FakePool]:
    """Let machines have fake pools; the list gets all that are made."""
    made: list[FakePool] = []

    def pool(self: Any, execution: Any) -> FakePool:
        if not made:
            arguments = handler_arguments(self._vm, self._host_arguments, execution, self.pure())
            made.append(FakePool(make_handler(arguments), behaviour, seed))
        return made[0]

    monkeypatch.setattr("zexus_parallel_plugin.runtime.workers.Workers.pool", pool)
    return made
