"""Who can see which variable: name analysis over the whole program.

Scoping is dynamic, so whether a variable of an action is private depends on what it calls and on who calls
it. The call graph of the program answers that for all but odd programs: calls go by name, and names are
bound by ``STORE_FUNC``. Where a name may hold any function value, every function whose value is taken
anywhere is a possible callee.

All facts are conservative: *owned*, *needed* and *written* may be too large, never too small.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import parallel
from zexus_parallel_plugin.engine.code import Code, CodeCache, constant
from zexus_parallel_plugin.engine.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

IMPORTERS = frozenset({"__vm_use_module__", "__vm_from_module__", "__create_channel__"})
"""Builtins that write into the root variables."""

_EMPTY: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class Function:
    """What one code object does with names.

    ``free``: names that it may look for beyond its own frame; ``own``: names that its frame may hold.
    ``needs`` and ``writes``: names that it or anything it calls may look for, or assign, in a calling frame.
    ``above``: names that frames calling it (top-level code excepted) may hold.
    """

    code: Code
    params: tuple[str, ...]
    stores: frozenset[str] = _EMPTY
    loads: frozenset[str] = _EMPTY
    calls: frozenset[str] = _EMPTY
    calls_values: bool = False
    imports: bool = False
    least_arguments: int = 1 << 30
    callees: set[Function] = field(default_factory=set)
    callers: set[Function] = field(default_factory=set)
    needs: frozenset[str] = _EMPTY
    writes: frozenset[str] = _EMPTY
    above: frozenset[str] = _EMPTY
    recursive: bool = False

    @property
    def bound(self) -> frozenset[str]:
        """Parameters that every call passes."""
        return frozenset(self.params[: self.least_arguments])

    @property
    def own(self) -> frozenset[str]:
        """Names that its frame may hold."""
        return self.stores | frozenset(self.params)

    @property
    def free(self) -> frozenset[str]:
        """Names that it may look for beyond its own frame."""
        return (self.stores | self.loads | self.calls | frozenset(self.params)) - self.bound


@dataclass(slots=True)
class Program:
    """All code objects that a run can reach, by identity of their bytecode, and what is known of names."""

    main: Function
    functions: dict[int, Function]
    named: dict[str, set[Function]]
    rebound: frozenset[str]
    taken: set[Function]
    builtins: dict[str, Any]

    def targets(self, name: str) -> set[Function]:
        """Actions that a call of this name may reach."""
        if self.builtins.get(name) is not None:
            return set()
        found = set(self.named.get(name, ()))
        if name in self.rebound:
            found |= self.taken
        return found

    def stable(self, name: str) -> Function | None:
        """The only action that this name can ever be bound to, if the program binds it exactly once."""
        if name in self.rebound or self.builtins.get(name) is not None:
            return None
        bound = self.named.get(name, set())
        return next(iter(bound)) if len(bound) == 1 else None


def analyse(cache: CodeCache, main: Any, env: dict[str, Any], builtins: dict[str, Any]) -> Program:
    """Analyse a program from its top-level bytecode and the root variables that exist before it runs."""
    top = _summary(cache.get(main, "<main>"), (), builtins)
    functions: dict[int, Function] = {id(main): top}
    named: dict[str, set[Function]] = {}
    rebound: set[str] = set()
    taken_names: set[str] = set()
    taken: set[Function] = set()
    work = [top]

    def add(descriptor: dict[str, Any]) -> Function:
        bytecode = descriptor["bytecode"]
        known = functions.get(id(bytecode))
        if known is None:
            params = tuple(descriptor.get("params") or descriptor.get("parameters") or ())
            known = _summary(cache.get(bytecode, descriptor.get("name", "")), params, builtins)
            functions[id(bytecode)] = known
            work.append(known)
        return known

    def follow() -> None:
        while work:
            function = work.pop()
            rebound.update(function.own - _function_stores(function.code))
            taken_names.update(function.loads)
            bound = set()
            for opcode, name, operand in _name_operations(function.code):
                value = constant(function.code.constants, operand[1]) if opcode == "STORE_FUNC" else None
                if value is not None and _is_descriptor(value):
                    bound.add(id(value))
                    named.setdefault(name, set()).add(add(value))
            for value in function.code.constants:
                if id(value) not in bound:
                    taken.update(add(descriptor) for descriptor in _descriptors(value))

    # The program's own actions first: so they have the same order whenever the analysis is made.
    follow()
    for name, value in env.items():
        for descriptor in _descriptors(value):
            found = add(descriptor)
            if descriptor is value:
                named.setdefault(name, set()).add(found)
            else:
                taken.add(found)
    follow()
    for name in taken_names:
        taken |= named.get(name, set())
    program = Program(top, functions, named, frozenset(rebound), taken, builtins)
    _count_arguments(program)
    _link(program)
    _propagate(program)
    return program


def _is_descriptor(value: Any) -> bool:
    return type(value) is dict and "bytecode" in value


_CONTAINERS = frozenset({dict, list, tuple})


def _descriptors(value: Any) -> list[dict[str, Any]]:
    """Function values in a value, also inside containers, which may contain each other or themselves."""
    found = []
    seen: set[int] = set()
    work = [value]
    while work:
        part = work.pop()
        if _is_descriptor(part):
            found.append(part)
        elif type(part) in _CONTAINERS and id(part) not in seen:
            seen.add(id(part))
            work += parts_of(part, _CONTAINERS)
    return found


def _name_operations(code: Code) -> Iterator[tuple[str, Any, Any]]:
    """``(opcode, name, operand)`` of the instructions that concern names; also of code that the engine
    refuses.
    """
    for opcode, operand in code.stream:
        if opcode in {"STORE_NAME", "LOAD_NAME", "EXPORT"}:
            yield opcode, constant(code.constants, operand), operand
        elif opcode in {"STORE_FUNC", "CALL_NAME"} and isinstance(operand, tuple) and operand:
            yield opcode, constant(code.constants, operand[0]), operand
        elif opcode == "CALL_TOP":
            yield opcode, "", operand
        elif opcode in parallel.NAMES:
            name = constant(code.constants, operand) if opcode == "PARALLEL_MAP" else None
            if isinstance(name, str):
                yield "LOAD_NAME", name, operand
            yield "CALL_TOP", "", operand


def _function_stores(code: Code) -> frozenset[str]:
    """Names that a code object only ever binds to functions."""
    operations = list(_name_operations(code))
    functions = {name for opcode, name, _operand in operations if opcode == "STORE_FUNC"}
    values = {name for opcode, name, _operand in operations if opcode in {"STORE_NAME", "EXPORT"}}
    return frozenset(functions - values)


def _summary(code: Code, params: tuple[str, ...], builtins: dict[str, Any]) -> Function:
    function = Function(code, params)
    stores, loads, calls = set(), set(), set()
    for opcode, name, _operand in _name_operations(code):
        if opcode == "LOAD_NAME":
            loads.add(name)
        elif opcode == "CALL_TOP":
            function.calls_values = True
        elif opcode != "CALL_NAME":
            stores.add(name)
        elif builtins.get(name) is None:
            calls.add(name)
        function.imports |= name in IMPORTERS
    function.stores, function.loads, function.calls = frozenset(stores), frozenset(loads), frozenset(calls)
    return function


def _count_arguments(program: Program) -> None:
    """Least number of arguments with which each action may be called."""
    unknown = 1 << 30
    for function in program.functions.values():
        if function.calls_values:
            unknown = 0
        for opcode, name, operand in _name_operations(function.code):
            if opcode == "CALL_NAME":
                for target in program.named.get(name, ()):
                    target.least_arguments = min(target.least_arguments, operand[1])
                if name in program.rebound:
                    unknown = min(unknown, operand[1])
    for function in program.taken:
        function.least_arguments = min(function.least_arguments, unknown)


def _link(program: Program) -> None:
    for function in program.functions.values():
        for name in function.calls:
            function.callees |= program.targets(name)
        if function.calls_values:
            function.callees |= program.taken
        if function.code.refusal:
            # The host runs it, with whatever it calls; take it to call and to need everything.
            function.callees |= set(program.functions.values()) - {program.main}
        for callee in function.callees:
            callee.callers.add(function)


def _propagate(program: Program) -> None:
    """Least fixed points of needs and writes (up the calls), above (down the calls), and recursion.

    Callees before callers, and the other way round: only recursion takes more than one visit.
    """
    groups = _groups(program.functions.values())
    for group in groups:
        for function in group:
            function.needs = function.free
            function.writes = function.stores - function.bound
            function.recursive = len(group) > 1 or function in function.callees
        _settle(group, _upwards)
    for group in reversed(groups):
        _settle(group, lambda function: _downwards(function, program.main))


def _settle(group: list[Function], change: Callable[[Function], bool]) -> None:
    """Apply a rule to functions that call each other until nothing changes."""
    changed = True
    while changed:
        # All of them in each turn, not up to the first change.
        changes = [change(function) for function in group]
        changed = any(changes) and len(group) > 1


def _upwards(function: Function) -> bool:
    needs, writes, bound = set(function.needs), set(function.writes), function.bound
    for callee in function.callees:
        needs.update(callee.needs - bound)
        writes.update(callee.writes - bound)
    changed = len(needs) > len(function.needs) or len(writes) > len(function.writes)
    if changed:
        function.needs, function.writes = frozenset(needs), frozenset(writes)
    return changed


def _downwards(function: Function, main: Function) -> bool:
    above = _EMPTY.union(function.above, *(
        names for caller in function.callers if caller is not main for names in (caller.own, caller.above)
    ))  # fmt: skip
    changed = len(above) > len(function.above)
    function.above = above
    return changed


_CLOSED = 1 << 60


def _groups(functions: Iterable[Function]) -> list[list[Function]]:
    """Functions that call each other in circles, together; callees before callers (Tarjan's algorithm)."""
    number: dict[Function, int] = {}
    least: dict[Function, int] = {}
    open_: list[Function] = []
    groups: list[list[Function]] = []
    for start in functions:
        if start in number:
            continue
        work = [(start, iter(start.callees))]
        number[start] = least[start] = len(number)
        open_.append(start)
        while work:
            function, callees = work[-1]
            callee = next(callees, None)
            if callee is None:
                work.pop()
                if work:
                    least[work[-1][0]] = min(least[work[-1][0]], least[function])
                if least[function] == number[function]:
                    first = len(open_) - 1
                    while open_[first] is not function:
                        first -= 1
                    groups.append(open_[first:])
                    for closed in open_[first:]:
                        least[closed] = _CLOSED
                    del open_[first:]
            elif callee not in number:
                number[callee] = least[callee] = len(number)
                open_.append(callee)
                work.append((callee, iter(callee.callees)))
            elif least[callee] < _CLOSED:
                least[function] = min(least[function], number[callee])
    return groups
