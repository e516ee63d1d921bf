"""When what happened: the moments of a response, the gaps of its output, and reads that events shared."""

from __future__ import annotations

from itertools import pairwise

import pytest
from replies import CHAT, DONE, FINISH, LAST_CHUNK, ROLE, Result, chunk, delta, head, read_timed, stream, usage

from fastbench._core.ring import FLAGS
from fastbench._core.wire import ReplyReader

MS = 1_000_000


def test_moments() -> None:
    """Head, first and last output and `[DONE]` have the stamps of the reads that held their last bytes."""
    raw = [head("text/event-stream", "Transfer-Encoding: chunked"), *map(chunk, (ROLE, delta("a"), delta("b"), FINISH))]
    pieces = [*raw, chunk(DONE), LAST_CHUNK]
    result = read_timed([(piece, (k + 1) * MS, 0) for k, piece in enumerate(pieces)])
    row = result.row
    assert row["headers_ns"] == 1 * MS
    assert (row["first_token_ns"], row["last_token_ns"]) == (3 * MS, 4 * MS)
    assert row["end_ns"] == 6 * MS
    assert result.token_ns().tolist() == [3 * MS, 4 * MS]


def test_the_end_without_done_is_that_of_the_body() -> None:
    """Without `[DONE]` the stream ends with the message."""
    raw = stream(delta("a", "stop"))
    assert read_timed([(raw[:-1], 1 * MS, 0), (raw[-1:], 2 * MS, 0)]).row["end_ns"] == 2 * MS


def test_output_behind_done_moves_the_end() -> None:
    """`[DONE]` before further output was not the end; the next one is."""
    pieces = [stream(delta("a"), DONE, last=b""), chunk(delta("b", "stop")), chunk(DONE), LAST_CHUNK]
    row = read_timed([(piece, (k + 1) * MS, 0) for k, piece in enumerate(pieces)]).row
    assert (row["events"], row["last_token_ns"], row["end_ns"]) == (2, 2 * MS, 3 * MS)


def test_the_first_of_two_dones_is_the_end() -> None:
    """A second `[DONE]` moves nothing."""
    pieces = [stream(delta("a", "stop"), DONE, last=b""), chunk(DONE), LAST_CHUNK]
    assert read_timed([(piece, (k + 1) * MS, 0) for k, piece in enumerate(pieces)]).row["end_ns"] == 1 * MS


def test_a_failed_request_ends_when_it_failed() -> None:
    """Where the outcome is not `ok`, `[DONE]` is not the end."""
    pieces = [stream(delta("a"), DONE, last=b""), LAST_CHUNK]
    assert read_timed([(piece, (k + 1) * MS, 0) for k, piece in enumerate(pieces)]).row["end_ns"] == 2 * MS


def test_a_given_end() -> None:
    """The end of a response that did not complete is the moment that is passed in."""
    reader = ReplyReader(CHAT)
    reader.feed(head(), 5)
    assert Result(reader.end("timeout", 99)).row["end_ns"] == 99


def timed_stream(gaps_us: list[int]) -> Result:
    """One output event in each read, the given microseconds apart."""
    stamp = 7 * MS
    pieces = [(stream(delta("a"), last=b""), stamp, 0)]
    for gap in gaps_us:
        stamp += gap * 1000
        pieces.append((chunk(delta("b")), stamp, 0))
    return read_timed([*pieces, (chunk(FINISH) + LAST_CHUNK, stamp, 0)])


