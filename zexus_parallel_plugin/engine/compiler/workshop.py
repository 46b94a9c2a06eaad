"""What building units of every sort shares: linking of calls, writing the source, compiling it."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import fastcalls, isa
from zexus_parallel_plugin.engine.compiler import support
from zexus_parallel_plugin.engine.compiler.blueprint import (
    Blueprint,
    Mentioned,
    code_digest,
    digest,
    packed,
    program_digest,
    unpacked,
)
from zexus_parallel_plugin.engine.compiler.kinds import merged
from zexus_parallel_plugin.engine.compiler.points import Callee, Exit
from zexus_parallel_plugin.engine.compiler.storage import OWN, Variables
from zexus_parallel_plugin.engine.compiler.trap import RangeStopped
from zexus_parallel_plugin.engine.compiler.unit import Exits, Unit
from zexus_parallel_plugin.engine.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.emitter import Emitter
    from zexus_parallel_plugin.engine.compiler.experience import Experience
    from zexus_parallel_plugin.engine.compiler.names import Function, Program
    from zexus_parallel_plugin.engine.execution import Execution

_LOG = logging.getLogger(__name__)

NOTHING: frozenset[str] = frozenset()
NO_INSTRUCTIONS: frozenset[int] = frozenset()

_DIRECT = re.compile(r"(?<![\w.\"'])([Bm]_)(\w+)(?=\()")
"""Calls of direct forms in generated source."""

_LIMIT = re.compile(r"\b([LN])_(more_)?(\d{1,18})\b")
"""Limits of gas (L) or operations (N) in generated source that are lower, or higher, by a number."""

_MANY = 1 << 30  # arguments


class Workshop:
    """The namespace in which all units of an execution call each other; answers what the emitter asks."""

    def __init__(
        self,
        execution: Execution,
        program: Program,
        replaced: Callable[[Unit, Unit | str], None],
        revalidate: Callable[[], None],
        experience: Experience,
    ) -> None:
        """``replaced``: told when an action's unit makes place for a newer one; ``revalidate``: drops units
        that new root variables have made wrong. ``experience``: what is known of earlier runs.
        """
        self.execution = execution
        self.program = program
        self.replaced = replaced
        self.experience = experience
        self.namespace = support.names(execution)
        self.unmetered = execution.direct
        self.methods = frozenset(fastcalls.METHODS)
        self.exits = Exits(execution, self.rebuild)
        self.namespace["LEAVE"] = self.exits.leave_action
        self.namespace["LEAVE_LOOP"] = self.exits.leave_loop
        self.namespace["CAUGHT"] = self.exits.caught
        self.namespace["CAUGHT_WRITING"] = self.exits.caught_writing
        self.namespace["REVALIDATE"] = revalidate
        self.namespace["OWNER"] = owner_of
        self.namespace["STOPPED"] = RangeStopped
        self.namespace["FRAME"] = Frame
        self.namespace["DEPTH"] = lambda: self.exits.depth_of(caller_frame())
        self.units: dict[int, Unit | str] = {}
        self.variants: dict[int, dict[tuple[bool, ...], Unit | str]] = {}
        self.loops: dict[tuple[int, int], Unit | str] = {}
        self.counted_loops: dict[tuple[int, int], Unit | str] = {}
        self.mixed_loops: set[tuple[int, int]] = set()
        """Loops whose variables have not always been of the same kinds when they were entered."""
        self.slow_in_ranges: dict[int, frozenset[int]] = {}
        self.range_units: dict[tuple[Any, ...], Unit | str] = {}
        self.labels: dict[int, str] = {}
        self.check_operations = execution.operation_limit < execution.gas_limit
        self._numbers = {key: number for number, key in enumerate(program.functions)}
        self._builds: Counter[str] = Counter()
        self._digest: bytes | None = None
        self._building = 0

    def rebuild(self, unit: Unit) -> None:
        """Compile a unit anew."""
        raise NotImplementedError

    def stub(self, function: Function) -> Any:
        """Stands in for the unit of an action that has not been built yet."""
        raise NotImplementedError

    def guarded(self, build: Callable[[], Unit | str], what: str) -> Unit | str:
        """A unit, or why there is none; a defect of the compiler costs speed, never the program."""
        begin = time.perf_counter()
        self._building += 1
        unit: Unit | str
        try:
            unit = build()
        except Exception as error:  # noqa: BLE001 - whatever it is, the interpreter can run the code
            self.failed(what)
            unit = f"the compiler failed: {type(error).__name__}: {error}"
        finally:
            self._building -= 1
        translation = self.execution.translation
        translation.refused += isinstance(unit, str)
        if not self._building:
            translation.seconds += time.perf_counter() - begin
        return unit

    def failed(self, what: str) -> None:
        """Note a defect; called while the exception is handled."""
        _LOG.exception("%s: the compiler failed, it is executed without", what)
        self.execution.counters["compiler-failed"] += 1

    def label(self, function: Function) -> str:
        """Name of an action's unit in the shared namespace; calls go through it before and after the unit
        exists.
        """
        key = id(function.code.bytecode)
        if key not in self.labels:
            name = function.code.name
            readable = name if name.isascii() and name.isidentifier() else "action"
            self.labels[key] = f"u_{readable}_{self._numbers[key]}"
            self.namespace[self.labels[key]] = self.stub(function)
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

    shadowed: frozenset[str] = NOTHING
    """Names that the unit being built, or a caller of it, may hold itself."""

    written_by_callees: frozenset[str] = NOTHING
    """What the callees of the unit being built may assign."""

    def deep(self, function: Function) -> bool:
        """Whether an action's unit gets its depth passed: when it or something it calls may recur or call
        generally.
        """
        return bool(function.recursive or function.callees or function.calls_values)

    def reach(self, name: str | None) -> tuple[frozenset[str], frozenset[str]]:
        """What everything that a call may reach needs and writes."""
        targets = self.program.taken if name is None else self.program.targets(name)
        needs = NOTHING.union(*(target.needs for target in targets))
        return needs, NOTHING.union(*(target.writes for target in targets))

    def builtin(self, name: str) -> Any:
        """The builtin of this name."""
        return self.execution.builtins.get(name)

    def rebindable(self, name: str) -> bool:
        """Whether anything that the unit calls may bind this name."""
        return name in self.written_by_callees

    def loads(self, variables: Variables, *, skip_own_present: bool = False) -> list[str]:
        """Lines that make the local copies of cached variables; parameters have theirs already."""
        lines = []
        for variable in variables.cached():
            if not variable.local or (skip_own_present and variable.scope == OWN and variable.present):
                continue
            value = f"{variable.scope}[{variable.name!r}]" if variable.present else "UNSET"
            lines.append(f"    {variable.local} = {value}")
        return lines

    def emit(
        self, code: Code, variables: Variables, slow: frozenset[int], body: Any,
        assumed: Mapping[str, str] | None = None, kind: type[Emitter] | None = None, **settings: Any,
    ) -> Any:  # fmt: skip
        """Emit until what was assumed of the kinds of variables holds: an optimistic fixed point. Assumptions
        that turn out wrong are weakened, so there is an end.

        :param assumed: kinds of variables at entry; those that hold are the emitter's ``kinds``.
        :param kind: the class of the emitter, if it is a special one.
        """
        # Emitters are loaded when there is something to write: not where all has been kept by earlier runs.
        from zexus_parallel_plugin.engine.compiler.emitter import Emitter

        kinds = dict(assumed or {})
        while True:
            emitter = (kind or Emitter)(
                code, variables, self, kinds=kinds, slow=slow, check_operations=self.check_operations,
                **settings,
            )  # fmt: skip
            body(emitter)
            found = emitter.found_kinds
            kinds = {name: merged(known, found.get(name, known)) for name, known in emitter.kinds.items()}
            if kinds == emitter.kinds:
                return emitter

    def numbered(self, name: str) -> str:
        """The name of a unit, with a number from its second building on: units that are made anew may still
        run.
        """
        self._builds[name] += 1
        return name if self._builds[name] == 1 else f"{name}_{self._builds[name]}"

    def loop_label(self, kind: str, code: Code, head: int) -> str:
        """The name of a unit of a loop; in each run that builds the same units they have the same names."""
        return self.numbered(f"{kind}_{self._numbers[id(code.bytecode)]}_{head}")

    def blueprint(
        self, function: Function, variables: Variables, given: tuple[Any, ...],
        draw: Callable[[], Blueprint | str],
    ) -> Blueprint | str:  # fmt: skip
        """What ``draw`` makes, or what it has made in an earlier run of the program.

        :param given: what it depends on, beside the program and where its variables live; plain data.
        """
        translator = self.execution.translator
        if not translator.keeps:
            return draw()
        code = function.code
        links = [
            (name, callee.text if (callee := self.direct(name, _MANY)) is not None else "")
            for name in sorted(function.calls)
        ]
        places = [(v.name, v.local, v.scope, v.present, v.stored) for v in variables.by_name.values()]
        shared = sorted(self.shadowed), sorted(self.written_by_callees), self.check_operations
        number = self._numbers[id(code.bytecode)]
        key = digest(self.program_digest, number, links, places, shared, given)
        mentioned = Mentioned(code, self.execution.builtins)
        data = translator.find(key)
        if data is not None:
            try:
                return unpacked(data, mentioned)
            except (LookupError, TypeError, ValueError):
                translator.drop(key)
        made = draw()
        with contextlib.suppress(LookupError):
            translator.keep(key, packed(made, mentioned))
        return made

    def _bind(self, kind: str, name: str) -> None:
        """Give generated code the direct form of a builtin or method, if the name (or text) is one."""
        forms = self.execution.direct
        if kind == "B_" and name in self.unmetered:
            self.namespace[kind + name] = forms.builtin(name)
        elif kind == "m_" and name in self.methods:
            self.namespace[kind + name] = forms.method(name)

    @property
    def program_digest(self) -> bytes:
        """A digest of the program and of what is known of it."""
        if self._digest is None:
            codes = {key: code_digest(function.code) for key, function in self.program.functions.items()}
            called = {
                operand[0]
                for function in self.program.functions.values()
                for op, operand, _gas in function.code.instructions
                if op == isa.CALL_NAME
            }
            direct = [name for name in sorted(called) if name in self.unmetered]
            self._digest = program_digest(self.program, codes, direct)
        return self._digest

    def draw(
        self, head: Iterable[str], emitter: Emitter, tail: Iterable[str], missing: frozenset[str] = NOTHING
    ) -> Blueprint:
        """One function of ``head``, the lines of an emitter, and ``tail``."""
        lines = list(head)
        exits: dict[int, Exit] = {}
        for line in emitter.lines:
            lines.append("    " * line.indent + line.text)
            if line.exit is not None:
                exits[len(lines)] = line.exit
        lines += tail
        return Blueprint("\n".join(lines) + "\n", exits, emitter.constants, missing)

    def construct(
        self, code: Code, label: str, blueprint: Blueprint, variables: Variables, slow: frozenset[int]
    ) -> Unit:
        """Make the function of a blueprint in the namespace."""
        self.namespace.update(blueprint.constants)
        for kind, name in _DIRECT.findall(blueprint.source):
            if kind + name not in self.namespace:
                self._bind(kind, name)
        for name, more, amount in _LIMIT.findall(blueprint.source):
            change = int(amount) if more else -int(amount)
            self.namespace[f"{name}_{more}{amount}"] = self.namespace[name] + change
        compiled = self.execution.translator.compile(blueprint.source, f"<unit {code.name}>")
        self.execution.translation.units += 1
        place: dict[str, Any] = {}
        exec(compiled, self.namespace, place)
        unit = Unit(code, label, blueprint.source, variables, blueprint.exits, place[label], slow=slow)
        self.namespace[f"U_{label}"] = unit
        return unit


def owner_of(frame: Frame, name: str) -> Frame:
    """The frame that owns a name, from ``frame`` outwards."""
    return next(caller for caller in frame.chain() if name in caller.env)


def caller_frame() -> Any:
    """The Python frame of whoever called the caller of this function."""
    return sys._getframe(2)
