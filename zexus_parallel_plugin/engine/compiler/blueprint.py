"""Blueprints: what the emitter made of a piece of code, as plain data that can be kept for later runs.

A blueprint is a function of the code, of what the name analysis found out about the program, and of where
the variables live; a digest of all that is the key under which it is kept. Objects of the program that have
no literal are written down as the place in the code that mentions them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler.points import Exit, Turns
from zexus_parallel_plugin.engine.compiler.regions import Cost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.compiler.names import Program

_LITERALS = frozenset({type(None), bool, int, float, str})
_CONTAINERS = frozenset({list, tuple, dict})


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One generated function.

    Attributes:
        source: Python source.
        exits: line number of the source -> what a failure there means.
        constants: name in the source -> object of the program that has no literal.
        missing: names that the code reads and nobody had.
    """

    source: str
    exits: dict[int, Exit]
    constants: dict[str, Any] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()


class Mentioned:
    """Objects of a program by the place in a code object that mentions them."""

    def __init__(self, code: Code, builtins: Mapping[str, Any]) -> None:
        self._objects: dict[tuple[str, Any], Any] = {}
        for pc, (op, operand, _gas) in enumerate(code.instructions):
            if op == isa.CALL_NAME:
                self._objects["builtin", operand[0]] = builtins.get(operand[0])
            elif op == isa.STORE_FUNC:
                self._objects["action", pc] = operand[1]
            elif op == isa.LOAD_CONST:
                self._objects["constant", pc] = operand

    def place(self, value: Any) -> tuple[str, Any]:
        """Where an object is mentioned, or the literal itself.

        :raises LookupError: nowhere.
        """
        if type(value) in _LITERALS:
            return "", value
        for place, known in self._objects.items():
            if known is value:
                return place
        raise LookupError(type(value).__name__)

    def object(self, place: tuple[str, Any]) -> Any:
        """The object of a place.

        :raises LookupError: there is no such place.
        """
        return place[1] if not place[0] else self._objects[place]


def packed(blueprint: Blueprint | str, mentioned: Mentioned) -> Any:
    """A blueprint, or why there is none, as plain data.

    :raises LookupError: it holds an object that the code does not mention.
    """
    if isinstance(blueprint, str):
        return blueprint
    exits = [
        (
            line, exit_.pc,
            [(local, value if local else mentioned.place(value)) for local, value in exit_.stack],
            tuple(exit_.refund), exit_.tries, exit_.dirty, exit_.raised, exit_.metered, exit_.operators,
            None if exit_.turns is None else (exit_.turns.counter, tuple(exit_.turns.cost)),
        )
        for line, exit_ in blueprint.exits.items()
    ]  # fmt: skip
    constants = [(name, mentioned.place(value)) for name, value in blueprint.constants.items()]
    return blueprint.source, exits, constants, sorted(blueprint.missing)


def unpacked(data: Any, mentioned: Mentioned) -> Blueprint | str:
    """What `packed` was given.

    :raises LookupError, TypeError, ValueError: it is something else.
    """
    if isinstance(data, str):
        return data
    source, exits, constants, missing = data
    found = {
        line: Exit(
            pc, tuple((local, value if local else mentioned.object(value)) for local, value in stack),
            Cost(*refund), tries, dirty, raised, metered, operators,
            None if turns is None else Turns(turns[0], Cost(*turns[1])),
        )
        for line, pc, stack, refund, tries, dirty, raised, metered, operators, turns in exits
    }  # fmt: skip
    named = {name: mentioned.object(place) for name, place in constants}
    return Blueprint(source, found, named, frozenset(missing))


def code_digest(code: Code) -> bytes:
    """What tells a code object from others: instructions, gas and constants; actions in it by name only."""
    gas = [gas for _op, _operand, gas in code.instructions]
    constants = [_description(value) for value in code.constants]
    return digest(code.name, code.refusal, code.bounds, code.stream, gas, constants)


def program_digest(program: Program, codes: Mapping[int, bytes], direct: list[str]) -> bytes:
    """What the emitter can learn of a program: its code objects, and all facts of the name analysis.

    :param codes: digest of the code object of each function.
    :param direct: called builtins that have a direct form, in order.
    """
    number = {function: index for index, function in enumerate(program.functions.values())}
    functions = [
        (
            codes[key], f.params, f.least_arguments, f.recursive, f.calls_values, f.imports,
            *map(sorted, (f.stores, f.loads, f.calls, f.needs, f.writes, f.above)),
            sorted(number[callee] for callee in f.callees),
        )
        for key, f in program.functions.items()
    ]  # fmt: skip
    named = sorted((name, sorted(number[f] for f in bound)) for name, bound in program.named.items())
    taken = sorted(number[function] for function in program.taken)
    builtins = sorted(name for name, value in program.builtins.items() if value is not None)
    return digest(functions, named, sorted(program.rebound), taken, builtins, direct)


def digest(*parts: Any) -> bytes:
    """A digest of plain data."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _description(value: Any) -> Any:
    """A constant as far as generated code depends on it."""
    kind = type(value)
    if kind in _LITERALS:
        return value
    if kind is dict and "bytecode" in value:
        return "action", str(value.get("name")), str(value.get("params"))
    return kind.__name__, len(value) if kind in _CONTAINERS else None
