"""Values of a finished run as text that two runs can be compared by."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
_CONTRACT_ADDRESS = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_LONG = 4000
_MAX_DEPTH = 150


def normalise(text: str) -> str:
    """Replace what differs between two runs of the same program: object addresses and random identifiers."""
    return _CONTRACT_ADDRESS.sub("<uuid>", _ADDRESS.sub("at 0x?", text))


def shorten(text: str) -> str:
    """Keep the start of a very long text and a digest of all of it, so that equality stays equality."""
    if len(text) <= _LONG:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{text[:200]}…<{len(text)} characters, sha256 {digest}>"


class Describer:
    """Canonical text of values; one describer for everything of a run, so that shared objects show.

    Every mutable container gets a label ``#n`` when it is first met and is only named by it afterwards.
    Two runs agree on the text exactly if they agree on types, contents, order and on which names share one
    object.
    """

    def __init__(self) -> None:
        self._labels: dict[int, int] = {}
        self._keep: list[object] = []

    def environment(self, env: Mapping[str, object]) -> dict[str, str]:
        """Describe a root environment by name; the order in which names were created is not part of it."""
        return {name: self.value(env[name]) for name in sorted(env)}

    def value(self, value: object, depth: int = 0) -> str:
        """Describe one value."""
        plain = _plain(value)
        if plain is not None:
            return plain
        if depth > _MAX_DEPTH:
            return f"<{type(value).__name__} too deep>"
        if isinstance(value, tuple):
            return "(" + ", ".join(self.value(item, depth + 1) for item in value) + ")"
        known = self._labels.get(id(value))
        if known is not None:
            return f"#{known}"
        label = len(self._labels) + 1
        self._labels[id(value)] = label
        self._keep.append(value)  # an id is only unique while its object lives
        return f"#{label}={self._contents(value, depth)}"

    def _contents(self, value: object, depth: int) -> str:
        if isinstance(value, list):
            return "[" + ", ".join(self.value(item, depth + 1) for item in value) + "]"
        if isinstance(value, dict):
            return self._mapping(value, depth)
        if isinstance(value, (set, frozenset)):
            members = sorted(self.value(member, depth + 1) for member in value)
            return f"{type(value).__name__}{{{', '.join(members)}}}"
        return self._host_object(value, depth)

    def _mapping(self, value: dict[object, object], depth: int) -> str:
        items: Iterable[tuple[object, object]] = value.items()
        prefix = ""
        if "bytecode" in value and "params" in value:
            prefix = "function "
        return (
            prefix
            + "{"
            + ", ".join(f"{self.value(key, depth + 1)}: {self.value(item, depth + 1)}" for key, item in items)
            + "}"
        )

    def _host_object(self, value: object, depth: int) -> str:
        kind = type(value).__name__
        if hasattr(value, "instructions") and hasattr(value, "constants"):
            return f"<bytecode {len(value.instructions)}/{len(value.constants)}>"
        fields = _FIELDS.get(kind)
        if fields is None:
            return f"<{kind}>"
        shown = (f"{name}={self.value(getattr(value, name, None), depth + 1)}" for name in fields)
        return f"<{kind} {' '.join(shown)}>"


# What a program can observe of the host's own objects. Anything else is named by its class only: it holds
# addresses, times or interpreter internals.
_FIELDS: dict[str, tuple[str, ...]] = {
    "Integer": ("value",),
    "Float": ("value",),
    "Boolean": ("value",),
    "String": ("value",),
    "Bytes": ("value",),
    "Null": (),
    "List": ("elements",),
    "StorageList": ("elements",),
    "Map": ("pairs",),
    "StorageMap": ("pairs",),
    "EvaluationError": ("message", "line", "column", "filename", "suggestion"),
    "EntityDefinition": ("name", "properties"),
    "EntityInstance": ("entity_def", "data"),
    "SmartContract": ("name", "storage_vars"),
    "Builtin": ("name",),
    "Channel": ("name", "element_type", "capacity"),
    "LambdaFunction": (),
    "Action": (),
}


def _plain(value: object) -> str | None:
    """Text of an immutable scalar, or None for anything that has an identity worth labelling."""
    if value is None or isinstance(value, (bool, float)):
        return repr(value)
    if isinstance(value, int):
        # repr() of an int above 4300 digits raises
        return repr(value) if value.bit_length() < 8000 else shorten(hex(value))
    if isinstance(value, str):
        return shorten(repr(normalise(value)))
    if isinstance(value, bytes):
        return shorten(repr(value))
    return None
