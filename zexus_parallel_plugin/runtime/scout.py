"""The scout: executes a frame ahead of the main process, on a copy of its variables, to find calls worth
sending away.

It is an abstract interpreter with one value more, `UNKNOWN`: calls that are not executed yield it, and so
does whatever is computed from it. Containers of the program are never changed: what would change one makes
its contents unknown to the scout. A branch on an unknown value makes unknown what either side could write,
and goes on where the sides meet; a loop that the branch could end is taken to go on if there is something to
be found in it.

The scout may be wrong about anything. What it predicts is compared with what happens before a result is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.effects import PURE_METHODS
from zexus_parallel_plugin.analysis.footprint import Descriptor, is_function, parameters
from zexus_parallel_plugin.engine import isa, operators
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.runtime.knowledge import ARITHMETIC, NUMBERS, UNKNOWN, Knowledge
from zexus_parallel_plugin.runtime.lookout import Found
from zexus_parallel_plugin.runtime.snapshot import SCALARS
from zexus_parallel_plugin.runtime.visible import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.analysis.cfg import Detour
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.runtime.lookout import Lookout

_DEEPEST_INLINE = 6
_INLINE_STEPS = 400
_GUESSES = 10_000


class _Activation:
    """A frame that the scout executes: the program's own one at the bottom, calls of cheap actions above
    it.
    """

    __slots__ = ("code", "env", "instructions", "ip", "stack")

    def __init__(self, code: Code, ip: int, env: dict[str, Any], stack: list[Any]) -> None:
        self.code = code
        self.instructions = code.instructions
        self.ip = ip
        self.env = env
        self.stack = stack


class Scout:
    """One look ahead in one frame.

    ``ended`` is empty while it can go on, else the reason code why not. ``guesses`` counts the branches at
    which it has taken one side for granted.
    """

    def __init__(self, code: Code, ip: int, frame: Frame, stack: list[Any], lookout: Lookout) -> None:
        """Start at instruction ``ip`` with the operands ``stack`` (a copy is made)."""
        self.frame = frame
        self.code: Code | None = code
        self.ended = "" if not code.bounds.checked else "scout-unverified"
        self.guesses = 0
        self.steps = 0
        self._lookout = lookout
        self._base = _Activation(code, ip, dict(frame.env), list(stack))
        self._outer: dict[str, Any] = {}
        self._calls: list[_Activation] = []
        self._inline_end = 0
        self.knowledge = Knowledge(lookout.native)
        self._passed: dict[int, int] = {}

    # -- names

    def visible(self, name: str) -> Any:
        """What a callee sees of a name: value, `UNKNOWN` or `ABSENT`."""
        for activation in reversed(self._calls):
            if name in activation.env:
                return activation.env[name]
        if name in self._base.env:
            return self._base.env[name]
        if name in self._outer:
            return self._outer[name]
        frame = self.frame.parent
        while frame is not None:
            if name in frame.env:
                return frame.env[name]
            frame = frame.parent
        return ABSENT

    def _load(self, name: str) -> Any:
        if not self._calls and name not in self._base.env and name not in self._outer:
            return self.frame.load(name)
        value = self.visible(name)
        return None if value is ABSENT else value

    def _store(self, name: str, value: Any) -> None:
        for activation in reversed(self._calls):
            if name in activation.env:
                activation.env[name] = value
                return
        if name in self._base.env:
            self._base.env[name] = value
        elif self.visible(name) is not ABSENT:
            self._outer[name] = value
        else:
            top = self._calls[-1] if self._calls else self._base
            top.env[name] = value

    # -- what is known of values

    def known(self, value: Any) -> bool:
        """Tell whether a value can be sent."""
        return self.knowledge.known(value)

    def own(self, value: Any) -> bool:
        """Tell whether the scout has made this container."""
        return self.knowledge.own(value)

    # -- running

    def next_call(self, budget: int) -> Found | None:
        """Go on to the next call that is wanted and whose arguments are known, at most ``budget``
        instructions.

        Returns None if there is none within the budget, or if the scout has ended.
        """
        limit = self.steps + budget
        while not self.ended and self.steps < limit:
            try:
                found = self._run(limit)
            except Exception:  # noqa: BLE001 - the program may catch it, or end: nothing more can be said
                if not self._give_up_inline():
                    self.ended = "scout-error"
                continue
            if found is not None:
                return found
        return None

    def _run(self, limit: int) -> Found | None:  # noqa: C901, PLR0912, PLR0915 - a dispatch loop
        activation = self._calls[-1] if self._calls else self._base
        instructions, stack, env = activation.instructions, activation.stack, activation.env
        push, pop = stack.append, stack.pop
        end = len(instructions)
        ip = activation.ip
        steps = self.steps
        try:
            while steps < limit:
                if ip >= end:
                    self._finish(stack[-1] if stack else None)
                    return None
                if self._calls and steps > self._inline_end:
                    self._give_up_inline()
                    return None
                op, arg, _gas = instructions[ip]
                ip += 1
                steps += 1
                if op < isa.ADD:
                    if op == 0:  # LOAD_NAME
                        push(env[arg] if arg in env else self._load(arg))
                    elif op == 1:  # LOAD_CONST
                        push(arg)
                    elif op == 2:  # STORE_NAME
                        if arg in env:
                            env[arg] = pop()
                        else:
                            self._store(arg, pop())
                    elif op == 4:  # POP
                        pop()
                    elif op == 5:  # DUP
                        push(stack[-1])
                    elif op == 7:  # JUMP
                        ip = arg
                    elif op == 6:  # JUMP_IF_FALSE
                        ip = self._jump(activation, ip, arg, pop(), jump_if=False)
                        if ip < 0:
                            return None
                elif op <= isa.LAST_BINARY:
                    right, left = pop(), pop()
                    if type(left) in NUMBERS and type(right) in NUMBERS and op in ARITHMETIC:
                        push(ARITHMETIC[op](left, right))
                    else:
                        push(self.knowledge.binary(op, left, right))
                elif op == isa.CALL_NAME:
                    name, count, native = arg
                    args = stack[len(stack) - count :]
                    del stack[len(stack) - count :]
                    activation.ip, self.steps = ip, steps
                    found = self._call_name(activation, name, args, native)
                    if found is not None or self.ended:
                        return found
                    if activation is not (self._calls[-1] if self._calls else self._base):
                        return None
                elif op == isa.INDEX:
                    key, target = pop(), pop()
                    push(self.knowledge.index(target, key))
                elif op == isa.GET_LENGTH:
                    value = pop()
                    push(operators.length(value) if self.knowledge.readable(value) else UNKNOWN)
                elif op == isa.FOR_ITER:
                    position, target = pop(), pop()
                    if position is UNKNOWN or not self.knowledge.readable(target):
                        stack += [UNKNOWN] * arg
                    elif arg == 1 and type(target) is list and 0 <= position < len(target):
                        push(target[position])
                    else:
                        stack += operators.iteration(target, position, arg)
                elif op == isa.JUMP_IF_TRUE:
                    ip = self._jump(activation, ip, arg, pop(), jump_if=True)
                    if ip < 0:
                        return None
                else:
                    activation.ip, self.steps = ip, steps
                    if self._seldom(activation, op, arg):
                        return None
            return None
        finally:
            self.steps = steps
            if ip >= 0:
                activation.ip = ip

    def _jump(self, activation: _Activation, ip: int, target: int, condition: Any, *, jump_if: bool) -> int:
        """The instruction after a conditional jump at ``ip - 1``; -1 if the scout ends here."""
        if type(condition) is not bool:
            if condition is UNKNOWN or not self.knowledge.readable(condition):
                return self._branch(activation, ip - 1)
            condition = operators.truth(condition)
        return target if condition is jump_if else ip

    def _seldom(self, activation: _Activation, op: int, arg: Any) -> bool:
        """Execute one of the other instructions; whether the activation has ended with it."""
        stack = activation.stack
        pop, push = stack.pop, stack.append
        if op == isa.CALL_METHOD:
            name, count = arg
            args = stack[len(stack) - count :]
            del stack[len(stack) - count :]
            push(self.knowledge.method(pop(), name, args))
        elif op == isa.RETURN:
            self._finish(pop())
            return True
        elif op == isa.NOT:
            value = pop()
            push(not value if self.knowledge.known(value) else UNKNOWN)
        elif op == isa.NEG:
            value = pop()
            push(operators.negate(value) if self.knowledge.known(value) else UNKNOWN)
        elif op == isa.BUILD_LIST:
            made = stack[len(stack) - arg :]
            del stack[len(stack) - arg :]
            push(self.knowledge.made(made, holed=not all(map(self.knowledge.known, made))))
        elif op == isa.BUILD_MAP:
            flat = stack[len(stack) - 2 * arg :]
            del stack[len(stack) - 2 * arg :]
            if all(map(self.knowledge.known, flat[::2])):
                holed = not all(map(self.knowledge.known, flat[1::2]))
                push(self.knowledge.made(dict(zip(flat[::2], flat[1::2], strict=True)), holed=holed))
            else:
                push(UNKNOWN)
        elif op == isa.STORE_FUNC:
            self._store(arg[0], arg[1])
        elif op == isa.SLICE:
            stop, start, target = pop(), pop(), pop()
            push(self.knowledge.slice(target, start, stop))
        elif op == isa.THROW:
            self._stop("scout-error")
            return True
        elif op not in {isa.NOP, isa.SETUP_TRY, isa.POP_TRY}:
            self._other(activation, op, arg)
        return False

    def _stop(self, reason: str) -> None:
        if not self._give_up_inline():
            self.ended = reason

    def _finish(self, value: Any) -> None:
        """An activation has returned."""
        if not self._calls:
            self.ended = "scout-frame-end"
            return
        self._calls.pop()
        (self._calls[-1] if self._calls else self._base).stack.append(value)

    # -- calls

    def _call_name(self, activation: _Activation, name: str, args: list[Any], native: bool) -> Found | None:
        stack = activation.stack
        if native:
            value = self.knowledge.native(name, args)
            if value is not host.NATIVE_MISS:
                stack.append(value)
                return None
        if self._lookout.is_builtin(name):
            scalars = all(type(arg) in SCALARS for arg in args)
            stack.append(self._lookout.builtin(name, args) if scalars else UNKNOWN)
            return None
        function = self._load(name)
        if not is_function(function):
            if function is UNKNOWN:
                self._stop("scout-unknown-callee")
            else:
                stack.append(UNKNOWN)
            return None
        known = all(map(self.knowledge.known, args))
        ip = activation.ip - 1
        wanted = self._lookout.wanted(activation.code, ip, function)
        if known and not wanted and len(self._calls) < _DEEPEST_INLINE and self._enter(function, args):
            return None
        stack.append(UNKNOWN)
        self.assume_called(function, args)
        return Found(ip, function, args) if known and wanted and activation is self._base else None

    def _enter(self, function: Descriptor, args: list[Any]) -> bool:
        """Execute a cheap action as a part of the frame."""
        if not self._lookout.cheap(function):
            return False
        code = self._lookout.code_of(function)
        if code.refusal or code.bounds.checked:
            return False
        if not self._calls:
            self._inline_end = self.steps + _INLINE_STEPS
        self._calls.append(_Activation(code, 0, dict(zip(parameters(function), args, strict=False)), []))
        return True

    def _give_up_inline(self) -> bool:
        """Leave the cheap actions that are being executed: their result is unknown. False if there are
        none.
        """
        if not self._calls:
            return False
        self._calls.clear()
        base = self._base
        _op, (name, _count, _native), _gas = base.instructions[base.ip - 1]
        function = self._load(name)
        if is_function(function):
            self.assume_called(function, [])
        base.stack.append(UNKNOWN)
        return True

    def assume_called(self, function: Descriptor, args: list[Any]) -> None:
        """Forget what is not known any more after a call that the scout does not execute."""
        names, mutates = self._lookout.may_write(function)
        for name in names:
            value = self.visible(name)
            if value is not ABSENT and not is_function(value):
                self._store(name, UNKNOWN)
        if mutates:
            for arg in args:
                self.knowledge.taint(arg)

    def _other(self, activation: _Activation, op: int, arg: Any) -> None:
        """Instructions whose result is not looked at."""
        stack = activation.stack
        pops, pushes = isa.stack_effect(op, arg)
        taken = stack[len(stack) - pops :]
        del stack[len(stack) - pops :]
        stack += [UNKNOWN] * pushes
        if op in {isa.CALL_TOP, isa.PARALLEL_MAP}:
            for value in taken:
                self.knowledge.taint(value)
        if op == isa.RARE and arg[0].name == "EXPORT":
            self._store(arg[1], UNKNOWN)

    # -- branches on unknown values

    def _branch(self, activation: _Activation, ip: int) -> int:
        """The instruction to go on at; -1 if the scout ends here."""
        if self._calls:
            self._give_up_inline()
            return -1
        times = self._passed[ip] = self._passed.get(ip, 0) + 1
        code = activation.code
        detour = self._lookout.flow_of(code).detour(ip, self._worth_staying)
        if detour.target < 0 or times > _GUESSES:
            self.ended = "scout-unknown-branch"
            return -1
        self.guesses += detour.guess
        self._forget(activation, detour)
        return detour.target

    def _worth_staying(self, ranges: Iterable[tuple[int, int]]) -> bool:
        code = self._base.code
        for first, end in ranges:
            for ip in range(first, end):
                op, arg, _gas = code.instructions[ip]
                if op == isa.CALL_NAME and not self._lookout.is_builtin(arg[0]):
                    function = self._load(arg[0])
                    if is_function(function) and self._lookout.wanted(code, ip, function):
                        return True
        return False

    def _forget(self, activation: _Activation, detour: Detour) -> None:
        """Make unknown what the skipped instructions could have written."""
        instructions, depths = activation.instructions, activation.code.bounds.depths
        stack = activation.stack
        floor = len(stack)
        loaded: list[Any] = []
        changes = False
        for first, end in detour.ranges:
            for index in range(first, end):
                op, arg, _gas = instructions[index]
                if depths[index] >= 0:
                    floor = min(floor, depths[index] - isa.stack_effect(op, arg)[0])
                if op == isa.STORE_NAME:
                    self._store(arg, UNKNOWN)
                elif op == isa.STORE_FUNC:
                    self._store(arg[0], UNKNOWN)
                elif op == isa.LOAD_NAME:
                    loaded.append(self._load(arg))
                elif op == isa.CALL_METHOD:
                    changes = changes or arg[0] not in PURE_METHODS
                elif op == isa.CALL_NAME:
                    changes = changes or arg[0] == "append"
                    function: Any = None if self._lookout.is_builtin(arg[0]) else self._load(arg[0])
                    if is_function(function):
                        self.assume_called(function, [])
                        changes = changes or self._lookout.may_write(function)[1]
                elif op == isa.RARE and arg[0].name == "EXPORT":
                    self._store(arg[1], UNKNOWN)
        if changes:
            for value in loaded:
                self.knowledge.taint(value)
        depth = depths[detour.target] if detour.target < len(depths) else len(stack)
        if detour.ranges:
            stack[floor:] = [UNKNOWN] * (len(stack) - floor)
        if len(stack) < depth:
            stack += [UNKNOWN] * (depth - len(stack))
        del stack[depth:]
