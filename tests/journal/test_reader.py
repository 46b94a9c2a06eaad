"""The reader takes everything that can be in a file, and never gives an event twice or half."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.codec import decode, encode
from zexus_parallel_plugin.journal.model import RunState
from zexus_parallel_plugin.journal.reader import JournalError, JournalReader, read_all, read_start

from .synthetic import Shape, synthetic

EVENTS = list(synthetic(Shape(tasks=60, workers=3, failures=0.2, lost=0.1, seed=3)))
LINES = [encode(event).encode() for event in EVENTS]
WHOLE = b"".join(LINES)
READ = [decode(line) for line in LINES]  # times are rounded in a file

in_a_directory = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(st.lists(st.integers(0, len(WHOLE)), max_size=8), st.integers(1, 5000))
@in_a_directory
def test_a_growing_file_is_read_piece_by_piece(tmp_path: Path, cuts: list[int], limit: int) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"")
    found: list[ev.Event] = []
    written = 0
    with JournalReader(path) as reader:
        for cut in sorted([*cuts, len(WHOLE)]):
            with path.open("ab") as file:
                file.write(WHOLE[written:cut])
            written = cut
            while True:
                found += reader.poll(limit)
                if reader.behind <= len(WHOLE[reader.offset : written].rpartition(b"\n")[2]):
                    break
            # No event is there before its line is, none is missing after that.
            assert len(found) == WHOLE[:written].count(b"\n")
        assert (reader.corrupt, reader.unknown, reader.generation) == (0, 0, 0)
        assert reader.version == ev.VERSION
    assert found == READ


@given(st.integers(0, len(WHOLE)))
@in_a_directory
def test_any_beginning_of_a_journal_gives_its_whole_lines(tmp_path: Path, length: int) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(WHOLE[:length])
    with JournalReader(path) as reader:
        events = reader.poll()
    assert reader.corrupt == 0
    assert events == READ[: WHOLE[:length].count(b"\n")]


@given(st.data())
@in_a_directory
def test_damage_costs_the_lines_that_it_hits(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "run.jsonl"
    start = data.draw(st.integers(0, len(WHOLE) - 1))
    rubbish = data.draw(st.binary(min_size=1, max_size=300))
    damaged = WHOLE[:start] + rubbish + WHOLE[start + len(rubbish) :]
    path.write_bytes(damaged)
    with JournalReader(path) as reader:
        events = reader.poll()
    before, after = WHOLE[:start].count(b"\n"), WHOLE[start + len(rubbish) :].count(b"\n")
    assert events[:before] == READ[:before]
    kept = after - 1 if after else 0  # the first line after the damage is hit as well, unless it begins there
    assert events[len(events) - kept :] == READ[len(READ) - kept :]
    assert reader.corrupt <= rubbish.count(b"\n") + 1
    assert bool(reader.first_corrupt) == bool(reader.corrupt)
    state = RunState()
    state.feed(events)  # whatever was lost, the rest makes a state


@given(st.lists(st.binary(max_size=40), max_size=30))
@in_a_directory
def test_a_file_of_rubbish_is_read_to_its_end(tmp_path: Path, pieces: list[bytes]) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"\n".join(pieces))
    with JournalReader(path) as reader:
        assert not any(isinstance(event, ev.RunStart) for event in reader.poll())
        assert reader.offset <= path.stat().st_size


def test_a_file_that_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with JournalReader(path) as reader:
        assert reader.poll() == []
        path.write_bytes(LINES[0])
        assert reader.poll() == READ[:1]
        assert reader.generation == 0


def test_a_replaced_file_begins_anew(tmp_path: Path) -> None:
    path, other = tmp_path / "run.jsonl", tmp_path / "other.jsonl"
    path.write_bytes(WHOLE)
    other.write_bytes(LINES[0] + LINES[1])
    with JournalReader(path) as reader:
        reader.poll()
        other.replace(path)
        assert reader.poll() == READ[:2]
        assert reader.generation == 1


def test_a_shortened_file_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(WHOLE)
    with JournalReader(path) as reader:
        reader.poll()
        path.write_bytes(LINES[0])
        assert reader.poll() == READ[:1]
        assert reader.generation == 1


def test_a_removed_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(WHOLE)
    with JournalReader(path) as reader:
        first = reader.poll(1000)
        path.unlink()
        rest = reader.poll()
    assert [*first, *rest] == READ


def test_a_line_without_an_end_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zexus_parallel_plugin.journal.reader._LONGEST_LINE", 1000)
    monkeypatch.setattr("zexus_parallel_plugin.journal.reader._PIECE", 300)
    path = tmp_path / "run.jsonl"
    path.write_bytes(LINES[2] + b"x" * 5000 + b"\n" + LINES[3])
    with JournalReader(path) as reader:
        assert reader.poll() == READ[2:4]
        assert (reader.corrupt, reader.first_corrupt) == (1, "a line is too long")


def test_a_file_that_is_no_journal_is_an_error_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "program.zx"
    with pytest.raises(JournalError, match=r"program\.zx: cannot be read: No such file"):
        read_start(path)
    path.write_text("print(1);\n")
    with pytest.raises(JournalError, match=r"program\.zx is not a journal"):
        list(read_all(path))
    path.write_text('{"e":"run.start","t":0,"v":999,"run":"x","time":0,"pid":1}\n')
    with pytest.raises(JournalError, match=r"version 999, this program reads up to 1; update"):
        read_start(path)


def test_all_of_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(WHOLE + b'{"e":"task"')
    assert list(read_all(path)) == READ


def test_a_directory_cannot_be_read(tmp_path: Path) -> None:
    with JournalReader(tmp_path) as reader, pytest.raises(JournalError, match="cannot be read"):
        reader.poll()
