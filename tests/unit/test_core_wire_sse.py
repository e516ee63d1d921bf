"""Event-stream scanner: when an event comes out, its limits, and work in proportion to the bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from linear import growth

from fastbench._core.wire import MAX_EVENT, SseParser

KIB = 1024


def parse(*pieces: bytes) -> list[bytes]:
    parser = SseParser()
    return [event for piece in pieces for event in parser.feed(piece)]


def test_cr_completes_an_event_at_once() -> None:
    """An event whose blank line ends with CR comes out before the next byte, so its stamp does not wait."""
    parser = SseParser()
    assert parser.feed(b"data: a\r\n\r") == [b"a"]


def test_lf_behind_a_cr_belongs_to_it() -> None:
    """A LF that a later read brings ends no second line."""
    parser = SseParser()
    assert parser.feed(b"data: a\r") == []
    assert parser.feed(b"\ndata: b\r") == []
    assert parser.feed(b"\n\r") == [b"a\nb"]
    assert parser.feed(b"\ndata: c\n\n") == [b"c"]


def test_events_of_one_read_come_in_order() -> None:
    """A read with many events gives all of them, in their order."""
    data = b"".join(b"data: %d\n\n" % k for k in range(1000))
    assert SseParser().feed(data) == [b"%d" % k for k in range(1000)]


def test_data_outlive_the_read_that_brought_them() -> None:
    """A value is kept when the read that held it has gone."""
    parser = SseParser()
    for piece in (b"data: one\n", b"data: two\n", b": hi\n", b"data: three\n"):
        assert parser.feed(bytes(bytearray(piece))) == []
    assert parser.feed(b"\n") == [b"one\ntwo\nthree"]


@pytest.mark.parametrize("cut", [None, 5, 7, KIB, MAX_EVENT], ids=str)
def test_a_line_above_the_limit_is_refused(cut: int | None) -> None:
    """A line of more than the limit is refused, whether it comes in one read or in two."""
    line = b"data: " + bytes(MAX_EVENT - 5) + b"\n"
    with pytest.raises(ValueError, match="more than"):
        parse(line[:cut], line[cut or len(line) :])


@pytest.mark.parametrize("cut", [None, 5, MAX_EVENT], ids=str)
def test_a_line_at_the_limit_is_taken(cut: int | None) -> None:
    """A line of just the limit is an event, whether it comes in one read or in two."""
    stream = b"data: " + bytes(MAX_EVENT - 6) + b"\n\n"
    assert [len(event) for event in parse(stream[:cut], stream[cut or len(stream) :])] == [MAX_EVENT - 6]


def test_an_event_above_the_limit_is_refused() -> None:
    """Many short data lines of one event are refused when together they pass the limit."""
    lines = b"data: " + bytes(MAX_EVENT // 8) + b"\n"
    with pytest.raises(ValueError, match="more than"):
        parse(*[lines] * 9)


def test_a_comment_may_have_any_length() -> None:
    """A comment longer than the limit is ignored, cut or whole."""
    long = bytes(MAX_EVENT + 1)
    assert parse(b":" + long + b"\ndata: a\n\n", b":", long, long, b"\ndata: b\n", b"\n") == [b"a", b"b"]


def whole(data: bytes) -> Callable[[], object]:
    return lambda: parse(data)


def in_pieces(data: bytes, size: int) -> Callable[[], object]:
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    return lambda: parse(*pieces)


HOSTILE: dict[str, tuple[int, Callable[[int], Callable[[], object]]]] = {
    "CRs alone": (64 * KIB, lambda n: whole(b"\r" * n)),
    "LFs alone": (64 * KIB, lambda n: whole(b"\n" * n)),
    "lines that end with CR": (64 * KIB, lambda n: whole(b"data: x\r" * (n // 8))),
    "CR lines before one LF": (64 * KIB, lambda n: whole(b"x\r" * (n // 2) + b"\n")),
    "events that end with CR": (64 * KIB, lambda n: whole(b"data: x\r\r" * (n // 9))),
    "data lines of one event": (64 * KIB, lambda n: whole(b"data\n" * (n // 5))),
    "data lines, a read each": (64 * KIB, lambda n: in_pieces(b"data: abc\n" * (n // 10), 10)),
    "colons": (64 * KIB, lambda n: whole(b":" * n)),
    "a long line in pieces": (KIB * KIB, lambda n: in_pieces(b"data: " + bytes(n) + b"\n\n", KIB)),
    "a long comment in pieces": (KIB * KIB, lambda n: in_pieces(b": " + bytes(n) + b"\n\n", KIB)),
    "a byte each": (16 * KIB, lambda n: in_pieces(b"data: x\r\n\r\n" * (n // 11), 1)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_work_is_linear(name: str) -> None:
    """Four times the hostile bytes take far less than the sixteen times of quadratic work."""
    size, work = HOSTILE[name]
    assert growth(work, size) < 8
