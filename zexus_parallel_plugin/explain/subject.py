"""A program that is explained: compiled by the host, analysed, never executed."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.footprint import is_function
from zexus_parallel_plugin.analysis.program import ProgramView, UnitView
from zexus_parallel_plugin.engine.code import constant
from zexus_parallel_plugin.engine.compiler.tier import Tier
from zexus_parallel_plugin.engine.frame import Frame
from zexus_parallel_plugin.host.listing import Listing, Spot, list_program
from zexus_parallel_plugin.runtime.execution import WatchedExecution
from zexus_parallel_plugin.runtime.machine import ParallelMachine
from zexus_parallel_plugin.runtime.remote import pure_builtins

if TYPE_CHECKING:
    from pathlib import Path

    from zexus_parallel_plugin.config import ParallelConfig
    from zexus_parallel_plugin.engine.code import Code

__all__ = ["Subject", "code_pairs", "load", "make_tier"]

_WINDOW = 40
"""Instructions that the optimiser changes at one place, at most: so far is looked for what comes behind."""
_LONGEST_COMPARED = 4000
"""Instructions up to which two forms are compared that do not meet."""
_ALIKE = 6
"""Instructions that must be alike behind such a place."""

_UNREACHED = ["RETURN", "LOAD_CONST", "RETURN"]
"""How an action ends that returns something: the host's own return is behind that, and left out."""

_NOWHERE = Spot(0, 0, 0)
_END = 1 << 60


@dataclass(slots=True)
class Subject:
    """A program, as far as the host takes it.

    Attributes:
        path: its file; source: lines of the text that was compiled.
        config: the configuration that a run would have.
        listing: what the host has made of it.
        machine: the VM of the run; execution, view: None if the host does not execute it as bytecode.
        reason: code of why nothing of it is run ahead, empty if something may be.
        variables: of frames that were asked for, by identity of their units.
        bytecode: what is executed: with opcodes in place of calls of language functions; originals: by
            identity of its code objects, those of the host's compiler.
    """

    path: Path
    source: list[str]
    config: ParallelConfig
    listing: Listing
    machine: ParallelMachine | None = None
    execution: WatchedExecution | None = None
    view: ProgramView | None = None
    reason: str = ""
    bytecode: Any = None
    originals: dict[int, Any] = field(default_factory=dict)
    variables: dict[int, _Variables] = field(default_factory=dict)
    _spots: dict[int, list[Spot]] = field(default_factory=dict)

    def spots(self, code: Code) -> list[Spot]:
        """Spots of the prepared instructions of a code object."""
        known = self._spots.get(id(code))
        if known is None:
            written = self.originals.get(id(code.bytecode), code.bytecode)
            original = self.listing.spots_of(written)
            before = [_name(instruction) for instruction in written.instructions]
            known = self._spots[id(code)] = _aligned(original, before, [str(each) for each, _ in code.stream])
        return known

    def instructions(self) -> list[tuple[str, list[tuple[int, str, str, int]]]]:
        """The instructions that the host executes, of each code object: number, opcode, operand, line."""
        found = []
        for unit in self.view.units if self.view is not None else ():
            spots = self.spots(unit.code)
            rows = [
                (pc, str(opcode), _operand(opcode, operand, unit.code), spot.line)
                for (pc, (opcode, operand)), spot in zip(enumerate(unit.code.stream), spots, strict=False)
            ]
            found.append(("top level" if unit.main else f"action {unit.name}", rows))
        return found

    def frame(self, unit: UnitView, pc: int) -> Frame:
        """A frame as it may look like when an activation of ``unit`` is at an instruction: with the variables
        that it will have by then, whatever their values; in an action, with all of the top-level code's.
        """
        assert self.execution is not None
        assert self.view is not None
        root = self.execution.root
        top = next(each for each in self.view.units if each.main)
        self._variables(top, root.env).at(pc if unit is top else _END)
        return root if unit is top else Frame(self._variables(unit, {}).at(pc), root, 1)

    def _variables(self, unit: UnitView, env: dict[str, Any]) -> _Variables:
        if id(unit) not in self.variables:
            first = unit.facts.first_store if unit.facts is not None else {}
            self.variables[id(unit)] = _Variables(first, env)
        return self.variables[id(unit)]


class _Variables:
    """The variables of a frame, as they come into being. Asking in the order of the program is cheap."""

    def __init__(self, first: dict[str, int], env: dict[str, Any]) -> None:
        known = [(pc, name) for name, pc in first.items() if not is_function(env.get(name))]
        self._order = sorted(known)
        self._env = env
        self._there = 0

    def at(self, pc: int) -> dict[str, Any]:
        """The variables that are there at an instruction, all of them without a value."""
        while self._there < len(self._order) and self._order[self._there][0] < pc:
            self._env[self._order[self._there][1]] = None
            self._there += 1
        while self._there and self._order[self._there - 1][0] >= pc:
            self._there -= 1
            self._env.pop(self._order[self._there][1], None)
        return self._env


