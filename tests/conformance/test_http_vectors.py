"""The response parser against RFC 9112, however the bytes are cut (promise R5)."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from every import every
from hypothesis import given
from hypothesis import strategies as st

from fastbench._core.wire import HttpParser

from .cuts import at_places, every_way
from .http_reference import dechunk
from .http_vectors import CHUNKED, OK, REFUSED, VECTORS, Refused, Vector

BY_NAME = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
CHUNK_PARTS = (
    b"0", b"1", b"2", b"5", b"a", b"F", b"00000000", b"8", b"7", b";", b";x=y", b" ", b"\t", b"\r", b"\n", b"\r\n",
    b"1\r\na\r\n", b"3\r\nabc\r\n", b"0\r\n", b"0\r\n\r\n", b"X: y\r\n", b"g", b"\x00", b"hello",
)  # fmt: skip
BODIES = st.lists(st.sampled_from(CHUNK_PARTS), max_size=24).map(b"".join)
PLACES = st.lists(st.integers(0, 120), max_size=10)


class Parsed(NamedTuple):
    body: bytes
    status: int
    keep_alive: bool
    ends: str
    left: bytes
    content_type: str


def parse(pieces: list[bytes]) -> Parsed:
    parser = HttpParser()
    body = left = b""
    for piece in pieces:
        more, behind = parser.feed(piece)
        body += more
        left += behind
    ends = "framing" if parser.complete else "eof" if parser.eof() else "cut"
    return Parsed(body, parser.status, parser.keep_alive, ends, left, parser.content_type)


@every("vector", VECTORS)
def test_vectors_under_every_cut(vector: Vector) -> None:
    """A response means the same whole, cut in two anywhere, byte by byte and in random pieces."""
    expected = Parsed(*vector[3:])
    for pieces in every_way(vector.raw):
        assert parse(pieces) == expected, pieces


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector.name)
def test_refused_under_every_cut(vector: Refused) -> None:
    """What would make the framing ambiguous is refused for the same reason however it is cut."""
    for pieces in every_way(vector.raw):
        with pytest.raises(ValueError, match=vector.reason):
            parse(pieces)


@every("vector", VECTORS)
def test_vectors_before_their_last_byte(vector: Vector) -> None:
    """No shorter beginning of a response is complete by framing."""
    message = vector.raw.removesuffix(vector.left) if vector.left else vector.raw
    for size in range(len(message)):
        assert parse([message[:size]]).ends != "framing", size


@given(BODIES, PLACES)
def test_random_chunks_against_the_reference(chunks: bytes, places: list[int]) -> None:
    """Any chunked body, cut anywhere, is complete, open or refused as the reference says, with the same bytes."""
    parser = HttpParser()
    parser.feed(OK + CHUNKED)
    body = b""
    state = "more"
    for piece in at_places(chunks, places):
        try:
            body += parser.feed(piece)[0]
        except ValueError:
            state = "bad"
            break
    if parser.complete:
        state = "complete"
    expected_state, expected_body = dechunk(chunks)
    assert state == expected_state
    assert expected_body.startswith(body) if state == "bad" else body == expected_body


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), PLACES, st.sampled_from([b"", b";a=b", b" ;c"]))
def test_any_body_survives_chunking(parts: list[bytes], places: list[int], extension: bytes) -> None:
    """What was chunked comes out as it went in."""
    chunks = b"".join(b"%X%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)
    parsed = parse(at_places(OK + CHUNKED + chunks + b"0\r\n\r\n", places))
    assert (parsed.body, parsed.ends) == (b"".join(parts), "framing")


@BY_NAME
def test_vectors_against_llhttp(vector: Vector) -> None:
    """Where llhttp, the parser of Node, accepts a vector too, it reads the same status and body."""
    httptools = pytest.importorskip("httptools", reason="needs httptools, the second parser to compare with")

    class Heard:
        """What llhttp says of the final response."""

        def __init__(self) -> None:
            self.body = b""
            self.heads = 0

        def on_headers_complete(self) -> None:
            self.heads += 1

        def on_body(self, data: bytes) -> None:
            self.body += data

    heard = Heard()
    parser = httptools.HttpResponseParser(heard)
    try:
        parser.feed_data(vector.raw.removesuffix(vector.left) if vector.left else vector.raw)
    except httptools.HttpParserError as error:
        pytest.skip(f"llhttp refuses it: {error}")
    if heard.heads == 0:
        pytest.skip("llhttp saw no whole head")
    if vector.status:
        assert parser.get_status_code() == vector.status
    assert heard.body == vector.body
