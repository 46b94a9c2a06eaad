"""Builds the units of loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler.control import Loop, Unstructured, loop_structure, steps
from zexus_parallel_plugin.engine.compiler.kinds import ANY, PLAIN, kind_of, mismatch
from zexus_parallel_plugin.engine.compiler.storage import OWN, ROOT, Variable, Variables, local_name
from zexus_parallel_plugin.engine.compiler.workshop import NOTHING, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.blueprint import Blueprint
    from zexus_parallel_plugin.engine.compiler.names import Function
    from zexus_parallel_plugin.engine.compiler.unit import Unit
    from zexus_parallel_plugin.engine.frame import Frame


class LoopBuilder(Workshop):
    """Makes a unit of one loop of a frame that the interpreter runs."""

    def loop(self, function: Function, head: int, frame: Frame) -> Unit | str:
        """The unit of a loop of a frame, or why there is none."""
        key = (id(function.code.bytecode), head)
        found = self.loops.get(key)
        if found is None:
            found = self._build_loop(function, head, frame, self.experience.slow(function.code, head))
            self.loops[key] = found
        return found

    def counted(self, function: Function, head: int, frame: Frame) -> Unit | str:
        """The unit that executes a given number of iterations of a loop, or why there is none."""
        key = (id(function.code.bytecode), head)
        found = self.counted_loops.get(key)
        if found is None:
            slow = self.experience.slow(function.code, head)
            found = self._build_loop(function, head, frame, slow, counted=True)
            self.counted_loops[key] = found
        return found

    def _build_loop(
        self, function: Function, head: int, frame: Frame, slow: frozenset[int], *, counted: bool = False
    ) -> Unit | str:
        return self.guarded(
            lambda: self._compile_loop(function, head, frame, slow, counted=counted),
            f"the loop at {head} of {function.code.name}",
        )

    def _compile_loop(
        self, function: Function, head: int, frame: Frame, slow: frozenset[int], *, counted: bool
    ) -> Unit | str:
        code = function.code
        if code.bounds.checked:
            return "the depth of the operand stack is not bounded"
        self.shadowed = (function.own | function.above) if frame.parent is not None else NOTHING
        self.written_by_callees = NOTHING.union(*(callee.writes for callee in function.callees))
        try:
            loop = loop_structure(code, head)
        except Unstructured as verdict:
            return str(verdict)
        variables = self._loop_variables(code, loop, frame)
        assumed = self._kinds_now(variables, frame, exact=(id(code.bytecode), head) not in self.mixed_loops)
        label = self.loop_label("count" if counted else "loop", code, head)

        def draw() -> Blueprint | str:
            try:
                return self._draw_loop(code, loop, variables, assumed, slow, label, counted=counted)
            except Unstructured as verdict:
                return str(verdict)

        blueprint = self.blueprint(
            function, variables, (label, head, sorted(slow), sorted(assumed.items())), draw
        )
        if isinstance(blueprint, str):
            return blueprint
        unit = self.construct(code, label, blueprint, variables, slow)
        unit.hazards = frozenset(v.name for v in variables.cached() if v.of_caller) & self.written_by_callees
        unit.present = frozenset(v.name for v in variables.by_name.values() if v.present)
        absent = frozenset(v.name for v in variables.by_name.values() if not v.present)
        unit.absent = absent | blueprint.missing
        return unit

    def _draw_loop(
        self, code: Code, loop: Loop, variables: Variables, assumed: dict[str, str], slow: frozenset[int],
        label: str, *, counted: bool,
    ) -> Blueprint:  # fmt: skip
        from zexus_parallel_plugin.engine.compiler.ranges import CountedEmitter

        tracking = any(
            v.of_caller and v.stored and v.name in self.written_by_callees for v in variables.cached()
        )
        emitter = self.emit(
            code,
            variables,
            slow,
            lambda e: e.loop_unit(loop),
            kind=CountedEmitter if counted else None,
            depth="d",
            in_frame=True,
            assumed=assumed,
            tracking=tracking,
            tag=label,
        )
        lines = [
            f"def {label}(FV, C):" if counted else f"def {label}(FV):",
            "    V = FV.env; d = FV.depth",
            "    g = M.gas_used; n = M.operation_count",
        ]
        lines += [
            f"    F{scope} = OWNER(FV, {names[0]!r}); {scope} = F{scope}.env"
            for scope, names in sorted(scopes_of(variables).items())
            if scope not in {OWN, ROOT}
        ]
        if tracking:
            lines.append("    last = None")
        if emitter.keeps_operands:
            lines.append("    J = []")
        lines += self.loads(variables)
        tests = [mismatch(emitter.kinds[name], variables.by_name[name].local) for name in sorted(assumed)]
        lines += [f"    if {test}: raise TRAP" for test in tests if test]
        lines.append("    try:")
        tail = ["    except Exception as error:", f"        return LEAVE_LOOP(error, U_{label}, FV)"]
        return self.draw(lines, emitter, tail, frozenset(self._missing(code, loop, variables)))

    def _kinds_now(self, variables: Variables, frame: Frame, *, exact: bool) -> dict[str, str]:
        """The kinds of what variables hold now; ``exact``: not only whether they are plain."""
        found = {
            v.name: kind_of(frame.load(v.name)) for v in variables.by_name.values() if v.present and v.local
        }
        return {name: kind if exact else PLAIN for name, kind in found.items() if kind != ANY}

    def _missing(self, code: Code, loop: Loop, variables: Variables) -> set[str]:
        """Names that the loop reads and nobody had when it was compiled."""
        _stored, used = names_in(code, steps(loop.body, rescues=True))
        return {name for name in used if name not in variables.by_name and self.builtin(name) is None}

    def _loop_variables(self, code: Code, loop: Loop, frame: Frame) -> Variables:
        variables = Variables()
        stored, used = names_in(code, steps(loop.body, rescues=True))
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


def scopes_of(variables: Variables) -> dict[str, list[str]]:
    """Names of cached variables by the dictionary they live in."""
    scopes: dict[str, list[str]] = {}
    for variable in variables.cached():
        scopes.setdefault(variable.scope, []).append(variable.name)
    return scopes


def names_in(code: Code, pcs: Iterable[int]) -> tuple[set[str], set[str]]:
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
