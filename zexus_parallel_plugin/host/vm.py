"""The host's virtual machine: its classes, tables and helpers, as the rest of this package sees them.

Every other module takes what it needs of the host from here (or from a sibling in ``host/``), so that one
folder names every private detail of the host that this project rests on. Line numbers in docstrings are
those of ``zexus`` 2.0.0.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from zexus.vm import vm as _vm
from zexus.vm.gas_metering import GasCost, OperationLimitExceededError, OutOfGasError

HostVM: Any = _vm.VM
"""The host's VM class; the backend's VM is a subclass of it."""

VMMode: Any = _vm.VMMode
VMRuntimeError: Any = _vm.VMRuntimeError

NATIVE_MISS: Any = _vm._VM_NATIVE_MISS
"""What ``_vm_native_call`` answers when it has no native of that name and number of arguments."""

DICT_METHODS: dict[str, Callable[[Any, list[Any]], Any]] = _vm._DICT_METHODS
LIST_METHODS: dict[str, Callable[[Any, list[Any]], Any]] = _vm._LIST_METHODS
STR_METHODS: dict[str, Callable[[Any, list[Any]], Any]] = _vm._STR_METHODS

divide: Callable[[Any, Any], Any] = _vm._vm_div
safe_power: Callable[[Any, Any], Any] = _vm._safe_pow
format_print_value: Callable[[Any], str] = _vm.VM._format_print_value
unwrap_after_builtin: Callable[[Any], Any] = _vm.VM._unwrap_after_builtin
wrap_for_builtin: Callable[[Any], Any] = _vm.VM._wrap_for_builtin
warn: Callable[..., None] = _vm._vm_warn

NATIVES = frozenset({"push", "append", "length", "len", "str", "string", "range"})
"""Names that ``_vm_native_call`` (vm.py 5996) may serve before builtins and the program's own names are
looked at."""

_ROOT_DEPTH = 9
"""Python frames on the host's event-loop thread when ``_run_stack_bytecode`` runs top-level code."""

_ENTRY_FRAMES = 2 if sys.version_info >= (3, 12) else 1
"""What `drive` and entering the coroutine count for against the recursion limit, above the frame of
`run_action` (measured; Python 3.12 counts resumed coroutines differently)."""

_FRAMES_PER_CALL = 3
"""Python frames that one call of an action adds: call handler, invoke, and the loop itself."""

__all__ = [
    "DICT_METHODS",
    "LIST_METHODS",
    "NATIVES",
    "NATIVE_MISS",
    "STR_METHODS",
    "HostVM",
    "OperationLimitExceededError",
    "OutOfGasError",
    "VMMode",
    "VMRuntimeError",
    "call_method",
    "deepest_call",
    "divide",
    "drive",
    "format_print_value",
    "gas_cost",
    "hidden_levels",
    "run_action",
    "run_top_level",
    "safe_power",
    "unwrap_after_builtin",
    "warn",
    "wrap_for_builtin",
]


_PRICES = {operation: int(cost.value) for operation, cost in GasCost.__members__.items()}


def gas_cost(operation: str, operand: Any) -> int:
    """Gas that the host charges for one instruction (gas_metering.py, ``_get_operation_cost``).

    Calls cost 2 per argument more, lists 1 and maps 2 per element; operations without a price cost 5.
    """
    base = _PRICES.get(operation, 5)
    if operation == "BUILD_LIST":
        return base + (operand if operand is not None else 0)
    if operation == "BUILD_MAP":
        return base + 2 * (operand if operand is not None else 0)
    if operation == "MERKLE_ROOT":
        return base + 5 * (operand if operand is not None else 0)
    if operation == "CALL_TOP":
        return base + 2 * (operand if operand is not None else 0)
    if operation in {"CALL_NAME", "CALL_METHOD"}:
        return base + 2 * (operand[1] if isinstance(operand, tuple) else 0)
    return base


def drive(vm: Any, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine of the host to its end on this thread.

    The host's coroutines never suspend for code that its compiler emits; when one does (a builtin that
    awaits), what it waits for belongs to an event loop, so it must not be driven from here: the caller
    decides that beforehand.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise RuntimeError(f"a coroutine of the host suspended outside its event loop ({coroutine!r} of {vm!r})")


def needs_event_loop(value: Any) -> bool:
    """Tell whether a value can only be awaited on the host's event loop."""
    return asyncio.iscoroutine(value) or isinstance(value, asyncio.Future)


def is_coroutine_function(value: Any) -> bool:
    """Tell whether the host would await a call of this callable."""
    return asyncio.iscoroutinefunction(value)


def deepest_call(limit: int) -> int:
    """Greatest depth of Zexus calls at which a host with this recursion limit still runs code."""
    return (limit - _ROOT_DEPTH) // _FRAMES_PER_CALL


def hidden_levels() -> int:
    """Levels of the recursion limit that are in use but are not Python frames.

    Up to Python 3.11 calls through C (``click`` invokes commands that way) count as well. Found by diving to
    the limit.
    """
    here = _frames_here()

    def dive(level: int) -> int:
        try:
            return dive(level + 1)
        except RecursionError:
            return level

    return sys.getrecursionlimit() - here - dive(1)


