"""Builds the units of actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler.control import Unstructured, structure
from zexus_parallel_plugin.engine.compiler.points import NeedsTracking
from zexus_parallel_plugin.engine.compiler.storage import OWN, PRIVATE, ROOT, Variable, Variables, local_name
from zexus_parallel_plugin.engine.compiler.unit import Unit
from zexus_parallel_plugin.engine.compiler.workshop import NOTHING, Workshop, caller_frame

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.compiler.blueprint import Blueprint
    from zexus_parallel_plugin.engine.compiler.emitter import Emitter
    from zexus_parallel_plugin.engine.compiler.names import Function
    from zexus_parallel_plugin.engine.frame import Frame


class ActionBuilder(Workshop):
    """Makes a unit of a whole action."""

    def action(self, function: Function) -> Unit | str:
        """The unit of an action, or why there is none."""
        key = id(function.code.bytecode)
        found = self.units.get(key)
        if found is None:
            conflicts = self.conflicts(function)
            found = self._refusal(function) or (
                self._variants(function, conflicts)
                if conflicts
                else self._build_action(function, self.experience.slow(function.code))
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
                unit = variants[shape] = self._build_action(
                    function, self.experience.slow(function.code), conflicts, shape
                )
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
        return self.guarded(
            lambda: self._compile_action(function, slow, conflicts, shape), f"action {function.code.name}"
        )

    def _compile_action(
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
        variables = self._action_variables(function, owned)
        self.shadowed = function.own | function.above
        self.written_by_callees = NOTHING.union(*(callee.writes for callee in function.callees))
        name = self.label(function) + "".join("_o" if there else "_n" for there in shape)
        name = self.numbered(name)

        def draw() -> Blueprint | str:
            try:
                emitter = self._emit_action(function, variables, slow, name)
            except Unstructured as verdict:
                return str(verdict)
            return self._draw_action(function, variables, emitter, len(owned), name)

        given = "action", name, sorted(slow), owned
        blueprint = self.blueprint(function, variables, given, draw)
        if isinstance(blueprint, str):
            return blueprint
        unit = self.construct(code, name, blueprint, variables, slow)
        unit.parameters, unit.depth = len(function.params), self.deep(function)
        unit.absent = frozenset(v.name for v in variables.by_name.values() if not v.present)
        unit.conflicts, unit.shape = conflicts, shape
        self.exits.action_codes.add(unit.function.__code__)
        if not shape:
            self.namespace[self.label(function)] = unit.function
        return unit

    def _emit_action(
        self, function: Function, variables: Variables, slow: frozenset[int], name: str
    ) -> Emitter:
        nodes = structure(function.code).nodes
        in_own_frame = any(v.scope == OWN for v in variables.by_name.values())
        tracking = False
        while True:
            try:
                emitter: Emitter = self.emit(
                    function.code,
                    variables,
                    slow,
                    lambda e: e.sequence(nodes),
                    depth="d" if self.deep(function) else "",
                    depth_limit=function.recursive,
                    tracking=tracking,
                    own_frame=in_own_frame,
                    tag=name,
                )
            except NeedsTracking:
                tracking = True
            else:
                return emitter

    def _action_variables(self, function: Function, owned: tuple[str, ...]) -> Variables:
        root = self.execution.root.env
        variables = Variables()
        code = function.code.instructions
        loops = any(op == isa.JUMP and target <= index for index, (op, target, _gas) in enumerate(code))
        needed = NOTHING.union(*(callee.needs for callee in function.callees))
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

    def _draw_action(
        self, function: Function, variables: Variables, emitter: Emitter, owners: int, name: str
    ) -> Blueprint:
        deep = self.deep(function)
        parameters = ["d"] if deep else []
        parameters += [variables.by_name[parameter].local for parameter in function.params]
        parameters += [f"FO{index}" for index in range(owners)]
        head = [f"def {name}({', '.join(parameters)}):"]
        head += [f"    O{index} = FO{index}.env" for index in range(owners)]
        own = [v for v in variables.by_name.values() if v.scope == OWN]
        if own:
            known = ", ".join(f"{v.name!r}: {v.local}" for v in own if v.present)
            depth = "d" if deep else "DEPTH()"
            head += [f"    FV = X.frame = FRAME({{{known}}}, X.frame, {depth})", "    V = FV.env"]
        if emitter.tracking:
            head.append("    last = None")
        if emitter.keeps_operands:
            head.append("    J = []")
        head += self.loads(variables, skip_own_present=True)
        head.append("    try:")
        depth_text = "d" if deep else "None"
        tail = ["    except Exception as error:", f"        return LEAVE(error, U_{name}, {depth_text})"]
        return self.draw(head, emitter, tail)

    def stub(self, function: Function) -> Any:
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
        depth = args[0] if deep else self.exits.depth_of(caller_frame()) + 1
        values = list(args[1:] if deep else args)
        code = function.code
        descriptor = {"bytecode": code.bytecode, "params": list(function.params), "name": code.name}
        return self.execution.call_interpreted(self.execution.frame, descriptor, values, depth)