def load(path: Path, config: ParallelConfig) -> Subject:
    """Have the host compile a program, and analyse it.

    :raises HostError: the host cannot be imported.
    """
    listing = list_program(path, lambda **arguments: ParallelMachine(config, **arguments))
    text = listing.source or path.read_text(encoding="utf-8", errors="replace")
    subject = Subject(path, text.splitlines(), config, listing, listing.vm)
    if listing.bytecode is None or listing.vm is None:
        return subject
    machine: ParallelMachine = listing.vm
    subject.reason = machine._reason_for_host(listing.bytecode, debug=False)
    if subject.reason:
        return subject
    bytecode = subject.bytecode = machine._with_opcodes(listing.bytecode)
    subject.originals = {id(new): old for new, old in code_pairs(bytecode, listing.bytecode)}
    execution = subject.execution = WatchedExecution(machine, config.tier)
    pure = pure_builtins(machine)
    subject.view = ProgramView(execution.code, bytecode, machine.env, machine.builtins, pure)
    _bind_actions(execution, subject.view)
    subject.reason = machine._workers.reason_against()
    return subject


def make_tier(subject: Subject) -> Tier:
    """A compiled tier for the program, to ask it what it would do."""
    assert subject.execution is not None
    return Tier(subject.execution, subject.bytecode, eager=True)


def _bind_actions(execution: WatchedExecution, view: ProgramView) -> None:
    """The actions of the program are there before its first call: the host's compiler puts them first."""
    for function in view.descriptors.values():
        name = str(function["name"])
        if view.lookup(name) is function:
            execution.root.env[name] = function


def _aligned(spots: list[Spot], before: list[str], after: list[str]) -> list[Spot]:
    """Spots of instructions that the optimiser has made of others, by the names of their opcodes: it folds
    and leaves out some, here and there, and never moves any.
    """
    if before == after:
        return spots
    if before[-3:] == _UNREACHED != after[-3:]:
        before, spots = before[:-2], spots[:-2]
    found = [_NOWHERE] * len(after)
    if len(spots) < len(before):
        return found
    old = new = 0
    while new < len(after):
        if old < len(before) and before[old] == after[new]:
            found[new] = spots[old]
            old, new = old + 1, new + 1
            continue
        behind = _meeting(before, old, after, new)
        if max(behind[0] - old, behind[1] - new) < _LONGEST_COMPARED:
            parts = before[old : behind[0]], after[new : behind[1]]
            for block in SequenceMatcher(None, *parts, autojunk=False).get_matching_blocks():
                for offset in range(block.size):
                    found[new + block.b + offset] = spots[old + block.a + offset]
        old, new = behind
    for index, spot in enumerate(found):
        if spot is _NOWHERE and index:
            found[index] = found[index - 1]  # what was folded belongs to the statement that it is in
    return found


def _meeting(before: list[str], old: int, after: list[str], new: int) -> tuple[int, int]:
    """The nearest places behind two places from which on both forms are alike."""
    for distance in range(1, 2 * _WINDOW + 1):
        for ahead in range(max(0, distance - _WINDOW), min(distance, _WINDOW) + 1):
            a, b = old + distance - ahead, new + ahead
            if a > len(before) or b > len(after):
                continue
            to_end = len(before) - a == len(after) - b
            if before[a : a + _ALIKE] == after[b : b + _ALIKE] and (to_end or len(before) - a >= _ALIKE):
                return a, b
    return len(before), len(after)


def code_pairs(left: Any, right: Any) -> list[tuple[Any, Any]]:
    """Code objects of one form of a program with those of another one: each with its counterpart."""
    found = []
    seen: set[int] = set()
    work = [(left, right)]
    while work:
        one, other = work.pop()
        if id(one) not in seen:
            seen.add(id(one))
            found.append((one, other))
            for a, b in zip(one.constants, other.constants, strict=False):
                if is_function(a) and is_function(b):
                    work.append((a["bytecode"], b["bytecode"]))
    return found


def _operand(opcode: Any, operand: Any, code: Code) -> str:
    """An operand, with what it means where it is the number of a constant."""
    if operand is None:
        return ""
    if str(opcode) in _NAMED and isinstance(operand, int):
        value = constant(code.constants, operand)
        return str(value) if str(opcode) != "LOAD_CONST" else repr(value)
    if isinstance(operand, tuple) and operand and isinstance(operand[0], int):
        return f"{constant(code.constants, operand[0])} {operand[1] if len(operand) > 1 else ''}"
    return str(operand)


_NAMED = frozenset({"LOAD_NAME", "STORE_NAME", "LOAD_CONST"})


def _name(instruction: Any) -> str:
    opcode = instruction[0]
    return str(getattr(opcode, "name", opcode))
