"""Direct forms of builtins on text (host: evaluator/functions.py)."""

from __future__ import annotations

import re
from hmac import compare_digest
from typing import Any

from zexus_parallel_plugin.engine.fastcalls.plain import ABSENT, Direct, Factory, General, given

_PATTERNS = 256
"""Regular expressions to keep compiled, per VM."""


def _uppercase(general: General) -> Direct:
    def uppercase(text: Any = ABSENT, *rest: Any) -> Any:
        if type(text) is str and not rest:
            return text.upper()
        return general(given(text, *rest))

    return uppercase


def _lowercase(general: General) -> Direct:
    def lowercase(text: Any = ABSENT, *rest: Any) -> Any:
        if type(text) is str and not rest:
            return text.lower()
        return general(given(text, *rest))

    return lowercase


def _split(general: General) -> Direct:
    def split(text: Any = ABSENT, separator: Any = ABSENT, *rest: Any) -> Any:
        if type(text) is str and type(separator) is str and separator and not rest:
            return text.split(separator)
        return general(given(text, separator, *rest))

    return split


def _is_alpha(general: General) -> Direct:
    def is_alpha(text: Any = ABSENT, *rest: Any) -> Any:
        if type(text) is str and not rest:
            return text.isalpha()
        return general(given(text, *rest))

    return is_alpha


def _is_alphanumeric(general: General) -> Direct:
    def is_alphanumeric(text: Any = ABSENT, *rest: Any) -> Any:
        if type(text) is str and not rest:
            return text.isalnum()
        return general(given(text, *rest))

    return is_alphanumeric


def _is_numeric(general: General) -> Direct:
    def is_numeric(value: Any = ABSENT, *rest: Any) -> Any:
        kind = type(value)
        if not rest:
            if kind is str:
                try:
                    float(value)
                except ValueError:
                    return False
                return True
            if kind is int or kind is float:
                return True
        return general(given(value, *rest))

    return is_numeric


def _sanitize_input(general: General) -> Direct:
    def sanitize_input(text: Any = ABSENT, *rest: Any) -> Any:
        if type(text) is str and not rest:
            return text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
        return general(given(text, *rest))

    return sanitize_input


def _validate_length(general: General) -> Direct:
    def validate_length(text: Any = ABSENT, least: Any = ABSENT, most: Any = ABSENT, *rest: Any) -> Any:
        if type(text) is str and type(least) is type(most) is int and not rest:
            return least <= len(text) <= most
        return general(given(text, least, most, *rest))

    return validate_length


def _constant_time_compare(general: General) -> Direct:
    def compare(left: Any = ABSENT, right: Any = ABSENT, *rest: Any) -> Any:
        if type(left) is type(right) is str and not rest:
            try:
                return compare_digest(left, right)
            except TypeError:
                pass
        return general(given(left, right, *rest))

    return compare


def _matches_pattern(general: General) -> Direct:
    known: dict[str, re.Pattern[str]] = {}

    def matches_pattern(text: Any = ABSENT, pattern: Any = ABSENT, *rest: Any) -> Any:
        if type(text) is str and type(pattern) is str and not rest:
            compiled = known.get(pattern)
            if compiled is not None:
                return compiled.match(text) is not None
            # The host compiles it first: what Python warns about a pattern, it warns there.
            result = general([text, pattern])
            if type(result) is bool and len(known) < _PATTERNS:
                known[pattern] = re.compile(pattern)
            return result
        return general(given(text, pattern, *rest))

    return matches_pattern


def _hash(general: General) -> Direct:
    hash_data = _crypto(general).hash_data

    def hash_of(data: Any = ABSENT, algorithm: Any = ABSENT, *rest: Any) -> Any:
        kind = type(data)
        if not rest and (kind is str or kind is int or kind is float or kind is bool):
            try:
                if algorithm is ABSENT:
                    return hash_data(data)
                if type(algorithm) is str:
                    return hash_data(data, algorithm)
            except Exception:  # noqa: BLE001 - whatever it is, the host makes an error value of it
                return general(given(data, algorithm))
        return general(given(data, algorithm, *rest))

    return hash_of


def _keccak256(general: General) -> Direct:
    keccak256 = _crypto(general).keccak256

    def hash_of(data: Any = ABSENT, *rest: Any) -> Any:
        kind = type(data)
        if not rest and (kind is str or kind is int or kind is float or kind is bool):
            try:
                return keccak256(data)
            except Exception:  # noqa: BLE001 - as above
                return general([data])
        return general(given(data, *rest))

    return hash_of


def _crypto(general: General) -> Any:
    """The host's hash functions: what its builtin closes over."""
    return general.builtin.fn.__closure__[0].cell_contents


def _the_hosts(general: General) -> Direct:
    """Not worth a form of its own, but as free of effects as the others."""

    def call(*args: Any) -> Any:
        return general([*args])

    return call


TEXT: dict[str, Factory] = {
    **dict.fromkeys(
        ("bytes_from_hex", "is_email", "is_phone", "is_url", "password_strength", "verify_password"),
        _the_hosts,
    ),
    "constant_time_compare": _constant_time_compare,
    "hash": _hash,
    "is_alpha": _is_alpha,
    "is_alphanumeric": _is_alphanumeric,
    "is_numeric": _is_numeric,
    "keccak256": _keccak256,
    "lowercase": _lowercase,
    "matches_pattern": _matches_pattern,
    "sanitize_input": _sanitize_input,
    "split": _split,
    "uppercase": _uppercase,
    "validate_length": _validate_length,
}
"""Builtin -> factory."""
