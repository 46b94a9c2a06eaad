"""Small programs and hand-written instructions, run on the host's VM and on the engine, in this process."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from zexus.vm.bytecode import Bytecode

from tests.differential.describe import Describer, normalise
from tests.differential.harness import COMPILED, compile_program
from zexus_parallel_plugin.engine.execution import Execution
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.host.builtins import standard_builtins

GAS = 1_000_000
TIERS = ("interpreter", "compiled")


@lru_cache(maxsize=512)
def compiled(source: str) -> Any:
    """The host's bytecode of a source text. All runs share it: programs must not change their functions."""
    compilation = compile_program(source)
    assert compilation.state == COMPILED, compilation.reason
    return compilation.bytecode


def assembled(*instructions: Any) -> Any:
    """Bytecode of instructions ``("OP", operand)`` or ``"OP"``.

    ``LOAD_CONST`` takes the value itself, names are given as text, jumps as indices of instructions.
    """
    constants: list[Any] = []

    def constant(value: Any) -> int:
        constants.append(value)
        return len(constants) - 1

    code = []
    for instruction in instructions:
        name, operand = (instruction, None) if isinstance(instruction, str) else instruction
        if name in {"LOAD_CONST", "LOAD_NAME", "STORE_NAME", "EXPORT"}:
            operand = constant(operand)
        elif name in {"CALL_NAME", "CALL_METHOD", "STORE_FUNC"}:
            first = constant(operand[0])
            operand = (first, constant(operand[1]) if name == "STORE_FUNC" else operand[1])
        code.append((name, operand))
    return Bytecode(code, constants)


def unfolded(*instructions: Any) -> Any:
    """As :func:`assembled`, behind a jump, which keeps the host's optimisers from folding anything."""
    moved = [
        (name, operand + 1) if name.startswith("JUMP") or name == "SETUP_TRY" else (name, operand)
        for name, operand in ((i, None) if isinstance(i, str) else i for i in instructions)
    ]
    return assembled(("JUMP", 1), *moved)


def action(name: str, params: Iterable[str], bytecode: Any) -> dict[str, Any]:
    """A function value, as the host's compiler makes them."""
    return {"bytecode": bytecode, "params": list(params), "is_async": False, "name": name}


class Machine(host.HostVM):  # type: ignore[misc]
    """The host's VM with what the engine asks of the backend's VM."""

    def await_on_loop(self, awaitable: Any) -> Any:
        async def wait() -> Any:
            return await awaitable

        return self._run_coroutine_sync(wait())


def machine(gas_limit: float = GAS, operations: float | None = None) -> Any:
    """A VM with the builtins of the host's command line."""
    vm = Machine(mode=host.VMMode.AUTO, use_jit=True, gas_limit=gas_limit)
    vm.gas_metering.gas_limit = gas_limit
    if operations is not None:
        vm.gas_metering.max_operations = operations
    vm.builtins.update(standard_builtins())
    return vm


@dataclass(frozen=True)
class Result:
    """All that rule 3 of the design compares. ``execution`` is the engine's state, to look into."""

    error: str
    value: str
    stdout: str
    env: Mapping[str, str]
    gas: int
    operations: int
    stderr: str = field(default="", compare=False)
    execution: Any = field(default=None, compare=False, repr=False)


def _observe(vm: Any, run: Callable[[], Any], execution: Any = None) -> Result:
    out, err = io.StringIO(), io.StringIO()
    error, value = "", None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            value = run()
        except Exception as raised:
            error = f"{type(raised).__name__}: {normalise(str(raised))}"
    describer = Describer()
    meter = vm.gas_metering
    return Result(
        error=error,
        value=describer.value(value),
        env=describer.environment(vm.env),
        stdout=normalise(out.getvalue()),
        gas=meter.gas_used,
        operations=meter.operation_count,
        stderr=err.getvalue(),
        execution=execution,
    )


def on_host(
    bytecode: Any,
    *,
    gas: float = GAS,
    operations: float | None = None,
    env: Mapping[str, Any] | None = None,
    builtins: Mapping[str, Any] | None = None,
    on_loop: bool = False,
) -> Result:
    """Run on the host's loop; ``on_loop``: on its event-loop thread, where the call depth is the real one."""
    vm = machine(gas, operations)
    vm.env.update(env or {})
    vm.builtins.update(builtins or {})
    if on_loop:
        return _observe(vm, lambda: vm.execute(bytecode))
    return _observe(vm, lambda: host.drive(vm, vm._run_stack_bytecode(bytecode)))


def on_engine(
    bytecode: Any,
    tier: str = "interpreter",
    *,
    gas: float = GAS,
    operations: float | None = None,
    env: Mapping[str, Any] | None = None,
    builtins: Mapping[str, Any] | None = None,
    prepare: Callable[[Execution], None] | None = None,
) -> Result:
    """Run on the engine; ``prepare`` sees the execution before it begins."""
    vm = machine(gas, operations)
    vm.env.update(env or {})
    vm.builtins.update(builtins or {})
    execution = Execution(vm, tier=tier)
    if prepare is not None:
        prepare(execution)
    return _observe(vm, lambda: execution.run(bytecode), execution)


def fuel_gauge(bytecode: Any, **settings: Any) -> list[int]:
    """Gas used behind each instruction that the host executes: the limits at which something can change."""
    seen: list[int] = []
    env, builtins = settings.get("env") or {}, settings.get("builtins") or {}
    vm = machine()
    vm.env.update(env)
    vm.builtins.update(builtins)
    meter, consume = vm.gas_metering, vm.gas_metering.consume

    def noted(*args: Any, **kwargs: Any) -> bool:
        allowed = bool(consume(*args, **kwargs))
        seen.append(meter.gas_used)
        return allowed

    meter.consume = noted
    _observe(vm, lambda: host.drive(vm, vm._run_stack_bytecode(bytecode)))
    assert seen
    assert seen[-1] == meter.gas_used
    return seen


def limits(bytecode: Any, most: int = 10**9, **settings: Any) -> list[int]:
    """Gas limits that stop a program at each of its instructions in turn, thinned out to about ``most``."""
    gauge = sorted({used - 1 for used in fuel_gauge(bytecode, **settings)} - {-1})
    step = max(1, -(-len(gauge) // most))
    return gauge[::step]


def assert_same(program: Any, *, tiers: Iterable[str] = TIERS, **settings: Any) -> Result:
    """Both tiers do what the host does; the host's result. ``program``: source text or bytecode."""
    bytecode = compiled(program) if isinstance(program, str) else program
    expected = on_host(bytecode, **settings)
    for tier in tiers:
        assert on_engine(bytecode, tier, **settings) == expected, tier
    return expected


def assert_same_at_all_limits(program: Any, *, tiers: Iterable[str] = TIERS, most: int = 10**9) -> Result:
    """As :func:`assert_same`, also when the gas ends at any instruction of the program."""
    bytecode = compiled(program) if isinstance(program, str) else program
    for limit in limits(bytecode, most):
        expected = on_host(bytecode, gas=limit)
        for tier in tiers:
            assert on_engine(bytecode, tier, gas=limit) == expected, f"{tier}, gas limit {limit}"
    return assert_same(bytecode, tiers=tiers)
