"""Response parser: what it hands out and when, its limits, and work in proportion to the bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from linear import growth

from fastbench._core.wire import MAX_EXTENSIONS, MAX_HEAD, HttpParser

KIB = 1024
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def test_the_head_is_known_at_its_last_byte() -> None:
    """The head is complete with the LF of its empty line, not before and not later."""
    parser = HttpParser()
    parser.feed(OK + b"Content-Length: 3\r\n\r")
    assert not parser.head_complete
    parser.feed(b"\n")
    assert parser.head_complete
    assert not parser.complete


def test_an_interim_head_is_none() -> None:
    """A 1xx response does not complete the head."""
    parser = HttpParser()
    parser.feed(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
    assert not parser.head_complete


def test_body_bytes_come_out_at_once() -> None:
    """A part of a chunk is handed out with the read that brought it."""
    parser = HttpParser()
    assert parser.feed(CHUNKED + b"a\r\nhel") == (b"hel", b"")
    assert parser.feed(b"lo") == (b"lo", b"")
    assert parser.feed(b"12345\r\n0\r\n\r\nrest") == (b"12345", b"rest")
    assert parser.complete


def test_nothing_is_taken_behind_the_end() -> None:
    """A complete parser leaves all further bytes alone."""
    parser = HttpParser()
    parser.feed(OK + b"Content-Length: 0\r\n\r\n")
    assert parser.feed(b"HTTP/1.1 200 OK\r\n") == (b"", b"HTTP/1.1 200 OK\r\n")


def test_a_refused_response_stays_refused() -> None:
    """After a fault every further byte is refused for the same reason."""
    parser = HttpParser()
    for data in (CHUNKED + b"x", b"0\r\n\r\n"):
        with pytest.raises(ValueError, match="chunk size"):
            parser.feed(data)
    assert not parser.eof()


def feed_all(data: bytes, size: int | None = None) -> HttpParser:
    parser = HttpParser()
    step = size or len(data)
    for at in range(0, len(data), step):
        parser.feed(data[at : at + step])
    return parser


def head_of(size: int) -> bytes:
    """A head of just so many bytes."""
    end = b"\r\nContent-Length: 0\r\n\r\n"
    start = OK + b"X: "
    return start + b"x" * (size - len(start) - len(end)) + end


@pytest.mark.parametrize("piece", [None, KIB, 4097])
def test_the_head_has_a_limit(piece: int | None) -> None:
    """A head of the limit is taken, one byte more is refused, however it is cut."""
    assert feed_all(head_of(MAX_HEAD), piece).complete
    with pytest.raises(ValueError, match="longer than 256 KiB"):
        feed_all(head_of(MAX_HEAD + 1), piece)


@pytest.mark.parametrize(
    "start",
    [OK + b"X: ", OK, b"HTTP/1.1 200 ", CHUNKED + b"0\r\nX: ", b"HTTP/1.1 100 x\r\n\r\n" * 9 + OK + b"X: "],
    ids=["one field", "head", "status line", "trailers", "behind interim heads"],
)
def test_an_endless_line_is_refused(start: bytes) -> None:
    """A line without an end is refused at the head's limit, wherever it stands."""
    with pytest.raises(ValueError, match="longer than 256 KiB"):
        feed_all(start + b"x" * MAX_HEAD, 1000)


@pytest.mark.parametrize(
    "data",
    [b"\r\n" * MAX_HEAD, b"HTTP/1.1 100 x\r\n\r\n" * (MAX_HEAD // 18 + 1), CHUNKED + b"0\r\n" + b"X: y\r\n" * MAX_HEAD],
    ids=["empty lines", "interim heads", "trailers"],
)
def test_endless_lines_are_refused(data: bytes) -> None:
    """What may be repeated before or behind the body is bounded by the head's limit all together."""
    with pytest.raises(ValueError, match="longer than 256 KiB"):
        feed_all(data)


@pytest.mark.parametrize("piece", [None, 1000])
def test_chunk_extensions_have_a_limit(piece: int | None) -> None:
    """The extensions of a chunk are bounded; those of a long reply, of which nothing is kept, may be more in all."""
    longest = b"1;" + b"x" * (MAX_EXTENSIONS - 1) + b"\r\na\r\n"
    assert not feed_all(CHUNKED + longest * 3, piece).complete
    with pytest.raises(ValueError, match="extensions"):
        feed_all(CHUNKED + longest + b"1;x" + longest[2:], piece)


HOSTILE: dict[str, tuple[int, int | None, Callable[[int], bytes]]] = {
    "chunks of one byte": (64 * KIB, None, lambda n: CHUNKED + b"1\r\nx\r\n" * (n // 6)),
    "chunks of one byte, a byte each": (12 * KIB, 1, lambda n: CHUNKED + b"1\r\nx\r\n" * (n // 6)),
    "short fields": (16 * KIB, None, lambda n: OK + b"a:\n" * (n // 3)),
    "one field in pieces": (60 * KIB, 16, lambda n: OK + b"X: " + bytes(n)),
    "a field of spaces": (60 * KIB, None, lambda n: OK + b"X:" + b" " * n + b"\n"),
    "commas": (60 * KIB, None, lambda n: OK + b"Connection: " + b"," * n + b"\n"),
    "a long body in pieces": (KIB * KIB, KIB, lambda n: OK + b"\r\n" + bytes(n)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_work_is_linear(name: str) -> None:
    """Four times the hostile bytes take far less than the sixteen times of quadratic work."""
    size, piece, make = HOSTILE[name]

    def work(count: int) -> Callable[[], object]:
        data = make(count)
        return lambda: feed_all(data, piece)

    assert growth(work, size) < 8


@pytest.mark.parametrize("data", [b"\x00\x00\x12\x04", b"HTTP/2", b"SSH-2.0-x", b"h"])
def test_another_protocol_is_refused_without_a_line_end(data: bytes) -> None:
    """Bytes that cannot become a status line are refused at once: their line may never end."""
    with pytest.raises(ValueError, match="does not begin with an HTTP"):
        HttpParser().feed(data)


@pytest.mark.parametrize("data", [b"H", b"HTTP/1.", b"HTTP/1.1 2", b"\r", b"\r\nHTT"])
def test_the_beginning_of_a_status_line_is_waited_for(data: bytes) -> None:
    """What may still become a status line is not refused."""
    assert HttpParser().feed(data) == (b"", b"")
