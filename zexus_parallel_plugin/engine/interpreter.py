"""The exact interpreter: one loop over prepared instructions.

Everything that can be observed happens in the host's order: an instruction is counted and charged before it
runs, operands are popped before anything can fail, and a failure goes to the frame's innermost open ``try``,
else to the error mode of the frame, else to the caller (vm.py 4510 and 5803).

The loop keeps gas and operation count in local variables and writes them to the meter around calls. Since
the operation count only grows, a failure can tell which of the two is newer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa, operators, parallel
from zexus_parallel_plugin.engine.frame import MISSING, Frame
from zexus_parallel_plugin.engine.position import Position
from zexus_parallel_plugin.engine.rare import revert_on_escape, revert_on_requirement
from zexus_parallel_plugin.engine.stack import MAX_DEPTH, ROOM, CheckedStack, strict_pop, take
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.host.values import NUMBERS, PLAIN, unwrap

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.execution import Execution

_BINARY = tuple(operators.BINARY.get(number, operators.add) for number in range(isa.LAST_BINARY + 1))


def interpret(  # noqa: C901, PLR0912, PLR0915 - the dispatch loop: splitting it would cost a call per instruction
    execution: Execution,
    code: Code,
    frame: Frame,
    stack: list[Any] | None = None,
    ip: int = 0,
    tries: list[int] | None = None,
) -> Any:
    """Run a frame from instruction ``ip`` to its end.

    :param stack: operands already pushed (for a frame that is entered in the middle).
    :param tries: handlers of the open ``try`` statements, innermost last.
    :returns: the returned value, or the top of the leftover stack.
    :raises Exception: whatever the program does not catch.
    """  # fmt: skip
    instructions = code.instructions
    end = len(instructions)
    env = frame.env
    env_get = env.get
    meter = execution.meter
    gas_limit, operation_limit = execution.gas_limit, execution.operation_limit
    gas, operations = meter.gas_used, meter.operation_count
    ahead, tier, loops = execution.ahead, execution.tier, code.loops
    checked = code.bounds.checked or "_continue_on_error" in env
    if stack is None:
        stack = CheckedStack() if checked else []
    if tries is None:
        tries = []
    push, pop = stack.append, stack.pop
    while True:
        try:
            while ip < end:
                op, arg, cost = instructions[ip]
                ip += 1
                operations += 1
                gas += cost
                if gas > gas_limit or operations > operation_limit:
                    gas -= cost
                    _exhausted(execution, gas, operations, code.operation(ip - 1))
                if op < 8:
                    if op == 0:  # LOAD_NAME
                        value = env_get(arg, MISSING)
                        push(frame.load(arg) if value is MISSING else value)
                    elif op == 1:  # LOAD_CONST
                        push(arg)
                    elif op == 2:  # STORE_NAME
                        if arg in env:
                            env[arg] = pop()
                            frame.version += 1
                        else:
                            frame.store(arg, pop())
                    elif op == 6:  # JUMP_IF_FALSE
                        value = pop()
                        if not value if type(value) in PLAIN else not unwrap(value):
                            ip = arg
                    elif op == 4:  # POP
                        pop()
                    elif op == 5:  # DUP
                        if stack:
                            push(stack[-1])
                    elif op == 7:  # JUMP
                        if arg < ip and tier is not None:
                            unit = loops.get(arg, 0)
                            if type(unit) is int:
                                loops[arg] = unit = unit + 1
                                if unit > tier.loop_heat:
                                    loops[arg] = unit = tier.loop(code, arg, frame)
                            if unit is not None and type(unit) is not int and len(stack) < ROOM:
                                meter.gas_used, meter.operation_count = gas, operations
                                ip = arg
                                landing = tier.run_loop(unit, arg, frame)
                                gas, operations = meter.gas_used, meter.operation_count
                                if landing is not None:
                                    ip, values, opened = landing
                                    stack.extend(values)
                                    tries.extend(opened)
                                continue
                        ip = arg
                elif op < 22:
                    right = pop()
                    if checked and not stack and op == isa.ADD:
                        # The host's default for a missing left operand is 0 here, not None.
                        push(operators.add(0, right))
                        continue
                    left = pop()
                    if type(left) in NUMBERS and type(right) in NUMBERS:
                        if op == 8:
                            push(left + right)
                        elif op == 9:
                            push(left - right)
                        elif op == 10:
                            push(left * right)
                        elif op == 11:
                            push(left < right)
                        elif op == 12:
                            push(left > right)
                        elif op == 13:
                            push(left <= right)
                        elif op == 14:
                            push(left >= right)
                        elif op == 15:
                            push(left == right)
                        elif op == 16:
                            push(left != right)
                        elif op == 17:
                            push(left % right if right != 0 else 0)
                        else:
                            push(_BINARY[op](left, right))
                    else:
                        push(_BINARY[op](left, right))
                elif op == 22:  # INDEX
                    key = pop()
                    push(operators.index(pop(), key))
                elif op == 25:  # CALL_NAME
                    name, count, native = arg
                    args = take(stack, count)
                    if native:
                        value = execution.vm._vm_native_call(name, args)
                        if value is not host.NATIVE_MISS:
                            push(value)
                            continue
                    function = execution.builtins.get(name)
                    if function is None:
                        function = frame.function(name, execution.builtins)
                    meter.gas_used, meter.operation_count = gas, operations
                    if type(function) is dict and "bytecode" in function:
                        if ahead is None:
                            value = execution.call_action(frame, function, args)
                        else:
                            value = ahead.call(frame, Position(code, ip - 1, stack, tries), function, args)
                    elif function is None:
                        value = execution.vm._call_fallback_builtin(name, args)
                    else:
                        value = execution.call(frame, function, args)
                    gas, operations = meter.gas_used, meter.operation_count
                    push(value)
                elif op == 26:  # CALL_METHOD
                    name, count = arg
                    args = take(stack, count)
                    target = pop() if stack else None
                    if target is None:
                        push(None)
                    elif type(target) is list and name in host.LIST_METHODS and name != "set":
                        push(host.unwrap_after_builtin(host.LIST_METHODS[name](target, args)))
                    else:
                        meter.gas_used, meter.operation_count = gas, operations
                        value = host.call_method(execution.vm, target, name, args)
                        gas, operations = meter.gas_used, meter.operation_count
                        push(value)
                elif op == 27:  # RETURN
                    meter.gas_used, meter.operation_count = gas, operations
                    return pop() if stack else None
                elif op == 23:  # GET_LENGTH
                    push(operators.length(pop()))
                elif op == 24:  # FOR_ITER
                    position = pop() if stack else 0
                    stack.extend(operators.iteration(pop(), position, arg))
                elif op == 28:  # NOT
                    push(not pop())
                elif op == 29:  # NEG
                    push(operators.negate(pop() if stack else 0))
                elif op == 30:  # BUILD_LIST
                    push(take(stack, arg))
                elif op == 31:  # BUILD_MAP
                    flat = take(stack, 2 * arg)
                    push(dict(zip(flat[::2], flat[1::2], strict=False)))
                elif op == 32:  # PRINT
                    print(" ".join(map(host.format_print_value, take(stack, arg))))  # noqa: T201
                elif op == 33:  # JUMP_IF_TRUE
                    if unwrap(pop()):
                        ip = arg
                elif op == 34:  # STORE_FUNC
                    frame.store(arg[0], arg[1])
                elif op == 35:  # SLICE
                    stop, start = pop(), pop()
                    push(operators.cut(pop(), start, stop))
                elif op == 36:  # SETUP_TRY
                    tries.append(arg)
                elif op == 37:  # POP_TRY
                    if tries:
                        tries.pop()
                elif op == 38:  # THROW
                    thrown = pop()
                    if not tries:
                        raise host.VMRuntimeError(str(thrown.value if hasattr(thrown, "value") else thrown))
                    push(thrown)
                    ip = tries.pop()
                elif op == 39:  # REQUIRE
                    message = pop() if stack else "Requirement failed"
                    condition = pop()
                    if not (condition.value if hasattr(condition, "value") else condition):
                        revert_on_requirement(env)
                        text = message.value if hasattr(message, "value") else message
                        raise host.VMRuntimeError(f"Requirement failed: {text}")
                elif op == 40:  # CALL_TOP
                    args = [strict_pop(stack) for _ in range(arg)][::-1]
                    function = strict_pop(stack)
                    meter.gas_used, meter.operation_count = gas, operations
                    value = execution.call(frame, function, args)
                    gas, operations = meter.gas_used, meter.operation_count
                    push(value)
                elif op == 41:  # GET_ATTR
                    key = pop()
                    push(operators.attribute(pop(), key))
                elif op == 42:  # RARE
                    meter.gas_used, meter.operation_count = gas, operations
                    arg[0].run(execution, frame, stack, arg[1])
                    gas, operations = meter.gas_used, meter.operation_count
                else:  # PARALLEL_MAP
                    xs = pop()
                    function = parallel.named(frame, arg[0]) if arg else pop()
                    meter.gas_used, meter.operation_count = gas, operations
                    value = execution.parallel_map(frame, function, xs)
                    gas, operations = meter.gas_used, meter.operation_count
                    push(value)
            meter.gas_used, meter.operation_count = gas, operations
            return stack[-1] if stack else None
        except Exception as error:
            if meter.operation_count > operations:
                gas, operations = meter.gas_used, meter.operation_count
            if execution.residue:
                stack.extend(execution.residue)
                execution.residue = []
            meter.gas_used, meter.operation_count = gas, operations
            if tries:
                ip = tries.pop()
                if len(stack) >= MAX_DEPTH - 1:
                    stack = stack if isinstance(stack, CheckedStack) else CheckedStack(stack)
                    push, pop = stack.append, stack.pop
                push(str(error.args[0] if error.args else error))
                continue
            if env.get("_continue_on_error", False):
                env.setdefault("_errors", []).append(str(error))
                continue
            revert_on_escape(env)
            if execution.failure is None or execution.failure[0] is not error:
                execution.failure = error, code, ip - 1
            raise


def _exhausted(execution: Execution, gas: int, operations: int, operation: str) -> None:
    """Fail as the host does: the failing instruction is counted, but not charged."""
    if execution.profile is not None:
        execution.profile.take_back()
    if operations > execution.operation_limit:
        raise host.OperationLimitExceededError(operations, execution.operation_limit)
    raise host.OutOfGasError(gas, execution.gas_limit, operation)
