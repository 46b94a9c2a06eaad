"""Instructions with an effect: calls, methods, output, requirements, open handlers."""

from __future__ import annotations

from typing import Any, NamedTuple

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler import expressions as ex
from zexus_parallel_plugin.engine.compiler.control import Unstructured
from zexus_parallel_plugin.engine.compiler.kinds import ANY, BOOL, LIST, MAP, NUMBER, TEXT
from zexus_parallel_plugin.engine.compiler.operations import OperatorEmitter
from zexus_parallel_plugin.engine.compiler.points import Entry, NeedsTracking
from zexus_parallel_plugin.engine.compiler.regions import INLINED
from zexus_parallel_plugin.engine.compiler.source import bare
from zexus_parallel_plugin.engine.compiler.storage import OWN

_SIZED = {"length": "SIZED", "size": "SIZED", "count": "COUNTED"}
_SIZED_KINDS = {"SIZED": frozenset({LIST, MAP, TEXT}), "COUNTED": frozenset({LIST, MAP})}
_SPACED = " + ' ' + "


class EffectEmitter(OperatorEmitter):
    """Effects, in the order of the host."""

    def print(self, pc: int, count: Any) -> None:
        """``PRINT``."""
        parts = self.arguments(count)
        shown = [
            text if part.expression.kind == TEXT else f"SHOW({text})"
            for part, text in zip(parts, self.texts(parts), strict=False)
        ]
        self.line(f"print({_SPACED.join(shown)})", self.error_at(pc))

    def require(self, pc: int, operand: Any) -> None:
        """``REQUIRE``: an error of the program if the condition does not hold."""
        if not self.state.stack[-1].expression.atomic:
            self.settle()
        condition, message = self.take(2)
        stack = self.state.stack
        stack.append(condition)
        self.settle(len(stack) - 1)
        at = self.resume(len(stack) - 1)
        stack.pop()
        text = condition.expression.text(self.writer)
        test = bare(text) if condition.expression.kind != ANY else f"REQUIRED({text})"
        self.line(f"if not ({test}):", at)
        self.indent += 1
        frame = "V" if self.in_frame else "None"
        self.line(f"raise REFUSED({message.expression.text(self.writer)}, {frame})", self.error_at(pc))
        self.indent -= 1

    def setup_try(self, pc: int, handler: Any) -> None:
        """``SETUP_TRY``."""
        self.state.tries = (*self.state.tries, handler)

    def pop_try(self, pc: int, operand: Any) -> None:
        """``POP_TRY``."""
        self.state.tries = self.state.tries[:-1]

    def call_name(self, pc: int, operand: Any) -> None:
        """``CALL_NAME``: a native, a builtin, or an action."""
        name, count, _native = operand
        if (name, count) in INLINED:
            self.native(pc, name, count)
            return
        builtin = self.linker.builtin(name)
        entries = self.arguments(count)
        arguments = self.texts(entries)
        result = self.temporary()
        if name in self.linker.unmetered:
            self.line(f"{result} = B_{name}({', '.join(arguments)})", self.error_at(pc))
        elif builtin is not None:
            function = self.constant_name(builtin)
            self.hand_over_gas()
            at = self.error_at(pc, metered=True)
            self.line(f"{result} = BUILTIN({function}, [{', '.join(arguments)}])", at)
            self.state.reload = True
        else:
            self.call_action(pc, name, entries, result)
        self.push(ex.Local(result), pc)

    def native(self, pc: int, name: str, count: int) -> None:
        """A native of the host with a Python equivalent."""
        if name in {"len", "length"}:
            self.get_length(pc, None)
        elif name in {"str", "string"}:
            (entry,) = self.take(1)
            self.combine(ex.AsString(entry.expression), (entry,), pc)
        elif name == "push":
            target, item = self.take(2)
            self.combine(ex.Pushed(target.expression, item.expression), (target, item), pc)
        elif name == "range":
            parts = self.take(count)
            self.combine(ex.Helper("RANGE", tuple(part.expression for part in parts), LIST), parts, pc)
        else:
            self.append(pc, *self.arguments(2))

    def append(self, pc: int, target: Entry, item: Entry) -> None:
        """``append(list, item)``: changes the list in place and is the list."""
        state = self.state
        text, value = self.texts((target, item))
        at = self.exit_at(pc, [*state.stack, target, item])
        if target.expression.kind != LIST:
            self.line(f"if type({text}) is not list: raise TRAP", at)
        self.line(f"{text}.append({value})", at)
        self.push(ex.Local(text, LIST), pc)

    def call_action(self, pc: int, name: str, entries: list[Entry], result: str) -> None:
        """A call by name of an action, or of whatever a variable holds."""
        arguments = self.texts(entries)
        if self.linker.rebindable(name):
            raise Unstructured(f"the function {name} may be bound anew while its name is cached")
        callee = self.linker.direct(name, len(arguments))
        if callee is not None:
            passed = arguments[: callee.arguments]
            if callee.depth:
                passed.insert(0, f"{self.depth} + 1")
            self.call(pc, f"{result} = {callee.text}({', '.join(passed)})", callee.needs, callee.writes)
            return
        needs, writes = self.linker.reach(name)
        function = self.temporary()
        value = self.variable(name).text(self.writer)
        self.line(f"{function} = {value}", self.exit_at(pc, [*self.state.stack, *entries]))
        call = f"{result} = CALL({self.depth} + 1, {function}, {name!r}, [{', '.join(arguments)}])"
        self.call(pc, call, needs, writes)

    def call_top(self, pc: int, count: Any) -> None:
        """``CALL_TOP``."""
        entries = self.arguments(count + 1)
        function, *arguments = self.texts(entries)
        result = self.temporary()
        needs, writes = self.linker.reach(None)
        call = f"{result} = CALL({self.depth} + 1, {function}, None, [{', '.join(arguments)}])"
        self.call(pc, call, needs, writes)
        self.push(ex.Local(result), pc)

    def call(self, pc: int, text: str, needs: frozenset[str], writes: frozenset[str]) -> None:
        """A line that runs other code of the program, which may look at and assign variables."""
        state = self.state
        cached = self.variables.cached()
        suspects = frozenset(v.name for v in cached if v.of_caller and v.stored and v.name in writes)
        if suspects and not self.tracking:
            raise NeedsTracking
        own_written = any(v.scope == OWN and v.name in writes for v in cached)
        self.flush(frozenset(v.name for v in cached if v.name in needs or v.name in writes))
        if self.in_frame and any(not v.present and (v.name in needs or v.name in writes) for v in cached):
            # The write-back may have made a root variable that units take for one of their own.
            self.line("REVALIDATE()")
        written = [v for v in cached if v.name in writes and v.local]
        self.written += written
        for variable in written:
            self.note_kind(variable.name, ANY)
            self.release(variable.local)
        if suspects and own_written:
            self.line("version = FV.version")
        self.hand_over_gas()
        self.line(text, self.error_at(pc, metered=True))
        state.reload = True
        if suspects and own_written:
            self.line("if FV.version != version: last = None")
        # A frame that wrote a caller's variable last keeps seeing what it wrote: the local copy is the host's
        # name cache.
        self.reload([v for v in written if v.name not in suspects])
        for name in sorted(suspects):
            variable = self.variables.by_name[name]
            self.line(f"if last != {name!r}: {variable.local} = {variable.scope}[{name!r}]")
        state.stale |= suspects

    def call_method(self, pc: int, operand: Any) -> None:
        """``CALL_METHOD``."""
        name, count = operand
        target, *rest = self.arguments(count + 1)
        if name == "set" and count == 2:
            self.set_item(pc, target, *rest)
            return
        text, *arguments = self.texts((target, *rest))
        if name in self.linker.methods:
            general = f"m_{name}({', '.join([text, *arguments])})"
        else:
            general = f"METHOD({text}, {name!r}, [{', '.join(arguments)}])"
        if name in {"push", "append"} and count == 1:
            self.push_item(pc, target, arguments[0], general)
            return
        result, kind = self.temporary(), ANY
        direct = _direct_method(name, text, arguments)
        if direct is None:
            value = general
        elif target.expression.kind in direct.kinds:
            value, kind = direct.text, direct.result
        else:
            value = f"{direct.text} if {direct.check} else {general}"
        self.line(f"{result} = {value}", self.error_at(pc))
        self.push(ex.Local(result, kind), pc)

    def set_item(self, pc: int, target: Entry, key: Entry, value: Entry) -> None:
        """``target[key] = value``, which is the value."""
        text, at = self.texts((target, key, value)), self.exit_at(pc, [*self.state.stack, target, key, value])
        if target.expression.kind not in {LIST, MAP}:
            self.line(f"if type({text[0]}) not in STORES: raise TRAP", at)
        self.line(f"{text[0]}[{text[1]}] = {text[2]}", at)
        self.push(value.expression, pc)

    def push_item(self, pc: int, target: Entry, item: str, general: str) -> None:
        """``target.push(item)``, which is the target if that is a list."""
        (text,) = self.texts((target,))
        at = self.error_at(pc)
        if target.expression.kind == LIST:
            self.line(f"{text}.append({item})", at)
            self.push(target.expression, pc)
            return
        op = self.instructions[pc + 1][0]
        if op == isa.POP and pc + 1 not in self.code.targets:
            self.line(f"if type({text}) is list: {text}.append({item})", at)
            self.line(f"else: {general}", at)
            self.push(ex.Constant(None), pc)  # what is popped is never seen
            return
        result = self.temporary()
        self.line(f"if type({text}) is list: {text}.append({item}); {result} = {text}", at)
        self.line(f"else: {result} = {general}", at)
        self.push(ex.Local(result), pc)


class _DirectMethod(NamedTuple):
    """A method of Python's own types: its text, the check under which it is right, the kinds of targets that
    need no check, and the kind of the result then.
    """

    text: str
    check: str
    kinds: frozenset[str]
    result: str


def _direct_method(name: str, target: str, arguments: list[str]) -> _DirectMethod | None:
    if name in _SIZED and not arguments:
        types = _SIZED[name]
        return _DirectMethod(f"len({target})", f"type({target}) in {types}", _SIZED_KINDS[types], NUMBER)
    if len(arguments) != 1 or name not in {"get", "has", "contains"}:
        return None
    check, kinds = f"type({target}) is dict", frozenset({MAP})
    if name == "get":
        return _DirectMethod(f"{target}.get({arguments[0]})", check, kinds, ANY)
    return _DirectMethod(f"({arguments[0]} in {target})", check, kinds, BOOL)