def test_gaps_are_exact() -> None:
    """Every distance between output events comes back to the microsecond, on both sides of the escape."""
    gaps = [0, 1, 999, 1000, 65_533, 65_534, 65_535, 65_536, 1_000_000, 60_000_000, 3]
    result = timed_stream(gaps)
    assert result.row["escapes"] == 4
    moments = result.token_ns().tolist()
    assert [(b - a) // 1000 for a, b in pairwise(moments)] == gaps
    assert not result.row["flags"] & FLAGS["clipped"]


def test_stamps_are_rounded_not_summed() -> None:
    """Gaps of a fraction of a microsecond do not add up to an error: no stamp is off by more than half of one."""
    stamps = [7 * MS + 1300 * k for k in range(1000)]
    pieces = [(stream(delta("a"), last=b""), stamps[0], 0), *((chunk(delta("b")), at, 0) for at in stamps[1:])]
    moments = read_timed([*pieces, (chunk(FINISH) + LAST_CHUNK, stamps[-1], 0)]).token_ns().tolist()
    assert max(abs(a - b) for a, b in zip(moments, stamps, strict=True)) <= 500


def test_stamps_beyond_71_minutes_are_clipped() -> None:
    """An output event later than 2**32 us after the first one is clipped and flagged; the last moment stays exact."""
    result = timed_stream([1_000_000, 4_294_967_295 - 1_000_000, 5, 1])
    assert result.row["flags"] & FLAGS["clipped"]
    assert result.batch.gaps.tolist()[2:] == [0, 0]
    assert result.row["last_token_ns"] == 7 * MS + (4_294_967_295 + 6) * 1000
    assert not timed_stream([4_294_967_295]).row["flags"] & FLAGS["clipped"]


@pytest.mark.parametrize("count", [1, 63, 64, 65, 127, 128, 129, 5000])
def test_streams_longer_than_a_ring_row(count: int) -> None:
    """A stream keeps all of its stamps where its row of the ring is full."""
    gaps = [(7 * k) % 1000 for k in range(count - 1)]
    assert timed_stream(gaps).batch.gaps.tolist() == gaps


def test_events_that_share_a_read() -> None:
    """Output events beyond the first of a read are counted as shared; other events are not."""
    pieces = [
        (stream(ROLE, delta("a"), delta("b"), last=b""), 1 * MS, 0),
        (chunk(delta("c")), 2 * MS, 0),
        (chunk(delta("d")) + chunk(delta("e")) + chunk(delta("f")) + chunk(FINISH) + chunk(DONE), 3 * MS, 0),
        (LAST_CHUNK, 4 * MS, 0),
    ]
    result = read_timed(pieces)
    assert result.row["shared_events"] == 1 + 2
    assert result.batch.gaps.tolist() == [0, 1000, 1000, 0, 0]
    assert result.batch.marks.size == result.row["marks"] == 0


def test_marks() -> None:
    """Events that shared a read which the reactor took late are marked with how far off their stamps may be."""
    two = chunk(delta("x")) + chunk(delta("y"))
    pieces = [
        (stream(delta("a"), delta("b"), last=b""), 1 * MS, 1),
        (two, 2 * MS, 1_000),
        (chunk(delta("c")), 3 * MS, 5 * MS),
        (two + two, 4 * MS, 2_500_001),
        (two, 5 * MS, 0),
        (chunk(ROLE) + chunk(usage(1, 1)), 6 * MS, MS),
        (two, 7 * MS, 1 << 62),
        (chunk(FINISH) + LAST_CHUNK, 8 * MS, MS),
    ]
    result = read_timed(pieces)
    assert result.batch.marks.tolist() == [(0, 2, 1), (2, 2, 1), (5, 4, 2501), (11, 2, 0xFFFFFFFF)]
    assert result.row["marks"] == 4


def test_an_output_event_that_shares_a_late_read_is_marked() -> None:
    """One output event is uncertain too where another event shares its late read: the stamp may be that one's."""
    reader = ReplyReader(CHAT)
    whole = stream(delta("a"), delta("b"), FINISH, DONE)
    cut = whole.index(b'"b"') - 40
    start = whole.rindex(b"data: ", 0, cut + 40)
    reader.feed(whole[:start], 1_000_000)
    reader.feed(whole[start:], 50_000_000, 45_000_000)
    assert reader.end().marks.tolist() == [(1, 1, 45_000)]


@pytest.mark.parametrize("ends", [(), (17,), (23,)])
def test_output_behind_an_event_marked_as_an_error(ends: tuple[int, ...]) -> None:
    """An output event that looks like one before it, which was marked as an error, has the moment of the first answer,
    however its bytes are cut."""
    marked = b"event: error\n" + delta("a")
    event = chunk(delta("b"))
    cuts = [0, *ends, len(event)]
    parts = [event[begin:end] for begin, end in pairwise(cuts)]
    pieces = [stream(marked, last=b""), *parts, chunk(FINISH), LAST_CHUNK]
    row = read_timed([(piece, (k + 1) * MS, 0) for k, piece in enumerate(pieces)]).row
    assert (row["events"], row["first_token_ns"], row["answer_ns"]) == (1, (1 + len(parts)) * MS, (1 + len(parts)) * MS)
