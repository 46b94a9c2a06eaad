"""Instructions that programs seldom use: transactions, audit, capabilities, entities, contracts, files,
tasks.

Each is a :class:`Handler`: its effect on the operand stack, how its operand is resolved, and a function that
does what the host's loop does (``_run_stack_bytecode``, vm.py 4375 to 5800). State of these instructions
lives in the *executing* frame's own variables, under names with a leading underscore.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine.stack import strict_pop
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.host.values import String, unwrap

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.engine.frame import Frame

Action = Callable[["Execution", "Frame", list[Any], Any], None]
Constant = Callable[[Any], Any]

_MAX_RECORDS = 10_000
"""Entries that the host keeps in its audit log."""


@dataclass(frozen=True, slots=True)
class Handler:
    """One seldom instruction.

    ``effect`` is ``(pops, pushes)`` or a function of the operand; ``resolve`` turns the raw operand into
    what ``run`` takes.
    """

    name: str
    run: Action
    effect: tuple[int, int] | Callable[[Any], tuple[int, int]]
    resolve: Callable[[Any, Constant], Any] = lambda operand, _constant: operand
    resumes_after_errors: bool = False

    def stack_effect(self, operand: Any) -> tuple[int, int]:
        """Entries popped and pushed."""
        return self.effect if isinstance(self.effect, tuple) else self.effect(operand)


def _raw(value: Any) -> Any:
    return value.value if hasattr(value, "value") else value


def _await(execution: Execution, _frame: Frame, stack: list[Any], _operand: Any) -> None:
    """Await the topmost awaitable; anything above it stays. Without one nothing changes."""
    for index in range(len(stack) - 1, -1, -1):
        if host.needs_event_loop(stack[index]):
            awaitable = stack.pop(index)
            stack.append(execution.await_on_loop(awaitable))
            return


def _spawn(_execution: Execution, _frame: Frame, stack: list[Any], _operand: Any) -> None:
    stack.append(None)


def _enable_error_mode(_execution: Execution, frame: Frame, _stack: list[Any], _operand: Any) -> None:
    frame.env["_continue_on_error"] = True


def _audit_log(_execution: Execution, frame: Frame, stack: list[Any], _operand: Any) -> None:
    timestamp, action, data = (
        _raw(value) for value in (strict_pop(stack), strict_pop(stack), strict_pop(stack))
    )
    records = frame.env.setdefault("_audit_log", [])
    if len(records) >= _MAX_RECORDS:
        del records[:1000]
    records.append({"timestamp": timestamp, "action": action, "data": data})


def _restrict_access(_execution: Execution, frame: Frame, stack: list[Any], _operand: Any) -> None:
    restriction, prop, target = strict_pop(stack), strict_pop(stack), strict_pop(stack)
    key = f"{target}.{prop}" if prop else str(target)
    frame.env.setdefault("_restrictions", {})[key] = restriction
    caller = None
    transaction = frame.env.get("TX")
    if transaction is not None and hasattr(transaction, "get"):
        value = transaction.get(String("caller"))
        if value is not None:
            caller = value.value if hasattr(value, "value") else str(value)
    limit = _raw(restriction)
    if isinstance(limit, str) and limit == "owner_only":
        owner = frame.env.get("owner")
        if owner is not None:
            allowed_owner = owner.value if hasattr(owner, "value") else str(owner)
            if caller and caller != allowed_owner:
                raise host.VMRuntimeError(f"Access denied: '{key}' restricted to owner only")
    elif isinstance(limit, (list, tuple)):
        allowed = [entry.value if hasattr(entry, "value") else str(entry) for entry in limit]
        if caller and caller not in allowed:
            raise host.VMRuntimeError(f"Access denied: '{key}' restricted to allowed addresses")


def _define_capability(_execution: Execution, frame: Frame, stack: list[Any], _operand: Any) -> None:
    name = stack.pop() if stack else None
    definition = stack.pop() if stack else {}
    frame.env.setdefault("_capabilities", {})[_raw(name)] = definition


def _grant(_execution: Execution, frame: Frame, stack: list[Any], count: int) -> None:
    capabilities = [strict_pop(stack) for _ in range(count)][::-1]
    holder = _raw(stack.pop() if stack else None)
    granted = frame.env.setdefault("_grants", {}).setdefault(holder, set())
    for capability in capabilities:
        granted.add(capability.value if hasattr(capability, "value") else str(capability))


def _revoke(_execution: Execution, frame: Frame, stack: list[Any], count: int) -> None:
    capabilities = [strict_pop(stack) for _ in range(count)][::-1]
    holder = _raw(stack.pop() if stack else None)
    if "_grants" in frame.env and holder in frame.env["_grants"]:
        granted = frame.env["_grants"][holder]
        for capability in capabilities:
            granted.discard(capability.value if hasattr(capability, "value") else str(capability))


def _state_write(_execution: Execution, frame: Frame, stack: list[Any], operand: Any) -> None:
    value = unwrap(stack.pop() if stack else None)
    key = operand[0] if operand is not None else unwrap(stack.pop() if stack else None)
    where = "_tx_pending_state" if frame.env.get("_in_transaction", False) else "_blockchain_state"
    frame.env.setdefault(where, {})[key] = value


def _state_read(_execution: Execution, frame: Frame, stack: list[Any], operand: Any) -> None:
    key = operand[0] if operand is not None else unwrap(stack.pop() if stack else None)
    stack.append(frame.env.setdefault("_blockchain_state", {}).get(key))


def _tx_begin(_execution: Execution, frame: Frame, _stack: list[Any], _operand: Any) -> None:
    env = frame.env
    env.setdefault("_tx_stack", []).append(
        {
            "snapshot": dict(env.get("_blockchain_state", {})),
            "pending": dict(env.get("_tx_pending_state", {})),
        }
    )
    env["_in_transaction"] = True
    env["_tx_pending_state"] = {}
    env["_tx_snapshot"] = dict(env.get("_blockchain_state", {}))


def _tx_commit(_execution: Execution, frame: Frame, _stack: list[Any], _operand: Any) -> None:
    env = frame.env
    if env.get("_in_transaction", False):
        env.setdefault("_blockchain_state", {}).update(env.get("_tx_pending_state", {}))
        env["_tx_pending_state"] = {}
        env.pop("_tx_snapshot", None)
        outer = env.get("_tx_stack", [])
        if outer:
            outer.pop()
        env["_in_transaction"] = bool(outer)


def _tx_revert(_execution: Execution, frame: Frame, _stack: list[Any], _operand: Any) -> None:
    env = frame.env
    if env.get("_in_transaction", False):
        env["_blockchain_state"] = dict(env.get("_tx_snapshot", {}))
        env["_tx_pending_state"] = {}
        env.pop("_tx_snapshot", None)
        outer = env.get("_tx_stack", [])
        if outer:
            left = outer.pop()
            if outer:
                env["_tx_snapshot"] = left["snapshot"]
                env["_tx_pending_state"] = left["pending"]
        env["_in_transaction"] = bool(env.get("_tx_stack", []))


def revert_on_escape(env: dict[str, Any]) -> None:
    """Undo an open transaction of a frame that an exception leaves (the host's rule L4, vm.py 5815)."""
    if env.get("_in_transaction", False):
        env["_blockchain_state"] = dict(env.get("_tx_snapshot", {}))
        env["_tx_pending_state"] = {}
        env.pop("_tx_snapshot", None)
        outer = env.get("_tx_stack", [])
        if outer:
            outer.pop()
        env["_in_transaction"] = bool(outer)


def revert_on_requirement(env: dict[str, Any]) -> None:
    """What a failed ``require`` does to an open transaction before it raises (vm.py 5640)."""
    if env.get("_in_transaction", False):
        revert_on_escape(env)


def _export(_execution: Execution, frame: Frame, stack: list[Any], operand: Any) -> None:
    frame.env[operand] = stack.pop() if stack else None
    frame.version += 1


def _define_entity(execution: Execution, _frame: Frame, stack: list[Any], count: Any) -> None:
    entity = execution.vm._build_entity_definition(count, stack, lambda: stack.pop() if stack else None, None)
    stack.append(entity)


def _define_contract(execution: Execution, frame: Frame, stack: list[Any], operand: Any) -> None:
    raw, node = operand
    stack.append(
        execution.vm._build_smart_contract(
            raw, stack, lambda: stack.pop() if stack else None, lambda _index: node, frame.env
        )
    )


def _contract_operand(operand: Any, constant: Constant) -> Any:
    return operand, constant(operand[0]) if isinstance(operand, tuple) else None


def _contract_effect(operand: Any) -> tuple[int, int]:
    raw = operand[0]
    return 1 + 2 * (raw[1] if isinstance(raw, tuple) else raw or 0), 1


def _read(_execution: Execution, frame: Frame, stack: list[Any], _operand: Any) -> None:
    """Text of a file inside the directory of the program, None for anything else (the host's sandbox, vm.py
    4329).
    """
    path = stack.pop() if stack else None
    text = None
    if path and isinstance(path, str) and "\x00" not in path:
        directory = frame.env.get("__DIR__", None)
        # The host's own calls: pathlib would normalise differently.
        sandbox = os.path.realpath(str(directory)) if directory else os.getcwd()  # noqa: PTH109
        resolved = os.path.realpath(os.path.join(sandbox, path))  # noqa: PTH118
        if (resolved == sandbox or resolved.startswith(sandbox + os.sep)) and Path(resolved).exists():
            try:
                # In the encoding of the locale, as the host reads.
                with open(resolved) as file:  # noqa: PTH123
                    text = file.read()
            except OSError:
                text = None
    stack.append(text)


def _build_set(_execution: Execution, _frame: Frame, stack: list[Any], count: int) -> None:
    elements = [strict_pop(stack) for _ in range(count)]
    elements.reverse()
    stack.append(set(elements))


def _one_constant(operand: Any, constant: Constant) -> Any:
    return None if operand is None else (constant(operand),)


HANDLERS: dict[str, Handler] = {
    handler.name: handler
    for handler in (
        Handler("AWAIT", _await, (0, 0)),
        Handler("SPAWN", _spawn, (0, 1)),
        Handler("ENABLE_ERROR_MODE", _enable_error_mode, (0, 0), resumes_after_errors=True),
        Handler("AUDIT_LOG", _audit_log, (3, 0)),
        Handler("RESTRICT_ACCESS", _restrict_access, (3, 0)),
        Handler("DEFINE_CAPABILITY", _define_capability, (2, 0)),
        Handler("GRANT_CAPABILITY", _grant, lambda count: (count + 1, 0)),
        Handler("REVOKE_CAPABILITY", _revoke, lambda count: (count + 1, 0)),
        Handler("STATE_WRITE", _state_write, lambda key: (1 if key else 2, 0), _one_constant),
        Handler("STATE_READ", _state_read, lambda key: (0 if key else 1, 1), _one_constant),
        Handler("TX_BEGIN", _tx_begin, (0, 0)),
        Handler("TX_COMMIT", _tx_commit, (0, 0)),
        Handler("TX_REVERT", _tx_revert, (0, 0)),
        Handler("EXPORT", _export, (1, 0), lambda operand, constant: constant(operand)),
        Handler("DEFINE_ENTITY", _define_entity, lambda count: (2 * (count or 0) + 1, 1)),
        Handler("DEFINE_CONTRACT", _define_contract, _contract_effect, _contract_operand),
        Handler("READ", _read, (1, 1)),
        Handler(
            "BUILD_SET", _build_set, lambda count: (count or 0, 1), lambda operand, _constant: operand or 0
        ),
    )
}
"""Host opcode name -> handler."""
