"""The event-stream scanner against WHATWG HTML 9.2.5-9.2.6, however the bytes are cut (promise R5)."""

from __future__ import annotations

import pytest
from every import every
from hypothesis import given
from hypothesis import strategies as st
from replies import CHAT, head, read

from fastbench._core.wire import SseParser

from .cuts import at_places, every_way
from .sse_reference import decode
from .sse_vectors import VECTORS, Vector

FRAGMENTS = (
    b"data", b"data: ", b"event: error", b"event", b"error", b"id", b"x", b":", b" ", b"\t", b"\x00", b"\xff",
    b"\r", b"\n", b"\r\n", b"\n\n", b"\r\r", b"\xef\xbb\xbf", b"\xef", b"\xbb", b"\xe2\x82\xac",
)  # fmt: skip
STREAMS = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(b"".join)


def parse(pieces: list[bytes]) -> list[bytes]:
    parser = SseParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@every("vector", VECTORS)
def test_the_reference_reads_the_vectors(vector: Vector) -> None:
    """The plain decoder that judges random streams gives each vector's events and types."""
    events = decode(vector.stream)
    assert [data for _, data in events] == vector.events
    assert any(kind == b"error" for kind, _ in events) == vector.error


@every("vector", VECTORS)
def test_vectors_under_every_cut(vector: Vector) -> None:
    """A vector gives its events whole, cut in two anywhere, byte by byte and in random pieces."""
    for pieces in every_way(vector.stream):
        assert parse(pieces) == vector.events, pieces


@pytest.mark.parametrize("vector", [v for v in VECTORS if set(v.events) <= {b"{}", b'{"a":1}'}], ids=lambda v: v.name)
def test_error_events_under_every_cut(vector: Vector) -> None:
    """A response fails by its stream exactly when an event has the type `error`, however it is cut."""
    start = head("text/event-stream")
    expected = "stream_error" if vector.error else "empty"
    for pieces in every_way(vector.stream):
        assert read([start, *pieces], CHAT).outcome == expected, pieces


@given(STREAMS, st.lists(st.integers(0, 200), max_size=12))
def test_random_streams_against_the_reference(stream: bytes, places: list[int]) -> None:
    """Any stream, cut anywhere, gives the events of the reference."""
    assert parse(at_places(stream, places)) == [data for _, data in decode(stream)]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=12))
def test_random_bytes_against_the_reference(stream: bytes, places: list[int]) -> None:
    """Bytes without any sense give the events of the reference too."""
    assert parse(at_places(stream, places)) == [data for _, data in decode(stream)]
