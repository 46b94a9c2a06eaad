"""The JSON Schema of a line of a journal, made from the event records.

The package ships it as ``journal/schema.json``; ``python -m zexus_parallel_plugin.journal.schema`` writes
that file.
"""

from __future__ import annotations

import json
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from zexus_parallel_plugin.journal.events import KINDS, VERSION, Event

__all__ = ["SCHEMA_FILE", "schema", "schema_text"]

SCHEMA_FILE = Path(__file__).with_name("schema.json")

_TYPES: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "Sequence[str]": {"type": "array", "items": {"type": "string"}},
    "Sequence[float]": {"type": "array", "items": {"type": "number"}},
    "Sequence[Sequence[float]]": {
        "type": "array",
        "items": {"type": "array", "items": {"type": "number"}},
    },
    "Sequence[Mapping[str, Any]]": {"type": "array", "items": {"type": "object"}},
    "Mapping[str, Any]": {"type": "object"},
    "Mapping[str, int]": {"type": "object", "additionalProperties": {"type": "integer"}},
    "Mapping[str, float]": {"type": "object", "additionalProperties": {"type": "number"}},
}


def schema() -> dict[str, Any]:
    """The schema, as plain values."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of a journal of Zexus Parallel, version {VERSION}",
        "type": "object",
        "required": ["e", "t"],
        "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in KINDS],
        "$defs": {kind: _definition(kind, record) for kind, record in KINDS.items()},
    }


def _definition(kind: str, record: type[Event]) -> dict[str, Any]:
    properties: dict[str, Any] = {"e": {"const": kind}}
    required = ["e"]
    for item in fields(record):
        types = [_TYPES[part] for part in str(item.type).split(" | ")]
        described: dict[str, Any] = dict(types[0]) if len(types) == 1 else {"anyOf": types}
        if item.metadata["one_of"]:
            # A field that does not change is left out, so null is not one of the values.
            described = {"enum": list(item.metadata["one_of"])}
        properties[item.name] = {**described, "description": item.metadata["doc"]}
        if item.default is MISSING and item.default_factory is MISSING:
            required.append(item.name)
    return {"description": record.help, "type": "object", "properties": properties, "required": required}


def schema_text() -> str:
    """The contents of :data:`SCHEMA_FILE`."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    sys.stderr.write(f"{SCHEMA_FILE} written\n")
