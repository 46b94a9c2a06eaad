"""Builds units: decides where variables live, has the source written, and compiles it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import CodeType
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import fastcalls, isa
from zexus_parallel_plugin.engine.compiler import expressions as ex
from zexus_parallel_plugin.engine.compiler import support
from zexus_parallel_plugin.engine.compiler.control import Loop, Unstructured, loop_structure, steps, structure
from zexus_parallel_plugin.engine.compiler.emitter import Emitter
from zexus_parallel_plugin.engine.compiler.points import Callee, Exit, NeedsTracking
from zexus_parallel_plugin.engine.compiler.storage import OWN, PRIVATE, ROOT, Variable, Variables, local_name
from zexus_parallel_plugin.engine.compiler.unit import Exits, Unit
from zexus_parallel_plugin.engine.frame import Frame
from zexus_parallel_plugin.host.values import PLAIN

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.names import Function, Program
    from zexus_parallel_plugin.engine.execution import Execution

_NOTHING: frozenset[str] = frozenset()
_NO_INSTRUCTIONS: frozenset[int] = frozenset()


class Builder:
    """Makes the units of one execution. All of them share one namespace, so that they call each other
    directly.
    """

    def __init__(
        self, execution: Execution, program: Program, replaced: Callable[[Unit, Unit | str], None]
    ) -> None:
        """``replaced``: told when an action's unit makes place for a newer one."""
        self.execution = execution
        self.program = program
        self.replaced = replaced
        self.namespace = support.names(execution)
        self.unmetered = frozenset(execution.direct)
        self.methods = frozenset(fastcalls.METHODS)
        self.exits = Exits(execution, self.rebuild)
        self.namespace["LEAVE"] = self.exits.leave_action
        self.namespace["LEAVE_LOOP"] = self.exits.leave_loop
        self.namespace["OWNER"] = _owner
        self.namespace["FRAME"] = Frame
        self.namespace["DEPTH"] = lambda: self.exits.depth_of(_caller_frame())
        self.units: dict[int, Unit | str] = {}
        self.variants: dict[int, dict[tuple[bool, ...], Unit | str]] = {}
        self.loops: dict[tuple[int, int], Unit | str] = {}
        self.labels: dict[int, str] = {}
        self.check_operations = execution.operation_limit < execution.gas_limit

    # -- linking (what the emitter asks)

    def label(self, function: Function) -> str:
        """Name of an action's unit in the shared namespace; calls go through it before and after the unit
        exists.
        """
        key = id(function.code.bytecode)
        if key not in self.labels:
            name = function.code.name
            readable = name if name.isascii() and name.isidentifier() else "action"
            self.labels[key] = f"u_{readable}_{len(self.labels)}"
            self.namespace[self.labels[key]] = self._stub(function)
        return self.labels[key]

    def direct(self, name: str, count: int) -> Callee | None:
        """The action that a call by name surely reaches: bound once in the program, and bound by now."""
        function = self.program.stable(name)
        if function is None or count < len(function.params):
            return None
        bound = self.execution.root.env.get(name)
        if (
            type(bound) is not dict
            or bound.get("bytecode") is not function.code.bytecode
            or name in self.shadowed
        ):
            return None
        if function.code.refusal or function.code.bounds.checked:
            return None
        return Callee(
            self.label(function), len(function.params), self.deep(function), function.needs, function.writes
        )

    shadowed: frozenset[str] = _NOTHING
    """Names that the unit being built, or a caller of it, may hold itself."""

    def deep(self, function: Function) -> bool:
        """Whether an action's unit gets its depth passed: when it or something it calls may recur or call
        generally.
        """
        return bool(function.recursive or function.callees or function.calls_values)

    def reach(self, name: str | None) -> tuple[frozenset[str], frozenset[str]]:
        """What everything that a call may reach needs and writes."""
        targets = self.program.taken if name is None else self.program.targets(name)
        needs = _NOTHING.union(*(target.needs for target in targets))
        return needs, _NOTHING.union(*(target.writes for target in targets))

    def builtin(self, name: str) -> Any:
        """The builtin of this name."""
        return self.execution.builtins.get(name)

    def rebindable(self, name: str) -> bool:
        """Whether anything that the unit calls may bind this name."""
        return name in self.written_by_callees

    written_by_callees: frozenset[str] = _NOTHING

    # -- actions

    def action(self, function: Function) -> Unit | str:
        """The unit of an action, or why there is none."""
        key = id(function.code.bytecode)
        found = self.units.get(key)
        if found is None:
            conflicts = self.conflicts(function)
            found = self._refusal(function) or (
                self._variants(function, conflicts)
                if conflicts
                else self._build_action(function, _NO_INSTRUCTIONS)
            )
            self.units[key] = found
        return found

    def conflicts(self, function: Function) -> tuple[str, ...]:
        """Names that the action looks for beyond its frame and that an action calling it may own."""
        return tuple(sorted((function.free & function.above) - set(function.params)))

    def _refusal(self, function: Function) -> str:
        code = function.code
        if code.refusal:
            return code.refusal
        if code.bounds.checked:
            return "the depth of the operand stack is not bounded"
        if any(f.imports for f in self.program.functions.values() if f is not self.program.main):
            return "an action of the program imports into the root variables"
        return ""

    def _variants(self, function: Function, conflicts: tuple[str, ...]) -> Unit | str:
        """A unit that looks who owns the names in question now, and goes on with the one made for that
        case.
        """
        key = id(function.code.bytecode)
        root = self.execution.root
        execution = self.execution
        deep = self.deep(function)
        variants: dict[tuple[bool, ...], Unit | str] = {}
        self.variants[key] = variants

        def enter(*args: Any) -> Any:
            owners: list[Frame] = []
            owned = []
            for name in conflicts:
                frame: Frame | None = execution.frame
                while frame is not None and frame is not root:
                    if name in frame.env:
                        owners.append(frame)
                        break
                    frame = frame.parent
                owned.append(frame is not None and frame is not root)
            shape = tuple(owned)
            unit = variants.get(shape)
            if unit is None:
                unit = variants[shape] = self._build_action(function, _NO_INSTRUCTIONS, conflicts, shape)
            if isinstance(unit, Unit) and unit.absent.isdisjoint(root.env):
                return unit.function(*args, *owners)
            return self._interpret(function, args, deep)

        label = self.label(function)
        unit = Unit(function.code, label, "", Variables(), {}, enter, len(function.params), deep)
        self.namespace[label] = enter
        return unit

    def _build_action(
        self,
        function: Function,
        slow: frozenset[int],
        conflicts: tuple[str, ...] = (),
        shape: tuple[bool, ...] = (),
    ) -> Unit | str:
        """Compile an action for the case that callers own just those of the ``conflicts`` that ``shape``
        says.
        """
        code = function.code
        owned = tuple(name for name, there in zip(conflicts, shape, strict=False) if there)
        tracking = False
        try:
            nodes = structure(code).nodes
            variables = self._action_variables(function, owned)
            in_own_frame = any(v.scope == OWN for v in variables.by_name.values())
            self.shadowed = function.own | function.above
            self.written_by_callees = _NOTHING.union(*(callee.writes for callee in function.callees))
            while True:
                try:
                    emitter = self._emit(
                        code,
                        variables,
                        slow,
                        lambda e: e.sequence(nodes),
                        depth="d" if self.deep(function) else "",
                        depth_limit=function.recursive,
                        tracking=tracking,
                        own_frame=in_own_frame,
                    )
                    break
                except NeedsTracking:
                    tracking = True
        except Unstructured as verdict:
            return str(verdict)
        unit = self._finish_action(function, variables, emitter, slow, owned, shape)
        unit.conflicts, unit.shape = conflicts, shape
        return unit

    def _action_variables(self, function: Function, owned: tuple[str, ...]) -> Variables:
        root = self.execution.root.env
        variables = Variables()
        code = function.code.instructions
        loops = any(op == isa.JUMP and target <= index for index, (op, target, _gas) in enumerate(code))
        needed = _NOTHING.union(*(callee.needs for callee in function.callees))
        others = (function.stores | function.loads | function.calls) - set(function.params)
        for index, name in enumerate([*function.params, *sorted(others)]):
            local = local_name(name, index)
            stored = name in function.stores
            own = OWN if name in needed else PRIVATE
            if name in function.params:
                variable = Variable(name, local, own, True, stored)
            elif name in owned:
                variable = Variable(name, local, f"O{owned.index(name)}", True, stored)
            elif name in root:
                keep = stored or (loops and name in function.loads)
                variable = Variable(name, local if keep else "", ROOT, True, stored)
            elif stored:
                variable = Variable(name, local, own, False, True)
            else:
                variable = Variable(name, "", ROOT, False, False)
            variables.by_name[name] = variable
        return variables

    def _finish_action(
        self,
        function: Function,
        variables: Variables,
        emitter: Emitter,
        slow: frozenset[int],
        owned: tuple[str, ...],
        shape: tuple[bool, ...],
    ) -> Unit:
        deep = self.deep(function)
        label = self.label(function)
        name = label + "".join("_o" if there else "_n" for there in shape)
        parameters = ["d"] if deep else []
        parameters += [variables.by_name[parameter].local for parameter in function.params]
        parameters += [f"FO{index}" for index in range(len(owned))]
        head = [f"def {name}({', '.join(parameters)}):"]
        head += [f"    O{index} = FO{index}.env" for index in range(len(owned))]
        own = [v for v in variables.by_name.values() if v.scope == OWN]
        if own:
            known = ", ".join(f"{v.name!r}: {v.local}" for v in own if v.present)
            depth = "d" if deep else "DEPTH()"
            head += [f"    FV = X.frame = FRAME({{{known}}}, X.frame, {depth})", "    V = FV.env"]
        if emitter.tracking:
            head.append("    last = None")
        head += self._loads(variables, skip_own_present=True)
        head.append("    try:")
        depth_text = "d" if deep else "None"
        tail = ["    except Exception as error:", f"        return LEAVE(error, U_{name}, {depth_text})"]
        absent = frozenset(v.name for v in variables.by_name.values() if not v.present)
        unit = self._compile(function.code, name, head, emitter, tail, variables, slow)
        unit.parameters, unit.depth, unit.absent = len(function.params), deep, absent
        self.exits.action_codes.add(unit.function.__code__)
        if not shape:
            self.namespace[label] = unit.function
        return unit

    def _loads(self, variables: Variables, *, skip_own_present: bool = False) -> list[str]:
        """Lines that make the local copies of cached variables; parameters have theirs already."""
        lines = []
        for variable in variables.cached():
            if not variable.local or (skip_own_present and variable.scope == OWN and variable.present):
                continue
            value = f"{variable.scope}[{variable.name!r}]" if variable.present else "UNSET"
            lines.append(f"    {variable.local} = {value}")
        return lines

    def _stub(self, function: Function) -> Any:
        """Stands in for a unit: builds it at its first call; calls the action in the interpreter if that
        fails.
        """
        deep = self.deep(function)
        execution = self.execution

        def stub(*args: Any) -> Any:
            unit = self.action(function)
            if isinstance(unit, Unit) and not unit.absent.intersection(execution.root.env):
                return unit.function(*args)
            return self._interpret(function, args, deep)

        return stub

    def _interpret(self, function: Function, args: tuple[Any, ...], deep: bool) -> Any:
        """Run an action in the interpreter in the place of its unit."""
        depth = args[0] if deep else self.exits.depth_of(_caller_frame()) + 1
        values = list(args[1:] if deep else args)
        code = function.code
        descriptor = {"bytecode": code.bytecode, "params": list(function.params), "name": code.name}
        return self.execution.call_interpreted(self.execution.frame, descriptor, values, depth)

    # -- loops

    def loop(self, function: Function, head: int, frame: Frame) -> Unit | str:
        """The unit of a loop of a frame, or why there is none."""
        key = (id(function.code.bytecode), head)
        found = self.loops.get(key)
        if found is None:
            found = self._build_loop(function, head, frame, _NO_INSTRUCTIONS)
            self.loops[key] = found
        return found

    def _build_loop(self, function: Function, head: int, frame: Frame, slow: frozenset[int]) -> Unit | str:
        code = function.code
        if code.bounds.checked:
            return "the depth of the operand stack is not bounded"
        self.shadowed = (function.own | function.above) if frame.parent is not None else _NOTHING
        self.written_by_callees = _NOTHING.union(*(callee.writes for callee in function.callees))
        try:
            loop = loop_structure(code, head)
            variables = self._loop_variables(code, loop, frame)
            tracking = any(
                v.of_caller and v.stored and v.name in self.written_by_callees for v in variables.cached()
            )
            plain = self._plain_now(code, loop, variables, frame)
            while True:
                emitter = self._emit(
                    code,
                    variables,
                    slow,
                    lambda e: e.loop_unit(loop),
                    depth="d",
                    in_frame=True,
                    assumed=plain,
                    tracking=tracking,
                )
                wrong = {
                    name
                    for name in plain
                    if emitter.found_kinds.get(name, ex.PLAIN) in {ex.ANY, ex.CONDITION}
                }
                if not wrong:
                    break
                plain -= wrong
        except Unstructured as verdict:
            return str(verdict)
        label = f"loop_{len(self.namespace)}_{head}"
        lines = [
            f"def {label}(FV):",
            "    V = FV.env; d = FV.depth",
            "    g = M.gas_used; n = M.operation_count",
        ]
        lines += [
            f"    F{scope} = OWNER(FV, {names[0]!r}); {scope} = F{scope}.env"
            for scope, names in sorted(_scopes(variables).items())
            if scope not in {OWN, ROOT}
        ]
        if tracking:
            lines.append("    last = None")
        lines += self._loads(variables)
        lines += [
            f"    if type({variables.by_name[name].local}) not in P: raise TRAP" for name in sorted(plain)
        ]
        lines.append("    try:")
        tail = ["    except Exception as error:", f"        return LEAVE_LOOP(error, U_{label}, FV)"]
        unit = self._compile(code, label, lines, emitter, tail, variables, slow)
        unit.hazards = frozenset(v.name for v in variables.cached() if v.of_caller) & self.written_by_callees
        unit.present = frozenset(v.name for v in variables.by_name.values() if v.present)
        unit.absent = frozenset(v.name for v in variables.by_name.values() if not v.present) | self._missing(
            code, loop, variables
        )
        return unit

    def _plain_now(self, code: Code, loop: Loop, variables: Variables, frame: Frame) -> set[str]:
        """Variables that hold a plain value now and that no callee of the loop assigns."""
        written: set[str] = set()
        for pc in steps(loop.body):
            op, operand, _gas = code.instructions[pc]
            if op == isa.CALL_NAME and self.builtin(operand[0]) is None:
                written |= self.reach(operand[0])[1]
            elif op == isa.CALL_TOP:
                written |= self.reach(None)[1]
        return {
            v.name
            for v in variables.by_name.values()
            if v.present and v.local and v.name not in written and type(frame.load(v.name)) in PLAIN
        }

    def _missing(self, code: Code, loop: Loop, variables: Variables) -> set[str]:
        """Names that the loop reads and nobody had when it was compiled."""
        _stored, used = _names_in(code, steps(loop.body))
        return {name for name in used if name not in variables.by_name and self.builtin(name) is None}

    def _loop_variables(self, code: Code, loop: Loop, frame: Frame) -> Variables:
        variables = Variables()
        stored, used = _names_in(code, steps(loop.body))
        owners: dict[int, str] = {}
        for index, name in enumerate(sorted(stored | used)):
            owner = next((f for f in frame.chain() if name in f.env), None)
            local = local_name(name, index)
            if owner is None:
                if name in stored:
                    variables.by_name[name] = Variable(name, local, OWN, False, True)
                continue
            if owner is frame:
                scope = OWN
            elif owner is self.execution.root:
                scope = ROOT
            else:
                scope = owners.setdefault(id(owner), f"O{len(owners)}")
            variables.by_name[name] = Variable(name, local, scope, True, name in stored)
        return variables

    # -- common

    def _emit(
        self, code: Code, variables: Variables, slow: frozenset[int], body: Any, assumed: Iterable[str] = (),
        **settings: Any,
    ) -> Emitter:  # fmt: skip
        """Emit twice: the first time shows what kinds of values variables get, the second uses it.

        ``assumed``: variables that hold plain values when the unit is entered.
        """
        start = dict.fromkeys(assumed, ex.PLAIN)
        kinds = dict(start)
        while True:
            emitter = Emitter(
                code, variables, self, kinds=kinds, slow=slow, check_operations=self.check_operations,
                tag=str(len(self.namespace)), **settings,
            )  # fmt: skip
            body(emitter)
            found = start | {
                name: kind
                for name, kind in emitter.found_kinds.items()
                if kind not in {ex.ANY, ex.CONDITION}
                and variables.by_name[name].scope == PRIVATE
                and not variables.by_name[name].present
            }
            if found == kinds:
                return emitter
            kinds = found

    def _compile(
        self, code: Code, label: str, head: Iterable[str], emitter: Emitter, tail: Iterable[str],
        variables: Variables, slow: frozenset[int],
    ) -> Unit:  # fmt: skip
        lines = list(head)
        exits: dict[int, Exit] = {}
        for line in emitter.lines:
            lines.append("    " * line.indent + line.text)
            if line.exit is not None:
                exits[len(lines)] = line.exit
        lines += tail
        source = "\n".join(lines) + "\n"
        self.namespace.update(emitter.constants)
        compiled: CodeType = compile(source, f"<unit {code.name}>", "exec")
        place: dict[str, Any] = {}
        exec(compiled, self.namespace, place)
        unit = Unit(code, label, source, variables, exits, place[label], slow=slow)
        self.namespace[f"U_{label}"] = unit
        return unit

    def forget(self, key: int) -> None:
        """Drop the unit of an action: its next call builds it anew."""
        self.units.pop(key, None)
        self.variants.pop(key, None)
        function = self.program.functions[key]
        self.namespace[self.label(function)] = self._stub(function)

    def rebuild(self, unit: Unit) -> None:
        """Compile a unit anew with the host's rules in place of optimism that has failed often."""
        from zexus_parallel_plugin.engine.compiler.unit import SLOW_AFTER

        slow = unit.slow | {pc for pc, count in unit.failures.items() if count >= SLOW_AFTER}
        key = id(unit.code.bytecode)
        function = self.program.functions.get(key)
        if function is None or slow == unit.slow:
            return
        for shape, variant in self.variants.get(key, {}).items():
            if variant is unit:
                self.variants[key][shape] = self._build_action(function, slow, unit.conflicts, shape)
                return
        if self.units.get(key) is unit:
            self.units[key] = rebuilt = self._build_action(function, slow)
            self.replaced(unit, rebuilt)
            return
        for loop_key, known in list(self.loops.items()):
            if known is unit:
                self.loops[loop_key] = rebuilt = self._build_loop(
                    function, loop_key[1], self.execution.frame, slow
                )
                unit.code.loops[loop_key[1]] = rebuilt if isinstance(rebuilt, Unit) else None
                return


def _owner(frame: Frame, name: str) -> Frame:
    """The frame that owns a name, from ``frame`` outwards."""
    return next(caller for caller in frame.chain() if name in caller.env)


def _caller_frame() -> Any:
    import sys

    return sys._getframe(2)


def _scopes(variables: Variables) -> dict[str, list[str]]:
    scopes: dict[str, list[str]] = {}
    for variable in variables.cached():
        scopes.setdefault(variable.scope, []).append(variable.name)
    return scopes


def _names_in(code: Code, pcs: Iterable[int]) -> tuple[set[str], set[str]]:
    """Names that some instructions store, and names that they load or call."""
    stored, used = set(), set()
    for pc in pcs:
        op, operand, _gas = code.instructions[pc]
        if op == isa.STORE_NAME:
            stored.add(operand)
        elif op == isa.STORE_FUNC:
            stored.add(operand[0])
        elif op == isa.LOAD_NAME:
            used.add(operand)
        elif op == isa.CALL_NAME:
            used.add(operand[0])
    return stored, used
