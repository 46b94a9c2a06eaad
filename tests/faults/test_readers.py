"""Whatever is in a file that comes from outside: its reader copes, or says so in one line."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zexus_parallel_plugin.config import CONFIG_FILE, ParallelConfig, resolve_config
from zexus_parallel_plugin.config import settings as all_settings
from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.journal.catalog import runs, totals
from zexus_parallel_plugin.journal.model import RunState
from zexus_parallel_plugin.journal.reader import JournalReader, read_all
from zexus_parallel_plugin.kinds import read_faults
from zexus_parallel_plugin.runtime.loops.messages import decode_result
from zexus_parallel_plugin.runtime.task import decode_records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = [setting.name for setting in all_settings()]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(NAMES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KINDS = (
    "run.start", "run.end", "task.start", "task.retry", "worker.start", "worker.exit", "metrics", "output",
    "source", "chunk", "loop", "nothing",
)  # fmt: skip
FIELDS = ("v", "run", "time", "pid", "worker", "task", "cause", "signal", "code", "counts", "text")
LINES = st.one_of(
    st.binary(max_size=60),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {"e": st.sampled_from(KINDS), "t": st.floats() | st.integers() | st.text(max_size=3)},
        optional=dict.fromkeys(FIELDS, VALUES),
    ).map(lambda value: json.dumps(value).encode()),
)
START = json.dumps({"e": "run.start", "t": 0.0, "v": 1, "run": "r", "time": 0.0, "pid": 1}).encode()


@QUICK
@given(st.lists(LINES, max_size=12), st.booleans(), st.booleans())
def test_a_journal(tmp_path: Path, lines: list[bytes], begun: bool, ended: bool) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"\n".join([START, *lines] if begun else lines) + b"\n" * ended)
    state = RunState()
    with JournalReader(path) as reader:
        state.feed(reader.poll())
        assert reader.corrupt + reader.unknown <= len(b"\n".join(lines).split(b"\n")) + 1
    assert "\n" not in complaint(lambda: list(read_all(path)))
    for run in runs(tmp_path):
        totals(run)


def complaint(act: Callable[[], object]) -> str:
    """What an error of ours says; empty if there is none."""
    try:
        act()
    except ZexusParallelError as error:
        return str(error)
    return ""


def is_refused(path: Path) -> bool:
    """Whether the configuration beside a program is refused; if so, in one line that names the file."""
    said = complaint(lambda: resolve_config(program=path.parent / "p.zx", environ={}))
    assert "\n" not in said
    assert said.startswith(str(path) if said else "")
    return bool(said)


@QUICK
@given(st.binary(max_size=200))
def test_a_configuration_of_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / CONFIG_FILE
    path.write_bytes(b"[backend.parallel]\n" + data)
    is_refused(path)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        return str(value)
    return json.dumps("" if value is None else value)


@QUICK
@given(st.dictionaries(st.sampled_from([*NAMES, "worker", "x"]), VALUES, max_size=4))
def test_a_configuration_of_any_values(tmp_path: Path, table: dict[str, Any]) -> None:
    path = tmp_path / CONFIG_FILE
    text = "[backend.parallel]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in table.items())
    path.write_text(text, encoding="utf-8", errors="replace")
    assert is_refused(path) or not {"worker", "x"} & table.keys()


@QUICK
@given(st.sampled_from(all_settings()), st.text(max_size=30))
def test_a_variable_of_any_text(setting: Any, text: str) -> None:
    environ = {setting.variables[0]: text}
    said = complaint(lambda: resolve_config(environ=environ))
    assert "\n" not in said
    if said:
        assert said.startswith(f"{setting.variables[0]} must be ")
    else:  # what was read is valid
        ParallelConfig(**{setting.name: getattr(resolve_config(environ=environ), setting.name)})


@QUICK
@given(st.text(alphabet="kilexthang@=~,.0123456789 ", max_size=20))
def test_rules_of_faults(text: str) -> None:
    try:
        rules = read_faults(text)
    except ValueError:
        return
    assert all(rule.number >= 0 for rule in rules)


@QUICK
@given(st.binary(max_size=80), VALUES)
def test_results_of_workers(data: bytes, value: Any) -> None:
    for payload in (data, pickle.dumps(value), pickle.dumps(value)[:-2]):
        for decode in (decode_records, lambda payload: decode_result(payload, list)):
            try:
                decode(payload)
            except ValueError:
                continue
