"""What instructions, builtins and methods do besides computing a value.

Everything that is not listed here counts as an effect. The lists follow the host's source (``vm.py``, and the
builtins of its evaluator) and are held against the installed host by a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine import isa, parallel
from zexus_parallel_plugin.host.vm import NATIVES

if TYPE_CHECKING:
    from collections.abc import Collection

    from zexus_parallel_plugin.engine.code import Code

PURE_BUILTINS = frozenset(
    {
        "abs", "bytes_from_hex", "constant_time_compare", "entries", "first", "float", "from_hex", "int",
        "is_alpha", "is_alphanumeric", "is_email", "is_numeric", "is_phone", "is_url", "keys", "len",
        "length", "lowercase", "matches_pattern", "password_strength", "push", "append", "range", "require",
        "rest", "size", "slice", "sort", "split", "sqrt", "str", "string", "to_hex", "type", "typeof",
        "uppercase", "validate_length", "values",
    }
)  # fmt: skip
"""Builtins whose result depends on nothing but the arguments and that change nothing.

They get copies of lists and maps, so they cannot change arguments either; ``append`` is the exception, it is
served natively for lists. ``hash``, ``sanitize_input`` and ``keccak256`` are not here because they show
addresses of objects.
"""

_READING_BUILTINS = {
    "time": ("now", "timestamp", "time", "sleep", "schedule"),
    "random": ("random", "crypto_random", "hash_password", "generateKeypair", "signature"),
    "input": ("input",),
    "files": (
        "file", "file_append", "file_exists", "file_list_dir", "file_read_json", "file_read_text",
        "file_write_json", "file_write_text", "fs_copy", "fs_is_dir", "fs_is_file", "fs_mkdir", "fs_remove",
        "fs_rename", "fs_rmdir", "read_file", "eval_file", "persist_get", "persist_set",
    ),
}  # fmt: skip
EFFECT_OF_BUILTIN: dict[str, str] = {
    name: f"effect-{kind}" for kind, names in _READING_BUILTINS.items() for name in names
}
"""Builtins that deserve a reason of their own; every other one that is not pure is ``effect-builtin``."""

PURE_METHODS = frozenset(
    {
        "charAt", "char_at", "contains", "count", "endsWith", "ends_with", "entries", "first", "flatten",
        "get", "has", "includes", "indexOf", "index_of", "isEmpty", "is_empty", "join", "keys", "last",
        "length", "lower", "repeat", "replace", "reverse", "size", "slice", "sort", "split", "startsWith",
        "starts_with", "strip", "substring", "toLowerCase", "toUpperCase", "to_lower", "to_upper", "trim",
        "upper", "values",
    }
)  # fmt: skip
"""Methods that change no plain value, whatever it is. All others may change the value that they are called
on."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one code object can do by itself.

    Attributes:
        reads: names that it loads or calls and that are no builtins.
        calls: those of them that it calls, with the least number of arguments of such a call.
        calls_values: it calls something that has no name.
        stores: names that it assigns, actions that it defines among them.
        functions: descriptors of actions that stand in it.
        effect: reason code of the first effect that no worker may have; empty if there is none.
        mutates: it may change a list or map that it has not made.
        loops: it contains a loop.
        prints: it prints.
    """

    reads: frozenset[str]
    calls: dict[str, int]
    calls_values: bool
    stores: frozenset[str]
    functions: tuple[dict[str, Any], ...]
    effect: str
    mutates: bool
    loops: bool
    prints: bool = False


def effect_of_opcode(operand: Any) -> str:
    """Reason code of the effect of a seldom instruction (`isa.RARE`)."""
    return "effect-shared" if operand[0].name in parallel.NAMES else "effect-opcode"


def summarize(code: Code, builtins: Collection[str], pure: Collection[str] = PURE_BUILTINS) -> Summary:
    """Summarize a prepared code object.

    :param builtins: names of all builtins of the run: they win over actions of the program.
    :param pure: those without effects.
    """
    reads: set[str] = set()
    calls: dict[str, int] = {}
    stores: set[str] = set()
    functions: list[dict[str, Any]] = []
    effect = "host-only-code" if code.refusal else ""
    mutates = loops = calls_values = False
    for index, (op, operand, _gas) in enumerate(code.instructions):
        if op == isa.LOAD_NAME:
            reads.add(operand)
        elif op == isa.STORE_NAME:
            stores.add(operand)
        elif op == isa.LOAD_CONST:
            if type(operand) is dict and "bytecode" in operand:
                functions.append(operand)
        elif op == isa.STORE_FUNC:
            stores.add(operand[0])
            functions.append(operand[1])
        elif op == isa.CALL_NAME:
            name = operand[0]
            mutates = mutates or name == "append"
            if name in builtins:
                effect = effect or ("" if name in pure else EFFECT_OF_BUILTIN.get(name, "effect-builtin"))
            elif name not in NATIVES:
                calls[name] = min(calls.get(name, operand[1]), operand[1])
        elif op == isa.CALL_METHOD:
            if operand[0].startswith("_"):
                effect = effect or "effect-method"
            mutates = mutates or operand[0] not in PURE_METHODS
        elif op in {isa.CALL_TOP, isa.PARALLEL_MAP}:
            calls_values = True
        elif op == isa.RARE:
            effect = effect or effect_of_opcode(operand)
        elif op in isa.JUMPS and operand <= index:
            loops = True
    return Summary(
        frozenset(reads | calls.keys()), calls, calls_values, frozenset(stores), tuple(functions), effect,
        mutates, loops, any(op == isa.PRINT for op, _operand, _gas in code.instructions),
    )  # fmt: skip