def _frames_here() -> int:
    count = 0
    frame: Any = sys._getframe(1)
    while frame is not None:
        count += 1
        frame = frame.f_back
    return count


def run_action(
    vm: Any, descriptor: dict[str, Any], args: list[Any], callers: Any, depth: int, *, limit: int, hidden: int
) -> Any:
    """Call an action on the host's VM, with ``callers`` as the chain of calling frames.

    :param callers: a mapping of the names visible in the calling frames; the host reads and writes through it
        (``_resolve`` and ``_store``, vm.py 3686 and 3720, accept a mapping as parent).
    :param depth: depth of the new frame in Zexus calls (top-level code is 0).
    :param limit: the recursion limit under which the host would run the program.
    :param hidden: what :func:`hidden_levels` says about the current thread.

    The host ends deep recursion by Python's recursion limit, on a thread with a known number of frames
    below. The limit is moved for the time of the call so that exactly as many frames remain as would remain
    there.
    """
    params = descriptor.get("params") or descriptor.get("parameters") or []
    child = HostVM.create_child(parent_vm=vm, env=dict(zip(params, args, strict=False)))
    child._parent_env = callers
    here = _frames_here() + hidden
    effective = _ROOT_DEPTH + _FRAMES_PER_CALL * depth
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit + here + _ENTRY_FRAMES - effective, here + 50))
    try:
        return drive(vm, child._run_stack_bytecode(descriptor["bytecode"]))
    finally:
        sys.setrecursionlimit(before)


def run_top_level(vm: Any, bytecode: Any) -> Any:
    """Run top-level code on the host's VM, on its event loop, as ``VM.execute`` does."""
    return HostVM._run_coroutine_sync(vm, HostVM._execute_stack(vm, bytecode))


def call_method(vm: Any, target: Any, name: str, args: list[Any]) -> Any:
    """``target.name(args…)`` by the host's rules (``_op_call_method``, vm.py 3901), for any target but None.

    Tables of the host serve maps, lists and strings; contracts and entities get their own ``call_method``;
    everything else is an attribute of the Python object.
    """
    if name == "set" and isinstance(target, (_vm.ZMap, _vm.ZList, dict, list)):
        return unwrap_after_builtin(_set_item(target, args))
    if name == "get" and isinstance(target, (_vm.ZMap, dict)) and args:
        return unwrap_after_builtin(target.get(args[0]))
    if isinstance(target, dict) and name in DICT_METHODS:
        return unwrap_after_builtin(DICT_METHODS[name](target, args))
    if isinstance(target, list) and name in LIST_METHODS:
        return unwrap_after_builtin(LIST_METHODS[name](target, args))
    if isinstance(target, str) and name in STR_METHODS:
        return unwrap_after_builtin(STR_METHODS[name](target, args))
    if hasattr(target, "call_method"):
        return _await(vm, _call_object_method(target, name, args))
    return _await(vm, _call_attribute(vm, target, name, args))


def _set_item(target: Any, args: list[Any]) -> Any:
    if len(args) < 2:
        return None
    key, value = args[0], args[1]
    if isinstance(target, _vm.ZMap):
        if isinstance(key, _vm.ZString):
            plain = key.value
        elif isinstance(key, str):
            plain = key
        else:
            plain = key.inspect() if hasattr(key, "inspect") else str(key)
        existing = target.pairs.get(plain)
        if existing is not None and existing.__class__.__name__ == "SealedObject":
            raise VMRuntimeError(f"Cannot modify sealed map key: {key}")
        target.pairs[plain] = value
    elif isinstance(target, _vm.ZList):
        target.set(key, value)
    else:
        target[key] = value
    return value


def _call_object_method(target: Any, name: str, args: list[Any]) -> Any:
    wrapped = [wrap_for_builtin(arg) for arg in args]
    security = _vm._get_security_mod()
    if security is None:
        return target.call_method(name, wrapped)
    try:
        security._set_vm_action_context(True)
    except Exception as error:  # noqa: BLE001 - the host warns and goes on, whatever it was
        warn("SECURITY", "Failed to set VM action context (async pre-call)", error)
    try:
        return target.call_method(name, wrapped)
    finally:
        try:
            security._set_vm_action_context(False)
        except Exception as error:  # noqa: BLE001
            warn("SECURITY", "Failed to clear VM action context (async post-call)", error)


def _call_attribute(vm: Any, target: Any, name: str, args: list[Any]) -> Any:
    attribute = vm._get_cached_method(target, name)
    if callable(attribute):
        return attribute(*args)
    if isinstance(target, dict) and name in target:
        candidate = target[name]
        if callable(candidate):
            return candidate(*args)
        if hasattr(candidate, "fn") and callable(candidate.fn):
            return candidate.fn(*args)
        if hasattr(candidate, "call") and callable(candidate.call):
            return candidate.call(*args)
        return candidate
    return attribute


def _await(vm: Any, result: Any) -> Any:
    if result is not None and needs_event_loop(result):
        result = vm.await_on_loop(result)
    return unwrap_after_builtin(result)
