"""The host's value types that show up on its VM next to plain Python values."""

from __future__ import annotations

from typing import Any

from zexus import object as _object

DateTime: Any = _object.DateTime
EntityDefinition: Any = _object.EntityDefinition
EntityInstance: Any = _object.EntityInstance
EvaluationError: Any = _object.EvaluationError
List: Any = _object.List
Map: Any = _object.Map
Null: Any = _object.Null
String: Any = _object.String

PLAIN = frozenset({int, float, str, bool, type(None), list, dict})
"""Exact types of plain values: the host's unwrapping and coercion rules leave them as they are."""

NUMBERS = frozenset({int, float, bool})
"""Exact types on which arithmetic and order are Python's own."""


def unwrap(value: Any) -> Any:
    """The plain value inside a wrapper (``_unwrap``, vm.py 3775); ``Bytes`` keep theirs."""
    if isinstance(value, Null):
        return None
    if value.__class__.__name__ == "Bytes":
        return value
    return value.value if hasattr(value, "value") else value
