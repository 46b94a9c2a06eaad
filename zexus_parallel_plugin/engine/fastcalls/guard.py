"""Is a builtin the host's own? Programs that embed the host may put others in their place."""

from __future__ import annotations

import sys
from types import CodeType, FunctionType
from typing import Any

_MODULE = "zexus.evaluator.functions"
_CLASS = "FunctionEvaluatorMixin"

_CORE = "_register_core_builtins"
_VERIFICATION = "_register_verification_builtins"
_BLOCKCHAIN = "_register_blockchain_builtins"

HOME: dict[str, tuple[str, str]] = {
    **{
        name: (_CORE, f"_{name}")
        for name in (
            "abs", "bytes_from_hex", "constant_time_compare", "entries", "extend", "first", "float",
            "from_hex", "int", "keys", "lowercase", "range", "rest", "size", "slice", "sort", "split", "sqrt",
            "to_hex", "type", "typeof", "uppercase", "values", "verify_password",
        )
    },
    **{
        name: (_VERIFICATION, f"_{name}")
        for name in (
            "is_alpha", "is_alphanumeric", "is_email", "is_numeric", "is_phone", "is_url", "matches_pattern",
            "password_strength", "require", "sanitize_input", "validate_length",
        )
    },
    "hash": (_BLOCKCHAIN, "_hash"),
    "keccak256": (_BLOCKCHAIN, "_keccak256"),
    "verify": ("_register_missing_directive_builtins", "_verify"),
}  # fmt: skip
"""Builtin -> the method of the host's evaluator that defines it, and the name of the Python function."""


def is_the_hosts(name: str, builtin: Any) -> bool:
    """Whether ``builtin`` is what the host itself registers under this name.

    Its Python function must have the very code object that the host's registering method makes functions of,
    which holds for every evaluator of the process.
    """
    module = sys.modules.get(_MODULE)
    home = HOME.get(name)
    if module is None or home is None:
        return False
    function = getattr(builtin, "fn", None)
    if type(builtin) is not getattr(module, "Builtin", None) or type(function) is not FunctionType:
        return False
    register = getattr(getattr(module, _CLASS, None), home[0], None)
    code = getattr(register, "__code__", None)
    return (
        function.__code__.co_name == home[1]
        and function.__globals__ is module.__dict__
        and not function.__defaults__
        and isinstance(code, CodeType)
        and code.co_filename == module.__file__
        and id(function.__code__) in _inner(code)
    )


_known: dict[int, tuple[CodeType, frozenset[int]]] = {}


def _inner(code: CodeType) -> frozenset[int]:
    """Identities of the code objects that a code object makes functions of."""
    # By identity: the hash of a large code object takes longer than the search in it.
    known = _known.get(id(code))
    if known is None:
        inner = frozenset(id(constant) for constant in code.co_consts if isinstance(constant, CodeType))
        known = _known[id(code)] = code, inner
    return known[1]


def verified(vm: Any, name: str) -> bool:
    """Whether the builtin of this name in ``vm.builtins`` is the host's own."""
    return is_the_hosts(name, vm.builtins.get(name))
