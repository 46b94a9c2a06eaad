from __future__ import annotations

import dataclasses
import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.docs.pages import DOCS
from zexus_parallel_plugin.journal import VERSION
from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.codec import decode, encode
from zexus_parallel_plugin.journal.schema import SCHEMA_FILE, schema, schema_text

from .synthetic import Shape, synthetic

NUMBER = st.floats(-1e6, 1e6).map(lambda value: round(value, 6))
VALUES: dict[str, st.SearchStrategy[object]] = {
    "int": st.integers(-(10**12), 10**12),
    "float": NUMBER,
    "str": st.text(max_size=20),
    "bool": st.booleans(),
    "None": st.none(),
    "Sequence[str]": st.lists(st.text(max_size=8), max_size=3),
    "Sequence[float]": st.lists(NUMBER, max_size=3),
    "Sequence[Sequence[float]]": st.lists(st.lists(NUMBER, max_size=3), max_size=3),
    "Sequence[Mapping[str, Any]]": st.lists(st.dictionaries(st.text(max_size=4), st.integers()), max_size=2),
    "Mapping[str, Any]": st.dictionaries(
        st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=3
    ),
    "Mapping[str, int]": st.dictionaries(st.text(max_size=4), st.integers(-1000, 1000), max_size=3),
    "Mapping[str, float]": st.dictionaries(st.text(max_size=4), NUMBER, max_size=3),
}


def values_of(item: dataclasses.Field[object]) -> st.SearchStrategy[object]:
    if item.metadata["one_of"]:
        return st.sampled_from(item.metadata["one_of"])
    return st.one_of(*(VALUES[part] for part in str(item.type).split(" | ")))


def of_kind(record: type[ev.Event]) -> st.SearchStrategy[ev.Event]:
    return st.builds(record, **{item.name: values_of(item) for item in dataclasses.fields(record)})


EVENTS = st.one_of(*(of_kind(record) for record in ev.KINDS.values()))


@given(EVENTS)
def test_what_is_written_is_what_is_read(event: ev.Event) -> None:
    line = encode(event)
    assert line.isascii()
    assert line.count("\n") == 1
    assert line.endswith("\n")
    assert decode(line) == event


@given(st.binary(max_size=200))
def test_anything_else_is_an_error_that_says_what_it_is(line: bytes) -> None:
    words = "none"
    try:
        decode(line)
    except ValueError as error:
        words = str(error)
    assert words


@given(EVENTS, st.data())
def test_a_field_of_another_type_is_an_error(event: ev.Event, data: st.DataObject) -> None:
    fields = json.loads(encode(event))
    name = data.draw(st.sampled_from(sorted(fields.keys() - {"e"})))
    fields[name] = {"what": ["is", "this"]} if not isinstance(fields[name], dict) else 7
    with pytest.raises(ValueError, match=name):
        decode(json.dumps(fields))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("", "not JSON"),
        ("[]", "not an object"),
        ('{"t":1}', "no kind"),
        ('{"e":3,"t":1}', "no kind"),
        ('{"e":"task","t":1,"id":1}', "state is missing"),
        ('{"e":"task","t":1,"id":1,"state":"dancing"}', "state is none of cancelled, "),
        ('{"e":"task","t":true,"id":1,"state":"done"}', "t is bool"),
        ('{"e":"task","t":NaN,"id":1,"state":"done"}', "t is out of range"),
        ('{"e":"task","t":1e400,"id":1,"state":"done"}', "t is out of range"),
        ('{"e":"task","t":1,"id":1,"state":"done","seconds":[1,"2"]}', "seconds has an element that is str"),
        ('{"e":"sample","t":1,"workers":[[1,null]]}', "workers has an element that is NoneType"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_errors(line: str, what: str) -> None:
    with pytest.raises(ValueError, match=re.escape(what)):
        decode(line)


def test_what_a_later_version_adds_is_ignored() -> None:
    assert decode('{"e":"telepathy","t":1}') is None
    assert decode('{"e":"run.end","t":1,"state":"finished","mood":"good"}') == ev.RunEnd(1, "finished")


def test_numbers_that_are_none_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        encode(ev.Shared(t=math.inf, name="x"))


# -- the schema


def test_the_shipped_schema_is_that_of_the_records() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


def allows(definition: dict[str, object], value: object) -> bool:
    """A validator for the few words of JSON Schema that the schema uses."""
    if "anyOf" in definition:
        return any(allows(one, value) for one in definition["anyOf"])  # type: ignore[attr-defined]
    if "const" in definition:
        return value == definition["const"]
    if "enum" in definition:
        return value in definition["enum"]  # type: ignore[operator]
    kind = definition["type"]
    if kind == "array":
        return isinstance(value, list) and all(
            allows(definition.get("items", {"type": "any"}), x) for x in value
        )  # type: ignore[arg-type]
    if kind == "object":
        more = definition.get("additionalProperties")
        return isinstance(value, dict) and (more is None or all(allows(more, x) for x in value.values()))  # type: ignore[arg-type]
    types = {"integer": int, "number": (int, float), "string": str, "boolean": bool, "null": type(None)}
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, types[kind])  # type: ignore[index, arg-type]


def complaints(line: str) -> list[str]:
    """What the schema has against a line. Unknown fields are a complaint here: a writer must not have any."""
    fields = json.loads(line)
    definition = schema()["$defs"][fields["e"]]
    found = [f"{name} is missing" for name in definition["required"] if name not in fields]
    for name, value in fields.items():
        if name not in definition["properties"]:
            found.append(f"{name} is not in the schema")
        elif not allows(definition["properties"][name], value):
            found.append(f"{name} is {value!r}")
    return found


@given(EVENTS)
def test_every_event_is_as_the_schema_says(event: ev.Event) -> None:
    assert complaints(encode(event)) == []


def test_synthetic_journals_are_as_the_schema_says() -> None:
    for event in synthetic(Shape(tasks=200, failures=0.1, lost=0.05)):
        assert complaints(encode(event)) == []


# -- the page


def test_the_page_describes_every_kind_and_field() -> None:
    page = DOCS / "journal.md"
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^### (.+)$", text, re.MULTILINE) == list(ev.KINDS)
    parts = re.split(r"^### .+$", text, flags=re.MULTILINE)[1:]
    for record, part in zip(ev.KINDS.values(), parts, strict=True):
        assert record.help in part.replace("\n", " ")
        rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", part, re.MULTILINE)
        fields = [item for item in dataclasses.fields(record) if item.name != "t"]
        assert [name for name, _, _ in rows] == [item.name for item in fields]
        for item, (_, kind, words) in zip(fields, rows, strict=True):
            assert words.startswith(item.metadata["doc"])
            needed = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
            assert kind.endswith("may be missing") != needed
    assert f"schema: {VERSION}." in text


def test_the_example_lines_of_the_page_are_events() -> None:
    text = (DOCS / "journal.md").read_text(encoding="utf-8")
    lines = text.partition("```json\n")[2].partition("```")[0].splitlines()
    assert [type(decode(line)) for line in lines] == [ev.RunStart, ev.Task, ev.RunEnd]
    assert not any(complaints(line) for line in lines)
