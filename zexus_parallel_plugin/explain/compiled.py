"""Shows the Python functions that the compiled tier makes of a program, or why it makes none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zexus_parallel_plugin.engine.compiler.unit import Unit
from zexus_parallel_plugin.explain.subject import Subject, make_tier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zexus_parallel_plugin.analysis.program import UnitView
    from zexus_parallel_plugin.engine.compiler.builder import Builder
    from zexus_parallel_plugin.engine.compiler.names import Function
    from zexus_parallel_plugin.engine.compiler.points import Exit
    from zexus_parallel_plugin.host.listing import Spot

__all__ = ["Compiled", "compiled"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A code object or loop, compiled.

    Attributes:
        title: what it is.
        lines: Python source, each line with a note on what a failure there means, or without one.
        variables: where its variables live.
        reason: why it is not compiled, empty if it is.
    """

    title: str
    lines: tuple[tuple[str, str], ...] = ()
    variables: tuple[str, ...] = ()
    reason: str = ""


def compiled(subject: Subject) -> list[Compiled]:
    """All units that the compiled tier would make: one for each action, and for each outermost loop of the
    top-level code. They are made as if all top-level variables were there; a run makes them when there has
    been enough work, with the variables that are there by then.
    """
    assert subject.view is not None
    assert subject.execution is not None
    builder = make_tier(subject).builder
    found = []
    for unit in subject.view.units:
        spots = subject.spots(unit.code)
        function = builder.program.functions[id(unit.code.bytecode)]
        if not unit.main:
            found.append(_action(builder, function, unit.name, spots))
            continue
        if unit.code.refusal:
            found.append(Compiled("top level", reason=unit.code.refusal))
        for plan in sorted(unit.plans.values(), key=lambda plan: plan.head):
            if not plan.depth and unit.facts is not None:
                frame = subject.frame(unit, plan.head)
                title = f"loop of the top level, line {spots[plan.head].line}"
                found.append(_shown(title, builder.loop(function, plan.head, frame), spots))
        _everything_there(subject, unit)
    return found


def _action(builder: Builder, function: Function, name: str, spots: list[Spot]) -> Compiled:
    unit = builder.action(function)
    title = f"action {name}"
    conflicts = builder.conflicts(function)
    if isinstance(unit, Unit) and conflicts:
        # What the entry of such an action calls when no caller has the names in question.
        title += f" (if no calling action has {', '.join(conflicts)})"
        unit = builder._build_action(function, frozenset(), conflicts, (False,) * len(conflicts))
    return _shown(title, unit, spots)


def _everything_there(subject: Subject, unit: UnitView) -> None:
    if unit.facts is not None:
        subject.frame(unit, len(unit.code.instructions))


def _shown(title: str, unit: Unit | str, spots: list[Spot]) -> Compiled:
    if isinstance(unit, str):
        return Compiled(title, reason=unit)
    source = tuple(
        (text, _note(unit.exits.get(number), spots))
        for number, text in enumerate(unit.source.splitlines(), 1)
    )
    return Compiled(title, source, tuple(_variables(unit)))


def _note(exit_: Exit | None, spots: list[Spot]) -> str:
    if exit_ is None:
        return ""
    line = spots[exit_.pc].line if exit_.pc < len(spots) else 0
    what = "error" if exit_.raised else "exit"
    return f"{what} at {exit_.pc}, line {line}"


def _variables(unit: Unit) -> Iterator[str]:
    for variable in unit.variables.by_name.values():
        if variable.local:
            yield f"{variable.name}: {variable.local} ({_SCOPES.get(variable.scope[:1], 'of a caller')})"


_SCOPES = {"": "private", "V": "in the frame", "E": "of the top level"}
