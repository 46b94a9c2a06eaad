from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from zexus_parallel_plugin.runtime.pool import frames
from zexus_parallel_plugin.runtime.pool.channel import SocketChannel
from zexus_parallel_plugin.runtime.pool.endpoint import SocketEndpoint
from zexus_parallel_plugin.runtime.pool.errors import FrameError
from zexus_parallel_plugin.runtime.pool.frames import LARGE, Frame, FrameReader, Kind, encode
from zexus_parallel_plugin.runtime.pool.task import Failure, TaskTiming

some_frames = st.lists(
    st.builds(
        Frame,
        st.sampled_from([int(kind) for kind in Kind]),
        st.integers(0, 2**64 - 1),
        st.binary(max_size=40),
        st.one_of(
            st.binary(max_size=200), st.sampled_from([bytes(LARGE - 1), bytes(LARGE), bytes(LARGE + 7)])
        ),
    ),
    max_size=4,
)


few = hypothesis_settings(max_examples=40, deadline=None)


def stream_of(items: list[Frame]) -> bytes:
    return b"".join(b"".join(map(bytes, encode(f.kind, f.number, f.body, f.extra))) for f in items)


def plain(items: list[Frame]) -> list[Frame]:
    return [frame._replace(body=bytes(frame.body)) for frame in items]


@given(some_frames, st.lists(st.integers(1, 2 * LARGE), max_size=8))
@few
def test_frames_survive_any_cut(items, cuts):
    stream, reader, found = stream_of(items), FrameReader(), []
    while stream:
        size = cuts.pop() if cuts else len(stream)
        found += reader.feed(stream[:size])
        stream = stream[size:]
    assert plain(found) == items


@given(some_frames)
@few
def test_frames_survive_a_socket_in_both_directions(items):
    ours, theirs = socket.socketpair()
    channel, endpoint = SocketChannel(ours), SocketEndpoint(theirs)
    try:
        received = []
        for item in items:
            channel.queue(encode(item.kind, item.number, item.body, item.extra))
            while not channel.flush():
                pass  # a body that fills the socket; nobody reads it here, so bodies stay below its size
            received.append(endpoint.receive())
            endpoint.send(item.kind, item.number, item.body, item.extra)
            back = []
            while not back:
                back = channel.read()
            assert plain(back) == [item]
        assert plain(received) == items
    finally:
        channel.close()
        theirs.close()


@given(st.binary(max_size=400), some_frames, st.binary(max_size=60))
@few
def test_arbitrary_bytes_are_frames_or_an_error_never_anything_else(noise, items, more):
    reader = FrameReader()
    for piece in (noise, stream_of(items), more):
        assert all(frame.kind in list(Kind) for frame in reader.feed(piece))
    if len(noise) >= frames.HEADER_SIZE and noise[:2] != b"ZP":
        assert reader.error is not None


@given(some_frames.filter(bool), st.data())
@few
def test_one_flipped_byte_never_hangs_or_crashes_the_reader(items, data):
    stream = bytearray(stream_of(items))
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= data.draw(st.integers(1, 255))
    found = FrameReader(max_body=1 << 20).feed(stream)
    assert len(found) <= len(stream) // frames.HEADER_SIZE


@given(some_frames, st.binary(min_size=24, max_size=60).filter(lambda data: data[:2] != b"ZP"))
@few
def test_frames_before_garbage_are_not_lost_and_none_come_after_it(items, garbage):
    reader = FrameReader()
    assert plain(reader.feed(stream_of(items) + garbage)) == items
    assert isinstance(reader.error, FrameError)
    assert reader.feed(stream_of(items)) == []


@pytest.mark.parametrize(
    "head",
    [
        struct.pack("<2sBBIQQ", b"ZP", 1, Kind.TASK, frames.MAX_EXTRA + 1, 0, 0),
        struct.pack("<2sBBIQQ", b"ZP", 1, Kind.TASK, 0, 0, frames.MAX_BODY + 1),
        struct.pack("<2sBBIQQ", b"ZP", 1, Kind.TASK, 0, 0, 2**64 - 1),
        struct.pack("<2sBBIQQ", b"ZP", 2, Kind.TASK, 0, 0, 0),
        struct.pack("<2sBBIQQ", b"XP", 1, Kind.TASK, 0, 0, 0),
        struct.pack("<2sBBIQQ", b"ZP", 1, 99, 0, 0, 0),
    ],
)
def test_a_header_that_lies_is_refused_at_once(head):
    reader = FrameReader()
    assert reader.feed(head) == []
    assert reader.error is not None


def test_nothing_over_the_limit_is_sent(monkeypatch):
    monkeypatch.setattr(frames, "MAX_BODY", 10)
    with pytest.raises(FrameError, match="limit of 10"):
        encode(Kind.TASK, 1, bytes(11))


@given(st.lists(st.integers(0, 2**32 - 1), max_size=20).map(tuple))
def test_numbers_of_blobs_come_back(numbers):
    assert frames.unpack_numbers(frames.pack_numbers(numbers)) == numbers


@given(st.binary(max_size=40))
def test_a_torn_timing_or_list_is_an_error(data):
    if len(data) != 32:
        with pytest.raises(FrameError):
            frames.unpack_timing(data)
    else:
        assert isinstance(frames.unpack_timing(data), TaskTiming)
    if len(data) % 4:
        with pytest.raises(FrameError):
            frames.unpack_numbers(data)


@given(st.text(), st.text(), st.text())
def test_failures_come_back_whatever_their_texts(detail, name, trace):
    failure = Failure("error", detail, name, trace)
    assert frames.unpack_failure(frames.pack_failure(failure)) == failure


@given(st.one_of(st.binary(max_size=60), st.just(b"[" * 100_000), st.just(b'["nonsense", "", "", ""]')))
def test_a_failure_that_cannot_be_read_is_an_error(data):
    with pytest.raises(FrameError):
        frames.unpack_failure(data)


def test_half_surrogates_in_a_failure_do_not_stop_it():
    failure = Failure("error", "\ud800 is half a character", "ValueError", "")
    assert frames.unpack_failure(frames.pack_failure(failure)) == failure
