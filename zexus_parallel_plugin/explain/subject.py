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

_LONGEST_COMPARED = 4000
"""Instructions of a code object that the optimiser has changed, up to which the two forms are compared."""

_NOWHERE = Spot(0, 0, 0)


@dataclass(slots=True)
class Subject:
    """A program, as far as the host takes it.

    Attributes:
        path: its file; source: lines of the text that was compiled.
        config: the configuration that a run would have.
        listing: what the host has made of it.
        machine: the VM of the run; execution, view: None if the host does not execute it as bytecode.
        reason: code of why nothing of it is run ahead, empty if something may be.
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

    def spots(self, code: Code) -> list[Spot]:
        """Spots of the prepared instructions of a code object."""
        written = self.originals.get(id(code.bytecode), code.bytecode)
        original = self.listing.spots_of(written)
        before = [_name(instruction) for instruction in written.instructions]
        after = [str(opcode) for opcode, _operand in code.stream]
        if before == after:
            return original
        if len(before) > _LONGEST_COMPARED:
            return [_NOWHERE] * len(after)
        found = [_NOWHERE] * len(after)
        for block in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
            for offset in range(block.size):
                found[block.b + offset] = original[block.a + offset]
        for index, spot in enumerate(found):
            if spot is _NOWHERE and index:
                found[index] = found[index - 1]  # what was folded belongs to the statement that it is in
        return found

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
        that it will have by then, whatever their values.
        """
        assert self.execution is not None
        root = self.execution.root
        assert unit.facts is not None
        there = {name: None for name, first in unit.facts.first_store.items() if first < pc}
        if unit.main:
            root.env.update((name, None) for name in there if not is_function(root.env.get(name)))
            for name in unit.facts.first_store.keys() - there.keys():
                if not is_function(root.env.get(name)):
                    root.env.pop(name, None)
            return root
        return Frame(there, root, 1)


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
